//! The router that the targets of the edge share. Its subgraphs do not answer: reading, validating,
//! planning and projecting are what is tried.

use std::sync::{Arc, LazyLock};

use studio_router::Router;
use tokio::runtime::{Builder, Runtime};

const SUPERGRAPH: &str = include_str!("../../router/tests/federation/fuzz.supergraph.graphql");

static ROUTER: LazyLock<(Arc<Router>, Runtime)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    // No server listens there: each fetch fails at once.
    let within = runtime.enter();
    let router = Router::builder().supergraph(SUPERGRAPH).build().expect("the supergraph plans");
    drop(within);
    (router, runtime)
});

/// Runs what `ask` makes of the router to its end.
pub(super) fn with<T>(ask: impl AsyncFnOnce(Arc<Router>) -> T) -> T {
    let (router, runtime) = &*ROUTER;
    runtime.block_on(ask(Arc::clone(router)))
}
