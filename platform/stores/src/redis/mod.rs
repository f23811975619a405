//! The one connection to Redis that [`cache`](crate::cache), [`limits`](crate::limits),
//! [`locks`](crate::locks) and [`bus`](crate::bus) share: one server or a cluster, with or without
//! TLS. Holds always: a server that cannot be used stops the start-up with a sentence; one that goes
//! away later makes commands fail fast, never wait, until it is back; no password reaches a log.

mod address;
mod error;
mod health;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc, time::Duration};

use redis::{
    Client, Cmd, ConnectionInfo, FromRedisValue, Script, TlsCertificates, ToRedisArgs,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
};

use self::{address::Address, health::Health};
pub use self::{error::RedisError, health::RedisStatus};

/// How to reach Redis.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://user:password@host:6379/0`, or `rediss://…` for TLS. Nodes of a cluster are
    /// separated by commas: `redis://:password@one:6379,two:6379`.
    pub url: String,
    /// The address is of a Redis Cluster.
    pub cluster: bool,
    /// TLS: a PEM file with the authority that signed the server's certificate. Without it, the
    /// machine's own authorities are trusted.
    pub ca_file: Option<PathBuf>,
    /// What every key and channel begins with, so that installations can share a server: letters,
    /// digits, `-`, `_` and `:`.
    pub prefix: String,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a command may take, before the server counts as away.
    pub command_timeout: Duration,
}

impl RedisOptions {
    /// The defaults for an address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            cluster: false,
            ca_file: None,
            prefix: "studio".to_owned(),
            connect_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_millis(500),
        }
    }
}

impl std::fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisOptions")
            .field("url", &address::redact(&self.url))
            .field("cluster", &self.cluster)
            .field("ca_file", &self.ca_file)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// An open connection, which mends itself. Cheap to clone.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    link: Link,
    /// One client for each address given, for subscriptions, which need a connection of their own.
    nodes: Vec<Client>,
    address: String,
    prefix: String,
    connect_timeout: Duration,
    command_timeout: Duration,
    health: Health,
}

#[derive(Clone)]
enum Link {
    One(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Redis {
    /// Connects, signs in and asks the server who it is.
    pub async fn connect(options: RedisOptions) -> Result<Self, RedisError> {
        let address = Address::parse(&options)?;
        crate::tls::use_aws_lc_rs();
        let certificates = match &options.ca_file {
            Some(file) => Some(address::authority(file).await?),
            None => None,
        };
        let shown = address.shown.clone();
        let refused = |cause| RedisError::refused(&shown, cause);
        let nodes: Vec<Client> = address
            .nodes
            .iter()
            .map(|node| client(node.clone(), certificates.clone()))
            .collect::<Result<_, _>>()
            .map_err(refused)?;
        greet(&nodes, &options, &shown).await?;
        let opening = async {
            if options.cluster {
                cluster(&address.nodes, certificates, &options).await.map(Link::Cluster)
            } else {
                manager(nodes[0].clone(), &options).await.map(Link::One)
            }
        };
        let link = tokio::time::timeout(options.connect_timeout * 2, opening)
            .await
            .map_err(|_| RedisError::silent(&shown))?
            .map_err(refused)?;
        Ok(Self(Arc::new(Inner {
            link,
            nodes,
            health: Health::new(address.shown.clone()),
            address: address.shown,
            prefix: options.prefix,
            connect_timeout: options.connect_timeout,
            command_timeout: options.command_timeout,
        })))
    }

    /// Whether the server answers, and how often it did not.
    pub fn status(&self) -> RedisStatus {
        self.0.health.status()
    }

    /// Where the server is, without a password.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.0.prefix
    }

    pub(crate) fn nodes(&self) -> &[Client] {
        &self.0.nodes
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.0.connect_timeout
    }

    /// `prefix:kind:{place}rest`. Keys with the same place lie on the same node of a cluster.
    pub(crate) fn key(&self, kind: &str, place: &str, rest: &str) -> String {
        format!("{}:{kind}:{{{place}}}{rest}", self.0.prefix)
    }

    /// Runs one command.
    pub(crate) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let mut link = self.0.link.clone();
        self.watch(async move {
            match &mut link {
                Link::One(connection) => command.query_async(connection).await,
                Link::Cluster(connection) => command.query_async(connection).await,
            }
        })
        .await
    }

