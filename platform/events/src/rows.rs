//! The tables `events` and `log_head`, read and written by hand: statements of a few fixed sizes, so
//! that each is prepared once, and reads by column number. The insert is in [`crate::insert`].

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
};
use studio_kernel::{Id, TenantId, Timestamp};

use crate::{error::StoreError, event::Recorded};

pub(crate) const COLUMNS: &str = "position, event_id, tenant, stream_type, stream_id, \
     stream_version, type, schema_version, payload, metadata, recorded_at, prev_hash, hash";
/// The most streams whose version one statement asks for.
const VERSION_ROWS: usize = 128;

/// The newest position of the log, as `log_head` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: i64,
    pub(crate) hash: [u8; 32],
    pub(crate) recorded_at: Timestamp,
}

/// Names one stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StreamKey {
    pub(crate) tenant: TenantId,
    pub(crate) stream_type: String,
    pub(crate) stream_id: String,
}

pub(crate) fn statement(backend: DbBackend, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(backend, sql, values)
}

/// Begins a transaction that writes: on SQLite it takes the file's write lock at once, so that it
/// never fails half-way for want of it.
pub(crate) async fn begin_write(
    writer: &DatabaseConnection,
) -> Result<DatabaseTransaction, StoreError> {
    let immediate = writer.get_database_backend() == DbBackend::Sqlite;
    let options = TransactionOptions {
        sqlite_transaction_mode: immediate.then_some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    Ok(writer.begin_with_options(options).await?)
}

/// ` FOR UPDATE` where rows can be locked one by one; SQLite holds the whole file already.
pub(crate) fn for_update(backend: DbBackend) -> &'static str {
    if backend == DbBackend::Sqlite { "" } else { " FOR UPDATE" }
}

/// Reads the head without locking it.
pub(crate) async fn read_head<C: ConnectionTrait>(connection: &C) -> Result<Head, StoreError> {
    head(connection, "").await
}

/// Reads the head and keeps every other writer out until the transaction ends.
pub(crate) async fn lock_head(tx: &DatabaseTransaction) -> Result<Head, StoreError> {
    head(tx, for_update(tx.get_database_backend())).await
}

async fn head<C: ConnectionTrait>(connection: &C, suffix: &str) -> Result<Head, StoreError> {
    let backend = connection.get_database_backend();
    let sql = format!("SELECT position, hash, recorded_at FROM log_head WHERE id = 1{suffix}");
    let row = connection
        .query_one_raw(statement(backend, &sql, vec![]))
        .await?
        .ok_or_else(StoreError::head_is_missing)?;
    head_in(&row)
}

/// The head in the first columns of a row: its position, its hash and its instant.
pub(crate) fn head_in(row: &QueryResult) -> Result<Head, StoreError> {
    let unreadable = |error: DbErr| StoreError::NoHead(error.to_string());
    Ok(Head {
        position: row.try_get_by_index(0).map_err(unreadable)?,
        hash: hash(row.try_get_by_index(1).map_err(unreadable)?)
            .ok_or_else(|| StoreError::NoHead("its hash is not 32 bytes long".to_owned()))?,
        recorded_at: Timestamp::from_micros(row.try_get_by_index(2).map_err(unreadable)?),
    })
}

pub(crate) async fn write_head(tx: &DatabaseTransaction, head: &Head) -> Result<(), StoreError> {
    let sql = "UPDATE log_head SET position = $1, hash = $2, recorded_at = $3 WHERE id = 1";
    let values =
        vec![head.position.into(), head.hash.to_vec().into(), head.recorded_at.micros().into()];
    let done = tx.execute_raw(statement(tx.get_database_backend(), sql, values)).await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::head_is_missing()) }
}

fn hash(bytes: Vec<u8>) -> Option<[u8; 32]> {
    bytes.try_into().ok()
}

