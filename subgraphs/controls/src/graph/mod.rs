//! The graph of this subgraph's log: what hangs together, and whose work it is. It is fed from the
//! log alone ([`follow`] reads, [`fold`] decides) and can be made anew from it at any time. Queries
//! go over [`Graphs`], which waits until everything that was recorded before a question is in the
//! graph.

mod fold;
mod follow;
mod shape;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use studio_events::EventStore;
use studio_kernel::{Actor, TenantId};
use studio_service::ApiError;
use studio_stores::graph::{Graph, GraphError, View};
use tokio::sync::watch;

pub(crate) use follow::run;

/// The version of the rules by which events become changes. Raise it whenever [`fold`] changes: a
/// graph of another version is made anew.
const VERSION: u32 = 2;
/// How long a question waits for the graph to take in what was recorded before it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The graph, shared by what feeds it and all queries.
#[derive(Clone)]
pub(crate) struct Graphs(Arc<Inner>);

struct Inner {
    store: EventStore,
    graph: Arc<dyn Graph>,
    /// Everything up to this position of the log is in the graph; -1 while that is not known.
    reached: watch::Sender<i64>,
}

impl Graphs {
    pub(crate) fn new(store: EventStore, graph: Arc<dyn Graph>) -> Self {
        Self(Arc::new(Inner { store, graph, reached: watch::Sender::new(-1) }))
    }

    /// What there is of the actor's organization, with all that was recorded until now.
    pub(crate) async fn view(&self, actor: &Actor) -> Result<Arc<dyn View>, ApiError> {
        let head = self.0.store.head();
        let mut reached = self.0.reached.subscribe();
        let there = async { reached.wait_for(|now| *now >= head).await.is_ok() };
        if !tokio::time::timeout(PATIENCE, there).await.unwrap_or(false) {
            let reached = *self.0.reached.borrow();
            return Err(ApiError::unavailable(format!(
                "the graph is at {reached}, the log at {head}"
            )));
        }
        Ok(self.of(actor.tenant).await?)
    }

    async fn of(&self, tenant: TenantId) -> Result<Arc<dyn View>, GraphError> {
        self.0.graph.view(tenant).await
    }

    fn reach(&self, position: i64) {
        self.0.reached.send_replace(position);
    }
}
