//! `studio verify`: proves that what was recorded is there, as it was recorded: the hash chain of every
//! log, that none is shorter than others have seen it, and every blob that a log names. It changes
//! nothing, so it may run beside a server that uses the same data folder.

mod blobs;
mod seen;

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use studio_events::{
    SignedCheckpoint,
    seen::{Seen, snapshots_ahead},
    verify::{Against, verify},
};
use studio_kernel::Env;
use studio_stores::{keyring::SigningKey, sql::Database};

use crate::{cli, keyring, stores, transfer::Kept};

/// Verifies each log and each blob, names everything that is wrong, and fails where something is.
pub(crate) async fn run(arguments: cli::Verify) -> anyhow::Result<()> {
    let config = arguments.settings.load(None)?;
    let databases = stores::all(&config).await?;
    let keyring = Arc::new(keyring::open(&config, Env::system()).await?);
    let key = keyring.signing_key("checkpoints").await?;
    let kept = kept(&arguments.against, &key)?;
    // Before the logs are walked: what is appended meanwhile is then no fault.
    let seen = seen::of_all(&databases, &kept).await?;
    let mut broken = Vec::new();
    for (index, (name, database)) in databases.iter().enumerate() {
        if !log(name, database, &key, &kept[..], &seen[index]).await? {
            broken.push(*name);
        }
    }
    for archive in &arguments.against {
        println!("{}: every log was held against it", archive.display());
    }
    let mut damaged = 0;
    if arguments.no_blobs {
        println!("blobs: not looked at (--no-blobs)");
    } else {
        for (name, names) in blobs::names() {
            let Some((_, database)) = databases.iter().find(|(own, _)| *own == name) else {
                bail!("there is no log of {name}");
            };
            let blobs = stores::sealed_blobs(&config, name, Env::system(), keyring.clone()).await?;
            let counted = blobs::check(name, names, database, blobs.as_ref()).await;
            damaged += counted.with_context(|| format!("the blobs of {name}"))?;
        }
    }
    stores::close(databases).await?;
    match (broken.is_empty(), damaged) {
        (true, 0) => Ok(()),
        (false, 0) => {
            bail!("the log of {} was changed or cut: restore it from a backup", broken.join(", "))
        }
        (true, damaged) => bail!(
            "{damaged} blobs are missing or changed: bring them back from a backup, or send the same \
             bytes again"
        ),
        (false, damaged) => bail!(
            "the log of {} was changed or cut, and {damaged} blobs are missing or changed: restore \
             them from a backup",
            broken.join(", ")
        ),
    }
}

/// What the archives say that the logs are to be held against.
fn kept(archives: &[std::path::PathBuf], key: &SigningKey) -> anyhow::Result<Vec<Kept>> {
    let read = |path: &Path| {
        Kept::read(path, key)
            .with_context(|| format!("{} cannot be held against the logs", path.display()))
    };
    archives.iter().map(|path| read(path)).collect()
}

/// Walks one log, and says how it is. Answers whether it is whole.
async fn log(
    name: &str,
    database: &Database,
    key: &SigningKey,
    kept: &[Kept],
    seen: &[Seen],
) -> anyhow::Result<bool> {
    let signed: Vec<SignedCheckpoint> =
        kept.iter().flat_map(|kept| kept.signed_checkpoints(name)).cloned().collect();
    let against = Against { key: Some(key.public_key()), kept: &signed, seen };
    let mut whole = match verify(database.primary(), name, against).await {
        Ok(verified) => {
            println!(
                "{name}: {} events, {} signed checkpoints, newest hash {}",
                verified.events,
                verified.checkpoints,
                hex::encode(verified.hash),
            );
            true
        }
        Err(error) => {
            println!("{name}: BROKEN: {error}");
            false
        }
    };
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
            println!("{name}: BROKEN: its snapshots cannot be compared with it: {error}");
            whole = false;
        }
    }
    Ok(whole)
}
