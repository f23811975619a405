//! Routers over the same subgraphs, in process and over real sockets.

pub use crate::server::serve;
use crate::subgraphs::{Actor, Log, inventory, products, reviews, users};
use async_graphql::Executor;
use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use futures::{StreamExt, stream::BoxStream};
use std::sync::Arc;
use studio_router::{
    AuthError, Authenticate, Caller, GraphqlRequest, Router, SubgraphSdl, compose,
    transport::{HttpOptions, HttpSubgraph, InProcess, SubscriptionTransport},
};

pub fn sdls() -> Vec<SubgraphSdl> {
    let log = Log::default();
    [
        ("users", users::schema(log.clone()).sdl_with_options(federation())),
        ("products", products::schema(log.clone()).sdl_with_options(federation())),
        ("reviews", reviews::schema(log).sdl_with_options(federation())),
        ("inventory", inventory::schema().sdl_with_options(federation())),
    ]
    .into_iter()
    .map(|(name, sdl)| SubgraphSdl {
        name: name.to_owned(),
        url: Some(format!("http://127.0.0.1:1/{name}")),
        sdl,
    })
    .collect()
}

fn federation() -> async_graphql::SDLExportOptions {
    async_graphql::SDLExportOptions::new().federation()
}

pub fn supergraph() -> String {
    compose(sdls()).unwrap().sdl
}

pub fn caller() -> Caller {
    let mut caller = Caller { may_introspect: true, ..Caller::default() };
    caller.extensions.insert(Actor("tester".to_owned()));
    caller
}

pub fn in_process(log: &Log) -> Arc<Router> {
    Router::builder()
        .supergraph(supergraph())
        .subgraph("users", Arc::new(InProcess::new(users::schema(log.clone())).provide::<Actor>()))
        .subgraph("products", Arc::new(InProcess::new(products::schema(log.clone()))))
        .subgraph("reviews", Arc::new(InProcess::new(reviews::schema(log.clone()))))
        .subgraph("inventory", Arc::new(InProcess::new(inventory::schema())))
        .build()
        .unwrap()
}

/// A subgraph over HTTP.
pub async fn subgraph<E: Executor>(schema: E) -> String {
    serve(subgraph_routes(schema)).await.to_string()
}

/// POST answers, and streams events to those who ask for them; WebSocket at /ws.
pub fn subgraph_routes<E: Executor>(schema: E) -> axum::Router {
    async fn answer<E: Executor>(
        State(schema): State<E>,
        headers: http::HeaderMap,
        Json(request): Json<async_graphql::Request>,
    ) -> Response {
        let accept = headers.get("accept").map(|value| value.to_str().unwrap().to_owned());
        if accept.as_deref() != Some("text/event-stream") {
            return Json(schema.execute(request).await).into_response();
        }
        let events = schema
            .execute_stream(request, None)
            .map(|event| {
                format!("event: next\ndata: {}\n\n", serde_json::to_string(&event).unwrap())
            })
            .chain(futures::stream::once(async { "event: complete\ndata:\n\n".to_owned() }))
            .map(Ok::<_, std::convert::Infallible>);
        ([("content-type", "text/event-stream")], Body::from_stream(events)).into_response()
    }
    let websocket = async_graphql_axum::GraphQLSubscription::new(schema.clone());
    axum::Router::new()
        .route("/graphql", post(answer::<E>))
        .with_state(schema)
        .route_service("/ws", websocket)
}

pub fn http(address: &str) -> Arc<HttpSubgraph> {
    Arc::new(
        HttpSubgraph::new(&format!("http://{address}/graphql"), HttpOptions::default()).unwrap(),
    )
}

pub async fn over_http(log: &Log) -> Arc<Router> {
    over_http_with(log, false).await
}

/// With `websocket`, the reviews subgraph sends its events over a WebSocket; all speak h2c then.
pub async fn over_http_with(log: &Log, websocket: bool) -> Arc<Router> {
    let mut builder = Router::builder().supergraph(supergraph());
    let addresses = [
        ("users", subgraph(users::schema(log.clone())).await),
        ("products", subgraph(products::schema(log.clone())).await),
        ("reviews", subgraph(reviews::schema(log.clone())).await),
        ("inventory", subgraph(inventory::schema()).await),
    ];
    for (name, address) in addresses {
        let subscriptions = match websocket {
            true => SubscriptionTransport::WebSocket(format!("ws://{address}/ws")),
            false => SubscriptionTransport::Sse,
        };
        let options = HttpOptions { subscriptions, h2c: websocket, ..HttpOptions::default() };
        let transport = HttpSubgraph::new(&format!("http://{address}/graphql"), options).unwrap();
        builder = builder.subgraph(name, Arc::new(transport));
    }
    builder.build().unwrap()
}

pub async fn run(
    router: &Arc<Router>,
    query: &str,
    variables: serde_json::Value,
) -> serde_json::Value {
    let request = GraphqlRequest::new(query).variables(variables);
    router.execute(request, caller()).await.json()
}

/// The answer of both kinds of router, which must be equal.
pub async fn both(query: &str, variables: serde_json::Value) -> serde_json::Value {
    let (near, far) = (Log::default(), Log::default());
    let near = run(&in_process(&near), query, variables.clone()).await;
    let far = run(&over_http(&far).await, query, variables).await;
    assert_eq!(near, far, "in process and over HTTP differ for {query}");
    near
}

pub async fn data(query: &str) -> serde_json::Value {
    let answer = both(query, serde_json::Value::Null).await;
    assert_eq!(answer.get("errors"), None, "{query}: {answer}");
    answer["data"].clone()
}

pub async fn collect(stream: BoxStream<'static, bytes::Bytes>) -> Vec<serde_json::Value> {
    stream.map(|event| serde_json::from_slice(&event).unwrap()).collect().await
}

/// The paths of errors, sorted: what two implementations must agree on.
pub fn error_paths(answer: &serde_json::Value) -> Vec<String> {
    let mut paths: Vec<String> = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| error["path"].to_string())
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// One token is good, none is a stranger, and all others are refused.
pub struct Token;

#[async_trait::async_trait]
impl Authenticate for Token {
    async fn authenticate(
        &self,
        headers: &http::HeaderMap,
        _: Option<&serde_json::Value>,
    ) -> Result<Caller, AuthError> {
        match headers.get("authorization").map(|value| value.to_str().unwrap_or_default()) {
            None => Ok(Caller::default()),
            Some("Bearer good") => Ok(Caller { may_introspect: true, ..Caller::default() }),
            Some(_) => Err(AuthError::Token("sign in again".to_owned())),
        }
    }
}
