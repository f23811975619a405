//! What federation 2 asks of a gateway beyond keys and `@requires`, each over small supergraphs whose
//! subgraphs answer from a table.

use crate::{
    support::{caller, http, serve},
    table::LINK,
};
use axum::{Json, routing::post};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use studio_router::{GraphqlRequest, Limits, Router, SubgraphSdl, compose};

type Seen = Arc<Mutex<Vec<Value>>>;

/// A subgraph that answers every request with `answer` and remembers it.
async fn fixed(answer: Value, seen: Seen) -> String {
    let routes = axum::Router::new().route(
        "/graphql",
        post(move |Json(request): Json<Value>| {
            let (answer, seen) = (answer.clone(), seen.clone());
            async move {
                seen.lock().unwrap().push(request);
                Json(answer)
            }
        }),
    );
    serve(routes).await.to_string()
}

pub struct Fixture {
    pub router: Arc<Router>,
    seen: Vec<Seen>,
}

/// A router over subgraphs given as schema and answer.
pub async fn fixture(subgraphs: &[(&str, Value)]) -> Fixture {
    let mut sdls = Vec::new();
    let mut transports = Vec::new();
    let mut seen = Vec::new();
    for (number, (sdl, answer)) in subgraphs.iter().enumerate() {
        let name = format!("s{number}");
        sdls.push(SubgraphSdl { name: name.clone(), url: None, sdl: format!("{LINK}{sdl}") });
        let own = Seen::default();
        let address = fixed(answer.clone(), own.clone()).await;
        transports.push((name, http(&address)));
        seen.push(own);
    }
    let mut builder =
        Router::builder().supergraph(compose(sdls).unwrap().sdl).limits(Limits::default());
    for (name, transport) in transports {
        builder = builder.subgraph(name, transport);
    }
    Fixture { router: builder.build().unwrap(), seen }
}

impl Fixture {
    pub async fn ask(&self, query: &str) -> Value {
        self.router.execute(GraphqlRequest::new(query), caller()).await.json()
    }

    fn representations(&self, subgraph: usize) -> Value {
        self.seen[subgraph].lock().unwrap()[0]["variables"]["representations"].clone()
    }
}

#[tokio::test]
async fn what_is_inaccessible_is_neither_shown_nor_asked() {
    let sdl = "type Query { all: [Thing!] kind: Kind } union Thing = A | B type A { id: ID! hidden: Int @inaccessible } \
        type B @inaccessible { id: ID! } enum Kind { OPEN SECRET @inaccessible }";
    let answer = json!({ "data": { "all": [{ "__typename": "A", "id": "1" }], "kind": "SECRET" } });
    let fixture = fixture(&[(sdl, answer)]).await;
    assert!(!String::from_utf8_lossy(&fixture.router.schema_sdl()).contains("hidden"));
    let refused = fixture.ask("{ all { ... on A { hidden } } }").await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let shown = fixture.ask("{ kind all { __typename ... on A { id } } }").await;
    assert_eq!(shown["data"], json!({ "kind": null, "all": [{ "__typename": "A", "id": "1" }] }));
    assert_eq!(shown["errors"][0]["path"], json!(["kind"]));
    assert!(!shown.to_string().contains("SECRET"));
}

#[tokio::test]
async fn representations_carry_nulls_and_need_a_key() {
    let first = "type Query { all: [T] } type T @key(fields: \"id\") { id: ID size: Int }";
    let second = "type T @key(fields: \"id\") { id: ID size: Int @external area: Int @requires(fields: \"size\") }";
    let all = json!({ "data": { "all": [
        { "__typename": "T", "id": "1", "size": null },
        { "__typename": "T", "id": null, "size": 3 },
        { "__typename": "T", "id": "1", "size": null },
        null,
        { "__typename": "T", "id": "2", "size": 4 },
    ] } });
    let entities = json!({ "data": { "_entities": [{ "area": 1 }, { "area": 2 }] } });
    let fixture = fixture(&[(first, all), (second, entities)]).await;
    let answer = fixture.ask("{ all { area } }").await;
    let areas = json!([{ "area": 1 }, { "area": null }, { "area": 1 }, null, { "area": 2 }]);
    assert_eq!(answer, json!({ "data": { "all": areas } }));
    let sent = json!([{ "__typename": "T", "size": null, "id": "1" }, { "__typename": "T", "size": 4, "id": "2" }]);
    assert_eq!(fixture.representations(1), sent);
}

/// As another composition writes it.
const INTERFACE_OBJECT: &str = r#"
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
enum join__Graph { S0 @join__graph(name: "s0", url: "") S1 @join__graph(name: "s1", url: "") }
type Query @join__type(graph: S0) @join__type(graph: S1) { nodes: [Node!]! @join__field(graph: S0) }
interface Node @join__type(graph: S0, key: "id") @join__type(graph: S1, key: "id", isInterfaceObject: true) {
  id: ID!
  rank: Int @join__field(graph: S1)
}
type A implements Node @join__implements(graph: S0, interface: "Node") @join__type(graph: S0, key: "id") {
  id: ID!
  a: Int
  rank: Int @join__field
}
type B implements Node @join__implements(graph: S0, interface: "Node") @join__type(graph: S0, key: "id") {
  id: ID!
  rank: Int @join__field
}
"#;

