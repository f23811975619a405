//! Where a graph that is not Studio's comes from.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use aws_lc_rs::digest;
use studio_router::{Graph, SubgraphSdl, check_plannable};
use studio_service::config::RemoteSubgraphs;

use crate::{remote::Part, schema};

/// Where a graph comes from.
pub(crate) enum Source {
    /// A composed supergraph, in a file.
    Supergraph(PathBuf),
    /// Subgraphs, which a file names.
    Subgraphs(Subgraphs),
}

/// A graph as it was read.
pub(super) struct Read {
    pub(super) graph: Graph,
    pub(super) version: Version,
}

/// What tells one graph from another.
#[derive(Default)]
pub(super) struct Version {
    /// SHA-256 of the supergraph, in hexadecimal digits.
    pub(super) hash: String,
    /// The subgraphs that were composed here, with their schemas.
    parts: Vec<Part>,
}

/// Subgraphs, which a file names.
pub(crate) struct Subgraphs {
    file: PathBuf,
    /// As it was last read.
    settings: RemoteSubgraphs,
}

impl Source {
    /// Subgraphs that this file names.
    pub(crate) fn subgraphs(file: PathBuf) -> Self {
        Self::Subgraphs(Subgraphs { file, settings: RemoteSubgraphs::default() })
    }

    /// The files that are read.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::Supergraph(file) => vec![file.clone()],
            Self::Subgraphs(Subgraphs { file, settings, .. }) => {
                let schemas = settings.subgraphs.iter().filter_map(|one| one.schema.clone());
                std::iter::once(file.clone()).chain(schemas).collect()
            }
        }
    }

    /// How often subgraphs are asked for their schemas, if they are.
    pub(super) fn poll_every(&self) -> Option<Duration> {
        match self {
            Self::Supergraph(_) => None,
            Self::Subgraphs(subgraphs) => subgraphs.settings.poll_every(),
        }
    }

    /// Reads the graph; none where it is as `before`. What is reached as before keeps its connections.
    pub(super) async fn read(&mut self, before: &Version) -> anyhow::Result<Option<Read>> {
        match self {
            Self::Supergraph(file) => {
                let sdl = schema::text(file).context("the supergraph cannot be read")?;
                let version = Version { hash: hash(&sdl), parts: Vec::new() };
                let changed = version.hash != before.hash;
                Ok(changed.then(|| Read { graph: Graph::new(sdl), version }))
            }
            Self::Subgraphs(subgraphs) => subgraphs.read(before).await,
        }
    }
}

impl Subgraphs {
    async fn read(&mut self, before: &Version) -> anyhow::Result<Option<Read>> {
        let settings = RemoteSubgraphs::load(&self.file)
            .with_context(|| format!("{} cannot be used", self.file.display()))?;
        // Its files are looked at from now on, also where one of them turns out to be broken.
        self.settings = settings.clone();
        let all = settings.subgraphs.iter().map(async |one| {
            let part = Part::read(one, true, &before.parts).await;
            part.with_context(|| format!("the subgraph \"{}\"", one.name))
        });
        let parts = futures::future::try_join_all(all).await?;
        if Part::are(&parts, &before.parts) {
            return Ok(None);
        }
        let schemas: Vec<SubgraphSdl> = parts.iter().map(|part| part.schema.clone()).collect();
        let supergraph = tokio::task::spawn_blocking(move || {
            let supergraph = studio_router::compose(schemas)?;
            check_plannable(&supergraph.sdl).map(|()| supergraph)
        })
        .await??;
        let hash = hash(&supergraph.sdl);
        let graph = parts.iter().fold(Graph::new(supergraph.sdl), |graph, part| {
            graph.subgraph(&part.schema.name, part.remote.transport.clone())
        });
        Ok(Some(Read { graph, version: Version { hash, parts } }))
    }
}

fn hash(sdl: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, sdl.as_bytes()))
}
