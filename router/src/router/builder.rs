//! Builds routers.

use super::{Graph, Readiness, Router, Sharing, Stop, overrides::Overrides, sharing::Sharings};
use crate::{
    authenticate::{Anonymous, Authenticate},
    compose::CompositionErrors,
    in_flight::{InFlight, ShareInFlight},
    limits::Limits,
    request::Caller,
    schema::Schema,
    serve::{Origin, OriginError, RequestIds},
    transport::{HttpOptions, SubgraphTransport},
};
use bytes::Bytes;
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// Why a router cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The supergraph cannot be used.
    #[error(transparent)]
    Supergraph(#[from] CompositionErrors),
    /// A transport was given for a subgraph that the supergraph does not name.
    #[error("the supergraph names no subgraph \"{0}\"")]
    UnknownSubgraph(String),
    /// A subgraph has neither a transport nor an address.
    #[error("the subgraph \"{0}\" cannot be reached: {1}")]
    NoTransport(String, String),
    /// A subscription is to be shared, or shared by a cursor, that the supergraph does not have.
    #[error("the supergraph has no field {0} to share subscriptions by")]
    UnknownField(String),
    /// A label is to be on that no progressive override of the supergraph has.
    #[error("the supergraph has no progressive override with the label \"{0}\"")]
    UnknownLabel(String),
    /// What is to be allowed is not an origin.
    #[error("pages cannot be allowed: {0}")]
    Origin(#[from] OriginError),
}

/// Collects what a router needs.
pub struct RouterBuilder {
    graph: Graph,
    http: HttpOptions,
    authenticate: Arc<dyn Authenticate>,
    request_ids: RequestIds,
    overrides: Overrides,
    readiness: Readiness,
    console: Option<Bytes>,
    allowed_origins: Vec<String>,
    limits: Limits,
    share_in_flight: ShareInFlight,
    sharings: Sharings,
    shutdown: CancellationToken,
}

impl RouterBuilder {
    pub(super) fn new() -> RouterBuilder {
        // Unlike those of other replicas and of those before it.
        let own = RandomState::new().hash_one(std::process::id());
        let counter = AtomicU64::new(1);
        RouterBuilder {
            graph: Graph::default(),
            http: HttpOptions::default(),
            authenticate: Arc::new(Anonymous),
            request_ids: Arc::new(move || {
                format!("req-{own:016x}-{}", counter.fetch_add(1, Ordering::Relaxed))
            }),
            overrides: Overrides::default(),
            readiness: Arc::new(|| Ok(())),
            console: None,
            allowed_origins: Vec::new(),
            limits: Limits::default(),
            share_in_flight: ShareInFlight::default(),
            sharings: Sharings::new(),
            shutdown: CancellationToken::new(),
        }
    }

    /// The supergraph, as composition writes it.
    #[must_use]
    pub fn supergraph(mut self, sdl: impl Into<String>) -> Self {
        self.graph.sdl = sdl.into();
        self
    }

    /// How to reach a subgraph. Those without a transport are reached over HTTP at the address that
    /// the supergraph gives.
    #[must_use]
    pub fn subgraph(
        mut self,
        name: impl Into<String>,
        transport: Arc<dyn SubgraphTransport>,
    ) -> Self {
        self.graph = self.graph.subgraph(name, transport);
        self
    }

    /// The supergraph together with how to reach its subgraphs, in the place of what was given of them
    /// before.
    #[must_use]
    pub fn graph(mut self, graph: Graph) -> Self {
        self.graph = graph;
        self
    }

    /// Options for subgraphs without a transport of their own.
    #[must_use]
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Who finds out who asks.
    #[must_use]
    pub fn authenticate(mut self, authenticate: Arc<dyn Authenticate>) -> Self {
        self.authenticate = authenticate;
        self
    }

    /// Makes ids for requests that bring none.
    #[must_use]
    pub fn request_ids(mut self, make: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.request_ids = Arc::new(make);
        self
    }

    /// Whether a named label of progressive overrides (`@override(label:)`) is on for a caller. It is asked
    /// once per request and label, for the labels that the operation meets; without it none is on.
    #[must_use]
    pub fn override_labels(
        mut self,
        is_on: impl Fn(&Caller, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.overrides.named = Arc::new(is_on);
        self
    }

    /// Draws a number from 0 to 100 for a request: fields with the label `percent(n)` have moved where it
    /// is below `n`. Without it each request draws at random; a number that depends on the caller keeps a
    /// caller on one side.
    #[must_use]
    pub fn override_draw(mut self, draw: impl Fn(&Caller) -> f64 + Send + Sync + 'static) -> Self {
        self.overrides.draw = Arc::new(draw);
        self
    }

    /// Says whether the process can serve, for `GET /health/ready`.
    #[must_use]
    pub fn readiness(
        mut self,
        ready: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.readiness = Arc::new(ready);
        self
    }

    /// The page that a browser gets at `GET /graphql`.
    #[must_use]
    pub fn console(mut self, html: impl Into<Bytes>) -> Self {
        self.console = Some(html.into());
        self
    }

    /// Other origins, such as `https://console.example`, whose pages may open a WebSocket. Pages of
    /// the router's own address always may, and what is no browser.
    #[must_use]
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allowed_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// What one request may cost.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Which reads share one answer while they are under way; by default none.
    #[must_use]
    pub fn share_in_flight(mut self, which: ShareInFlight) -> Self {
        self.share_in_flight = which;
        self
    }

    /// How clients share the subscription to this field of the subscription type, such as
    /// `scoreChanged`. Only clients whose [`Authenticate::scope`] is the same share anything.
    #[must_use]
    pub fn share_subscription(mut self, field: impl Into<String>, sharing: Sharing) -> Self {
        self.sharings.insert(field.into(), sharing);
        self
    }

    /// When it is cancelled, subscriptions end at once: streams without `complete`, WebSockets with
    /// the code 1001. Other operations end by themselves.
    #[must_use]
    pub fn shutdown(mut self, shutdown: CancellationToken) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Reads the supergraph and builds the router.
    pub fn build(self) -> Result<Arc<Router>, BuildError> {
        let allowed_origins = self
            .allowed_origins
            .iter()
            .map(|origin| origin.parse())
            .collect::<Result<Vec<Origin>, _>>()?;
        let core = self.graph.core(None, &self.http, &self.limits)?;
        if let Some(unknown) = unknown_field(&core.shared.schema, &self.sharings) {
            return Err(BuildError::UnknownField(unknown));
        }
        Ok(Arc::new(Router {
            core: RwLock::new(Arc::new(core)),
            reloading: Mutex::new(()),
            limits: self.limits,
            http: self.http,
            sharings: self.sharings,
            authenticate: self.authenticate,
            request_ids: self.request_ids,
            overrides: self.overrides,
            readiness: self.readiness,
            console: self.console,
            allowed_origins,
            stop: Stop::on(self.shutdown),
            in_flight: InFlight::new(self.share_in_flight),
        }))
    }
}

/// A field that subscriptions are shared by and that is not in the schema.
fn unknown_field(schema: &Schema, sharings: &Sharings) -> Option<String> {
    let there = |coordinate: &String| {
        let field = coordinate.split_once('.').and_then(|(ty, field)| schema.ty(ty)?.field(field));
        field.is_some()
    };
    let root = schema.subscription.as_deref().unwrap_or("Subscription");
    let named = sharings.iter().flat_map(|(field, sharing)| {
        let cursor = match sharing {
            Sharing::AtEvent { cursor } => Some(cursor.clone()),
            _ => None,
        };
        [Some(format!("{root}.{field}")), cursor]
    });
    named.flatten().find(|coordinate| !there(coordinate))
}
