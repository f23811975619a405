//! Where things are kept: embedded by default, or on servers.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// Where things are kept. Without any of these settings everything lies in `data_dir`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoresConfig {
    /// `postgres://user:password@host:5432/database` holds the logs and read models, each subgraph
    /// in a schema of its own name; without it they are SQLite files in `data_dir`.
    pub sql: Option<Secret>,
    /// A streaming replica of it, for queries.
    pub sql_replica: Option<Secret>,
    /// The certificate authority (PEM) that signed PostgreSQL's certificate; with it the
    /// connection is encrypted and the server's name is checked.
    pub sql_ca_file: Option<PathBuf>,
    /// Connections of this process to PostgreSQL for each store (of which a process has up to
    /// six), half of them for writing. By default 8.
    pub sql_connections: Option<u32>,
    /// Where wrapped keys lie. By default a folder in `data_dir`, or PostgreSQL where `sql` is set.
    pub keyring: Option<KeyringStore>,
    /// A key of a key management service, as the master key.
    pub kms: KmsConfig,
    /// Where scans and documents lie.
    pub blobs: BlobsStore,
    /// The bucket, where `blobs` is `s3`.
    pub s3: S3Config,
    /// `redis://:password@host:6379` (`rediss://` with TLS) wakes other processes up, and holds
    /// what they share for a short time; without it they look for news by themselves.
    pub redis: Option<Secret>,
    /// The certificate authority (PEM) that signed the certificate of Redis.
    pub redis_ca_file: Option<PathBuf>,
    /// Whether `redis` is a node of a Redis Cluster.
    pub redis_cluster: bool,
    /// What all keys and channels in Redis begin with, so that installations can share a server.
    pub redis_prefix: String,
    /// `bolt://user:password@host:7687` holds the graph of controls and evidence; without it each
    /// process keeps it in memory.
    pub graph: Option<Secret>,
    /// The certificate authority (PEM) that signed the certificate of the graph's server.
    pub graph_ca_file: Option<PathBuf>,
}

impl Default for StoresConfig {
    fn default() -> Self {
        Self {
            sql: None,
            sql_replica: None,
            sql_ca_file: None,
            sql_connections: None,
            keyring: None,
            kms: KmsConfig::default(),
            blobs: BlobsStore::default(),
            s3: S3Config::default(),
            redis: None,
            redis_ca_file: None,
            redis_cluster: false,
            redis_prefix: "studio".to_owned(),
            graph: None,
            graph_ca_file: None,
        }
    }
}

/// Where wrapped keys lie. The master key that opens them is apart from both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyringStore {
    /// In `data_dir/keyring`, for one process.
    Directory,
    /// In the database of `stores.sql`, in the schema `keyring`.
    Sql,
}

/// Where scans and documents lie, encrypted by the keyring either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BlobsStore {
    /// In `data_dir/blobs`.
    #[default]
    Directory,
    /// In a bucket of an S3 server.
    S3,
}

/// A key of a service that speaks the protocol of AWS KMS. It wraps all other keys and never leaves
/// the service.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KmsConfig {
    /// Its id, ARN or alias. With it `STUDIO_MASTER_KEY` only opens what was wrapped before.
    pub key: Option<String>,
    /// The server's address; without it the one of Amazon's KMS in `region`.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The id of the access key; without it the credentials come from the environment
    /// (`AWS_ACCESS_KEY_ID` …).
    pub access_key: Option<Secret>,
    /// The access key itself.
    pub secret_key: Option<Secret>,
    /// Certificates (PEM) of authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for KmsConfig {
    fn default() -> Self {
        Self {
            key: None,
            endpoint: None,
            region: "us-east-1".to_owned(),
            access_key: None,
            secret_key: None,
            ca_file: None,
        }
    }
}

/// A bucket.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// The server's address; without it the one of Amazon's S3 in `region`.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The bucket, which must exist.
    pub bucket: String,
    /// What the names of all objects begin with.
    pub prefix: String,
    /// The id of the access key; without it the credentials come from the environment
    /// (`AWS_ACCESS_KEY_ID` …).
    pub access_key: Option<Secret>,
    /// The access key itself.
    pub secret_key: Option<Secret>,
    /// Whether the bucket stands in the path of an address, as most servers but Amazon's want it.
    pub path_style: bool,
    /// Certificates (PEM) of authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: "us-east-1".to_owned(),
            bucket: String::new(),
            prefix: String::new(),
            access_key: None,
            secret_key: None,
            path_style: true,
            ca_file: None,
        }
    }
}
