//! Where a graph that is not Studio's comes from.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use aws_lc_rs::digest;
use studio_router::{
    Graph, Limits, ShareInFlight, Sharing, SubgraphSdl, Supergraph, check_plannable,
    standalone::StandaloneOptions, subgraph_addresses,
};
use studio_service::config::{RemoteSubgraph, RequestLimits, RouterFile, SubscriptionSharing};

use crate::{
    remote::{Part, Remote},
    schema,
};

/// Where a graph comes from, and how it is routed.
pub(crate) struct Source {
    from: From,
    /// The second file as it was last read.
    settings: RouterFile,
}

/// The files that are read.
enum From {
    /// A composed supergraph, and what is told beside it.
    Supergraph(PathBuf, Option<PathBuf>),
    /// What names subgraphs that are composed here.
    Subgraphs(PathBuf),
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
    /// The subgraphs of a supergraph that are reached as a file says.
    remotes: Vec<Arc<Remote>>,
}

impl Source {
    /// A supergraph from a file, or else the subgraphs that the second file names. None without both.
    pub(crate) fn new(supergraph: Option<PathBuf>, subgraphs: Option<PathBuf>) -> Option<Self> {
        let from = match (supergraph, subgraphs) {
            (Some(supergraph), beside) => From::Supergraph(supergraph, beside),
            (None, Some(subgraphs)) => From::Subgraphs(subgraphs),
            (None, None) => return None,
        };
        Some(Self { from, settings: RouterFile::default() })
    }

    /// The files that are read.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let named = match &self.from {
            From::Supergraph(file, beside) => {
                std::iter::once(file).chain(beside).cloned().collect()
            }
            From::Subgraphs(file) => vec![file.clone()],
        };
        let of_subgraphs = self.settings.subgraphs.iter();
        let of_subgraphs = of_subgraphs.flat_map(|one| one.schema.iter().chain(&one.ca).cloned());
        named.into_iter().chain(of_subgraphs).collect()
    }

    /// How often subgraphs are asked for their schemas, if they are.
    pub(super) fn poll_every(&self) -> Option<Duration> {
        self.settings.poll_every()
    }

    /// How the graph is to be routed, as it was last read.
    pub(super) fn options(&self) -> StandaloneOptions {
        let settings = &self.settings;
        let in_flight = settings.share_in_flight;
        let sharing = |sharing: &SubscriptionSharing| match sharing {
            SubscriptionSharing::FromTheBeginning => Sharing::FromTheBeginning,
            SubscriptionSharing::AnyTime => Sharing::AnyTime,
            SubscriptionSharing::AtEvent(cursor) => Sharing::AtEvent { cursor: cursor.clone() },
            SubscriptionSharing::Never => Sharing::Never,
        };
        StandaloneOptions {
            share_in_flight: ShareInFlight {
                subgraph_requests: in_flight.subgraph_requests,
                queries: in_flight.queries,
            },
            share_subscriptions: settings
                .share_subscriptions
                .iter()
                .map(|(field, how)| (field.clone(), sharing(how)))
                .collect(),
            override_labels: settings.override_labels.clone(),
            limits: limits(settings.limits),
        }
    }

    /// Reads the graph; none where it is as `before`. What is reached as before keeps its connections.
    pub(super) async fn read(&mut self, before: &Version) -> anyhow::Result<Option<Read>> {
        match &self.from {
            From::Supergraph(file, beside) => {
                let sdl = schema::text(file).context("the supergraph cannot be read")?;
                if let Some(beside) = beside {
                    let addresses = subgraph_addresses(&sdl)?;
                    self.settings = settings(beside, Some(&addresses))?;
                }
                routed(sdl, &self.settings, before)
            }
            From::Subgraphs(file) => {
                // Its files are looked at from now on, also where one of them turns out to be broken.
                self.settings = settings(file, None)?;
                composed(&self.settings, before).await
            }
        }
    }
}

