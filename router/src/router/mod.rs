//! The router: one supergraph, its subgraphs, and the caches of what was asked before.

mod answer_key;
mod builder;
mod core;
mod deferred;
mod fan;
mod follow;
mod gone;
mod graph;
mod groups;
mod overrides;
mod run;
mod sharing;
mod stop;
mod stream;
mod upstream;

pub(crate) use answer_key::AnswerKey;
pub use builder::{BuildError, RouterBuilder};
pub(crate) use core::Prepared;
pub(crate) use deferred::Answer;
pub use graph::Graph;
pub use sharing::Sharing;
pub(crate) use stop::Stop;

use self::{core::Core, overrides::Overrides, sharing::Sharings};
use crate::{
    authenticate::Authenticate,
    error::{GraphqlError, code},
    in_flight::InFlight,
    limits::Limits,
    plan::OperationKind,
    planner::Label,
    request::{Caller, GraphqlRequest, GraphqlResponse, RequestId},
    serve::{Origin, RequestIds},
    transport::HttpOptions,
};
use bytes::Bytes;
use futures::stream::BoxStream;
use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
};
use tokio_util::sync::CancellationToken;

type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// A running router.
pub struct Router {
    /// What new requests are prepared with; those under way hold the one that they began with.
    core: RwLock<Arc<Core>>,
    /// One graph is taken in after the other.
    reloading: Mutex<()>,
    limits: Limits,
    http: HttpOptions,
    pub(crate) authenticate: Arc<dyn Authenticate>,
    pub(crate) request_ids: RequestIds,
    overrides: Overrides,
    readiness: Readiness,
    pub(crate) console: Option<Bytes>,
    /// Other sites whose pages may open a WebSocket.
    pub(crate) allowed_origins: Vec<Origin>,
    pub(crate) stop: Stop,
    in_flight: Arc<InFlight>,
    /// How each subscription is shared.
    sharings: Sharings,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("subgraphs", &self.core().shared.subgraphs)
            .finish_non_exhaustive()
    }
}

impl Router {
    /// Begins a router.
    pub fn builder() -> RouterBuilder {
        RouterBuilder::new()
    }

    /// The graph that new requests are answered with.
    fn core(&self) -> Arc<Core> {
        self.core.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a new graph in the place of the one that is served, for all that is asked from now on.
    /// What is under way ends on the graph that it began with, subscriptions too; but those to a
    /// subgraph whose name is not in the new graph end with `SUBGRAPH_UNAVAILABLE`. Subgraphs without
    /// a transport of their own keep their connections where their address is the same. Whatever else
    /// the router was built with stays.
    ///
    /// It reads and checks the whole supergraph before it returns, which takes time: call it where
    /// that is allowed, such as [`tokio::task::spawn_blocking`].
    ///
    /// # Errors
    /// Where the graph cannot be used; then the old one goes on.
    pub fn reload(&self, graph: Graph) -> Result<(), BuildError> {
        let _one_by_one = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.core();
        let core = graph.core(Some(&before), &self.http, &self.limits)?;
        let gone = core.without(&before);
        *self.core.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(core);
        gone.iter().for_each(CancellationToken::cancel);
        Ok(())
    }

    /// One of these labels that no progressive override has.
    pub(crate) fn unknown_label(&self, labels: &BTreeSet<String>) -> Option<String> {
        let core = self.core();
        let there = |label: &String| {
            let mut all = core.supergraph.labels.all.iter();
            all.any(|known| matches!(known, Label::Named(name) if name == label))
        };
        labels.iter().find(|label| !there(label)).cloned()
    }

    /// The public schema as text.
    pub fn schema_sdl(&self) -> Bytes {
        self.core().api_sdl.clone()
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn ready(&self) -> Result<(), String> {
        (self.readiness)()
    }

    /// Ends when every WebSocket is closed, which they are soon after the router was asked to end
    /// ([`RouterBuilder::shutdown`]).
    pub async fn drained(&self) {
        self.stop.closed().await;
    }

    pub(crate) fn new_request_id(&self) -> RequestId {
        RequestId((self.request_ids)().into())
    }

    /// Answers a query or mutation, at once: nothing is deferred.
    pub async fn execute(&self, request: GraphqlRequest, caller: Caller) -> GraphqlResponse {
        match self.prepare(request, caller, || false).await {
            Ok(prepared) if prepared.kind() == OperationKind::Subscription => {
                GraphqlResponse::request_errors(&[GraphqlError::new(
                    code::BAD_USER_INPUT,
                    "a subscription needs a stream: ask with Accept: text/event-stream, or over a WebSocket",
                )])
            }
            Ok(prepared) => self.run(prepared).await,
            Err(errors) => GraphqlResponse::request_errors(&errors),
        }
    }

    /// Starts a subscription; each item is one answer as JSON. A query or mutation is a stream of one, or
    /// of the parts of its answer where it defers fragments.
    /// Dropping the stream ends the subscription upstream. A subscription ends when the router is
    /// asked to ([`RouterBuilder::shutdown`]).
    pub async fn subscribe(
        self: &Arc<Self>,
        request: GraphqlRequest,
        caller: Caller,
    ) -> Result<BoxStream<'static, Bytes>, GraphqlResponse> {
        let prepared = self
            .prepare(request, caller, || true)
            .await
            .map_err(|errors| GraphqlResponse::request_errors(&errors))?;
        self.clone().stream(prepared).await
    }
}

fn timed_out(limit: std::time::Duration) -> GraphqlResponse {
    GraphqlResponse::request_errors(&[too_long(limit)])
}

fn too_long(limit: std::time::Duration) -> GraphqlError {
    GraphqlError::new(
        code::TIMEOUT,
        format!("the operation took longer than {limit:?}; ask for less or split it"),
    )
}
