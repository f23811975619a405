//! Subgraphs over TLS, with certificates of authorities of their operators' own.

use crate::{
    logged::Logged,
    subgraphs::{Log, inventory, products, reviews, users},
    support::{caller, collect, in_process, run, serve, subgraph_routes, supergraph},
    tls_server::Authority,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc};
use studio_router::{
    GraphqlRequest, Router, discover,
    transport::{Authorities, HttpOptions, HttpSubgraph, InProcess, SubscriptionTransport},
};

const QUERY: &str = "{ me { name reviews { body product { name } } } }";
const EVENTS: &str = "subscription { reviewAdded(count: 2) { body author { name } } }";
const HERE: &str = "127.0.0.1";

fn trusting(authority: &Authority) -> HttpOptions {
    let ca = Authorities::from_pem(authority.pem().as_bytes()).unwrap();
    HttpOptions { ca: Some(ca), ..HttpOptions::default() }
}

/// How a subgraph's subscriptions are reached.
#[derive(Clone, Copy, Debug)]
enum Events {
    Sse,
    WebSocket,
    /// Over a WebSocket with TLS, where the rest is without.
    WebSocketAlone,
}

/// A router whose reviews come over TLS from a server with a certificate for `name`.
async fn router(
    server: &Authority,
    name: &str,
    trusted: &Authority,
    events: Events,
) -> Arc<Router> {
    let log = Log::default();
    let routes = subgraph_routes(reviews::schema(log.clone()));
    let secure = server.serve(name, routes.clone()).await;
    let url = match events {
        Events::WebSocketAlone => format!("http://{}/graphql", serve(routes).await),
        Events::Sse | Events::WebSocket => format!("https://{secure}/graphql"),
    };
    let subscriptions = match events {
        Events::Sse => SubscriptionTransport::Sse,
        _ => SubscriptionTransport::WebSocket(format!("wss://{secure}/ws")),
    };
    let options = HttpOptions { subscriptions, ..trusting(trusted) };
    Router::builder()
        .supergraph(supergraph())
        .subgraph("users", Arc::new(InProcess::new(users::schema(log.clone()))))
        .subgraph("products", Arc::new(InProcess::new(products::schema(log))))
        .subgraph("inventory", Arc::new(InProcess::new(inventory::schema())))
        .subgraph("reviews", Arc::new(HttpSubgraph::new(&url, options).unwrap()))
        .build()
        .unwrap()
}

async fn events(router: &Arc<Router>) -> Vec<Value> {
    collect(router.subscribe(GraphqlRequest::new(EVENTS), caller()).await.unwrap()).await
}

#[tokio::test]
async fn queries_and_events_come_over_tls() {
    let authority = Authority::new("ours");
    let near = in_process(&Log::default());
    let (answer, told) = (run(&near, QUERY, Value::Null).await, events(&near).await);
    assert_eq!((answer.get("errors"), told.len()), (None, 2));
    for way in [Events::Sse, Events::WebSocket, Events::WebSocketAlone] {
        let router = router(&authority, HERE, &authority, way).await;
        assert_eq!(run(&router, QUERY, Value::Null).await, answer, "{way:?}");
        assert_eq!(events(&router).await, told, "{way:?}");
    }
}

/// A subscription is refused, and a query is where that goes over TLS, too; the log has the reason.
async fn refused(server: &Authority, name: &str, trusted: &Authority, reason: &str) {
    for way in [Events::Sse, Events::WebSocket, Events::WebSocketAlone] {
        let (logged, _guard) = Logged::begin();
        let router = router(server, name, trusted, way).await;
        let over_tls = !matches!(way, Events::WebSocketAlone);
        let answer = run(&router, QUERY, Value::Null).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        let expected = if over_tls { json!("SUBGRAPH_UNAVAILABLE") } else { Value::Null };
        assert_eq!(*code, expected, "{way:?}: {answer}");
        assert!(!answer.to_string().contains("certificate"), "{way:?}: {answer}");
        let subscribed = router.subscribe(GraphqlRequest::new(EVENTS), caller()).await;
        let response = subscribed.err().unwrap();
        assert_eq!(response.code.as_deref(), Some("SUBGRAPH_UNAVAILABLE"), "{way:?}");
        let lines = logged.lines(reason);
        assert_eq!(lines.len(), 1 + usize::from(over_tls), "{way:?}: {lines:#?}");
        assert!(lines.iter().all(|line| line.contains("reviews")), "{way:?}: {lines:#?}");
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_signed_who_is_trusted_is_refused() {
    let (ours, strangers) = (Authority::new("ours"), Authority::new("strangers"));
    refused(&strangers, HERE, &ours, "UnknownIssuer; if the authority is your own").await;
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let ours = Authority::new("ours");
    refused(&ours, "reviews.example", &ours, "certificate not valid for name \"127.0.0.1\"").await;
}

#[tokio::test]
async fn a_subgraph_is_asked_for_its_schema_over_tls() {
    let ours = Authority::new("ours");
    let address = ours.serve(HERE, subgraph_routes(inventory::schema())).await;
    let at = |address: SocketAddr, trusted: &Authority| {
        HttpSubgraph::new(&format!("https://{address}/graphql"), trusting(trusted)).unwrap()
    };
    let sdl = discover(&at(address, &ours)).await.unwrap();
    assert!(sdl.contains("shippingEstimate"), "{sdl}");
    let refused = discover(&at(address, &Authority::new("strangers"))).await.unwrap_err();
    assert!(refused.to_string().contains("name its certificate by `ca`"), "{refused}");
}
