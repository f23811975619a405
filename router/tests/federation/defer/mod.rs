//! `@defer` (incremental delivery, GraphQL specification draft): answers in parts, over every transport.

mod clients;
mod failures;
mod fetches;
pub mod merge;
mod payloads;
mod rules;
mod transports;

use crate::{
    gated::Gated,
    subgraphs::{Log, inventory, products, reviews, users},
    support::{caller, collect, supergraph},
};
use futures::{StreamExt, stream::BoxStream};
use serde_json::Value;
use std::sync::Arc;
use studio_router::{GraphqlRequest, Router, RouterBuilder, transport::InProcess};

/// All parts of an answer.
async fn parts(router: &Arc<Router>, query: &str, variables: Value) -> Vec<Value> {
    let request = GraphqlRequest::new(query).variables(variables);
    match router.subscribe(request, caller()).await {
        Ok(parts) => collect(parts).await,
        Err(refused) => panic!("{query}: {}", refused.json()),
    }
}

/// The first of an answer's parts, and the rest as they come.
async fn begin(router: &Arc<Router>, query: &str) -> (Value, BoxStream<'static, bytes::Bytes>) {
    let mut all = router.subscribe(GraphqlRequest::new(query), caller()).await.unwrap();
    let first = all.next().await.unwrap();
    (serde_json::from_slice(&first).unwrap(), all)
}

/// A router whose reviews wait until they may be answered.
fn gated(build: impl FnOnce(RouterBuilder) -> RouterBuilder) -> (Arc<Router>, Arc<Gated>) {
    let log = Log::default();
    let waiting = Gated::new(InProcess::new(reviews::schema(log.clone())));
    let builder = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", Arc::new(InProcess::new(users::schema(log.clone()))))
        .subgraph("products", Arc::new(InProcess::new(products::schema(log))))
        .subgraph("inventory", Arc::new(InProcess::new(inventory::schema())))
        .subgraph("reviews", waiting.clone());
    (build(builder).build().unwrap(), waiting)
}
