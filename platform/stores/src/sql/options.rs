//! How to open a database, and what can go wrong with it.

use std::{path::PathBuf, time::Duration};

use sea_orm::DbErr;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The address is of no database that Studio knows.
    #[error(
        "\"{0}\" is no database address: write sqlite:///path/to/file.db, or \
         postgres://user:password@host:5432/database"
    )]
    Address(String),
    /// `sqlite::memory:` gives each connection a database of its own.
    #[error("an SQLite store must be a file, so that readers and the writer see the same data")]
    InMemory,
    /// The schema's name could not be used without quoting.
    #[error(
        "\"{0}\" cannot name a PostgreSQL schema: use lower-case letters, digits and underscores, \
         at most 63, not starting with a digit"
    )]
    Schema(String),
    /// Nothing answers, or it refuses.
    #[error(
        "the database {address} cannot be opened ({cause}): check that it runs, that the address \
         and the password are right, and that the directory can be written"
    )]
    Unreachable {
        /// The address without its password.
        address: String,
        /// What the driver said.
        cause: Box<DbErr>,
    },
    /// Servers answer, but none of them takes writes.
    #[error(
        "stores.sql: the database {0} takes no writes: every server that answers is a standby; promote one, or \
         add the primary's address to stores.sql, separated by a comma"
    )]
    NoPrimary(String),
    /// The replica belongs to another primary.
    #[error(
        "the read replica {replica} is no copy of {primary}: set stores.sql_replica to a \
         standby of that server, or take it away"
    )]
    OtherReplica {
        /// Without its password.
        replica: String,
        /// Without its password.
        primary: String,
    },
    /// The server holds no such store, and it was to be read alone.
    #[error(
        "the database {address} has no schema {schema}: it holds no installation; check stores.sql"
    )]
    NoSchema {
        /// Without its password.
        address: String,
        /// The schema.
        schema: String,
    },
    /// The authority's file cannot be read.
    #[error(
        "the authority's certificate in {file} cannot be read ({cause}): set stores.sql_ca_file to \
         a PEM file that Studio can read"
    )]
    Authority {
        /// The file.
        file: PathBuf,
        /// Why not.
        cause: String,
    },
    /// All processes together would take more connections than the server gives.
    #[error(
        "stores.sql: the stores want {wanted} connections and PostgreSQL at {address} gives {allowed}: lower \
         stores.sql_connections or the number of processes, or raise max_connections on the server"
    )]
    TooManyConnections {
        /// Without its password.
        address: String,
        /// What all stores of all processes may open.
        wanted: u32,
        /// `max_connections` less what is reserved, or the role's own limit.
        allowed: u32,
    },
}

/// How to open a database.
#[derive(Debug, Clone)]
pub struct SqlOptions {
    /// The name of the log that this store holds, for read-your-writes; the schema's name if unset.
    pub log: Option<String>,
    /// PostgreSQL: the schema that holds this store's tables, made if it is missing. Ignored by
    /// SQLite, where a store is a file.
    pub schema: Option<String>,
    /// Connections for queries; on PostgreSQL as many again to a replica.
    pub reader_connections: u32,
    /// PostgreSQL: connections for writing. SQLite has exactly one.
    pub writer_connections: u32,
    /// How long to wait for a free connection, and for SQLite's file lock.
    pub acquire_timeout: Duration,
    /// PostgreSQL: how long a query may run before the server ends it.
    pub statement_timeout: Duration,
    /// PostgreSQL: a PEM file with the authority that signed the servers' certificates. With it,
    /// connections are made over TLS alone and the certificate must be of the host
    /// (`sslmode=verify-full`), unless the address says otherwise.
    pub ca_file: Option<PathBuf>,
    /// PostgreSQL: the address of a standby that answers queries, where it is far enough.
    pub replica_url: Option<String>,
    /// Nothing is written: what is not there is not made, and [`super::Database::writer`] refuses to
    /// write, too.
    pub read_only: bool,
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self {
            log: None,
            schema: None,
            reader_connections: 8,
            writer_connections: 4,
            acquire_timeout: Duration::from_secs(30),
            statement_timeout: Duration::from_secs(30),
            ca_file: None,
            replica_url: None,
            read_only: false,
        }
    }
}

impl SqlOptions {
    /// Divides the connections that a store may have: half of them write. There is at least one of
    /// each kind.
    #[must_use]
    pub fn with_connections(mut self, connections: u32) -> Self {
        self.writer_connections = (connections / 2).max(1);
        self.reader_connections = connections.saturating_sub(self.writer_connections).max(1);
        self
    }

    /// The most connections that the store opens to the primary at a time. One more than its pools
    /// have looks whether the primary is still one.
    pub fn connections(&self) -> u32 {
        self.reader_connections.max(1) + self.writer_connections.max(1) + 1
    }

    pub(super) fn log_name(&self) -> String {
        self.log.clone().or_else(|| self.schema.clone()).unwrap_or_default()
    }
}

/// The address without user, password and parameters.
pub(super) fn redact(url: &str) -> String {
    let bare = url.split('?').next().unwrap_or_default();
    match (bare.split_once("://"), bare.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
        _ => bare.chars().take(200).collect(),
    }
}