/// The versions of these streams, in the same order; 0 where there is no such stream.
pub(crate) async fn stream_versions(
    tx: &DatabaseTransaction,
    keys: &[StreamKey],
) -> Result<Vec<u64>, StoreError> {
    let backend = tx.get_database_backend();
    let mut versions = vec![0; keys.len()];
    for (chunk_number, chunk) in keys.chunks(VERSION_ROWS).enumerate() {
        // Padded to a power of two with the last key, so that few statements have to be prepared.
        let rows = chunk.len().next_power_of_two();
        let mut values: Vec<Value> = Vec::with_capacity(rows * 4);
        for slot in 0..rows {
            let index = slot.min(chunk.len() - 1);
            push_key(&mut values, index, &chunk[index]);
        }
        let sql = versions_sql(backend, rows);
        for row in tx.query_all_raw(statement(backend, &sql, values)).await? {
            let index: i64 = row.try_get_by_index(0)?;
            let version: i64 = row.try_get_by_index(1)?;
            let at = usize::try_from(index).ok().map(|i| chunk_number * VERSION_ROWS + i);
            if let (Some(slot), Ok(version)) =
                (at.and_then(|i| versions.get_mut(i)), u64::try_from(version))
            {
                *slot = version;
            }
        }
    }
    Ok(versions)
}

fn push_key(values: &mut Vec<Value>, index: usize, key: &StreamKey) {
    values.push(i64::try_from(index).unwrap_or(i64::MAX).into());
    values.push(key.tenant.to_string().into());
    values.push(key.stream_type.clone().into());
    values.push(key.stream_id.clone().into());
}

/// The place of the parameter `number` (from 1). SQLite looks the number of a *named* parameter up
/// in a list, which takes quadratic time where there are many: there they have no names.
pub(crate) fn place(backend: DbBackend, number: usize) -> String {
    if backend == DbBackend::Sqlite { "?".to_owned() } else { format!("${number}") }
}

fn versions_sql(backend: DbBackend, rows: usize) -> String {
    let (number, text) =
        if backend == DbBackend::Sqlite { ("", "") } else { ("::bigint", "::text") };
    let list: Vec<String> = (0..rows)
        .map(|row| {
            let [i, tenant, stream_type, stream_id] =
                [1, 2, 3, 4].map(|column| place(backend, row * 4 + column));
            format!("({i}{number}, {tenant}{text}, {stream_type}{text}, {stream_id}{text})")
        })
        .collect();
    // One seek per stream into the unique index, however long the stream is.
    format!(
        "WITH wanted (i, tenant, stream_type, stream_id) AS (VALUES {}) \
         SELECT i, COALESCE((SELECT e.stream_version FROM events e WHERE e.tenant = wanted.tenant \
         AND e.stream_type = wanted.stream_type AND e.stream_id = wanted.stream_id \
         ORDER BY e.stream_version DESC LIMIT 1), 0) FROM wanted",
        list.join(", ")
    )
}

/// Which events to read, always in the order of their positions.
#[derive(Debug, Clone)]
pub(crate) enum Slice<'a> {
    /// After a position, of every organization.
    All { after: i64 },
    /// After a position, of one organization.
    Tenant { tenant: TenantId, after: i64 },
    /// After a version, of one stream.
    Stream { tenant: TenantId, stream_type: &'a str, stream_id: &'a str, after_version: u64 },
    /// After a position up to another one, of one type, of every organization. No index leads there:
    /// the rest is passed over.
    Type { event_type: &'a str, after: i64, until: i64 },
}

/// Reads at most `limit` events. One row that does not hold an event fails all of it.
pub(crate) async fn read<C: ConnectionTrait>(
    connection: &C,
    slice: Slice<'_>,
    limit: usize,
) -> Result<Vec<Recorded>, StoreError> {
    read_each(connection, slice, limit).await?.into_iter().collect()
}

