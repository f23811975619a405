//! A router that takes a new graph while it is asked: what is under way ends on the graph that it began
//! with, what comes later sees the new one, and a graph that cannot be used changes nothing.

use crate::{
    gated::Gated,
    subgraphs::{Log, inventory, products, reviews, users},
    subscriptions::{open, receive, send},
    support::{caller, run, sdls, serve, supergraph},
};
use axum::serve::ListenerExt;
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use studio_router::{BuildError, Graph, GraphqlRequest, Router, compose, transport::InProcess};

const FOREVER: &str = "subscription { forever { stars } }";

/// The graph of these subgraphs, in process.
fn graph(log: &Log, names: &[&str]) -> Graph {
    let mut parts = sdls();
    parts.retain(|part| names.contains(&part.name.as_str()));
    names.iter().fold(Graph::new(compose(parts).unwrap().sdl), |graph, name| {
        let transport = match *name {
            "users" => InProcess::new(users::schema(log.clone())),
            "products" => InProcess::new(products::schema(log.clone())),
            "reviews" => InProcess::new(reviews::schema(log.clone())),
            _ => InProcess::new(inventory::schema()),
        };
        graph.subgraph(*name, Arc::new(transport))
    })
}

fn router(log: &Log, names: &[&str]) -> Arc<Router> {
    Router::builder().graph(graph(log, names)).build().unwrap()
}

