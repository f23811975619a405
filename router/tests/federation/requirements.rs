//! `@provides`, `@requires` with arguments and fragments, and unions that subgraphs know in part: over
//! subgraphs that answer exactly what they are asked.

use crate::table::{LINK, tables};
use serde_json::json;
use studio_router::{SubgraphSdl, check_plannable, compose};

#[tokio::test]
async fn what_is_provided_is_not_asked_elsewhere() {
    let reviews = "type Query { reviews: [Review!]! latest: Review } \
        type Review { body: String product: Product @provides(fields: \"name\") bare: Product } \
        type Product @key(fields: \"id\") { id: ID! name: String @external }";
    let products =
        "type Product @key(fields: \"id\") { id: ID! name: String @shareable price: Int }";
    let product = json!({ "__typename": "Product", "id": "p1", "name": "given" });
    let review = json!({ "body": "good", "product": product, "bare": product });
    let of_products = json!({ "entities": { "p1": { "id": "p1", "name": "owned", "price": 3 } } });
    let tables = tables(&[
        (reviews, json!({ "reviews": [review], "latest": review })),
        (products, of_products),
    ])
    .await;
    check_plannable(&tables.supergraph).unwrap();

    let data = tables.data("{ reviews { product { name } } }").await;
    assert_eq!(data, json!({ "reviews": [{ "product": { "name": "given" } }] }));
    assert!(tables.asked(1).is_empty(), "{:?}", tables.asked(1));

    let data = tables.data("{ reviews { product { name price } } }").await;
    assert_eq!(data, json!({ "reviews": [{ "product": { "name": "given", "price": 3 } }] }));
    assert!(!tables.asked(1)[0].contains("name"), "{:?}", tables.asked(1));

    // Provided on one way only: on the other, the owner is asked.
    let data = tables.data("{ latest { bare { name } product { name } } }").await;
    let latest = json!({ "bare": { "name": "owned" }, "product": { "name": "given" } });
    assert_eq!(data, json!({ "latest": latest }));
}

#[tokio::test]
async fn a_requirement_has_its_own_arguments() {
    let products = "type Query { all: [Product!]! } enum Currency { USD EUR } \
        type Product @key(fields: \"id\") { id: ID! price(currency: Currency): Int }";
    let taxes = "enum Currency { USD EUR } type Product @key(fields: \"id\") { id: ID! \
        price(currency: Currency): Int @external tax: Int @requires(fields: \"price(currency: USD)\") }";
    let row = |id: &str, usd: i32, eur: i32| json!({ "__typename": "Product", "id": id, "price(currency: USD)": usd, "price(currency: EUR)": eur });
    let of_taxes = json!({ "entities": { "p1": { "tax": 1 }, "p2": { "tax": 2 } } });
    let tables = tables(&[
        (products, json!({ "all": [row("p1", 10, 9), row("p2", 20, 18)] })),
        (taxes, of_taxes),
    ])
    .await;
    check_plannable(&tables.supergraph).unwrap();
    let sent = json!([
        { "__typename": "Product", "id": "p1", "price": 10 },
        { "__typename": "Product", "id": "p2", "price": 20 },
    ]);
    for (query, expected) in [
        ("{ all { tax } }", json!([{ "tax": 1 }, { "tax": 2 }])),
        (
            // The client's own price, in another currency and under a name that is asked for already.
            "{ all { price(currency: EUR) tax } }",
            json!([{ "price": 9, "tax": 1 }, { "price": 18, "tax": 2 }]),
        ),
        (
            "{ all { tax usd: price(currency: USD) price(currency: EUR) } }",
            json!([{ "tax": 1, "usd": 10, "price": 9 }, { "tax": 2, "usd": 20, "price": 18 }]),
        ),
    ] {
        assert_eq!(tables.data(query).await, json!({ "all": expected }), "{query}");
        assert_eq!(json!(tables.representations(1)), sent, "{query}");
    }
}

#[tokio::test]
async fn a_requirement_reaches_into_the_members_of_a_union() {
    let library = "type Query { items: [Item!]! } union Media = Book | Film \
        type Book @shareable { pages: Int } type Film @shareable { minutes: Int } \
        type Item @key(fields: \"id\") { id: ID! media: Media }";
    let effort = "union Media = Book | Film type Book @shareable { pages: Int } type Film @shareable { minutes: Int } \
        type Item @key(fields: \"id\") { id: ID! media: Media @external \
        effort: Int @requires(fields: \"media { ... on Book { pages } ... on Film { minutes } }\") }";
    let item = |id: &str, media| json!({ "__typename": "Item", "id": id, "media": media });
    let items = json!({ "items": [
        item("1", json!({ "__typename": "Book", "pages": 300 })),
        item("2", json!({ "__typename": "Film", "minutes": 90 })),
        item("3", json!(null)),
    ] });
    let efforts =
        json!({ "entities": { "1": { "effort": 5 }, "2": { "effort": 2 }, "3": { "effort": 0 } } });
    let tables = tables(&[(library, items), (effort, efforts)]).await;
    check_plannable(&tables.supergraph).unwrap();
    let sent = json!([
        { "__typename": "Item", "id": "1", "media": { "__typename": "Book", "pages": 300 } },
        { "__typename": "Item", "id": "2", "media": { "__typename": "Film", "minutes": 90 } },
        { "__typename": "Item", "id": "3", "media": null },
    ]);
    let data = tables.data("{ items { effort } }").await;
    assert_eq!(data, json!({ "items": [{ "effort": 5 }, { "effort": 2 }, { "effort": 0 }] }));
    assert_eq!(json!(tables.representations(1)), sent);
    let data = tables.data("{ items { effort media { ... on Film { pages: minutes } } } }").await;
    let shown = json!([
        { "effort": 5, "media": {} },
        { "effort": 2, "media": { "pages": 90 } },
        { "effort": 0, "media": null },
    ]);
    assert_eq!(data, json!({ "items": shown }));
    assert_eq!(json!(tables.representations(1)), sent);
}

