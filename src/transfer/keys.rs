//! `keyring/<name>.json`: the wrapped keys, in an export alone. The master key that wraps them does
//! not travel.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use studio_kernel::Env;
use studio_stores::keyring::{DirectoryKeyStore, KeyStore, Keyring, KeyringError};

use super::{
    archive::{Archive, KEYRING, Writer},
    manifest::Manifest,
};
use crate::keyring::Masters;

/// Copies every key as it is wrapped, and the fact of each that is destroyed. Answers how many.
pub(crate) async fn copy(writer: &mut Writer, keys: &dyn KeyStore) -> anyhow::Result<usize> {
    let mut names = keys.names().await?;
    names.sort_by_key(ToString::to_string);
    for name in &names {
        let record = keys.get(name).await?.with_context(|| format!("the key {name} vanished"))?;
        writer.write(&path(&name.to_string()), &serde_json::to_vec(&record)?)?;
    }
    Ok(names.len())
}

fn path(name: &str) -> String {
    format!("{KEYRING}/{name}.json")
}

/// The keys of an archive.
pub(crate) struct Keys {
    store: Arc<DirectoryKeyStore>,
}

impl Keys {
    /// The keys in an archive; whether they are all there is for [`Keys::check`] to say.
    pub(crate) fn of(archive: &Archive) -> anyhow::Result<Self> {
        let folder: PathBuf = archive.path(KEYRING);
        let found = std::fs::symlink_metadata(&folder);
        if !found.is_ok_and(|found| found.is_dir()) {
            bail!("the archive holds no keyring: it is a backup (see studio restore), or damaged");
        }
        Ok(Self { store: Arc::new(DirectoryKeyStore::open(folder)?) })
    }

    /// Their keyring.
    pub(crate) fn keyring(&self, masters: Masters, env: Env) -> Keyring {
        Keyring::new(masters.active, masters.former, self.store.clone(), env)
    }

    pub(crate) fn store(&self) -> &dyn KeyStore {
        self.store.as_ref()
    }

    /// Whether the keys are those that the manifest names.
    pub(crate) async fn check(&self, manifest: &Manifest) -> anyhow::Result<()> {
        let prefix = format!("{KEYRING}/");
        let named: BTreeSet<&str> = manifest
            .files
            .iter()
            .map(|file| file.path.as_str())
            .filter(|path| path.starts_with(&prefix))
            .collect();
        let there: BTreeSet<String> =
            self.store.names().await?.iter().map(|name| path(&name.to_string())).collect();
        if let Some(extra) = there.iter().find(|path| !named.contains(path.as_str())) {
            bail!("{extra} is not named in manifest.json: the archive was changed");
        }
        if let Some(missing) = named.iter().find(|path| !there.contains(**path)) {
            bail!("{missing} is missing: the archive is damaged");
        }
        Ok(())
    }

    /// Refuses a store with any key that is not one of these. Those of an import that was cut off
    /// are.
    pub(crate) async fn check_target(&self, target: &dyn KeyStore) -> anyhow::Result<()> {
        for name in target.names().await? {
            if target.get(&name).await? != self.store.get(&name).await? {
                bail!(
                    "the keyring to be filled is not empty (it holds {name}): choose a place in \
                     which Studio never ran, or remove its keys if you need nothing that they \
                     open. Nothing was written"
                );
            }
        }
        Ok(())
    }

    /// Adds every key to a store, as it is wrapped.
    pub(crate) async fn fill(&self, target: &dyn KeyStore) -> anyhow::Result<()> {
        for name in self.store.names().await? {
            let record =
                self.store.get(&name).await?.with_context(|| format!("the key {name} vanished"))?;
            if target.create(record.clone()).await? != record {
                bail!("the keyring to be filled holds another key {name}: use an empty one");
            }
        }
        Ok(())
    }
}

/// Says what to do where the master key is not the one that wraps the keys of an archive.
pub(crate) fn explain(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(KeyringError::OtherMaster { .. }) => error.context(
            "the keys of the archive are wrapped by another master key: set STUDIO_MASTER_KEY to \
             the one of the installation that it came from. Where that one had none set, it is the \
             text of its keyring/master.key",
        ),
        _ => error.context("the keys of the archive do not open"),
    }
}