/// Reads at most `limit` events, and what is wrong with each row that does not hold one.
pub(crate) async fn read_each<C: ConnectionTrait>(
    connection: &C,
    slice: Slice<'_>,
    limit: usize,
) -> Result<Vec<Result<Recorded, StoreError>>, StoreError> {
    let limit: Value = i64::try_from(limit).unwrap_or(i64::MAX).into();
    let (filter, values) = match slice {
        Slice::All { after } => {
            ("position > $1 ORDER BY position LIMIT $2", vec![after.into(), limit])
        }
        Slice::Type { event_type, after, until } => (
            "type = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT $4",
            vec![event_type.into(), after.into(), until.into(), limit],
        ),
        Slice::Tenant { tenant, after } => (
            "tenant = $1 AND position > $2 ORDER BY position LIMIT $3",
            vec![tenant.to_string().into(), after.into(), limit],
        ),
        Slice::Stream { tenant, stream_type, stream_id, after_version } => (
            "tenant = $1 AND stream_type = $2 AND stream_id = $3 AND stream_version > $4 \
             ORDER BY stream_version LIMIT $5",
            vec![
                tenant.to_string().into(),
                stream_type.into(),
                stream_id.into(),
                i64::try_from(after_version).unwrap_or(i64::MAX).into(),
                limit,
            ],
        ),
    };
    let sql = format!("SELECT {COLUMNS} FROM events WHERE {filter}");
    let rows = connection
        .query_all_raw(statement(connection.get_database_backend(), &sql, values))
        .await?;
    Ok(rows.iter().map(recorded).collect())
}

/// The newest position that an event has, whatever the head says; 0 where there is none.
pub(crate) async fn newest_position<C: ConnectionTrait>(connection: &C) -> Result<i64, StoreError> {
    let sql = "SELECT COALESCE(MAX(position), 0) FROM events";
    let row =
        connection.query_one_raw(statement(connection.get_database_backend(), sql, vec![])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
}

/// The last position recorded at or before an instant, 0 if there is none.
pub(crate) async fn position_as_of<C: ConnectionTrait>(
    connection: &C,
    at: Timestamp,
) -> Result<i64, StoreError> {
    let sql = "SELECT position FROM events WHERE recorded_at <= $1 \
               ORDER BY recorded_at DESC, position DESC LIMIT 1";
    let row = connection
        .query_one_raw(statement(connection.get_database_backend(), sql, vec![at.micros().into()]))
        .await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
}

/// A row that does not hold an event is an error that names its position.
fn recorded(row: &QueryResult) -> Result<Recorded, StoreError> {
    let position: i64 = row.try_get_by_index(0).unwrap_or(0);
    let wrong = |column: &str, cause: &dyn std::fmt::Display| StoreError::Row {
        position,
        cause: format!("{column}: {cause}"),
    };
    macro_rules! column {
        ($index:literal, $name:literal) => {
            row.try_get_by_index($index).map_err(|error: DbErr| wrong($name, &error))?
        };
    }
    let event_id: String = column!(1, "event_id");
    let tenant: String = column!(2, "tenant");
    let stream_version: i64 = column!(5, "stream_version");
    let schema_version: i64 = column!(7, "schema_version");
    let micros: i64 = column!(10, "recorded_at");
    let recorded_at = Timestamp::from_micros(micros);
    if recorded_at.micros() != micros {
        return Err(wrong("recorded_at", &"not an instant"));
    }
    Ok(Recorded {
        position: column!(0, "position"),
        event_id: event_id.parse::<Id<_>>().map_err(|error| wrong("event_id", &error))?,
        tenant: tenant.parse().map_err(|error| wrong("tenant", &error))?,
        stream_type: column!(3, "stream_type"),
        stream_id: column!(4, "stream_id"),
        stream_version: u64::try_from(stream_version)
            .map_err(|error| wrong("stream_version", &error))?,
        event_type: column!(6, "type"),
        schema_version: u16::try_from(schema_version)
            .map_err(|error| wrong("schema_version", &error))?,
        payload: column!(8, "payload"),
        metadata: column!(9, "metadata"),
        recorded_at,
        prev_hash: hash(column!(11, "prev_hash"))
            .ok_or_else(|| wrong("prev_hash", &"not 32 bytes long"))?,
        hash: hash(column!(12, "hash")).ok_or_else(|| wrong("hash", &"not 32 bytes long"))?,
    })
}
