//! Subgraphs whose answers are GraphQL, and not what their schemas promise.

use crate::{
    logged::Logged,
    support::{error_paths, http, run, serve},
};
use serde_json::{Value, json};
use std::sync::Arc;
use studio_router::{Router, SubgraphSdl, compose};

const LINK: &str = r#"extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@inaccessible"])"#;

const PRODUCTS: &str = "
    type Query { products: [Product] product: Product first: Product! item: Item items: [Item!]! count: Int }
    interface Item { id: ID! }
    union Thing = Product | Hidden
    type Product implements Item @key(fields: \"id\") {
        id: ID! name: String! stock: Int weight: Float open: Boolean counts: [Int!] sizes: [[Float]]
        any: Any thing: Thing part: Product
    }
    type Hidden implements Item @inaccessible { id: ID! }
    scalar Any";

const RATINGS: &str = "
    type Query { best: Product mean: Float }
    type Product @key(fields: \"id\") { id: ID! rating: Int text: String label: String! }";

/// A router before two subgraphs that answer every request with these texts.
async fn router(products: &'static str, ratings: &'static str) -> Arc<Router> {
    let mut sdls = Vec::new();
    let mut transports = Vec::new();
    for (name, sdl, body) in [("products", PRODUCTS, products), ("ratings", RATINGS, ratings)] {
        let route = axum::routing::post(move || async move { body });
        let address = serve(axum::Router::new().route("/graphql", route)).await;
        transports.push((name, http(&address.to_string())));
        let (name, sdl) = (name.to_owned(), format!("{LINK}{sdl}"));
        sdls.push(SubgraphSdl { name, url: None, sdl });
    }
    let mut builder = Router::builder().supergraph(compose(sdls).unwrap().sdl);
    for (name, transport) in transports {
        builder = builder.subgraph(name, transport);
    }
    builder.build().unwrap()
}

/// The answer to a query where the subgraphs answer so.
async fn answer(query: &str, products: &'static str, ratings: &'static str) -> Value {
    run(&router(products, ratings).await, query, Value::Null).await
}

/// Holds an answer to what it must have: its data, and the paths of its errors, which are all of the one
/// code.
fn check(answer: &Value, data: Value, paths: &[Value]) {
    assert_eq!(answer["data"], data, "{answer}");
    let mut found = error_paths(answer);
    found.sort();
    let mut wanted: Vec<String> = paths.iter().map(ToString::to_string).collect();
    wanted.sort();
    assert_eq!(found, wanted, "{answer}");
    for error in answer["errors"].as_array().unwrap() {
        assert_eq!(error["extensions"]["code"], "INVALID_SUBGRAPH_RESPONSE", "{answer}");
    }
}

#[tokio::test]
async fn scalars_are_what_the_specification_says() {
    let query = "{ product { id name stock weight open counts sizes any } }";
    let good = r#"{"data":{"product":{"id":17,"name":"x","stock":-5,"weight":1e2,"open":true,
        "counts":[1,2147483647],"sizes":[[1,null],[2.5]],"any":{"a":[1.5]}}}}"#;
    let answered = answer(query, good, "").await;
    assert_eq!(
        answered,
        json!({ "data": { "product": {
            "id": "17", "name": "x", "stock": -5, "weight": 100.0, "open": true,
            "counts": [1, 2_147_483_647], "sizes": [[1, null], [2.5]], "any": { "a": [1.5] }
        } } })
    );
    let wrong = r#"{"data":{"product":{"id":"1","name":"x","stock":"x","weight":"1","open":"yes",
        "counts":[1,2147483648],"sizes":[[true,1],[{}]],"any":"any"}}}"#;
    check(
        &answer(query, wrong, "").await,
        json!({ "product": {
            "id": "1", "name": "x", "stock": null, "weight": null, "open": null,
            "counts": null, "sizes": [[null, 1], [null]], "any": "any"
        } }),
        &[
            json!(["product", "stock"]),
            json!(["product", "weight"]),
            json!(["product", "open"]),
            json!(["product", "counts", 1]),
            json!(["product", "sizes", 0, 0]),
            json!(["product", "sizes", 1, 0]),
        ],
    );
    for (query, body, field) in [
        ("{ product { name } }", r#"{"data":{"product":{"name":5}}}"#, "name"),
        ("{ product { name } }", r#"{"data":{"product":{"name":{"a":1}}}}"#, "name"),
        ("{ product { id } }", r#"{"data":{"product":{"id":1.5}}}"#, "id"),
    ] {
        let answered = answer(query, body, "").await;
        check(&answered, json!({ "product": null }), &[json!(["product", field])]);
    }
    let large = r#"{"data":{"count":99999999999999999999}}"#;
    let answered = answer("{ count }", large, "").await;
    check(&answered, json!({ "count": null }), &[json!(["count"])]);
    assert_eq!(answered["errors"][0]["message"], "no Int for Query.count");
}

#[tokio::test]
async fn an_entity_that_was_not_answered_is_an_error() {
    let query = "{ products { name rating text } }";
    let two = r#"{"data":{"products":[{"__typename":"Product","id":"1","name":"a"},
        {"__typename":"Product","id":"2","name":"b"}]}}"#;
    let neither = [
        json!(["products", 0, "rating"]),
        json!(["products", 0, "text"]),
        json!(["products", 1, "rating"]),
        json!(["products", 1, "text"]),
    ];
    let product = |name: &str, rating: Value, text: Value| json!({ "name": name, "rating": rating, "text": text });
    let nothing = json!({ "products": [product("a", Value::Null, Value::Null), product("b", Value::Null, Value::Null)] });
    for ratings in [
        r#"{"data":{}}"#,
        r#"{"data":{"_entities":null}}"#,
        r#"{"data":{"_entities":[]}}"#,
        r#"{"data":{"_entities":{"rating":1}}}"#,
        r#"{"data":[]}"#,
        r#"{"data":{"_entities":[1,true]}}"#,
    ] {
        let answered = answer(query, two, ratings).await;
        check(&answered, nothing.clone(), &neither);
        assert_eq!(answered["errors"][0]["extensions"]["subgraph"], "ratings", "{answered}");
    }
    let short = r#"{"data":{"_entities":[{"rating":1,"text":"t"}]}}"#;
    check(
        &answer(query, two, short).await,
        json!({ "products": [product("a", json!(1), json!("t")), product("b", Value::Null, Value::Null)] }),
        &neither[2..],
    );
    // There is no such entity here, which a subgraph may say.
    let none = r#"{"data":{"_entities":[{"rating":1,"text":"t"},null]}}"#;
    let answered = answer(query, two, none).await;
    assert_eq!(answered["errors"], Value::Null, "{answered}");
    // Where the subgraph says why, nothing is added.
    let why = r#"{"data":{"_entities":null},"errors":[{"message":"why","path":["_entities"]}]}"#;
    let answered = answer(query, two, why).await;
    for error in answered["errors"].as_array().unwrap() {
        assert_eq!(error["message"], "why", "{answered}");
    }
}