/// The router's limits with those that are set.
fn limits(set: RequestLimits) -> Limits {
    let all = Limits::default();
    let count = |set: Option<NonZeroU32>, default: usize| {
        set.and_then(|set| usize::try_from(set.get()).ok()).unwrap_or(default)
    };
    let time = |set: Option<NonZeroU32>, default: Duration| {
        set.map_or(default, |seconds| Duration::from_secs(seconds.get().into()))
    };
    Limits {
        body_bytes: count(set.body_bytes, all.body_bytes),
        tokens: count(set.tokens, all.tokens),
        depth: count(set.depth, all.depth),
        fields: count(set.fields, all.fields),
        aliases: count(set.aliases, all.aliases),
        planning: time(set.planning_seconds, all.planning),
        execution: time(set.execution_seconds, all.execution),
        errors: count(set.errors, all.errors),
        operations_per_connection: count(
            set.operations_per_connection,
            all.operations_per_connection,
        ),
        documents: count(set.documents, all.documents),
        ..all
    }
}

/// A supergraph with the ways to those of its subgraphs that the settings name.
fn routed(sdl: String, settings: &RouterFile, before: &Version) -> anyhow::Result<Option<Read>> {
    let reach = |one: &RemoteSubgraph| {
        let same = |remote: &&Arc<Remote>| remote.settings.name == one.name;
        Remote::new(one, true, before.remotes.iter().find(same))
            .with_context(|| format!("the subgraph \"{}\"", one.name))
    };
    let remotes: Vec<Arc<Remote>> =
        settings.subgraphs.iter().map(reach).collect::<Result<_, _>>()?;
    let hash = hash(&sdl);
    let same_ways = remotes.len() == before.remotes.len()
        && remotes.iter().zip(&before.remotes).all(|(now, before)| Arc::ptr_eq(now, before));
    if hash == before.hash && same_ways {
        return Ok(None);
    }
    let graph = remotes.iter().fold(Graph::new(sdl), |graph, remote| {
        graph.subgraph(&remote.settings.name, remote.transport.clone())
    });
    Ok(Some(Read { graph, version: Version { hash, remotes, ..Version::default() } }))
}

/// The supergraph of the subgraphs that a file names.
pub(crate) async fn supergraph(file: &Path) -> anyhow::Result<String> {
    Ok(supergraph_of(&parts(&settings(file, None)?, &[]).await?).await?.sdl)
}

/// What a file says of subgraphs and of how they are routed; `supergraph` has the addresses of those of
/// the supergraph that is routed, if one is.
fn settings(
    file: &Path,
    supergraph: Option<&BTreeMap<String, String>>,
) -> anyhow::Result<RouterFile> {
    RouterFile::load(file, supergraph).with_context(|| format!("{} cannot be used", file.display()))
}

/// What the subgraphs that the settings name make together.
async fn composed(settings: &RouterFile, before: &Version) -> anyhow::Result<Option<Read>> {
    let parts = parts(settings, &before.parts).await?;
    if Part::are(&parts, &before.parts) {
        return Ok(None);
    }
    let supergraph = supergraph_of(&parts).await?;
    let hash = hash(&supergraph.sdl);
    let graph = parts.iter().fold(Graph::new(supergraph.sdl), |graph, part| {
        graph.subgraph(&part.schema.name, part.remote.transport.clone())
    });
    Ok(Some(Read { graph, version: Version { hash, parts, ..Version::default() } }))
}

async fn parts(settings: &RouterFile, before: &[Part]) -> anyhow::Result<Vec<Part>> {
    let all = settings.subgraphs.iter().map(async |one| {
        let part = Part::read(one, true, before).await;
        part.with_context(|| format!("the subgraph \"{}\"", one.name))
    });
    futures::future::try_join_all(all).await
}

async fn supergraph_of(parts: &[Part]) -> anyhow::Result<Supergraph> {
    let schemas: Vec<SubgraphSdl> = parts.iter().map(|part| part.schema.clone()).collect();
    let composing = tokio::task::spawn_blocking(move || {
        let supergraph = studio_router::compose(schemas)?;
        check_plannable(&supergraph.sdl).map(|()| supergraph)
    });
    Ok(composing.await??)
}

fn hash(sdl: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, sdl.as_bytes()))
}
