//! The shape that every subgraph has towards the process that runs it.

use std::{collections::BTreeMap, sync::Arc};

use async_graphql::{ObjectType, Request, Response, Schema, SubscriptionType};
use async_trait::async_trait;
use futures::{StreamExt, future::BoxFuture, stream::BoxStream};
use studio_access::Policy;
use studio_events::{AuditFeed, EventFeed, EventStore, Leadership, Shown, StoreError};
use studio_kernel::{Env, Id, TenantId, kind};
use studio_stores::{blobs::Blobs, graph::Graph, keyring::Keyring, sql::Database};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    error::{self, ApiError},
    notices::Notices,
    reading,
};

/// The id of the request, in the data of every GraphQL request and in every log line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// As an id, where it is one of ours.
    pub fn id(&self) -> Option<Id<kind::Request>> {
        self.0.parse().ok()
    }
}

/// What a subgraph is built from. Migrations have run on `database`.
#[derive(Clone)]
pub struct Deps {
    /// Time and randomness.
    pub env: Env,
    /// The subgraph's own store.
    pub database: Database,
    /// Keys for personal data, secrets, tokens and signed checkpoints.
    pub keyring: Arc<Keyring>,
    /// Who may do what.
    pub policy: Arc<Policy>,
    /// What is recorded beside the subgraph's own events.
    pub notices: Arc<Notices>,
    /// Where bytes lie; each subgraph has a store of its own.
    pub blobs: Arc<dyn Blobs>,
    /// What hangs together: fed and asked by the controls subgraph.
    pub graph: Arc<dyn Graph>,
    /// The whole configuration.
    pub config: Arc<Config>,
    /// Whether this process may do the subgraph's background work.
    pub leadership: Leadership,
    /// Cancelled when the process is to end. Requests under way are still answered then.
    pub shutdown: CancellationToken,
    /// Cancelled after `shutdown`, once no request is under way any more: what answers are made of
    /// is kept up until then.
    pub drained: CancellationToken,
}

/// The published events of the other subgraphs, by source (`identity`, `evidence`, …).
pub type Feeds = BTreeMap<&'static str, Arc<dyn EventFeed>>;

/// The text of a document's version, as the documents subgraph gives it to the ai subgraph.
#[async_trait]
pub trait DocumentText: Send + Sync {
    /// The text, or `None` where the version does not exist or holds no text that can be read.
    async fn text(
        &self,
        tenant: TenantId,
        version: Id<kind::DocumentVersion>,
    ) -> Result<Option<String>, ApiError>;
}

/// What starts once all subgraphs are built: a future that runs until `shutdown` or `drained`.
pub type Background = BoxFuture<'static, ()>;

/// Starts what runs in the background of a subgraph; it says why where that cannot be.
pub type Start = Box<dyn FnOnce(&Feeds) -> Result<Vec<Background>, StoreError> + Send>;

/// A subgraph, built and ready to serve.
pub struct Subgraph {
    /// Its name in the supergraph, lower case.
    pub name: &'static str,
    /// Its GraphQL schema.
    pub graphql: Arc<dyn GraphQlService>,
    /// Its REST endpoints. Authenticated requests carry an [`studio_kernel::Actor`] extension.
    pub routes: axum::Router,
    /// What it serves to Studio's other processes besides its feed, never to clients: for
    /// [`internal_routes`](crate::internal::internal_routes), which checks who calls.
    pub internal: axum::Router,
    /// Its log, for `studio verify`, backups and shutdown.
    pub store: EventStore,
    /// What it publishes.
    pub feed: Arc<dyn EventFeed>,
    /// What of its events the audit log may show.
    pub shown: &'static [Shown],
    /// Starts its consumers and schedulers, given the feeds of the others.
    pub start: Start,
}

impl Subgraph {
    /// All that its log holds, for the audit log.
    pub fn audit(&self) -> Arc<dyn EventFeed> {
        Arc::new(AuditFeed::new(self.store.clone(), self.shown))
    }
}

/// A GraphQL schema behind a pointer.
pub trait GraphQlService: Send + Sync + 'static {
    /// Answers a query or a mutation.
    fn execute(&self, request: Request) -> BoxFuture<'static, Response>;
    /// Answers a subscription; queries and mutations give one answer.
    fn execute_stream(&self, request: Request) -> BoxStream<'static, Response>;
    /// The federation SDL, subscriptions included.
    fn sdl(&self) -> String;
}

/// A schema, and what each request gets before it runs: its own DataLoaders.
///
/// Loaders live per request and never in the schema, where one tenant could read what another
/// loaded.
pub struct Served<Q, M, S> {
    schema: Schema<Q, M, S>,
    prepare: Arc<dyn Fn(Request) -> Request + Send + Sync>,
}

impl<Q, M, S> Served<Q, M, S> {
    /// Serves `schema`; `prepare` adds per-request data.
    pub fn new(
        schema: Schema<Q, M, S>,
        prepare: impl Fn(Request) -> Request + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { schema, prepare: Arc::new(prepare) })
    }
}

impl<Q, M, S> GraphQlService for Served<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    fn execute(&self, request: Request) -> BoxFuture<'static, Response> {
        let schema = self.schema.clone();
        let mut request = (self.prepare)(request);
        Box::pin(async move {
            let scope = reading::scope(&mut request);
            let seen = reading::seen(&request).cloned();
            let mut response = scope.run(schema.execute(request)).await;
            response.errors.iter_mut().for_each(error::name_what_does_not_parse);
            if let Some(seen) = seen {
                seen.wrote(&scope.wrote());
            }
            response
        })
    }

    fn execute_stream(&self, request: Request) -> BoxStream<'static, Response> {
        self.schema.execute_stream((self.prepare)(request)).boxed()
    }

    fn sdl(&self) -> String {
        self.schema.sdl_with_options(
            async_graphql::SDLExportOptions::new()
                .federation()
                .sorted_fields()
                .sorted_arguments()
                .sorted_enum_items(),
        )
    }
}