#[tokio::test]
async fn a_root_field_that_was_not_answered_is_an_error() {
    for (products, count) in [
        (r#"{"data":{}}"#, Value::Null),
        (r#"{"data":[]}"#, Value::Null),
        (r#"{"data":{"count":3}}"#, json!(3)),
    ] {
        let answered = answer("{ product { name } count }", products, "").await;
        let mut paths = vec![json!(["product"])];
        if count == Value::Null {
            paths.push(json!(["count"]));
        }
        check(&answered, json!({ "product": null, "count": count }), &paths);
        assert_eq!(answered["errors"][0]["extensions"]["subgraph"], "products", "{answered}");
    }
    let why = r#"{"data":{"count":3},"errors":[{"message":"why","path":["product"]}]}"#;
    let answered = answer("{ product { name } count }", why, "").await;
    assert_eq!(answered["errors"].as_array().unwrap().len(), 1, "{answered}");
    assert_eq!(answered["errors"][0]["message"], "why");
}

#[tokio::test]
async fn a_type_that_the_schema_does_not_know_is_an_error() {
    let unknown = r#"{"data":{"item":{"__typename":"Secret","id":"1"}}}"#;
    for query in
        ["{ item { id } }", "{ item { ... on Product { name } } }", "{ item { __typename } }"]
    {
        let answered = answer(query, unknown, "").await;
        check(&answered, json!({ "item": null }), &[json!(["item"])]);
        assert_eq!(
            answered["errors"][0]["message"],
            "an object for Query.item of a type that the schema does not allow"
        );
        assert!(!answered.to_string().contains("Secret"), "{answered}");
    }
    for nameless in [
        r#"{"data":{"item":{"id":"1"}}}"#,
        r#"{"data":{"item":{"__typename":null,"id":"1"}}}"#,
        r#"{"data":{"item":{"__typename":5,"id":"1"}}}"#,
    ] {
        let answered = answer("{ item { id } }", nameless, "").await;
        check(&answered, json!({ "item": null }), &[json!(["item"])]);
    }
    let items = r#"{"data":{"items":[{"__typename":"Product","id":"1"},{"__typename":"Secret","id":"2"}]}}"#;
    let answered = answer("{ items { id } }", items, "").await;
    check(&answered, Value::Null, &[json!(["items", 1])]);
    // A type that is not public is nothing to the client, and no fault of the subgraph.
    let hidden = r#"{"data":{"item":{"__typename":"Hidden","id":"1"}}}"#;
    let answered = answer("{ item { id } }", hidden, "").await;
    assert_eq!(answered, json!({ "data": { "item": null } }));
}

#[tokio::test]
async fn an_object_of_an_unknown_type_is_told_as_what_it_is() {
    let unknown = r#"{"data":{"product":{"__typename":"Secret","id":"1","name":"a"}}}"#;
    let answered = answer("{ product { __typename name label } }", unknown, "").await;
    check(&answered, json!({ "product": null }), &[json!(["product"])]);
    assert_eq!(
        answered["errors"][0]["message"],
        "an object for Query.product of a type that the schema does not allow"
    );
    assert!(!answered.to_string().contains("Secret"), "{answered}");
}

#[tokio::test]
async fn the_log_tells_once_who_answered_so() {
    let (logged, _guard) = Logged::begin();
    let many = r#"{"data":{"products":[{"__typename":"Product","id":"1","stock":"x","open":"y"},
        {"__typename":"Product","id":"2","stock":"x","open":"y"}]}}"#;
    let good = r#"{"data":{"_entities":[{"rating":1},{"rating":2}]}}"#;
    let answered = answer("{ products { stock open rating } }", many, good).await;
    assert_eq!(answered["errors"].as_array().unwrap().len(), 4, "{answered}");
    let lines = logged.lines("the schema does not allow");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("WARN"), "{lines:?}");
    assert!(lines[0].contains("subgraphs=products "), "{lines:?}");
    assert!(lines[0].contains("Product.stock"), "{lines:?}");
    assert!(lines[0].contains("request_id="), "{lines:?}");

    let one = r#"{"data":{"products":[{"__typename":"Product","id":"1","stock":1}]}}"#;
    let bad = r#"{"data":{"_entities":[{"rating":"x"}]}}"#;
    answer("{ products { stock rating } }", one, bad).await;
    let lines = logged.lines("Product.rating");
    assert!(lines[0].contains("subgraphs=ratings "), "{lines:?}");

    answer("{ products { stock rating } }", one, r#"{"data":{}}"#).await;
    let lines = logged.lines("the answer lacks");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("subgraph=ratings "), "{lines:?}");
}

#[tokio::test]
async fn errors_that_are_no_list_are_told_all_the_same() {
    for (errors, message) in [
        (r#"{"message":"out of stock"}"#, "out of stock"),
        (r#""out of stock""#, "the subgraph gave an error without a message"),
        (r#"[{"message":"far away","path":["count",4294967297]}]"#, "far away"),
    ] {
        let body: &'static str = format!(r#"{{"data":{{"count":null}},"errors":{errors}}}"#).leak();
        let answered = answer("{ count }", body, "").await;
        assert_eq!(answered["data"], json!({ "count": null }), "{answered}");
        assert_eq!(answered["errors"].as_array().unwrap().len(), 1, "{answered}");
        assert_eq!(answered["errors"][0]["message"], message, "{answered}");
        let none = format!(r#"{{"data":{{"count":1}},"errors":{errors}}}"#).leak();
        let answered = answer("{ count }", none, "").await;
        assert_eq!(answered["errors"][0]["message"], message, "{answered}");
    }
    let answered = answer("{ count }", r#"{"data":{"count":1},"errors":null}"#, "").await;
    assert_eq!(answered, json!({ "data": { "count": 1 } }));
}
