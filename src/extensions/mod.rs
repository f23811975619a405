//! Subgraphs of others that extend Studio's graph (`docs/extensions.md`). They are composed in at the
//! start, and again whenever the process is told to (SIGHUP) or they are asked for their schemas anew.
//! One that is broken is left as it was: out of the graph, or in it as it was before. Studio's own graph
//! stays in any case.

mod compose;
mod gate;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use studio_access::Policy;
use studio_identity::TokenVerifier;
use studio_router::{Graph, Router, Supergraph, transport::SubgraphTransport};
use studio_service::config::{RemoteSubgraph, RemoteSubgraphs};
use tokio_util::sync::CancellationToken;

use self::gate::Gate;
use crate::{
    cli::Settings,
    gateway::OwnGraph,
    hangup::{Hangup, Hangups},
    remote::{Part, polled},
    schema,
    told::told,
};

/// What the extensions are, and the graph that they are composed into.
pub(crate) struct Extensions {
    router: Arc<Router>,
    own: OwnGraph,
    policy: Arc<Policy>,
    verifier: TokenVerifier,
    settings: RemoteSubgraphs,
    /// Those in the graph, in the order of the settings.
    parts: Vec<Part>,
    /// What was last said to be wrong with each, so that polling does not say it again.
    wrong: BTreeMap<String, String>,
    /// What was last tried, whatever came of it.
    tried: Option<Vec<Part>>,
    hangups: Hangups,
}

/// Whether an extension could be composed in now, if it was the only one.
pub(crate) async fn probe(settings: &RemoteSubgraph) -> anyhow::Result<()> {
    let guest = Part::read(settings, false, &[]).await?.schema;
    let graph = schema::compose(schema::subgraphs())?;
    compose::compose(schema::parts(schema::subgraphs()), graph, guest).await.map(drop)
}

impl Extensions {
    /// Composes in what can be. `router` routes Studio's `own` graph so far; `policy` is asked who may
    /// ask an extension.
    pub(crate) async fn begin(
        router: Arc<Router>,
        own: OwnGraph,
        settings: RemoteSubgraphs,
        policy: Arc<Policy>,
        verifier: TokenVerifier,
    ) -> Self {
        let mut extensions = Self {
            router,
            own,
            policy,
            verifier,
            settings,
            parts: Vec::new(),
            wrong: BTreeMap::new(),
            tried: None,
            hangups: Hangups::listen(),
        };
        extensions.renew().await;
        extensions
    }

    /// Composes anew whenever it is asked to, until `shutdown`, which it cancels itself when the
    /// terminal of the process is gone. Of the configuration, which is read again, it takes the
    /// extensions alone.
    pub(crate) async fn follow(mut self, configuration: Settings, shutdown: CancellationToken) {
        loop {
            let every = self.poll_every();
            let hangup = tokio::select! {
                () = shutdown.cancelled() => return,
                hangup = self.hangups.next() => Some(hangup),
                () = polled(every) => None,
            };
            match hangup {
                Some(Hangup::TerminalGone) => return shutdown.cancel(),
                Some(Hangup::Reload) => match configuration.load(None) {
                    Ok(config) => {
                        self.settings = config.extensions;
                        self.wrong.clear();
                        self.tried = None;
                        if !self.renew().await {
                            tracing::info!("the graph is as it was");
                        }
                    }
                    Err(error) => tracing::error!(
                        error = told(&error),
                        "the configuration cannot be used: the graph stays as it is"
                    ),
                },
                None => {
                    self.renew().await;
                }
            }
        }
    }

    /// Files are read on SIGHUP; only who is asked for a schema is asked again.
    fn poll_every(&self) -> Option<Duration> {
        let asked = self.settings.subgraphs.iter().any(|settings| settings.schema.is_none());
        self.settings.poll_every().filter(|_| asked)
    }

    /// Composes Studio's graph with each extension as it is now, or else as it was. Says whether the
    /// router has another graph now.
    async fn renew(&mut self) -> bool {
        let all = self.settings.subgraphs.clone();
        let now = all.iter().map(|settings| Part::read(settings, false, &self.parts));
        let now = futures::future::join_all(now).await;
        let mut candidates = Vec::new();
        for (settings, now) in all.iter().zip(now) {
            match now {
                Ok(part) => candidates.push(part),
                Err(error) => {
                    let before = self.part(&settings.name).cloned();
                    self.refuse(&settings.name, &error, before.is_some());
                    candidates.extend(before);
                }
            }
        }
        let same = |parts: &[Part]| Part::are(parts, &candidates);
        if same(&self.parts) || self.tried.as_deref().is_some_and(same) {
            return false;
        }
        self.tried = Some(candidates.clone());
        let (parts, supergraph) = self.compose(candidates).await;
        !Part::are(&parts, &self.parts) && self.take(parts, supergraph).await
    }

    fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.schema.name == name)
    }

    /// Composes one after the other, so that each is judged by itself.
    async fn compose(&mut self, candidates: Vec<Part>) -> (Vec<Part>, Supergraph) {
        let (mut hosts, mut graph) = (self.own.sdls(), self.own.supergraph.clone());
        let mut parts: Vec<Part> = Vec::new();
        for new in candidates {
            let name = new.schema.name.clone();
            let before = self.part(&name).filter(|before| !before.is(&new)).cloned();
            let mut choices = vec![new];
            choices.extend(before);
            let alternatives = choices.len();
            for (number, part) in choices.into_iter().enumerate() {
                let composed =
                    compose::compose(hosts.clone(), graph.clone(), part.schema.clone()).await;
                match composed {
                    Ok(composed) => {
                        graph = composed;
                        hosts.push(part.schema.clone());
                        if number == 0 {
                            self.wrong.remove(&name);
                        }
                        parts.push(part);
                        break;
                    }
                    Err(error) => self.refuse(&name, &error, number + 1 < alternatives),
                }
            }
        }
        (parts, graph)
    }

    /// Gives the router the graph.
    async fn take(&mut self, parts: Vec<Part>, supergraph: Supergraph) -> bool {
        let own = self.own.subgraphs.iter();
        let mut graph = Graph::new(supergraph.sdl);
        for (name, _, transport) in own {
            graph = graph.subgraph(*name, transport.clone());
        }
        for part in &parts {
            graph = graph.subgraph(&part.schema.name, self.gate(part));
        }
        let router = self.router.clone();
        let reloaded = tokio::task::spawn_blocking(move || router.reload(graph)).await;
        let error = match reloaded {
            Ok(Ok(())) => {
                let names: Vec<&str> = parts.iter().map(|part| &*part.schema.name).collect();
                tracing::info!(extensions = names.join(", "), "the graph was composed anew");
                self.parts = parts;
                return true;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(error, "the new graph cannot be routed: the old one goes on");
        false
    }

    fn gate(&self, part: &Part) -> Arc<dyn SubgraphTransport> {
        let settings = &part.remote.settings;
        Arc::new(Gate {
            name: settings.name.clone(),
            policy: self.policy.clone(),
            verifier: self.verifier.clone(),
            anonymous: settings.anonymous,
            inner: part.remote.transport.clone(),
        })
    }

    /// Says what is wrong with an extension, once.
    fn refuse(&mut self, extension: &str, error: &anyhow::Error, stays: bool) {
        let reason = told(error);
        if self.wrong.get(extension) == Some(&reason) {
            return;
        }
        let consequence =
            if stays { "it stays as it was before" } else { "the graph goes on without it" };
        tracing::error!(extension, reason, "an extension is refused: {consequence}");
        self.wrong.insert(extension.to_owned(), reason);
    }
}
