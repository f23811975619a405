//! What is asked of subgraphs, and when.

use super::{begin, gated, merge::merged};
use crate::{
    support::{caller, collect},
    table::{Tables, tables},
};
use futures::StreamExt;
use serde_json::{Value, json};
use studio_router::GraphqlRequest;

#[tokio::test]
async fn the_first_part_does_not_wait_for_the_rest() {
    let (router, reviews) = gated(|builder| builder);
    let (first, mut rest) = begin(&router, "{ me { name ... @defer { reviews { body } } } }").await;
    assert_eq!(first["data"], json!({ "me": { "name": "Ada" } }));
    // The fetch goes on while the stream is asked.
    let next = tokio::spawn(async move { rest.next().await.unwrap() });
    reviews.was_asked().await;
    assert!(!next.is_finished());
    reviews.answers.add_permits(1);
    let next: Value = serde_json::from_slice(&next.await.unwrap()).unwrap();
    assert_eq!(next["completed"], json!([{ "id": "0" }]));
}

#[tokio::test]
async fn a_fragment_does_not_wait_for_another() {
    let (router, reviews) = gated(|builder| builder);
    let query = "{ product(upc: \"p1\") { name ... @defer(label: \"slow\") { reviews { body } } \
                 ... @defer(label: \"fast\") { inStock } } }";
    let (first, mut rest) = begin(&router, query).await;
    let id = |label: &str| {
        let pending = first["pending"].as_array().unwrap().iter();
        pending.filter(|one| one["label"] == label).map(|one| one["id"].clone()).next().unwrap()
    };
    let fast: Value = serde_json::from_slice(&rest.next().await.unwrap()).unwrap();
    assert_eq!(
        fast,
        json!({
            "incremental": [{ "id": id("fast"), "data": { "inStock": true } }],
            "completed": [{ "id": id("fast") }],
            "hasNext": true
        })
    );
    reviews.answers.add_permits(1);
    let slow: Value = serde_json::from_slice(&rest.next().await.unwrap()).unwrap();
    assert_eq!(slow["completed"], json!([{ "id": id("slow") }]));
    assert_eq!(slow["hasNext"], false);
    assert!(rest.next().await.is_none());
}

#[tokio::test]
async fn root_fields_of_another_fragment_are_asked_for_at_once() {
    let (router, reviews) = gated(|builder| builder);
    let asked = tokio::spawn({
        let router = router.clone();
        async move { begin(&router, "{ reviews { id } ... @defer { me { name } } }").await }
    });
    reviews.was_asked().await;
    reviews.answers.add_permits(1);
    let (first, rest) = asked.await.unwrap();
    let mut all = vec![first];
    all.extend(collect(rest).await);
    assert_eq!(merged(&all).data["me"], json!({ "name": "Ada" }));
}

/// The parts of the answer to a query.
async fn parts(tables: &Tables, query: &str) -> Vec<Value> {
    let request = GraphqlRequest::new(query);
    collect(tables.router.subscribe(request, caller()).await.unwrap()).await
}

/// What each subgraph was sent of a query, and the answer put together.
async fn asked(query: &str) -> (Vec<String>, Vec<String>, Value) {
    let shelves = "type Query { thing: Thing list: [Thing] } \
        type Thing @key(fields: \"id\") { id: ID! name: String size: Size } \
        type Size { wide: Int high: Int }";
    let prices = "type Thing @key(fields: \"id\") { id: ID! price: Int cost: Int }";
    let thing =
        json!({ "__typename": "Thing", "id": "1", "name": "a", "size": { "wide": 2, "high": 3 } });
    let entities = json!({ "1": { "id": "1", "name": "a", "size": { "wide": 2, "high": 3 } } });
    let table = json!({ "thing": thing, "list": [thing, null, thing], "entities": entities });
    let costs = json!({ "entities": { "1": { "id": "1", "price": 7, "cost": 5 } } });
    let tables = tables(&[(shelves, table), (prices, costs)]).await;
    let all = parts(&tables, query).await;
    (tables.asked(0), tables.asked(1), merged(&all).data)
}

#[tokio::test]
async fn fields_of_the_same_subgraph_are_asked_for_by_the_entity() {
    let (first, _, data) = asked("{ thing { name ... @defer { size { wide } } } }").await;
    assert_eq!(data, json!({ "thing": { "name": "a", "size": { "wide": 2 } } }));
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(!first[0].contains("size") && first[1].contains("_entities"), "{first:?}");
}

