//! Opens the keyring. The master key is the one of a key management service where `stores.kms` names
//! one, else that of `STUDIO_MASTER_KEY`, else the one in the data folder. Former ones still open
//! what they wrapped, until `studio keyring rotate` has wrapped it anew. Where the logs lie on a
//! server, so do the wrapped keys.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use studio_kernel::Env;
use studio_migrations as migrations;
use studio_service::{Config, config::KeyringStore};
use studio_stores::{
    AwsAccess,
    keyring::{
        DirectoryKeyStore, KeyStore, Keyring, KmsMaster, KmsOptions, LocalMaster, MasterKey,
        SqlKeyStore,
    },
};

use crate::{cli, data_dir::DataDir, stores};

/// The variable that holds the master key, and
pub(crate) const MASTER: &str = "STUDIO_MASTER_KEY";
/// the one that holds the key before it, while a rotation is not finished.
pub(crate) const FORMER: &str = "STUDIO_FORMER_MASTER_KEY";

/// The purpose of the keys that sign access tokens.
const TOKENS: &str = "tokens";

/// The master key, and those that some keys may still be wrapped by.
#[derive(Clone)]
pub(crate) struct Masters {
    pub(crate) active: Arc<dyn MasterKey>,
    pub(crate) former: Vec<Arc<dyn MasterKey>>,
}

/// The keyring, made at the first start.
pub(crate) async fn open(config: &Config, env: Env) -> anyhow::Result<Keyring> {
    let masters = elsewhere(config, env.clone()).await?;
    open_by(masters, config, env).await
}

async fn open_by(masters: Option<Masters>, config: &Config, env: Env) -> anyhow::Result<Keyring> {
    let opened = match (masters, stores::keyring_store(config)) {
        (Some(Masters { active, former }), _) => {
            Keyring::open(active, former, key_store(config).await?, env).await
        }
        (None, KeyringStore::Directory) => Keyring::embedded(&folder(config), env).await,
        (None, KeyringStore::Sql) => bail!(
            "{MASTER} is not set: processes that share stores.sql share a master key, too. Make one \
             with \"openssl rand -base64 32\", keep it safe, and give it to each of them, or name a \
             key in stores.kms.key"
        ),
    };
    opened.context("the keyring does not open")
}

/// The keyring of an installation that is there, for reading alone: nothing is made or written.
///
/// # Errors
/// Where there is no keyring, or its master key is not given.
pub(crate) async fn open_existing(config: &Config, env: Env) -> anyhow::Result<Keyring> {
    let masters = elsewhere(config, env.clone()).await?;
    let Some(Masters { active, former }) = masters else {
        if stores::keyring_store(config) == KeyringStore::Directory {
            return Ok(Keyring::existing(&folder(config), env)?);
        }
        bail!("{MASTER} is not set, nor stores.kms.key: give the one that the servers have");
    };
    let store: Arc<dyn KeyStore> = match stores::keyring_store(config) {
        KeyringStore::Directory => {
            Arc::new(DirectoryKeyStore::existing(folder(config).join("keys"))?)
        }
        KeyringStore::Sql => {
            Arc::new(SqlKeyStore::open(stores::database_to_read(config, "keyring").await?).await?)
        }
    };
    Ok(Keyring::new(active, former, store, env))
}

/// The master keys that the configuration and the environment name; `None` where there are none, and
/// the data folder has its own. The one of the data folder is among the former ones.
pub(crate) async fn elsewhere(config: &Config, env: Env) -> anyhow::Result<Option<Masters>> {
    let mut former: Vec<Arc<dyn MasterKey>> = Vec::new();
    if let Some(key) = from_variable(FORMER, &env)? {
        former.push(Arc::new(key));
    }
    if let Some(key) = of_the_folder(config, &env)? {
        former.push(Arc::new(key));
    }
    let master = from_variable(MASTER, &env)?;
    if let Some(kms) = kms(config) {
        former.extend(master.map(|key| Arc::new(key) as Arc<dyn MasterKey>));
        let active = KmsMaster::connect(kms).await.context("the master key does not open")?;
        return Ok(Some(Masters { active: Arc::new(active), former }));
    }
    Ok(master.map(|key| Masters { active: Arc::new(key), former }))
}

