//! The configuration: one file, environment `STUDIO_…`, flags, in that order. Every setting has a
//! default that is safe to run with.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use studio_kernel::Network;

mod audit;
mod cluster;
mod faults;
mod load;
mod mail;
mod oidc;
mod policy;
mod remote;
mod router_file;
mod secret;
mod stores;

pub use audit::{AuditConfig, AuditFormat, AuditStream, AuditTransport};
pub use cluster::{Addresses, ClusterConfig};
pub use faults::Fault;
pub use load::ConfigError;
pub use mail::{MailConfig, MailSecurity};
pub use oidc::OidcProvider;
pub use policy::{PolicyConfig, PolicyMode};
pub use remote::{HeaderText, InEnv, InFile, RemoteSubgraph, RemoteSubgraphs, Subscriptions};
pub use router_file::{InFlightSharing, RequestLimits, RouterFile, SubscriptionSharing};
pub use secret::Secret;
pub use stores::{BlobsStore, KeyringStore, KmsConfig, S3Config, StoresConfig};

/// Every setting of Studio.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where embedded stores keep their files; made at the first start with mode 0700.
    pub data_dir: PathBuf,
    /// The address to listen on. The default is reachable from this machine alone.
    pub listen: SocketAddr,
    /// The address under which people reach the server, for links; by default `http://` and
    /// `listen`.
    pub public_url: Option<String>,
    /// The networks of the proxies in front of the server, such as `10.0.0.0/8`: these are believed where they
    /// say in `X-Forwarded-For` for whom they ask. Nobody by default.
    pub trusted_proxies: Vec<Network>,
    /// Seconds that requests under way get to end once the process is asked to stop.
    pub drain_seconds: u32,
    /// Logging.
    pub log: LogConfig,
    /// Limits on what clients may send.
    pub limits: Limits,
    /// Signing in.
    pub identity: IdentityConfig,
    /// Mail that Studio sends.
    pub mail: MailConfig,
    /// Providers of identity outside of Studio, by which people may sign in.
    pub oidc: Vec<OidcProvider>,
    /// Who may do what.
    pub policy: PolicyConfig,
    /// What becomes of the audit log besides being kept.
    pub audit: AuditConfig,
    /// Where things are kept.
    pub stores: StoresConfig,
    /// The other processes, where roles run apart.
    pub cluster: ClusterConfig,
    /// Subgraphs of others that extend the graph.
    pub extensions: RemoteSubgraphs,
}

/// Logging.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Which events are logged, as `level` or `target=level`, separated by commas.
    pub filter: String,
    /// Text for a person, JSON for a collector.
    pub format: LogFormat,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person.
    Text,
    /// For a collector.
    Json,
}

/// Limits on what clients may send, in bytes, and on what is kept in memory.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The body of a GraphQL request. Larger framework documents go to `POST /v1/frameworks`.
    pub graphql_body: usize,
    /// A scan as it is uploaded, packed or not.
    pub ingest_body: u64,
    /// A scan after unpacking.
    pub ingest_unpacked: u64,
    /// One finding of a scan.
    pub ingest_item: usize,
    /// An uploaded document.
    pub document: u64,
    /// A framework document (OSCAL catalog or baseline).
    pub catalog: usize,
    /// Facts (results of tests, controls, their dependencies and memberships) that the models behind live
    /// scores hold in memory together, about a kilobyte each. Models beyond that are loaded when
    /// somebody asks for them or something happens to them.
    pub score_facts: usize,
}

/// Signing in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Seconds for which an access token is valid.
    pub access_token_seconds: u32,
    /// Seconds after which a session that was not refreshed ends.
    pub session_seconds: u32,
    /// Days after which access tokens are signed by another key; 0 for never, but by
    /// `studio keyring rotate-tokens`. Nobody is signed out by it.
    pub token_key_days: u32,
    /// Days for which an API key holds at most.
    pub api_key_days: u32,
    /// A file of passwords that are known from breaches, which nobody may take: a line for each, its
    /// SHA-1 in hexadecimal digits, a colon and a count, sorted by the hash, as Pwned Passwords comes.
    pub breached_passwords_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("studio-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 4000)),
            public_url: None,
            trusted_proxies: Vec::new(),
            drain_seconds: 10,
            log: LogConfig::default(),
            limits: Limits::default(),
            identity: IdentityConfig::default(),
            mail: MailConfig::default(),
            oidc: Vec::new(),
            policy: PolicyConfig::default(),
            audit: AuditConfig::default(),
            stores: StoresConfig::default(),
            cluster: ClusterConfig::default(),
            extensions: RemoteSubgraphs::default(),
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: "info,sqlx=warn,sea_orm=warn,tantivy=warn".to_owned(),
            format: LogFormat::Text,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            graphql_body: 4 * 1024 * 1024,
            ingest_body: 4096 * MIB,
            ingest_unpacked: 16 * 1024 * MIB,
            ingest_item: 1024 * 1024,
            document: 256 * MIB,
            catalog: 64 * 1024 * 1024,
            score_facts: 1_000_000,
        }
    }
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            access_token_seconds: 600,
            session_seconds: 14 * 86_400,
            token_key_days: 90,
            api_key_days: 365,
            breached_passwords_file: None,
        }
    }
}

impl Config {
    /// How long requests under way get to end once the process is asked to stop.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds.into())
    }

    /// The address for links, without a slash at its end.
    pub fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen),
        }
    }
}
