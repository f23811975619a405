//! Which parts there are, and what is in each.

use super::{merge::merged, parts};
use crate::{
    subgraphs::Log,
    support::{caller, in_process, over_http, run},
};
use serde_json::{Value, json};
use studio_router::GraphqlRequest;

/// The parts of an answer without variables, the same in process and over HTTP.
async fn told(query: &str) -> Vec<Value> {
    let near = parts(&in_process(&Log::default()), query, Value::Null).await;
    let far = parts(&over_http(&Log::default()).await, query, Value::Null).await;
    assert_eq!(near, far, "in process and over HTTP differ for {query}");
    near
}

#[tokio::test]
async fn fields_of_another_subgraph_come_later() {
    let query = "{ me { name ... @defer(label: \"later\") { reviews { body } } } }";
    assert_eq!(
        told(query).await,
        [
            json!({
                "data": { "me": { "name": "Ada" } },
                "pending": [{ "id": "0", "path": ["me"], "label": "later" }],
                "hasNext": true
            }),
            json!({
                "incremental": [{ "id": "0", "data": { "reviews": [{ "body": "good" }, { "body": "fine" }] } }],
                "completed": [{ "id": "0" }],
                "hasNext": false
            })
        ]
    );
}

#[tokio::test]
async fn in_a_list_each_item_has_a_fragment() {
    let query =
        "{ topProducts(first: 2) { name ...Stock @defer } } fragment Stock on Product { inStock }";
    let [first, rest] = &told(query).await[..] else { panic!("two parts") };
    let pending = json!([
        { "id": "0", "path": ["topProducts", 0] },
        { "id": "1", "path": ["topProducts", 1] }
    ]);
    assert_eq!(first["pending"], pending);
    assert_eq!(
        rest["incremental"],
        json!([{ "id": "0", "data": { "inStock": true } }, { "id": "1", "data": { "inStock": false } }])
    );
    assert_eq!(rest["completed"], json!([{ "id": "0" }, { "id": "1" }]));
}

#[tokio::test]
async fn a_fragment_inside_is_announced_when_the_one_around_is_complete() {
    let query = "{ me { id ... @defer(label: \"outer\") { reviews { id ... @defer(label: \"inner\") \
                 { product { name } } } } } }";
    let all = told(query).await;
    assert_eq!(all[0]["pending"], json!([{ "id": "0", "path": ["me"], "label": "outer" }]));
    assert_eq!(
        all[1]["incremental"][0],
        json!({ "id": "0", "data": { "reviews": [{ "id": "r1" }, { "id": "r3" }] } })
    );
    assert_eq!(
        all[1]["pending"],
        json!([
            { "id": "1", "path": ["me", "reviews", 0], "label": "inner" },
            { "id": "2", "path": ["me", "reviews", 1], "label": "inner" }
        ])
    );
    let whole = json!({ "me": { "id": "u1", "reviews": [
        { "id": "r1", "product": { "name": "Table" } },
        { "id": "r3", "product": { "name": "Couch" } }
    ] } });
    assert_eq!(merged(&all).data, whole);
}

#[tokio::test]
async fn what_came_first_does_not_come_again() {
    let query = "{ me { id name ... @defer { id name role reviews { id } } reviews { body } } }";
    let all = told(query).await;
    assert_eq!(
        all[0]["data"],
        json!({ "me": { "id": "u1", "name": "Ada", "reviews": [{ "body": "good" }, { "body": "fine" }] } })
    );
    let mut later = merged(&all).data;
    assert_eq!(later["me"]["role"].take(), "ADMIN");
    assert_eq!(
        later["me"]["reviews"],
        json!([{ "body": "good", "id": "r1" }, { "body": "fine", "id": "r3" }])
    );
}

#[tokio::test]
async fn a_fragment_of_which_all_is_there_is_no_part() {
    for query in [
        "{ me { id name ... @defer { name } } }",
        "{ me { id name } ... @defer { me { name } } }",
        "{ me { id name ... @defer(if: false) { name } } }",
        "{ me { id name ... @defer { name @skip(if: true) } } }",
    ] {
        assert_eq!(
            told(query).await,
            [json!({ "data": { "me": { "id": "u1", "name": "Ada" } } })],
            "{query}"
        );
    }
    let query = "{ user(id: \"none\") { id ... @defer { reviews { id } } } }";
    assert_eq!(told(query).await, [json!({ "data": { "user": null } })]);
    // A fragment whose own fields all came stands for the one in it.
    let query = "{ me { name ... @defer(label: \"a\") { name ... @defer(label: \"b\") { reviews { id } } } } }";
    let all = told(query).await;
    assert_eq!(all[0]["pending"], json!([{ "id": "0", "path": ["me"], "label": "b" }]));
}

#[tokio::test]
async fn what_two_fragments_have_comes_once() {
    let query = "{ product(upc: \"p1\") { upc \
        ... @defer(label: \"a\") { related { name } } ... @defer(label: \"b\") { related { price } } } }";
    let all = told(query).await;
    let together = merged(&all);
    assert_eq!(
        together.data,
        json!({ "product": { "upc": "p1", "related": [
            { "name": "Couch", "price": 2000 },
            { "name": "Chair", "price": null }
        ] } })
    );
    let sent: Vec<&Value> =
        all.iter().filter_map(|part| part["incremental"].as_array()).flatten().collect();
    let shared = json!({ "id": "0", "data": { "related": [{}, {}] } });
    assert_eq!(sent.iter().filter(|fields| ***fields == shared).count(), 1, "{sent:?}");
    assert!(
        sent.contains(
            &&json!({ "id": "0", "subPath": ["related", 0], "data": { "name": "Couch" } })
        )
    );
    assert!(
        sent.contains(&&json!({ "id": "1", "subPath": ["related", 1], "data": { "price": null } }))
    );
}