/// The key of a service, where one is set.
pub(crate) fn kms(config: &Config) -> Option<KmsOptions> {
    let kms = &config.stores.kms;
    let access = || AwsAccess {
        endpoint: kms.endpoint.clone(),
        region: kms.region.clone(),
        ca_file: kms.ca_file.clone(),
        ..stores::aws_keys(kms.access_key.as_ref(), kms.secret_key.as_ref())
    };
    kms.key.clone().map(|key| KmsOptions { access: access(), key, section: "stores.kms" })
}

/// The master key of the data folder; none is made.
pub(crate) fn of_the_folder(config: &Config, env: &Env) -> anyhow::Result<Option<LocalMaster>> {
    let read = LocalMaster::read_file(&folder(config).join("master.key"), env.clone());
    read.context("the master key cannot be read")
}

fn from_variable(variable: &str, env: &Env) -> anyhow::Result<Option<LocalMaster>> {
    let text = match std::env::var(variable) {
        Ok(text) => text,
        Err(std::env::VarError::NotPresent) => return Ok(None),
        Err(error) => return Err(error).context(variable.to_owned()),
    };
    Ok(Some(LocalMaster::from_base64(&text, variable, env.clone())?))
}

fn folder(config: &Config) -> PathBuf {
    config.data_dir.join("keyring")
}

/// Where the wrapped keys lie.
pub(crate) async fn key_store(config: &Config) -> anyhow::Result<Arc<dyn KeyStore>> {
    if stores::keyring_store(config) == KeyringStore::Directory {
        return Ok(Arc::new(DirectoryKeyStore::open(folder(config).join("keys"))?));
    }
    let database = stores::database(config, "keyring").await?;
    stores::migrate::<migrations::keyring::Migrator>(&database)
        .await
        .context("the table of the keyring cannot be made")?;
    let store = SqlKeyStore::open(database).await.context("the keyring does not open")?;
    Ok(Arc::new(store))
}

/// `studio keyring …`
pub(crate) async fn run(command: cli::KeyringCommand) -> anyhow::Result<()> {
    match command.verb {
        cli::KeyringVerb::Rotate(settings) => rotate(settings).await,
        cli::KeyringVerb::RotateTokens(arguments) => rotate_tokens(arguments).await,
    }
}

/// `studio keyring rotate-tokens`
async fn rotate_tokens(arguments: cli::RotateTokens) -> anyhow::Result<()> {
    let (config, env) = (arguments.settings.load(None)?, Env::system());
    let _data = match stores::keyring_store(&config) {
        KeyringStore::Directory => Some(DataDir::open(&config.data_dir)?),
        KeyringStore::Sql => None,
    };
    let keyring = open(&config, env).await?;
    keyring.add_signing_key(TOKENS).await?;
    if !arguments.now {
        println!(
            "There is a new key for access tokens. It signs in 15 minutes, when every process knows it; \
             until then, and for what they signed, the former ones hold. Nobody is signed out."
        );
        return Ok(());
    }
    keyring.destroy_former_signing_keys(TOKENS).await?;
    println!(
        "There is a new key for access tokens, and the former ones are destroyed. Tokens that they \
         signed are refused within five minutes by every process that runs, and at once by one that \
         starts; who is signed in gets new ones by refresh."
    );
    Ok(())
}

async fn rotate(settings: cli::Settings) -> anyhow::Result<()> {
    let (config, env) = (settings.load(None)?, Env::system());
    // Keys in files are one process's; those in a database may be in use meanwhile.
    let _data = match stores::keyring_store(&config) {
        KeyringStore::Directory => Some(DataDir::open(&config.data_dir)?),
        KeyringStore::Sql => None,
    };
    let masters = elsewhere(&config, env.clone()).await?;
    let keyring = open_by(masters.clone(), &config, env).await?;
    let rotated = match masters {
        Some(Masters { active, .. }) => keyring.rotate_master(active).await,
        None => keyring.rotate_file_master(&folder(&config)).await,
    };
    rotated.context(
        "not every key could be wrapped anew; nothing is lost: mend what is said here and run it \
         again",
    )?;
    println!(
        "Every key is wrapped by the new master key. Former ones open nothing here any more, but \
         what was copied before: keep them with the copies."
    );
    Ok(())
}