    /// Runs a script, which nothing else can interrupt, on one key.
    pub(crate) async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        arguments: &[impl ToRedisArgs],
    ) -> Result<T, RedisError> {
        let mut call = script.key(key);
        for argument in arguments {
            call.arg(argument);
        }
        async fn invoke<T: FromRedisValue>(
            call: &redis::ScriptInvocation<'_>,
            connection: &mut (impl ConnectionLike + Send),
        ) -> redis::RedisResult<T> {
            call.invoke_async(connection).await
        }
        let mut link = self.0.link.clone();
        self.watch(async move {
            match &mut link {
                Link::One(connection) => invoke(&call, connection).await,
                Link::Cluster(connection) => invoke(&call, connection).await,
            }
        })
        .await
    }

    /// Lets a command through unless the server is away, and notes how it went.
    async fn watch<T>(
        &self,
        command: impl Future<Output = redis::RedisResult<T>>,
    ) -> Result<T, RedisError> {
        if !self.0.health.admits() {
            return Err(RedisError::Away {
                address: self.0.address.clone(),
                cause: "it did not answer a moment ago".to_owned(),
            });
        }
        let cause = match tokio::time::timeout(self.0.command_timeout, command).await {
            Ok(Ok(value)) => {
                self.0.health.answered();
                return Ok(value);
            }
            Ok(Err(error)) if error::is_answer(&error) => {
                self.0.health.answered();
                return Err(RedisError::Failed(Box::new(error)));
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {:?}", self.0.command_timeout),
        };
        self.0.health.failed(&cause);
        Err(RedisError::Away { address: self.0.address.clone(), cause })
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("address", &self.0.address).finish_non_exhaustive()
    }
}

/// Asks the first node that answers whether it is what the settings say.
async fn greet(nodes: &[Client], options: &RedisOptions, address: &str) -> Result<(), RedisError> {
    let mut last = RedisError::silent(address);
    for node in nodes {
        let asking = async {
            let mut connection = node.get_multiplexed_async_connection().await?;
            redis::cmd("INFO").arg("cluster").query_async::<String>(&mut connection).await
        };
        last = match tokio::time::timeout(options.connect_timeout, asking).await {
            Ok(Ok(info)) => {
                return match (info.contains("cluster_enabled:1"), options.cluster) {
                    (true, false) => Err(RedisError::Cluster(address.to_owned())),
                    (false, true) => Err(RedisError::NoCluster(address.to_owned())),
                    _ => Ok(()),
                };
            }
            Ok(Err(cause)) => RedisError::refused(address, cause),
            Err(_) => RedisError::silent(address),
        };
    }
    Err(last)
}

fn client(
    node: ConnectionInfo,
    certificates: Option<TlsCertificates>,
) -> redis::RedisResult<Client> {
    match certificates {
        Some(certificates) => Client::build_with_tls(node, certificates),
        None => Client::open(node),
    }
}

async fn manager(client: Client, options: &RedisOptions) -> redis::RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(options.connect_timeout))
        .set_response_timeout(Some(options.command_timeout))
        .set_min_delay(Duration::from_millis(50))
        .set_max_delay(Duration::from_millis(500))
        .set_number_of_retries(1);
    client.get_connection_manager_with_config(config).await
}

async fn cluster(
    nodes: &[ConnectionInfo],
    certificates: Option<TlsCertificates>,
    options: &RedisOptions,
) -> redis::RedisResult<ClusterConnection> {
    let mut builder = ClusterClientBuilder::new(nodes.iter().cloned())
        .connection_timeout(options.connect_timeout)
        .response_timeout(options.command_timeout)
        .retries(2)
        .tcp_settings(address::tcp_settings());
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates);
    }
    builder.build()?.get_async_connection().await
}
