//! Opens what the configuration names: the databases, the blobs, the keyring. Holds always: what is
//! chosen and cannot be reached stops the start with a sentence that says which setting it is;
//! nothing else is taken in its place.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use sea_orm_migration::{
    MigratorTrait,
    sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait},
};
use studio_kernel::Env;
use studio_migrations as migrations;
use studio_service::{
    Config,
    config::{BlobsStore, KeyringStore, Secret},
};
use studio_stores::{
    AwsAccess,
    blobs::{Blobs, DirectoryBlobs, S3Blobs, S3Options, SealedBlobs},
    bus::{Bus, RedisBus},
    graph::{BoltGraph, BoltOptions, Graph, PetGraph},
    keyring::Keyring,
    limits::{InProcessLimits, Limits, RedisLimits},
    redis::{Redis, RedisOptions},
    sql::{Database, SqlOptions},
};

use crate::{data_dir::DataDir, keyring};

/// The names of the subgraphs, of their logs and of their schemas in PostgreSQL.
pub(crate) const SUBGRAPHS: [&str; 5] = ["identity", "controls", "evidence", "documents", "ai"];

/// How long a start waits for a database that does not answer, and a request for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections to PostgreSQL for each store, unless the configuration says otherwise.
const CONNECTIONS: u32 = 8;

/// The opened stores of a process.
pub(crate) struct Stores {
    pub(crate) env: Env,
    pub(crate) config: Arc<Config>,
    _data: DataDir,
    pub(crate) keyring: Arc<Keyring>,
}

impl Stores {
    /// Takes the data folder for this process, which is to have so many subgraphs, and opens the
    /// keyring.
    pub(crate) async fn open(
        config: Arc<Config>,
        env: Env,
        subgraphs: usize,
    ) -> anyhow::Result<Self> {
        let data = DataDir::open(&config.data_dir)?;
        if on_a_server(&config) {
            enough_connections(&config, subgraphs).await?;
        }
        let keyring = Arc::new(keyring::open(&config, env.clone()).await?);
        Ok(Self { env, config, _data: data, keyring })
    }

    /// The database of a subgraph, brought up to date.
    pub(crate) async fn database(&self, name: &str) -> anyhow::Result<Database> {
        let database = database(&self.config, name).await?;
        bring_up_to_date(name, &database).await?;
        Ok(database)
    }

    /// The blobs of a subgraph, sealed with the keys of their organizations.
    pub(crate) async fn blobs(&self, name: &'static str) -> anyhow::Result<Arc<dyn Blobs>> {
        sealed_blobs(&self.config, name, self.env.clone(), self.keyring.clone()).await
    }

    /// The graph of controls and what proves them.
    pub(crate) async fn graph(&self) -> anyhow::Result<Arc<dyn Graph>> {
        Ok(match bolt(&self.config)? {
            Some(options) => Arc::new(BoltGraph::connect(&options).await?),
            None => Arc::new(PetGraph::new()),
        })
    }

    /// What wakes other processes up, where there may be some, and what counts for all of them.
    pub(crate) async fn shared(&self) -> anyhow::Result<(Option<Arc<dyn Bus>>, Arc<dyn Limits>)> {
        let env = self.env.clone();
        let Some(redis) = redis(&self.config).await? else {
            return Ok((None, Arc::new(InProcessLimits::new(env))));
        };
        let bus = RedisBus::start(redis.clone(), &env).await?;
        Ok((Some(Arc::new(bus)), Arc::new(RedisLimits::new(redis, env))))
    }
}

/// Redis, where it is set.
pub(crate) async fn redis(config: &Config) -> anyhow::Result<Option<Redis>> {
    let stores = &config.stores;
    let Some(url) = &stores.redis else { return Ok(None) };
    let options = RedisOptions {
        cluster: stores.redis_cluster,
        ca_file: stores.redis_ca_file.clone(),
        prefix: stores.redis_prefix.clone(),
        ..RedisOptions::new(url.expose())
    };
    Ok(Some(Redis::connect(options).await?))
}

fn bolt(config: &Config) -> anyhow::Result<Option<BoltOptions>> {
    let Some(address) = &config.stores.graph else { return Ok(None) };
    let mut options = BoltOptions::parse(address.expose())?;
    options.ca_file = config.stores.graph_ca_file.clone();
    Ok(Some(options))
}

/// Asks the server of the graph whether it is there; nothing is made on it.
pub(crate) async fn probe_graph(config: &Config) -> anyhow::Result<()> {
    match bolt(config)? {
        Some(options) => Ok(BoltGraph::probe(&options).await?),
        None => Ok(()),
    }
}

/// Whether the configuration keeps the logs on a server.
pub(crate) fn on_a_server(config: &Config) -> bool {
    config.stores.sql.is_some()
}

