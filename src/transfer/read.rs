//! `studio import` and `studio restore`.

use std::sync::Arc;

use anyhow::{Context, bail};
use studio_events::{
    transfer,
    verify::{Against, verify},
};
use studio_kernel::Env;
use studio_service::Config;
use studio_stores::keyring::SigningKey;

use super::{
    archive::Archive,
    blobs, check,
    keys::{self, Keys},
    logs,
    manifest::{Kind, Manifest},
    place::Place,
    signature,
};
use crate::{
    cli,
    keyring::{self, MASTER, Masters},
};

/// Fills an empty installation with one that was exported, keyring and all.
pub(crate) async fn import(arguments: cli::Archive) -> anyhow::Result<()> {
    let config = Arc::new(arguments.settings.load(None)?);
    let archive = Archive::open(&arguments.archive)?;
    if check::versions(&archive)? != Kind::Export {
        bail!("the archive is a backup, which holds no keys: use studio restore");
    }
    let keys = Keys::of(&archive)?;
    let masters = masters(&config, Env::system()).await?;
    let source = keys.keyring(masters, Env::system());
    let key = signature::key(&source, keys.store()).await.map_err(keys::explain)?;
    let manifest = check::whole(&archive, &key)?;
    keys.check(&manifest).await?;

    let place = Place::target(config, Env::system()).await?;
    if place.check_vacant().await? {
        keys.check_target(place.keys.as_ref()).await?;
    }
    // Before the logs are marked: a server that is started on half of it makes no keys of its own.
    keys.fill(place.keys.as_ref()).await?;
    place.mark(&manifest).await?;
    fill(&archive, &manifest, &place, &key).await?;
    println!(
        "Imported {} as of {}. Start it with the same STUDIO_MASTER_KEY.",
        arguments.archive.display(),
        manifest.made_at
    );
    place.close().await
}

/// Fills an empty installation with a backup. The keyring is there already: the one that it had, or
/// the newest copy of it.
pub(crate) async fn restore(arguments: cli::Archive) -> anyhow::Result<()> {
    let config = Arc::new(arguments.settings.load(None)?);
    let archive = Archive::open(&arguments.archive)?;
    if check::versions(&archive)? != Kind::Backup {
        bail!("the archive is an export, which brings its keys along: use studio import");
    }
    let keys = keyring::key_store(&config).await?;
    if keys.names().await?.is_empty() {
        bail!(
            "there is no keyring, and a backup holds none: put the newest copy of the \
             installation's keyring in its place first"
        );
    }
    let keyring = keyring::open(&config, Env::system()).await?;
    let key = signature::key(&keyring, keys.as_ref()).await?;
    let manifest = check::whole(&archive, &key)?;

    let place = Place::target(config, Env::system()).await?;
    place.check_vacant().await?;
    place.mark(&manifest).await?;
    fill(&archive, &manifest, &place, &key).await?;
    println!("Restored {} as of {}.", arguments.archive.display(), manifest.made_at);
    place.close().await
}

/// Blobs first: an event is there only where what it names is there.
async fn fill(
    archive: &Archive,
    manifest: &Manifest,
    place: &Place,
    key: &SigningKey,
) -> anyhow::Result<()> {
    blobs::fill(archive, manifest, place).await?;
    for log in &manifest.logs {
        logs::fill(archive, manifest, log, place.log(&log.source)?).await?;
    }
    for log in &manifest.logs {
        let database = place.log(&log.source)?;
        let against = Against { key: Some(key.public_key()), ..Against::default() };
        let verified = verify(database.writer(), &log.source, against)
            .await
            .with_context(|| format!("the log of {} was not kept as it was", log.source))?;
        if (verified.events, verified.hash) != (log.position, log.hash) {
            bail!("the log of {} was not kept as it was: begin again elsewhere", log.source);
        }
        println!(
            "{}: {} events, newest hash {}",
            log.source,
            verified.events,
            hex::encode(verified.hash)
        );
    }
    println!("{} blobs, {} bytes", manifest.blobs.count, manifest.blobs.bytes);
    // Only now, when all is there, does any of it open.
    for (_, database) in place.logs() {
        transfer::release(database).await?;
    }
    Ok(())
}

/// The master keys that are there. None is made.
async fn masters(config: &Config, env: Env) -> anyhow::Result<Masters> {
    if let Some(masters) = keyring::elsewhere(config, env.clone()).await? {
        return Ok(masters);
    }
    match keyring::of_the_folder(config, &env)? {
        Some(master) => Ok(Masters { active: Arc::new(master), former: Vec::new() }),
        None => bail!(
            "there is no master key: set {MASTER} to the one of the installation that the archive \
             came from. Where that one had none set, it is the text of its keyring/master.key, and \
             a copy of that file at the same place in this data folder does as well"
        ),
    }
}
