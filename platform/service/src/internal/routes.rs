//! What one subgraph serves to the others, put together and behind its gate.

use std::sync::Arc;

use axum::{Router, middleware};
use studio_events::EventFeed;
use tokio_util::sync::CancellationToken;

use super::{Gate, InternalVerifier, require};
use crate::feed;

/// The parts.
pub struct InternalRoutes {
    /// The subgraph's name: calls must be meant for it.
    pub name: &'static str,
    /// What it publishes.
    pub feed: Arc<dyn EventFeed>,
    /// All that it recorded, for the audit log.
    pub audit: Arc<dyn EventFeed>,
    /// What else it serves to the others: [`Subgraph::internal`](crate::Subgraph::internal).
    pub others: Router,
    /// Checks who calls.
    pub verifier: InternalVerifier,
    /// Cancelled when the process is to end: whoever waits for an event gets an answer then.
    pub shutdown: CancellationToken,
}

/// `/internal/feed`, `/internal/feed/head`, `/internal/audit` and the subgraph's own internal routes, for Studio's own
/// processes alone.
pub fn internal_routes(parts: InternalRoutes) -> Router {
    let gate = Gate::services(parts.verifier, parts.name);
    feed::routes(parts.feed, parts.audit, parts.shutdown)
        .merge(parts.others)
        .layer(middleware::from_fn_with_state(gate, require))
}