#[tokio::test]
async fn fields_of_what_is_no_entity_are_asked_for_with_it() {
    let (first, _, data) = asked("{ thing { size { wide ... @defer { high } } } }").await;
    assert_eq!(data, json!({ "thing": { "size": { "wide": 2, "high": 3 } } }));
    assert_eq!(first.len(), 1, "{first:?}");
}

#[tokio::test]
async fn nothing_is_asked_for_twice() {
    let query = "{ list { id name ... @defer { id name price ... @defer { price cost } } \
                 ... @defer { name cost } } }";
    let (first, second, data) = asked(query).await;
    let thing = json!({ "id": "1", "name": "a", "price": 7, "cost": 5 });
    assert_eq!(data, json!({ "list": [thing, null, thing] }));
    assert_eq!(first.len(), 1, "{first:?}");
    // Of two fragments of which neither holds the other, each is asked for by itself.
    assert_eq!(second.len(), 2, "{second:?}");
    assert_eq!(second.join(" ").matches("price").count(), 1, "{second:?}");
    assert_eq!(second.join(" ").matches("cost").count(), 1, "{second:?}");
}

/// What a mere reference has of an entity that no subgraph finds by its key.
#[tokio::test]
async fn what_belongs_to_a_key_comes_with_the_object() {
    let notes = "type Query { note: Note } type Note { about: Thing } \
        type Thing @key(fields: \"id maker { id }\") { id: ID! maker: Maker! color: String } \
        type Maker @key(fields: \"id\", resolvable: false) { id: ID! }";
    let things = "type Thing @key(fields: \"id maker { id }\") { id: ID! maker: Maker! size: Int } \
        type Maker @key(fields: \"id\") { id: ID! town: String }";
    let maker = json!({ "__typename": "Maker", "id": "m" });
    let about = json!({ "__typename": "Thing", "id": "1", "maker": maker });
    let of_notes = json!({ "note": { "about": about }, "entities": {} });
    let of_things = json!({ "entities": { "m": { "id": "m", "town": "Uist" } } });
    let tables = tables(&[(notes, of_notes), (things, of_things)]).await;
    let query = "{ note { about { __typename \
        ... @defer { number: id maker { __typename id town } size color } } } }";
    let all = parts(&tables, query).await;
    assert!(all.len() > 1, "{all:?}");
    let maker = json!({ "__typename": "Maker", "id": "m", "town": "Uist" });
    let data = json!({ "note": { "about": {
        "__typename": "Thing", "number": "1", "maker": maker, "size": null, "color": null
    } } });
    let answer = merged(&all);
    assert_eq!((answer.data, answer.errors), (data, Vec::new()));
    // Only what belongs to no key is asked for by itself.
    let [_, later] = &tables.asked(0)[..] else { panic!("{:?}", tables.asked(0)) };
    assert!(later.contains("color") && !later.contains("maker"), "{later}");
    assert!(!tables.asked(1).join(" ").contains("maker"), "{:?}", tables.asked(1));
}

/// Another subgraph has the field, too, and may not know the object.
#[tokio::test]
async fn what_the_subgraph_of_the_object_has_is_asked_of_no_other() {
    for (resolvable, requests) in [(true, 2), (false, 1)] {
        let shelves = format!(
            "type Query {{ thing: Thing }} type Thing @key(fields: \"id\", resolvable: {resolvable}) \
             {{ id: ID! name: String! @shareable }}"
        );
        let prices =
            "type Thing @key(fields: \"id\") { id: ID! name: String! @shareable price: Int }";
        let thing = json!({ "__typename": "Thing", "id": "1", "name": "a" });
        let table = json!({ "thing": thing, "entities": { "1": thing } });
        let tables = tables(&[(&shelves, table), (prices, json!({ "entities": {} }))]).await;
        let all = parts(&tables, "{ thing { id ... @defer { name price } } }").await;
        let answer = merged(&all);
        let data = json!({ "thing": { "id": "1", "name": "a", "price": null } });
        assert_eq!((answer.data, answer.errors), (data, Vec::new()));
        assert_eq!(tables.asked(0).len(), requests, "{:?}", tables.asked(0));
    }
}
