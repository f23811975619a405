//! Serves any federation 2 supergraph by itself: subgraphs are reached at the addresses that
//! `@join__graph(url:)` gives, and decide for themselves what a token may do.

use crate::{
    authenticate::{AuthError, Authenticate, Scope},
    in_flight::ShareInFlight,
    limits::Limits,
    request::Caller,
    router::{BuildError, Graph, Router, Sharing},
    serve,
};
use http::{HeaderMap, HeaderValue, header};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Time for answers under way when the process is asked to end.
const GRACE: Duration = Duration::from_secs(10);

/// Why a supergraph cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum StandaloneError {
    /// The supergraph or an address in it cannot be used.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Serving failed.
    #[error("serving ended: {0}")]
    Serve(#[source] std::io::Error),
}

/// Hands the client's `Authorization` on.
#[derive(Clone, Copy, Debug)]
pub struct ForwardAuthorization;

#[async_trait::async_trait]
impl Authenticate for ForwardAuthorization {
    async fn authenticate(
        &self,
        headers: &HeaderMap,
        connection_params: Option<&serde_json::Value>,
    ) -> Result<Caller, AuthError> {
        let mut caller = Caller { may_introspect: true, ..Caller::default() };
        // A browser cannot set headers on a WebSocket; its token comes in the first message.
        let given = connection_params
            .and_then(|params| params.get("Authorization").or_else(|| params.get("authorization")))
            .and_then(serde_json::Value::as_str)
            .and_then(|token| HeaderValue::from_str(token).ok());
        if let Some(token) = given.or_else(|| headers.get(header::AUTHORIZATION).cloned()) {
            caller.forward.insert(header::AUTHORIZATION, token);
        }
        Ok(caller)
    }

    fn scope(&self, caller: &Caller) -> Option<Scope> {
        // Whether there was a header at all is part of it: an empty token is not none.
        let token = caller.forward.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let mut bytes = vec![u8::from(token.is_some())];
        bytes.extend_from_slice(token.unwrap_or_default());
        Some(Scope::new(bytes))
    }
}

/// How a router answers, beside its graph. It stays when the graph is exchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandaloneOptions {
    /// Which reads share one answer while they are under way.
    pub share_in_flight: ShareInFlight,
    /// How clients share the subscription to a field of the subscription type, such as `scoreChanged`.
    pub share_subscriptions: BTreeMap<String, Sharing>,
    /// The named labels of progressive overrides that are on, for everybody.
    pub override_labels: BTreeSet<String>,
    /// What one request may cost.
    pub limits: Limits,
}

/// A router that serves by itself, and may take another graph meanwhile ([`Router::reload`]).
#[derive(Debug)]
pub struct Standalone {
    router: Arc<Router>,
    stopping: CancellationToken,
}

impl Standalone {
    /// A router for the graph. Subgraphs without a transport are reached over HTTP at the addresses
    /// that the supergraph gives.
    ///
    /// # Errors
    /// Where the graph cannot be used, or has not what the options name.
    pub fn new(graph: Graph, options: StandaloneOptions) -> Result<Standalone, BuildError> {
        let StandaloneOptions { share_in_flight, share_subscriptions, override_labels, limits } =
            options;
        let stopping = CancellationToken::new();
        let labels = override_labels.clone();
        let builder = Router::builder()
            .graph(graph)
            .authenticate(Arc::new(ForwardAuthorization))
            .limits(limits)
            .share_in_flight(share_in_flight)
            .override_labels(move |_, label| labels.contains(label))
            .shutdown(stopping.clone());
        let router = share_subscriptions
            .into_iter()
            .fold(builder, |builder, (field, sharing)| builder.share_subscription(field, sharing))
            .build()?;
        if let Some(unknown) = router.unknown_label(&override_labels) {
            return Err(BuildError::UnknownLabel(unknown));
        }
        Ok(Standalone { router, stopping })
    }

    /// The router.
    pub fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// Serves on `listen` until `shutdown`.
    ///
    /// # Errors
    /// Where the address cannot be listened on, or serving fails.
    pub async fn serve(
        self,
        listen: SocketAddr,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), StandaloneError> {
        let Standalone { router, stopping } = self;
        let routes = serve::alone(router.clone());
        let failed = |source| StandaloneError::Listen { address: listen, source };
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        tracing::info!(%address, "the router is ready");
        let stopped = stopping.clone();
        let signal = async move {
            shutdown.await;
            stopping.cancel();
        };
        let serving = async {
            axum::serve(listener, routes).with_graceful_shutdown(signal).await?;
            router.drained().await;
            Ok(())
        };
        let grace = async {
            stopped.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            ended = serving => ended.map_err(StandaloneError::Serve),
            // A client that takes its answer too slowly does not keep the process alive.
            () = grace => Ok(()),
        }
    }
}
