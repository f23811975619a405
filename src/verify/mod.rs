//! `studio verify`: proves that what was recorded is there, as it was recorded: the hash chain of every
//! log, that none is shorter than others have seen it, and every blob that a log names. It changes
//! nothing, so it may run beside a server that uses the same data folder. What cannot be looked at is
//! said, and the rest is looked at all the same.

mod blobs;
mod seen;
mod verdict;

use std::{path::Path, sync::Arc};

use anyhow::Context;
use studio_events::{
    SignedCheckpoint,
    seen::{Seen, snapshots_ahead},
    verify::{Against, VerifyError, verify},
};
use studio_kernel::Env;
use studio_service::Config;
use studio_stores::{
    keyring::{Keyring, SigningKey},
    sql::Database,
};

use self::verdict::Verdict;
pub(crate) use self::verdict::{NOT_VERIFIED, NotVerified};
use crate::{
    cli, keyring,
    stores::{self, Store},
    told::told,
    transfer::Kept,
};

/// All that is needed before anything can be verified.
struct Opened {
    config: Config,
    databases: Vec<Store>,
    keyring: Arc<Keyring>,
    key: SigningKey,
    kept: Vec<Kept>,
}

/// Verifies each log and each blob, names everything that is wrong, and fails where something is, or
/// where not everything could be looked at ([`NOT_VERIFIED`]).
pub(crate) async fn run(arguments: cli::Verify) -> anyhow::Result<()> {
    let opened = open(&arguments).await;
    let opened = opened.context(NotVerified("nothing was verified".to_owned()))?;
    let Opened { config, databases, keyring, key, kept } = opened;
    let mut verdict = Verdict::default();
    // Before the logs are walked: what is appended meanwhile is then no fault.
    let seen = seen::of_all(&databases, &kept, &mut verdict).await;
    let mut unknown = Vec::new();
    for (index, (name, database)) in databases.iter().enumerate() {
        if !log(name, database, &key, &kept[..], &seen[index], &mut verdict).await {
            unknown.push(*name);
        }
    }
    for archive in &arguments.against {
        println!("{}: {}", archive.display(), held(&unknown));
    }
    if arguments.no_blobs {
        println!("blobs: not looked at (--no-blobs)");
    } else {
        for (name, names) in blobs::names() {
            let blobs =
                stores::sealed_blobs_to_read(&config, name, Env::system(), keyring.clone()).await;
            let database = databases.iter().find(|(own, _)| *own == name);
            let checked = match (blobs, database) {
                (Ok(blobs), Some((_, database))) => {
                    blobs::check(name, names, database, blobs.as_ref(), &mut verdict).await
                }
                (Err(error), _) => Err(error),
                (Ok(_), None) => Err(anyhow::anyhow!("there is no log of {name}")),
            };
            if let Err(error) = checked {
                println!("{name}: its blobs could not be checked: {}", told(&error));
                verdict.unchecked(format!("the blobs of {name}"));
            }
        }
    }
    let closed = stores::close(databases).await;
    verdict.told()?;
    closed
}

/// Opens what is to be verified, and what it is verified with, for reading alone.
async fn open(arguments: &cli::Verify) -> anyhow::Result<Opened> {
    let config = arguments.settings.load(None)?;
    // What may be missing comes first: a database that was opened is to be closed again.
    stores::must_be_there(&config)?;
    let keyring = keyring::open_existing(&config, Env::system()).await;
    let keyring = Arc::new(keyring.context("the keyring does not open")?);
    let key = keyring.existing_signing_key("checkpoints").await;
    let key = key.context("the key that signs the logs' checkpoints cannot be used")?;
    let kept = kept(&arguments.against, &key)?;
    let databases = stores::all_to_read(&config).await?;
    Ok(Opened { config, databases, keyring, key, kept })
}

/// What the archives say that the logs are to be held against.
fn kept(archives: &[std::path::PathBuf], key: &SigningKey) -> anyhow::Result<Vec<Kept>> {
    let read = |path: &Path| {
        Kept::read(path, key)
            .with_context(|| format!("{} cannot be held against the logs", path.display()))
    };
    archives.iter().map(|path| read(path)).collect()
}

/// What can be said of an archive where nothing is known of these logs.
fn held(unknown: &[&str]) -> String {
    match unknown {
        [] => "every log was held against it".to_owned(),
        names => format!("every log but {} was held against it", names.join(", ")),
    }
}

/// Walks one log, and says how it is. Answers whether anything is known of it.
async fn log(
    name: &'static str,
    database: &Database,
    key: &SigningKey,
    kept: &[Kept],
    seen: &[Seen],
    verdict: &mut Verdict,
) -> bool {
    let signed: Vec<SignedCheckpoint> =
        kept.iter().flat_map(|kept| kept.signed_checkpoints(name)).cloned().collect();
    let against = Against { key: Some(key.public_key()), kept: &signed, seen };
    let (mut whole, mut known) = (true, true);
    match verify(database.primary(), name, against).await {
        Ok(verified) => println!(
            "{name}: {} events, {} signed checkpoints, {} signed tree heads, newest hash {}",
            verified.events,
            verified.checkpoints,
            verified.tree_heads,
            hex::encode(verified.hash),
        ),
        Err(error @ VerifyError::Broken(_)) => {
            println!("{name}: BROKEN: {error}");
            whole = false;
        }
        // The database did not answer, or not as it should: nothing is known of the log.
        Err(VerifyError::Store(error)) => {
            println!("{name}: the log could not be checked: {error}");
            verdict.unchecked(format!("the log of {name}"));
            known = false;
        }
    }
    match snapshots_ahead(database).await {
        Ok(None) => {}
        Ok(Some((ahead, count))) => {
            println!(
                "{name}: BROKEN: {count} snapshots are ahead of the log: that of {} {} has version \
                 {}, and the log ends with version {} of it",
                ahead.stream_type, ahead.stream_id, ahead.snapshot, ahead.log
            );
            whole = false;
        }
        Err(error) => {
            println!("{name}: its snapshots could not be compared with the log: {error}");
            verdict.unchecked(format!("the snapshots of {name}"));
        }
    }
    if !whole {
        verdict.broken.push(name);
    }
    known
}