#[tokio::test]
async fn a_union_is_asked_for_the_members_that_each_subgraph_knows() {
    let first = "type Query { near: [Thing!]! } union Thing = A | B type A { a: Int } \
        type B @key(fields: \"id\") { id: ID! b: Int }";
    let second = "type Query { far: [Thing!]! } union Thing = B | C type C { c: Int } \
        type B @key(fields: \"id\") { id: ID! extra: Int }";
    let b = json!({ "__typename": "B", "id": "b1", "b": 2 });
    let near = json!({ "near": [{ "__typename": "A", "a": 1 }, b], "entities": { "b1": b } });
    let c = json!({ "__typename": "C", "c": 3 });
    let other = json!({ "__typename": "B", "id": "b1", "extra": 4 });
    let far = json!({ "far": [c, other], "entities": { "b1": other } });
    let tables = tables(&[(first, near), (second, far)]).await;
    check_plannable(&tables.supergraph).unwrap();
    let all = "{ __typename ... on A { a } ... on B { b extra } ... on C { c } }";
    let data = tables.data(&format!("{{ near {all} far {all} }}")).await;
    let both = json!({ "__typename": "B", "b": 2, "extra": 4 });
    assert_eq!(data["near"], json!([{ "__typename": "A", "a": 1 }, both]));
    assert_eq!(data["far"], json!([{ "__typename": "C", "c": 3 }, both]));
    let asked = |subgraph: usize, ty: &str| {
        tables.asked(subgraph).iter().any(|text| text.contains(&format!("on {ty}")))
    };
    assert!(asked(0, "A") && asked(0, "B") && !asked(0, "C"), "{:?}", tables.asked(0));
    assert!(asked(1, "C") && asked(1, "B") && !asked(1, "A"), "{:?}", tables.asked(1));
}

#[tokio::test]
async fn a_requirement_reaches_through_an_interface_to_another_subgraph() {
    let types = "type Book implements Media @key(fields: \"id\") { id: ID! TITLE } \
        type Film implements Media @key(fields: \"id\") { id: ID! TITLE } interface Media { id: ID! TITLE }";
    let first =
        "type Query { items: [Item!]! } type Item @key(fields: \"id\") { id: ID! media: Media }";
    let second = "type Item @key(fields: \"id\") { id: ID! media: Media @external \
        shout: String @requires(fields: \"media { title }\") }";
    let first = format!("{first} {}", types.replace("TITLE", ""));
    let second = format!("{second} {}", types.replace("TITLE", "title: String"));
    let media = json!({ "__typename": "Book", "id": "m" });
    let items = json!({ "items": [{ "__typename": "Item", "id": "i", "media": media }] });
    let rest = json!({ "entities": { "m": { "title": "Emma" }, "i": { "shout": "EMMA" } } });
    let tables = tables(&[(&first, items), (&second, rest)]).await;
    check_plannable(&tables.supergraph).unwrap();
    let data = tables.data("{ items { shout } }").await;
    assert_eq!(data, json!({ "items": [{ "shout": "EMMA" }] }));
    let media = json!({ "__typename": "Book", "title": "Emma" });
    let sent = json!({ "__typename": "Item", "id": "i", "media": media });
    assert!(tables.representations(1).contains(&sent), "{:?}", tables.representations(1));
}

#[test]
fn the_type_of_what_is_provided_may_be_named() {
    let sdl = |name: &str, sdl: &str| SubgraphSdl {
        name: name.to_owned(),
        url: None,
        sdl: format!("{LINK}{sdl}"),
    };
    let first = "type Query { one: Item @provides(fields: \"__typename name\") } \
        type Item @key(fields: \"id\") { id: ID! name: String @external }";
    let second = "type Item @key(fields: \"id\") { id: ID! name: String @shareable }";
    let supergraph = compose(vec![sdl("a", first), sdl("b", second)]).unwrap();
    check_plannable(&supergraph.sdl).unwrap();
}
