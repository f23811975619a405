//! Opens the keyring: with the master key from `STUDIO_MASTER_KEY` where it is set, else with the
//! one in the data folder. Where the logs lie on a server, so do the wrapped keys.

use std::sync::Arc;

use anyhow::{Context, bail};
use studio_kernel::Env;
use studio_migrations as migrations;
use studio_service::{Config, config::KeyringStore};
use studio_stores::keyring::{DirectoryKeyStore, KeyStore, Keyring, LocalMaster, SqlKeyStore};

use crate::stores;

/// The variable that holds the master key.
pub(crate) const MASTER: &str = "STUDIO_MASTER_KEY";

/// The keyring, made at the first start.
pub(crate) async fn open(config: &Config, env: Env) -> anyhow::Result<Keyring> {
    let directory = config.data_dir.join("keyring");
    let opened = match (stores::keyring_store(config), master()?) {
        (KeyringStore::Directory, Some(master)) => {
            Keyring::with_master_text(&directory, &master, MASTER, env).await
        }
        (KeyringStore::Directory, None) => Keyring::embedded(&directory, env).await,
        (KeyringStore::Sql, Some(master)) => {
            let store = key_store(config).await?;
            let master = LocalMaster::from_base64(&master, MASTER, env.clone())?;
            Keyring::open(Arc::new(master), Vec::new(), store, env).await
        }
        (KeyringStore::Sql, None) => bail!(
            "{MASTER} is not set: processes that share stores.sql share a master key, too. Make one \
             with \"openssl rand -base64 32\", keep it safe, and give it to each of them"
        ),
    };
    opened.context("the keyring does not open")
}

/// The master key as the environment gives it.
pub(crate) fn master() -> anyhow::Result<Option<String>> {
    match std::env::var(MASTER) {
        Ok(master) => Ok(Some(master)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(error).context(MASTER),
    }
}

/// Where the wrapped keys lie.
pub(crate) async fn key_store(config: &Config) -> anyhow::Result<Arc<dyn KeyStore>> {
    if stores::keyring_store(config) == KeyringStore::Directory {
        let keys = config.data_dir.join("keyring").join("keys");
        return Ok(Arc::new(DirectoryKeyStore::open(keys)?));
    }
    let database = stores::database(config, "keyring").await?;
    stores::migrate::<migrations::keyring::Migrator>(&database)
        .await
        .context("the table of the keyring cannot be made")?;
    let store = SqlKeyStore::open(database).await.context("the keyring does not open")?;
    Ok(Arc::new(store))
}
