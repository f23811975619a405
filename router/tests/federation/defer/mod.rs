//! `@defer` (incremental delivery, GraphQL specification draft): answers in parts, over every transport.

mod clients;
mod failures;
mod fetches;
pub mod merge;
mod payloads;
mod rules;
mod transports;

use crate::{
    subgraphs::{Log, inventory, products, reviews, users},
    support::{caller, collect, supergraph},
};
use futures::{StreamExt, stream::BoxStream};
use serde_json::Value;
use std::sync::Arc;
use studio_router::{
    GraphqlRequest, Router, RouterBuilder,
    transport::{
        Encoding, InProcess, SubgraphRequest, SubgraphResponse, SubgraphStream, SubgraphTransport,
        TransportError,
    },
};
use tokio::sync::Semaphore;

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

/// A subgraph that answers only when it may, and says that it was asked.
struct Gated {
    inner: InProcess,
    asked: Semaphore,
    answers: Semaphore,
}

impl Gated {
    fn new(inner: InProcess, answers: usize) -> Arc<Gated> {
        let (asked, answers) = (Semaphore::new(0), Semaphore::new(answers));
        Arc::new(Gated { inner, asked, answers })
    }

    async fn was_asked(&self) {
        self.asked.acquire().await.unwrap().forget();
    }
}

#[async_trait::async_trait]
impl SubgraphTransport for Gated {
    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        self.asked.add_permits(1);
        self.answers.acquire().await.unwrap().forget();
        self.inner.execute(request).await
    }

    async fn subscribe(&self, request: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        self.inner.subscribe(request).await
    }
}

/// A router whose reviews wait until they may be answered.
fn gated(build: impl FnOnce(RouterBuilder) -> RouterBuilder) -> (Arc<Router>, Arc<Gated>) {
    let log = Log::default();
    let waiting = Gated::new(InProcess::new(reviews::schema(log.clone())), 0);
    let builder = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", Arc::new(InProcess::new(users::schema(log.clone()))))
        .subgraph("products", Arc::new(InProcess::new(products::schema(log))))
        .subgraph("inventory", Arc::new(InProcess::new(inventory::schema())))
        .subgraph("reviews", waiting.clone());
    (build(builder).build().unwrap(), waiting)
}
