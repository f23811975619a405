//! The SQL port: one database per store, SQLite (embedded) or PostgreSQL, opened so that the event
//! store can keep its promises. Holds always: only the event store writes, through
//! [`Database::writer`]; everything else reads through [`Database::reader`], which on SQLite cannot
//! write at all. Statements and their values never reach a log.

use std::{str::FromStr, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

#[cfg(test)]
mod tests;

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
}

/// How to open a database.
#[derive(Debug, Clone)]
pub struct SqlOptions {
    /// PostgreSQL: the schema that holds this store's tables, made if it is missing. Ignored by
    /// SQLite, where a store is a file.
    pub schema: Option<String>,
    /// Connections for queries.
    pub reader_connections: u32,
    /// PostgreSQL: connections for writing. SQLite has exactly one.
    pub writer_connections: u32,
    /// How long to wait for a free connection, and for SQLite's file lock.
    pub acquire_timeout: Duration,
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self {
            schema: None,
            reader_connections: 8,
            writer_connections: 4,
            acquire_timeout: Duration::from_secs(30),
        }
    }
}

/// An open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

impl Database {
    /// Opens `sqlite:///path` (the file is made if it is missing) or `postgres://…`.
    pub async fn connect(url: &str, options: SqlOptions) -> Result<Self, SqlError> {
        if url.starts_with("sqlite:") {
            Self::sqlite(url, &options).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Self::postgres(url, &options).await
        } else {
            Err(SqlError::Address(redact(url)))
        }
    }

    async fn sqlite(url: &str, options: &SqlOptions) -> Result<Self, SqlError> {
        if url.contains(":memory:") || url.contains("mode=memory") {
            return Err(SqlError::InMemory);
        }
        SqliteConnectOptions::from_str(url).map_err(|_| SqlError::Address(redact(url)))?;
        let busy = options.acquire_timeout;
        let mut writer = connect_options(url, options, 1);
        writer.test_before_acquire(false).map_sqlx_sqlite_opts(move |file| {
            // FULL: a commit that was answered survives a power cut, also in WAL mode.
            // recursive_triggers: `INSERT OR REPLACE` fires the trigger that refuses to delete.
            file.create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(busy)
                .foreign_keys(true)
                .statement_cache_capacity(256)
                .pragma("recursive_triggers", "ON")
                .pragma("wal_autocheckpoint", "4000")
                .pragma("journal_size_limit", "67108864")
                .pragma("cache_size", "-16384")
        });
        let writer = open(writer, url).await?;
        let mut reader = connect_options(url, options, options.reader_connections);
        reader.test_before_acquire(false).map_sqlx_sqlite_opts(move |file| {
            file.busy_timeout(busy)
                .foreign_keys(true)
                .statement_cache_capacity(256)
                .pragma("query_only", "ON")
        });
        let reader = open(reader, url).await?;
        Ok(Self { writer, reader })
    }

    async fn postgres(url: &str, options: &SqlOptions) -> Result<Self, SqlError> {
        if let Some(schema) = options.schema.as_deref().filter(|name| !is_plain_name(name)) {
            return Err(SqlError::Schema(schema.chars().take(80).collect()));
        }
        let pool = |connections| {
            let mut pool = connect_options(url, options, connections);
            pool.test_before_acquire_if_idle_for(Duration::from_secs(30));
            if let Some(schema) = &options.schema {
                pool.set_schema_search_path(schema.as_str());
            }
            pool
        };
        let writer = open(pool(options.writer_connections.max(1)), url).await?;
        if let Some(schema) = &options.schema {
            writer
                .execute_unprepared(&format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\""))
                .await
                .map_err(|cause| unreachable(url, cause))?;
        }
        let reader = open(pool(options.reader_connections), url).await?;
        Ok(Self { writer, reader })
    }

    /// For every query.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For migrations and for the event store, which alone writes while Studio runs.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Closes the connections of every clone; on SQLite this also folds the write-ahead log back
    /// into the file.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.reader.close_by_ref().await?;
        self.writer.close_by_ref().await
    }
}

fn connect_options(url: &str, options: &SqlOptions, connections: u32) -> ConnectOptions {
    let mut pool = ConnectOptions::new(url);
    pool.max_connections(connections.max(1))
        .acquire_timeout(options.acquire_timeout)
        .connect_timeout(options.acquire_timeout)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    pool
}

async fn open(options: ConnectOptions, url: &str) -> Result<DatabaseConnection, SqlError> {
    sea_orm::Database::connect(options).await.map_err(|cause| unreachable(url, cause))
}

fn unreachable(url: &str, cause: DbErr) -> SqlError {
    SqlError::Unreachable { address: redact(url), cause: Box::new(cause) }
}

/// The address without user, password and parameters.
fn redact(url: &str) -> String {
    let bare = url.split('?').next().unwrap_or_default();
    match (bare.split_once("://"), bare.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
        _ => bare.chars().take(200).collect(),
    }
}

fn is_plain_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 63
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