#[tokio::test]
async fn an_interface_object_gets_its_type_from_who_knows_it() {
    let nodes = json!([{ "__typename": "A", "id": "1", "a": 5 }, { "__typename": "B", "id": "2" }]);
    let ranks = json!([{ "__typename": "Node", "rank": 7 }, { "__typename": "Node", "rank": 8 }]);
    let seen = Seen::default();
    let first = fixed(json!({ "data": { "nodes": nodes } }), Seen::default()).await;
    let second = fixed(json!({ "data": { "_entities": ranks } }), seen.clone()).await;
    let router = Router::builder()
        .supergraph(INTERFACE_OBJECT)
        .subgraph("s0", http(&first))
        .subgraph("s1", http(&second))
        .build()
        .unwrap();
    let query = GraphqlRequest::new("{ nodes { __typename id rank ... on A { a } } }");
    let answer = router.execute(query, caller()).await.json();
    let expected = json!([
        { "__typename": "A", "id": "1", "rank": 7, "a": 5 },
        { "__typename": "B", "id": "2", "rank": 8 },
    ]);
    assert_eq!(answer, json!({ "data": { "nodes": expected } }));
    let sent = json!([{ "__typename": "Node", "id": "1" }, { "__typename": "Node", "id": "2" }]);
    assert_eq!(seen.lock().unwrap()[0]["variables"]["representations"], sent);
}

#[test]
fn a_supergraph_that_says_what_nothing_can_be_is_refused() {
    assert!(Router::builder().supergraph(INTERFACE_OBJECT).build().is_err_and(|error| {
        // The addresses are empty; nothing else is wrong.
        matches!(error, studio_router::BuildError::NoTransport(..))
    }));
    for (join, told) in [
        ("override: \"s0\", overrideLabel: \"percent(200)\"", "is no percentage"),
        ("type: \"[[\"", "is no type"),
    ] {
        let broken = INTERFACE_OBJECT.replace(
            "rank: Int @join__field(graph: S1)",
            &format!("rank: Int @join__field(graph: S1, {join})"),
        );
        assert_ne!(broken, INTERFACE_OBJECT);
        let error = Router::builder().supergraph(broken).build().unwrap_err();
        assert!(matches!(error, studio_router::BuildError::Supergraph(_)), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn roots_keep_their_names_and_internals_are_masked() {
    let sdl = "schema { query: Start mutation: Change } type Start { a: Int b: Int! } type Change { c: Int }";
    let error = json!({ "message": "connection to db-7 failed", "path": ["a"], "extensions": { "code": "INTERNAL" } });
    let fixture =
        fixture(&[(sdl, json!({ "data": { "a": null, "b": 1 }, "errors": [error] }))]).await;
    let answer = fixture
        .ask("{ __typename a b x: __schema { queryType { name } mutationType { name } } }")
        .await;
    let roots = json!({ "queryType": { "name": "Query" }, "mutationType": { "name": "Mutation" } });
    assert_eq!(answer["data"], json!({ "__typename": "Query", "a": null, "b": 1, "x": roots }));
    assert_eq!(answer["errors"][0]["path"], json!(["a"]));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL");
    assert!(answer["errors"][0]["extensions"]["requestId"].is_string());
    assert!(!answer.to_string().contains("db-7"));
}

#[tokio::test]
async fn a_field_is_asked_where_it_was_moved_to() {
    let first = "type Query { t: T } type T @key(fields: \"id\") { id: ID! moved: Int other: Int }";
    let second = "type T @key(fields: \"id\") { id: ID! moved: Int @override(from: \"s0\") }";
    let fixture = fixture(&[
        (first, json!({ "data": { "t": { "__typename": "T", "id": "1", "other": 2 } } })),
        (second, json!({ "data": { "_entities": [{ "moved": 9 }] } })),
    ])
    .await;
    let answer = fixture.ask("{ t { moved other } }").await;
    assert_eq!(answer, json!({ "data": { "t": { "moved": 9, "other": 2 } } }));
    let text = fixture.seen[0].lock().unwrap()[0]["query"].to_string();
    assert!(!text.contains("moved"), "{text}");
}

#[tokio::test]
async fn a_nested_key_is_read_from_inside() {
    let first = "type Query { t: T } type T @key(fields: \"o { id } n\") { o: O n: Int } type O @shareable { id: ID! }";
    let second = "type T @key(fields: \"o { id } n\") { o: O n: Int extra: String } type O @shareable { id: ID! }";
    let fixture = fixture(&[
        (first, json!({ "data": { "t": { "__typename": "T", "o": { "id": "x" }, "n": null } } })),
        (second, json!({ "data": { "_entities": [{ "extra": "e" }] } })),
    ])
    .await;
    assert_eq!(
        fixture.ask("{ t { extra o { x: id } } }").await["data"]["t"],
        json!({ "extra": "e", "o": { "x": "x" } })
    );
    assert_eq!(
        fixture.representations(1),
        json!([{ "__typename": "T", "o": { "id": "x" }, "n": null }])
    );
}

#[tokio::test]
async fn what_takes_too_long_is_ended() {
    let never = axum::Router::new().route("/graphql", post(std::future::pending::<&'static str>));
    let address = serve(never).await.to_string();
    let sdl = SubgraphSdl {
        name: "s".to_owned(),
        url: None,
        sdl: format!("{LINK}type Query {{ a: Int }}"),
    };
    let router = Router::builder()
        .supergraph(compose(vec![sdl]).unwrap().sdl)
        .subgraph("s", http(&address))
        .limits(Limits { execution: std::time::Duration::from_millis(20), ..Limits::default() })
        .build()
        .unwrap();
    let answer = router.execute(GraphqlRequest::new("{ a }"), caller()).await;
    assert_eq!(answer.code.as_deref(), Some("TIMEOUT"));
}

/// The supergraph of the fuzz target is what composition makes of the test's subgraphs.
#[test]
fn the_supergraph_of_the_fuzz_target_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/federation/fuzz.supergraph.graphql");
    let composed = crate::support::supergraph();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &composed).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap_or_default(),
        composed,
        "run the tests with UPDATE=1"
    );
}
