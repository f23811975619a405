//! Opening SQLite: one connection writes, the others cannot.

use std::{path::Path, str::FromStr};

use sea_orm::{
    ConnectOptions, DatabaseConnection,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{SqlError, SqlOptions, options::redact};

/// Answers the writer and the reader.
pub(super) async fn open(
    url: &str,
    options: &SqlOptions,
) -> Result<(DatabaseConnection, DatabaseConnection), SqlError> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(SqlError::InMemory);
    }
    SqliteConnectOptions::from_str(url).map_err(|_| SqlError::Address(redact(url)))?;
    let busy = options.acquire_timeout;
    if options.read_only {
        let reader = connect(reader(url, options, leaves_a_log(url)), url).await?;
        return Ok((reader.clone(), reader));
    }
    let mut writer = pool(url, options, 1);
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
            // 64 MiB: a page that is written again and again goes to the file once.
            .pragma("wal_autocheckpoint", "16000")
            .pragma("journal_size_limit", "67108864")
            .pragma("cache_size", "-24576")
            // What a statement may have to take back: as many pages as it writes, and no file.
            .pragma("temp_store", "MEMORY")
    });
    let writer = connect(writer, url).await?;
    Ok((writer, connect(reader(url, options, false), url).await?))
}

/// Connections that cannot write.
fn reader(url: &str, options: &SqlOptions, read_only: bool) -> ConnectOptions {
    let busy = options.acquire_timeout;
    let mut reader = pool(url, options, options.reader_connections);
    reader.test_before_acquire(false).map_sqlx_sqlite_opts(move |file| {
        file.read_only(read_only)
            .busy_timeout(busy)
            .foreign_keys(true)
            .statement_cache_capacity(256)
            .pragma("query_only", "ON")
    });
    reader
}

/// Whether a write-ahead log lies beside the file: of a process that uses it, or was killed. The last
/// connection to a file folds that into it, unless the connection was opened for reading. And one
/// that was opened for reading leaves an empty log behind where there was none: so a file without
/// one is opened as ever, and nothing is written by `query_only`.
fn leaves_a_log(url: &str) -> bool {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split('?').next().unwrap_or_default();
    Path::new(&format!("{path}-wal")).exists()
}

fn pool(url: &str, options: &SqlOptions, connections: u32) -> ConnectOptions {
    let mut pool = ConnectOptions::new(url);
    pool.max_connections(connections.max(1))
        .acquire_timeout(options.acquire_timeout)
        .connect_timeout(options.acquire_timeout)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    pool
}

async fn connect(options: ConnectOptions, url: &str) -> Result<DatabaseConnection, SqlError> {
    sea_orm::Database::connect(options)
        .await
        .map_err(|cause| SqlError::Unreachable { address: redact(url), cause: Box::new(cause) })
}