#[tokio::test]
async fn a_fragment_stands_at_objects_of_its_type_alone() {
    let query = "{ search { __typename ... on Product @defer { name inStock } ... on Category { title } } }";
    let all = told(query).await;
    assert_eq!(
        all[0]["pending"],
        json!([{ "id": "0", "path": ["search", 1] }, { "id": "1", "path": ["search", 2] }])
    );
    assert_eq!(
        merged(&all).data["search"],
        json!([
            { "__typename": "Category", "title": "all Furniture" },
            { "__typename": "Product", "name": "Table", "inStock": true },
            { "__typename": "Product", "name": "Chair", "inStock": null }
        ])
    );
}

#[tokio::test]
async fn one_field_under_two_keys_is_in_two_parts() {
    let all = told("{ me { x: name ... @defer { y: name self: reviews { z: id } } } }").await;
    assert_eq!(all[0]["data"], json!({ "me": { "x": "Ada" } }));
    assert_eq!(
        merged(&all).data,
        json!({ "me": { "x": "Ada", "y": "Ada", "self": [{ "z": "r1" }, { "z": "r3" }] } })
    );
}

#[tokio::test]
async fn root_fields_may_come_later() {
    let all = told("{ ... @defer(label: \"all\") { me { name } types: __schema { queryType { name } } } users { id } }").await;
    assert_eq!(
        all[0]["data"],
        json!({ "users": [{ "id": "u1" }, { "id": "u2" }, { "id": "u3" }, { "id": "u4" }] })
    );
    assert_eq!(all[0]["pending"], json!([{ "id": "0", "path": [], "label": "all" }]));
    let sent = json!({ "me": { "name": "Ada" }, "types": { "queryType": { "name": "Query" } } });
    assert_eq!(all[1]["incremental"], json!([{ "id": "0", "data": sent }]));
    let all = told("{ ... @defer { me { name } } }").await;
    assert_eq!(all[0]["data"], json!({}));
    assert_eq!(merged(&all).data, json!({ "me": { "name": "Ada" } }));
}

#[tokio::test]
async fn fields_of_what_a_mutation_returns_may_come_later() {
    let query =
        "mutation { touchUser(id: \"u1\") { name ... @defer { reviews { id } } } count(by: 2) }";
    let log = Log::default();
    let all = parts(&in_process(&log), query, Value::Null).await;
    assert_eq!(all[0]["data"], json!({ "touchUser": { "name": "Ada" }, "count": 2 }));
    assert_eq!(
        all[1]["incremental"][0]["data"],
        json!({ "reviews": [{ "id": "r1" }, { "id": "r3" }] })
    );
    assert_eq!(*log.0.lock().unwrap(), ["users u1", "count 2"]);
}

#[tokio::test]
async fn variables_say_whether_a_fragment_is_deferred() {
    let router = in_process(&Log::default());
    let query =
        "query($later: Boolean! = true) { me { id ... @defer(if: $later) { reviews { id } } } }";
    for (variables, count) in [
        (json!({}), 2),
        (json!({ "later": false }), 1),
        (json!({ "later": true }), 2),
        (json!({}), 2),
    ] {
        assert_eq!(parts(&router, query, variables.clone()).await.len(), count, "{variables}");
    }
    // A variable without a value leaves the argument's default.
    let query = "query($later: Boolean) { me { id ... @defer(if: $later) { reviews { id } } } }";
    assert_eq!(parts(&router, query, json!({})).await.len(), 2);
    assert_eq!(parts(&router, query, json!({ "later": false })).await.len(), 1);
}

#[tokio::test]
async fn who_takes_no_parts_gets_the_whole_answer() {
    let query = "{ topProducts { name ... @defer { inStock reviews { author { ... @defer { name } } } } } }";
    let router = in_process(&Log::default());
    let whole = run(&router, query, Value::Null).await;
    let plain = query.replace("@defer", "");
    assert_eq!(whole, run(&router, &plain, Value::Null).await);
    assert_eq!(merged(&told(query).await).data, whole["data"]);
}

#[tokio::test]
async fn the_schema_shows_the_directive() {
    let router = in_process(&Log::default());
    let request = GraphqlRequest::new(
        "{ __schema { directives { name locations args { name defaultValue type { kind } } } } }",
    );
    let answer = router.execute(request, caller()).await.json();
    let all = answer["data"]["__schema"]["directives"].as_array().unwrap().clone();
    let defer = all.iter().find(|directive| directive["name"] == "defer").unwrap();
    assert_eq!(
        *defer,
        json!({
            "name": "defer",
            "locations": ["FRAGMENT_SPREAD", "INLINE_FRAGMENT"],
            "args": [
                { "name": "if", "defaultValue": "true", "type": { "kind": "NON_NULL" } },
                { "name": "label", "defaultValue": null, "type": { "kind": "SCALAR" } }
            ]
        })
    );
    let sdl = String::from_utf8(router.schema_sdl().to_vec()).unwrap();
    assert!(sdl.contains("directive @defer("), "{sdl}");
}
