//! Subgraphs of a graph, each with its schema.

use std::sync::Arc;

use studio_router::SubgraphSdl;
use studio_service::config::RemoteSubgraph;

use super::Remote;

/// A subgraph with the schema that it has, or is to have, in a graph.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) remote: Arc<Remote>,
    pub(crate) schema: SubgraphSdl,
}

impl Part {
    /// As it is now. One of `before` that has its name is reached as before, where nothing is different.
    pub(crate) async fn read(
        settings: &RemoteSubgraph,
        forward_authorization: bool,
        before: &[Self],
    ) -> anyhow::Result<Self> {
        let before = before.iter().map(|part| &part.remote);
        let same = before.into_iter().find(|remote| remote.settings.name == settings.name);
        let remote = Remote::new(settings, forward_authorization, same)?;
        let schema = remote.schema().await?;
        Ok(Self { remote, schema })
    }

    /// Whether nothing of it is different.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.remote, &other.remote) && self.schema.sdl == other.schema.sdl
    }

    /// Whether a graph of the one is a graph of the others.
    pub(crate) fn are(all: &[Self], others: &[Self]) -> bool {
        all.len() == others.len() && all.iter().zip(others).all(|(one, other)| one.is(other))
    }
}
