//! Who may do what, as this process decides it: the policies that ship with Studio, or an operator's
//! folder beside or instead of them (`docs/policies.md`). The folder is read again when it changes and
//! on SIGHUP; where it is broken then, what was read before goes on.

mod arguments;
mod command;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use studio_access::{Bundle, Mode, Networks, Policy, PolicyError, Witness, paths};
use studio_kernel::Env;
use studio_service::config::{PolicyConfig, PolicyMode};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{arguments::PolicyCommand, command::run};
use crate::{
    hangup::{Hangup, Hangups},
    watched::Watched,
};

/// What decides, and where it comes from.
pub(crate) struct Policies {
    /// Decides, for everybody who has it.
    pub(crate) policy: Arc<Policy>,
    source: Option<Source>,
}

/// A folder that is looked at again.
struct Source {
    folder: PathBuf,
    mode: Mode,
    /// As it was last taken.
    bundle: Bundle,
    watched: Watched,
    hangups: Hangups,
    /// What was last said to be wrong, so that looking does not say it again.
    wrong: Option<PolicyError>,
}

/// How the configuration has a folder stand to the default bundle.
fn mode(config: &PolicyConfig) -> Mode {
    match config.mode {
        PolicyMode::Extend => Mode::Extend,
        PolicyMode::Replace => Mode::Replace,
    }
}

/// Whether the configured folder can be used; how many files decide then.
pub(crate) fn probe(folder: &Path, config: &PolicyConfig) -> anyhow::Result<usize> {
    let bundle = Bundle::read(folder, mode(config))?;
    Policy::new(&bundle)?;
    Ok(bundle.len())
}

impl Policies {
    /// Reads what the configuration names. `witness`, if there is one, is told of each refusal.
    pub(crate) fn begin(
        config: &PolicyConfig,
        env: &Env,
        witness: Option<Arc<dyn Witness>>,
    ) -> anyhow::Result<Self> {
        let ready = |policy: Policy| {
            let networks = Networks::new(config.networks.clone());
            let policy = policy.with_clock(env.clone()).with_networks(networks);
            Arc::new(match witness {
                Some(witness) => policy.with_witness(witness),
                None => policy,
            })
        };
        let Some(folder) = config.bundle.clone() else {
            let policy = Policy::embedded().context("the policies do not load")?;
            return Ok(Self { policy: ready(policy), source: None });
        };
        let named = || format!("{} cannot be used (setting policy.bundle)", folder.display());
        // What changes from here on is seen.
        let watched = Watched::new(paths(&folder), config.watch_every());
        let hangups = Hangups::listen();
        let bundle = Bundle::read(&folder, mode(config)).with_context(named)?;
        let policy = Policy::new(&bundle).with_context(named)?;
        let source = Source { folder, mode: mode(config), bundle, watched, hangups, wrong: None };
        Ok(Self { policy: ready(policy), source: Some(source) })
    }

    /// Reads the folder again whenever it is to, until `shutdown`, which it cancels itself when the
    /// terminal of the process is gone.
    pub(crate) async fn follow(self, shutdown: CancellationToken) {
        let Self { policy, source } = self;
        let Some(mut source) = source else { return };
        loop {
            let asked = tokio::select! {
                () = shutdown.cancelled() => return,
                hangup = source.hangups.next() => match hangup {
                    Hangup::TerminalGone => return shutdown.cancel(),
                    Hangup::Reload => true,
                },
                () = source.watched.changed() => false,
            };
            source.renew(&policy, asked).await;
        }
    }
}

impl Source {
    async fn renew(&mut self, policy: &Arc<Policy>, asked: bool) {
        // Of the content that is read now, or of an older one: then it is seen once more.
        self.watched.follow(paths(&self.folder));
        let (folder, mode, before) = (self.folder.clone(), self.mode, self.bundle.clone());
        let replaced = policy.clone();
        let read = tokio::task::spawn_blocking(move || {
            let bundle = Bundle::read(&folder, mode)?;
            if bundle == before {
                return Ok(None);
            }
            replaced.replace(&bundle)?;
            Ok(Some(bundle))
        });
        match read.await {
            Ok(Ok(Some(bundle))) => {
                tracing::info!(files = bundle.len(), "the access policies were replaced");
                (self.bundle, self.wrong) = (bundle, None);
            }
            Ok(Ok(None)) => {
                self.wrong = None;
                if asked {
                    tracing::info!("the access policies have not changed");
                }
            }
            Ok(Err(error)) => self.refuse(error, asked),
            Err(error) => tracing::error!(%error, "the access policies were not read again"),
        }
    }

    fn refuse(&mut self, error: PolicyError, asked: bool) {
        if asked || self.wrong.as_ref() != Some(&error) {
            tracing::error!(
                file = error.file,
                reason = error.message,
                "the new access policies cannot be used: the old ones go on"
            );
        }
        self.wrong = Some(error);
    }
}
