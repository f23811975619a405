//! `studio audit`: signed tree heads and proofs for auditors, written from the stores of an
//! installation, also beside a server that uses them; and their verification, which needs neither.

mod arguments;
mod entry;
mod ocsf;
mod verify;

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    path::Path,
};

use anyhow::{Context, bail};
use studio_events::tree::{LogTree, SignedTreeHead, TreeError, verifier_key};
use studio_kernel::Env;
use studio_service::Config;
use studio_stores::{keyring::SigningKey, sql::Database};

use self::arguments::{AuditVerb, Consistency, Heads, Inclusion, Out};
pub(crate) use self::{
    arguments::{AuditCommand, Export},
    entry::Entry,
};
use crate::{
    cli::Settings,
    client, keyring,
    stores::{self, SUBGRAPHS, Store},
};

/// `studio audit …`
pub(crate) async fn run(command: AuditCommand) -> anyhow::Result<()> {
    match command.verb {
        AuditVerb::Key(settings) => key(&settings.load(None)?).await,
        AuditVerb::Head(arguments) => {
            opened(&arguments.settings, async |of| of.heads(&arguments).await).await
        }
        AuditVerb::Inclusion(arguments) => {
            opened(&arguments.settings, async |of| of.inclusion(&arguments).await).await
        }
        AuditVerb::Consistency(arguments) => {
            opened(&arguments.settings, async |of| of.consistency(&arguments).await).await
        }
        AuditVerb::Verify(arguments) => verify::run(&arguments.files, &arguments.key),
        AuditVerb::Export(arguments) => client::export_audit_log(arguments).await,
    }
}

/// The key that signs, of an installation that is there.
async fn signing_key(config: &Config) -> anyhow::Result<SigningKey> {
    stores::must_be_there(config)?;
    let keyring = keyring::open_existing(config, Env::system()).await;
    let keyring = keyring.context("the keyring does not open")?;
    let key = keyring.existing_signing_key("checkpoints").await;
    key.context("the key that signs tree heads cannot be used")
}

async fn key(config: &Config) -> anyhow::Result<()> {
    let key = signing_key(config).await?;
    println!("{}", hex::encode(key.public_key()));
    println!();
    println!("For tools that read signed notes, each log has a name of its own:");
    for log in SUBGRAPHS {
        println!("{}", verifier_key(key.public_key(), log));
    }
    Ok(())
}

/// Does something with the logs of an installation.
async fn opened(
    settings: &Settings,
    work: impl AsyncFnOnce(&Opened) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let opened = Opened::of(&settings.load(None)?).await?;
    let done = work(&opened).await;
    stores::close(opened.stores).await?;
    done
}

/// What heads and proofs are made of.
struct Opened {
    key: SigningKey,
    stores: Vec<Store>,
    env: Env,
}

impl Opened {
    async fn of(config: &Config) -> anyhow::Result<Self> {
        let key = signing_key(config).await?;
        Ok(Self { key, stores: stores::all(config).await?, env: Env::system() })
    }

    fn log(&self, name: &str) -> anyhow::Result<LogTree<'_>> {
        let database = self.stores.iter().find(|(log, _)| *log == name);
        let (log, database) = database.with_context(|| format!("there is no log of {name}"))?;
        Ok(LogTree::new(database, log))
    }

    async fn heads(&self, arguments: &Heads) -> anyhow::Result<()> {
        for (name, database) in &self.stores {
            if arguments.log.as_deref().is_none_or(|log| log == *name) {
                let alone = arguments.log.is_some();
                let written = self.sign(name, database, &arguments.out, alone).await;
                written.with_context(|| format!("no tree head of {name} was written"))?;
            }
        }
        Ok(())
    }

    /// `alone`: it was asked for by its name.
    async fn sign(
        &self,
        name: &str,
        database: &Database,
        out: &Out,
        alone: bool,
    ) -> anyhow::Result<()> {
        let head = match LogTree::new(database, name).sign(&self.key, self.env.now()).await {
            Err(TreeError::Empty) if !alone => {
                println!("{name}: no events yet, and so no tree head");
                return Ok(());
            }
            signed => signed?,
        };
        write(out, &format!("{name}-{}.head", head.size()), head.note())
    }

    async fn head(&self, log: LogTree<'_>, size: Option<u64>) -> anyhow::Result<SignedTreeHead> {
        Ok(match size {
            Some(size) => log.head(size, &self.key, self.env.now()).await?,
            None => log.sign(&self.key, self.env.now()).await?,
        })
    }

    async fn inclusion(&self, arguments: &Inclusion) -> anyhow::Result<()> {
        let log = self.log(&arguments.log)?;
        let position = match (&arguments.event.event, arguments.event.position) {
            (Some(id), _) => log.position_of(id).await?,
            (None, position) => position,
        };
        let Some(position) = position else {
            let id = arguments.event.event.as_deref().unwrap_or_default();
            bail!("there is no event {id} in the log of {}", arguments.log);
        };
        let head = self.head(log, arguments.size).await?;
        let proof = log.prove_inclusion(&head, position, !arguments.without_contents).await?;
        let name = format!("{}-{position}-in-{}.json", arguments.log, head.size());
        write(&arguments.out, &name, &proof.write()?)
    }

    async fn consistency(&self, arguments: &Consistency) -> anyhow::Result<()> {
        let log = self.log(&arguments.log)?;
        let newer = self.head(log, arguments.to).await?;
        let older = self.head(log, Some(arguments.from)).await?;
        let proof = log.prove_consistency(&older, &newer).await?;
        let name = format!("{}-{}-to-{}.json", arguments.log, older.size(), newer.size());
        write(&arguments.out, &name, &proof.write()?)
    }
}

/// Writes a file. One that is there may be the only proof of something: it is left as it is.
fn write(out: &Out, name: &str, content: &str) -> anyhow::Result<()> {
    let path = out.out.join(name);
    let cannot = |path: &Path| format!("{} cannot be written", path.display());
    std::fs::create_dir_all(&out.out).with_context(|| cannot(&out.out))?;
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} is there already: choose another --out, or move it away", path.display())
        }
        opened => opened.with_context(|| cannot(&path))?,
    };
    let written = file.write_all(content.as_bytes()).and_then(|()| file.sync_all());
    written.with_context(|| cannot(&path))?;
    println!("{}", path.display());
    Ok(())
}
