//! `studio router` in front of a graph that is not Studio's: a supergraph from a file, or subgraphs that
//! are composed here. It takes a new one while it runs; where the new one is broken, the old one goes on.

mod source;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use studio_router::{
    Router,
    standalone::{Standalone, StandaloneOptions},
};

use self::source::{Read, Version};
pub(crate) use self::source::{Source, supergraph};
use crate::{
    hangup::{Hangup, Hangups},
    process::stop_signal,
    remote::polled,
    told::told,
    watched::Watched,
};

/// Runs until the process is asked to stop. `watch` is the time between looks at the files.
pub(crate) async fn run(
    mut source: Source,
    listen: SocketAddr,
    watch: Option<Duration>,
) -> anyhow::Result<()> {
    studio_service::telemetry::init(&studio_service::config::LogConfig::default())
        .map_err(anyhow::Error::msg)?;
    crate::panics::to_the_log();
    let hangups = Hangups::listen();
    let mut watched = Watched::new(source.files(), watch);
    let read = source.read(&Version::default()).await?;
    let Read { graph, version } = read.context("there is no graph to route")?;
    let options = source.options();
    let router = Standalone::new(graph, options.clone())?;
    tracing::info!(sha256 = version.hash, "the supergraph is routed");
    watched.follow(source.files());
    let routed = router.router().clone();
    let mut following =
        Following { router: routed, options, source, version, hangups, watched, wrong: None };
    let gone = async move { following.until_terminal_gone().await };
    let stop = async {
        tokio::select! {
            () = stop_signal() => {}
            () = gone => {}
        }
    };
    router.serve(listen, stop).await.context("the router stopped")
}

/// What is looked at again.
struct Following {
    router: Arc<Router>,
    /// As they were at the start.
    options: StandaloneOptions,
    source: Source,
    /// Of what is routed.
    version: Version,
    hangups: Hangups,
    watched: Watched,
    /// What was last said to be wrong, so that polling does not say it again.
    wrong: Option<String>,
}

impl Following {
    /// Reads again whatever changes, and all on SIGHUP, until the terminal of the process is gone.
    async fn until_terminal_gone(&mut self) {
        loop {
            let every = self.source.poll_every();
            let asked = tokio::select! {
                hangup = self.hangups.next() => match hangup {
                    Hangup::TerminalGone => return,
                    Hangup::Reload => true,
                },
                () = self.watched.changed() => true,
                () = polled(every) => false,
            };
            match self.reload().await {
                Ok(true) => {
                    tracing::info!(sha256 = self.version.hash, "the supergraph was reloaded")
                }
                Ok(false) if asked => {
                    tracing::info!(sha256 = self.version.hash, "the supergraph has not changed");
                }
                Ok(false) => {}
                Err(error) => self.refuse(told(&error), asked),
            }
            if asked && self.source.options() != self.options {
                tracing::warn!(
                    "share_in_flight, share_subscriptions, override_labels or limits were changed, \
                     which are read at the start only: start the router anew"
                );
            }
            self.watched.follow(self.source.files());
        }
    }

    fn refuse(&mut self, reason: String, asked: bool) {
        if asked || self.wrong.as_ref() != Some(&reason) {
            tracing::error!(reason, "the new supergraph cannot be used: the old one goes on");
        }
        self.wrong = Some(reason);
    }

    /// Whether the graph is another one now.
    async fn reload(&mut self) -> anyhow::Result<bool> {
        let Some(Read { graph, version }) = self.source.read(&self.version).await? else {
            self.wrong = None;
            return Ok(false);
        };
        let router = self.router.clone();
        tokio::task::spawn_blocking(move || router.reload(graph)).await??;
        (self.version, self.wrong) = (version, None);
        Ok(true)
    }
}