async fn fields_of_product(router: &Arc<Router>) -> Vec<String> {
    let answer =
        run(router, "{ __type(name: \"Product\") { fields { name } } }", Value::Null).await;
    let fields = answer["data"]["__type"]["fields"].as_array().unwrap();
    fields.iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_asked_after_it_sees_the_new_graph() {
    let log = Log::default();
    let router = router(&log, &["users", "products", "reviews"]);
    let (query, unknown) = ("{ topProducts(first: 1) { name inStock } }", "Cannot query field");
    let before = run(&router, query, Value::Null).await;
    assert!(before["errors"][0]["message"].as_str().unwrap().contains(unknown), "{before}");
    let shown = |router: &Router| {
        String::from_utf8(router.schema_sdl().to_vec()).unwrap().contains("inStock")
    };
    assert!(!shown(&router) && !fields_of_product(&router).await.contains(&"inStock".to_owned()));

    router.reload(graph(&log, &["users", "products", "reviews", "inventory"])).unwrap();
    let after = run(&router, query, Value::Null).await;
    let expected = json!({ "data": { "topProducts": [{ "name": "Table", "inStock": true }] } });
    assert_eq!(after, expected);
    assert!(shown(&router) && fields_of_product(&router).await.contains(&"inStock".to_owned()));

    // And back: the plan of a moment ago is not used any more.
    router.reload(graph(&log, &["users", "products", "reviews"])).unwrap();
    assert_eq!(run(&router, query, Value::Null).await, before);
}

#[tokio::test]
async fn what_is_under_way_ends_on_the_graph_that_it_began_with() {
    let log = Log::default();
    let gated = Gated::new(InProcess::new(products::schema(log.clone())));
    let whole = graph(&log, &["users", "products", "reviews", "inventory"]);
    let router =
        Router::builder().graph(whole.subgraph("products", gated.clone())).build().unwrap();
    let query = "{ topProducts(first: 1) { name inStock } }";
    let asked = tokio::spawn({
        let router = router.clone();
        async move { run(&router, query, Value::Null).await }
    });
    gated.was_asked().await;
    // The subgraph that the second step of the plan asks is gone before the first one has its answer.
    router.reload(graph(&log, &["users", "products", "reviews"])).unwrap();
    assert!(run(&router, query, Value::Null).await["errors"].is_array());
    gated.answers.add_permits(1);
    let expected = json!({ "data": { "topProducts": [{ "name": "Table", "inStock": true }] } });
    assert_eq!(asked.await.unwrap(), expected);
}

#[tokio::test]
async fn a_graph_that_cannot_be_used_changes_nothing() {
    let log = Log::default();
    let router = router(&log, &["users", "products", "reviews"]);
    let (schema, query) = (router.schema_sdl(), "{ me { name } }");
    let before = run(&router, query, Value::Null).await;
    let mut tried = 0;
    for broken in [
        Graph::new("type Query { a: Int"),
        Graph::new("type Query { a: Int }"),
        Graph::new(supergraph().replace("http://127.0.0.1:1/users", "users.example")),
        graph(&log, &["users"]).subgraph("nobody", Arc::new(InProcess::new(inventory::schema()))),
    ] {
        let error = router.reload(broken).unwrap_err();
        tried += usize::from(match tried {
            0 | 1 => matches!(error, BuildError::Supergraph(_)),
            2 => matches!(&error, BuildError::NoTransport(name, _) if name == "users"),
            _ => matches!(&error, BuildError::UnknownSubgraph(name) if name == "nobody"),
        });
        assert_eq!(router.schema_sdl(), schema);
        assert_eq!(run(&router, query, Value::Null).await, before);
    }
    assert_eq!(tried, 4);
}

#[tokio::test]
async fn subscriptions_go_on_while_their_subgraph_stays() {
    let log = Log::default();
    let router = router(&log, &["users", "products", "reviews"]);
    let mut events = router.subscribe(GraphqlRequest::new(FOREVER), caller()).await.unwrap();
    assert!(events.next().await.is_some());
    for names in [&["users", "reviews", "products", "inventory"][..], &["users", "reviews"]] {
        router.reload(graph(&log, names)).unwrap();
        let next = tokio::time::timeout(std::time::Duration::ZERO, events.next()).await;
        assert!(next.is_err(), "it ended");
    }
    // It has outlived two graphs, and is found all the same.
    router.reload(graph(&log, &["users", "products"])).unwrap();
    let last: Value = serde_json::from_slice(&events.next().await.unwrap()).unwrap();
    assert_eq!(last["errors"][0]["extensions"]["code"], "SUBGRAPH_UNAVAILABLE", "{last}");
    assert!(events.next().await.is_none());
    assert_eq!(*log.0.lock().unwrap(), ["ended"]);
}

#[tokio::test]
async fn a_websocket_stays_open_when_a_subgraph_leaves() {
    let log = Log::default();
    let router = router(&log, &["users", "products", "reviews"]);
    let address = serve(studio_router::serve::routes(router.clone())).await;
    let mut socket = open(&format!("ws://{address}/graphql"), None).await.unwrap();
    send(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(receive(&mut socket).await["type"], "connection_ack");
    let payload = json!({ "query": FOREVER });
    send(&mut socket, json!({ "type": "subscribe", "id": "s", "payload": payload })).await;
    assert_eq!(receive(&mut socket).await["type"], "next");
    router.reload(graph(&log, &["users", "products", "inventory"])).unwrap();
    let last = receive(&mut socket).await;
    let code = &last["payload"]["errors"][0]["extensions"]["code"];
    assert_eq!((&last["id"], code), (&json!("s"), &json!("SUBGRAPH_UNAVAILABLE")), "{last}");
    assert_eq!(receive(&mut socket).await, json!({ "type": "complete", "id": "s" }));
    // The next operation of the same socket is of the new graph.
    let payload = json!({ "query": "{ topProducts(first: 1) { inStock } }" });
    send(&mut socket, json!({ "type": "subscribe", "id": "q", "payload": payload })).await;
    let answer = receive(&mut socket).await;
    let expected = json!({ "data": { "topProducts": [{ "inStock": true }] } });
    assert_eq!(answer["payload"], expected, "{answer}");
}

/// A subgraph that counts the connections to it, and its address.
async fn counted() -> (Arc<AtomicUsize>, String) {
    let connections = Arc::new(AtomicUsize::new(0));
    let schema = users::schema(Log::default());
    let routes =
        axum::Router::new().route_service("/graphql", async_graphql_axum::GraphQL::new(schema));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    let counter = connections.clone();
    let listener = listener.tap_io(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (connections, url)
}

#[tokio::test]
async fn connections_to_an_address_that_stays_are_kept() {
    let (connections, url) = counted().await;
    let with = |url: &str, names: &[&str]| {
        let mut parts = sdls();
        parts.retain(|part| names.contains(&part.name.as_str()));
        for part in &mut parts {
            part.url = Some(url.to_owned());
        }
        Graph::new(compose(parts).unwrap().sdl)
    };
    let router = Router::builder().graph(with(&url, &["users"])).build().unwrap();
    let answer = run(&router, "{ me { name } }", Value::Null).await;
    assert_eq!(answer["data"]["me"]["name"], "Ada");
    router.reload(with(&url, &["users", "products"])).unwrap();
    assert_eq!(run(&router, "{ me { name } }", Value::Null).await, answer);
    assert_eq!(connections.load(Ordering::Relaxed), 1);

    let (others, other) = counted().await;
    router.reload(with(&other, &["users"])).unwrap();
    assert_eq!(run(&router, "{ me { name } }", Value::Null).await, answer);
    let counts = (connections.load(Ordering::Relaxed), others.load(Ordering::Relaxed));
    assert_eq!(counts, (1, 1));
}
