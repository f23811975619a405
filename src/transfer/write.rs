//! `studio export` and `studio backup`.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use studio_events::transfer::cut;
use studio_kernel::Env;
use studio_service::Config;

use super::{
    archive::Writer,
    blobs, consumers, keys, logs,
    manifest::{Kind, Manifest},
    place::Place,
    signature,
};
use crate::{cli, keyring, stores::SUBGRAPHS};

/// Writes everything that an installation is, to be moved elsewhere.
pub(crate) async fn export(arguments: cli::Archive) -> anyhow::Result<()> {
    let config = Arc::new(arguments.settings.load(None)?);
    // What a server wrote after the cut would stay behind.
    let place = Place::source(config.clone(), Env::system(), true).await?;
    let manifest = write(&place, &config, &arguments.archive, Kind::Export).await?;
    tell(&manifest, &arguments.archive);
    println!(
        "Its keys are wrapped by the master key, which does not travel: studio import needs the \
         same STUDIO_MASTER_KEY (where none is set, it is the text of keyring/master.key). Keep the \
         archive as safe as the installation, and remove it once it was imported."
    );
    if !place.is_embedded() {
        println!("What is written here from now on is not in it: stop Studio before you export.");
    }
    place.close().await
}

/// Writes a copy of an installation while it is used.
pub(crate) async fn backup(arguments: cli::Archive) -> anyhow::Result<()> {
    let config = Arc::new(arguments.settings.load(None)?);
    let place = Place::source(config.clone(), Env::system(), false).await?;
    let manifest = write(&place, &config, &arguments.archive, Kind::Backup).await?;
    tell(&manifest, &arguments.archive);
    println!(
        "The keyring is not in it, so that restoring it brings no erased person back: copy the \
         keyring by itself, keep only its newest copy, and keep it apart from this one."
    );
    place.close().await
}

async fn write(
    place: &Place,
    config: &Config,
    target: &Path,
    kind: Kind,
) -> anyhow::Result<Manifest> {
    let keyring = keyring::open(config, place.env.clone()).await?;
    let key = signature::key(&keyring, place.keys.as_ref())
        .await
        .context("there is nothing to copy: the installation was never started")?;
    let mut writer = Writer::begin(target)?;
    let made_at = place.env.now();
    let states = cut(&place.logs()).await.context("the logs cannot be held still")?;
    consumers::check(&states).context("the logs do not fit together: run studio verify")?;
    let mut manifest = Manifest::new(kind, made_at, states);
    for state in &manifest.logs {
        state.check_signatures(key.public_key())?;
        logs::copy(&mut writer, place.log(&state.source)?, state).await?;
    }
    manifest.blobs = blobs::copy(&mut writer, place).await?;
    if kind == Kind::Export {
        keys::copy(&mut writer, place.keys.as_ref()).await?;
    }
    writer.finish(manifest, |bytes| signature::sign(&key, bytes))
}

fn tell(manifest: &Manifest, target: &Path) {
    for (name, log) in SUBGRAPHS.iter().zip(&manifest.logs) {
        println!("{name}: {} events, newest hash {}", log.position, hex::encode(log.hash));
    }
    println!("{} blobs, {} bytes", manifest.blobs.count, manifest.blobs.bytes);
    println!("Written to {}, as of {}.", target.display(), manifest.made_at);
}