/// Whether the blobs lie in a bucket.
pub(crate) fn in_a_bucket(config: &Config) -> bool {
    config.stores.blobs == BlobsStore::S3
}

/// Where the wrapped keys lie.
pub(crate) fn keyring_store(config: &Config) -> KeyringStore {
    let default = if on_a_server(config) { KeyringStore::Sql } else { KeyringStore::Directory };
    config.stores.keyring.unwrap_or(default)
}

/// A subgraph's store by its name.
pub(crate) type Store = (&'static str, Database);

/// The stores of all subgraphs of an installation that is there ([`must_be_there`]), for reading alone:
/// nothing is made or written.
pub(crate) async fn all_to_read(config: &Config) -> anyhow::Result<Vec<Store>> {
    open_all(config, true).await
}

/// The stores of all subgraphs of an installation that is there, as they are.
pub(crate) async fn all(config: &Config) -> anyhow::Result<Vec<Store>> {
    must_be_there(config)?;
    open_all(config, false).await
}

/// The stores of all subgraphs, whether they are there or not: what is missing is made, unless they
/// are for reading alone. Nothing is migrated.
pub(crate) async fn open_all(config: &Config, read_only: bool) -> anyhow::Result<Vec<Store>> {
    let mut opened = Vec::new();
    for name in SUBGRAPHS {
        opened.push((name, connect(config, name, read_only).await?));
    }
    Ok(opened)
}

/// Closes stores, of which nothing is to be left open.
pub(crate) async fn close(stores: Vec<Store>) -> anyhow::Result<()> {
    for (name, database) in stores {
        database.close().await.with_context(|| format!("the store of {name}"))?;
    }
    Ok(())
}

/// Fails where an embedded installation lacks a log: it is the wrong folder, as a rule.
pub(crate) fn must_be_there(config: &Config) -> anyhow::Result<()> {
    let missing = SUBGRAPHS.iter().find(|name| !file(config, name).exists());
    match missing.filter(|_| !on_a_server(config)) {
        Some(name) => bail!(
            "{} holds no log of {name}: is it the right --data-dir?",
            config.data_dir.display()
        ),
        None => Ok(()),
    }
}

/// The file of an embedded store.
pub(crate) fn file(config: &Config, name: &str) -> PathBuf {
    config.data_dir.join(format!("{name}.db"))
}

/// The blobs of a subgraph as they lie there, sealed.
pub(crate) async fn plain_blobs(
    config: &Config,
    name: &str,
    env: Env,
) -> anyhow::Result<Arc<dyn Blobs>> {
    Ok(match config.stores.blobs {
        BlobsStore::Directory => Arc::new(directory(config, name, env)?),
        BlobsStore::S3 => {
            let spool = config.data_dir.join("spool").join(name);
            Arc::new(bucket(config, name, Some(spool), env).await?)
        }
    })
}

/// The blobs of a subgraph, opened, for reading alone: nothing is made or written.
pub(crate) async fn sealed_blobs_to_read(
    config: &Config,
    name: &str,
    env: Env,
    keyring: Arc<Keyring>,
) -> anyhow::Result<Arc<dyn Blobs>> {
    let plain: Arc<dyn Blobs> = match config.stores.blobs {
        BlobsStore::Directory => Arc::new(DirectoryBlobs::to_read(blobs_folder(config, name), env)),
        BlobsStore::S3 => Arc::new(bucket(config, name, None, env).await?),
    };
    Ok(Arc::new(SealedBlobs::new(plain, keyring)))
}

/// The blobs of a subgraph, sealed with the keys of their organizations.
pub(crate) async fn sealed_blobs(
    config: &Config,
    name: &str,
    env: Env,
    keyring: Arc<Keyring>,
) -> anyhow::Result<Arc<dyn Blobs>> {
    Ok(Arc::new(SealedBlobs::new(plain_blobs(config, name, env).await?, keyring)))
}

fn directory(config: &Config, name: &str, env: Env) -> anyhow::Result<DirectoryBlobs> {
    DirectoryBlobs::open_with(blobs_folder(config, name), env)
        .with_context(|| format!("the blobs of {name} do not open"))
}

fn blobs_folder(config: &Config, name: &str) -> PathBuf {
    config.data_dir.join("blobs").join(name)
}

/// The bucket of a subgraph; what is uploaded to it lies in `spool` first. Without one it is opened for
/// reading alone.
pub(crate) async fn bucket(
    config: &Config,
    name: &str,
    spool: Option<PathBuf>,
    env: Env,
) -> anyhow::Result<S3Blobs> {
    let s3 = &config.stores.s3;
    let prefix = s3.prefix.trim_matches('/');
    let prefix = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
    let options = S3Options {
        access: AwsAccess {
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            ca_file: s3.ca_file.clone(),
            ..aws_keys(s3.access_key.as_ref(), s3.secret_key.as_ref())
        },
        prefix,
        path_style: s3.path_style,
        section: "stores.s3",
        env,
        spool,
        ..S3Options::to_read(s3.bucket.clone())
    };
    S3Blobs::connect(options).await.with_context(|| format!("the blobs of {name} do not open"))
}

/// The access with these keys, and without anything else.
pub(crate) fn aws_keys(access_key: Option<&Secret>, secret_key: Option<&Secret>) -> AwsAccess {
    AwsAccess {
        access_key: access_key.map(|key| key.expose().to_owned()),
        secret_key: secret_key.map(|key| key.expose().to_owned().into()),
        ..AwsAccess::default()
    }
}

/// Connects to the database of a store. Nothing is migrated.
pub(crate) async fn database(config: &Config, name: &str) -> anyhow::Result<Database> {
    connect(config, name, false).await
}

/// As [`database`], for reading alone: what is missing is not made, and nothing is written.
pub(crate) async fn database_to_read(config: &Config, name: &str) -> anyhow::Result<Database> {
    connect(config, name, true).await
}

async fn connect(config: &Config, name: &str, read_only: bool) -> anyhow::Result<Database> {
    let Some(sql) = &config.stores.sql else {
        let url = format!("sqlite://{}", file(config, name).display());
        let log = Some(name.to_owned());
        let options = SqlOptions { log, read_only, ..SqlOptions::default() };
        return Database::connect(&url, options)
            .await
            .with_context(|| format!("the store of {name} does not open"));
    };
    let schema = Some(name.to_owned());
    let options = SqlOptions { schema, read_only, ..sql_options(config) };
    Database::connect(sql.expose(), options)
        .await
        .with_context(|| format!("the store of {name} does not open (setting stores.sql)"))
}

/// Connects to the server of `stores.sql`, and to the replica, too, where that is wanted. No schema
/// is made on it.
pub(crate) async fn without_schema(
    config: &Config,
    with_replica: bool,
) -> anyhow::Result<Database> {
    let sql = config.stores.sql.as_ref().context("stores.sql is not set")?;
    let mut options = sql_options(config);
    if !with_replica {
        options.replica_url = None;
    }
    Ok(Database::connect(sql.expose(), options).await?)
}

/// Asks the server of `stores.sql` for the connections of a process with so many subgraphs, those of
/// their stores and of the keyring, and says how many these are.
pub(crate) async fn enough_connections(config: &Config, subgraphs: usize) -> anyhow::Result<u32> {
    let stores = u32::try_from(subgraphs).unwrap_or(u32::MAX).saturating_add(1);
    let wanted = sql_options(config).connections().saturating_mul(stores);
    let database = without_schema(config, false).await?;
    let enough = database.check_connections(wanted).await;
    database.close().await.context("a connection to stores.sql does not close")?;
    enough?;
    Ok(wanted)
}

fn sql_options(config: &Config) -> SqlOptions {
    let stores = &config.stores;
    SqlOptions {
        acquire_timeout: PATIENCE,
        ca_file: stores.sql_ca_file.clone(),
        replica_url: stores.sql_replica.as_ref().map(|url| url.expose().to_owned()),
        ..SqlOptions::default()
    }
    .with_connections(stores.sql_connections.unwrap_or(CONNECTIONS))
}

/// Makes the tables of a subgraph's store, or brings them up to date.
pub(crate) async fn bring_up_to_date(name: &str, database: &Database) -> anyhow::Result<()> {
    let done = match name {
        "identity" => migrate::<migrations::identity::Migrator>(database).await,
        "controls" => migrate::<migrations::controls::Migrator>(database).await,
        "evidence" => migrate::<migrations::evidence::Migrator>(database).await,
        "documents" => migrate::<migrations::documents::Migrator>(database).await,
        "ai" => migrate::<migrations::ai::Migrator>(database).await,
        other => bail!("there is no subgraph \"{other}\""),
    };
    done.with_context(|| format!("the store of {name} cannot be brought up to date"))
}

/// Brings the tables up to date. Several processes that start at once take turns.
pub(crate) async fn migrate<M: MigratorTrait>(database: &Database) -> anyhow::Result<()> {
    let writer = database.writer();
    if writer.get_database_backend() != DbBackend::Postgres {
        // The data folder is this process's alone.
        return Ok(M::up(writer, None).await?);
    }
    let turn = writer.begin().await?;
    turn.execute_raw(Statement::from_string(
        DbBackend::Postgres,
        "SELECT pg_advisory_xact_lock(hashtext('studio migrations ' || current_schema()))",
    ))
    .await?;
    M::up(writer, None).await?;
    Ok(turn.commit().await?)
}
