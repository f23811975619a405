//! A supergraph with the ways to its subgraphs: what a router answers with, and can exchange while it
//! runs.

use super::{BuildError, core::Core, upstream::Subscriptions};
use crate::{
    compose::read_supergraph,
    execute::{Shared, SubgraphHandle},
    limits::Limits,
    plan::cache::Cache,
    transport::{HttpOptions, HttpSubgraph, SubgraphTransport},
};
use bytes::Bytes;
use std::{collections::HashMap, fmt, sync::Arc};
use tokio_util::sync::CancellationToken;

/// A supergraph, and how to reach its subgraphs.
#[derive(Clone, Default)]
pub struct Graph {
    pub(super) sdl: String,
    subgraphs: HashMap<String, Arc<dyn SubgraphTransport>>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("subgraphs", &self.subgraphs.keys()).finish_non_exhaustive()
    }
}

impl Graph {
    /// A supergraph, as composition writes it.
    pub fn new(supergraph: impl Into<String>) -> Graph {
        Graph { sdl: supergraph.into(), subgraphs: HashMap::new() }
    }

    /// How to reach a subgraph. Those without a transport are reached over HTTP at the address that
    /// the supergraph gives.
    #[must_use]
    pub fn subgraph(
        mut self,
        name: impl Into<String>,
        transport: Arc<dyn SubgraphTransport>,
    ) -> Graph {
        self.subgraphs.insert(name.into(), transport);
        self
    }

    /// Reads the supergraph. What `before` has of the same is taken over: connections to an address,
    /// and of a subgraph that stays what ends its subscriptions.
    pub(super) fn core(
        mut self,
        before: Option<&Core>,
        http: &HttpOptions,
        limits: &Limits,
    ) -> Result<Core, BuildError> {
        let (supergraph, schema, validator) = read_supergraph(&self.sdl)?;
        let mut subgraphs = Vec::new();
        let mut pools = HashMap::new();
        for subgraph in &supergraph.subgraphs {
            let name = &subgraph.name;
            let transport: Arc<dyn SubgraphTransport> = match self.subgraphs.remove(name) {
                Some(transport) => transport,
                None => pool(&subgraph.url, before, http, &mut pools)
                    .map_err(|error| BuildError::NoTransport(name.clone(), error.to_string()))?,
            };
            let stays = before.and_then(|core| core.subgraph(name));
            let gone = stays.map_or_else(CancellationToken::new, |same| same.gone.clone());
            subgraphs.push(SubgraphHandle { name: name.clone(), transport, gone });
        }
        if let Some(unknown) = self.subgraphs.into_keys().next() {
            return Err(BuildError::UnknownSubgraph(unknown));
        }
        Ok(Core {
            api_sdl: Bytes::from(schema.sdl()),
            documents: Cache::new(limits.documents),
            subscriptions: Subscriptions::new(limits),
            limits: limits.clone(),
            supergraph,
            validator,
            shared: Shared { schema, subgraphs, max_errors: limits.errors },
            pools,
        })
    }
}

/// The transport to an address: the one that is there already, or a new one.
fn pool(
    url: &str,
    before: Option<&Core>,
    http: &HttpOptions,
    pools: &mut HashMap<String, Arc<HttpSubgraph>>,
) -> Result<Arc<HttpSubgraph>, crate::transport::AddressError> {
    let known = pools.get(url).or_else(|| before?.pools.get(url)).cloned();
    let transport = match known {
        Some(transport) => transport,
        None => Arc::new(HttpSubgraph::new(url, http.clone())?),
    };
    pools.insert(url.to_owned(), transport.clone());
    Ok(transport)
}

impl Core {
    fn subgraph(&self, name: &str) -> Option<&SubgraphHandle> {
        self.shared.subgraphs.iter().find(|subgraph| subgraph.name == name)
    }

    /// What ends the subscriptions to subgraphs that `before` has and this one has not.
    pub(super) fn without(&self, before: &Core) -> Vec<CancellationToken> {
        let left = before.shared.subgraphs.iter().filter(|one| self.subgraph(&one.name).is_none());
        left.map(|subgraph| subgraph.gone.clone()).collect()
    }
}
