//! The insert into the table `events`, the hottest statement of all, in the way that each database
//! is quickest with. SQLite gets many rows of single values, in a few fixed sizes. PostgreSQL gets
//! one array for each column, so that one statement serves any number of rows, and one round trip
//! does for an append; a row that is alone goes as single values.

use std::sync::OnceLock;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Value, sea_query::ArrayType,
};

use crate::{
    event::Recorded,
    rows::{COLUMNS, place, statement},
};

const COLUMN_COUNT: usize = 13;
/// The types of [`COLUMNS`]: as an array of values names them, and as PostgreSQL does.
const TYPES: [(ArrayType, &str); COLUMN_COUNT] = [
    (ArrayType::BigInt, "bigint"),
    (ArrayType::String, "text"),
    (ArrayType::String, "text"),
    (ArrayType::String, "text"),
    (ArrayType::String, "text"),
    (ArrayType::BigInt, "bigint"),
    (ArrayType::String, "text"),
    (ArrayType::BigInt, "bigint"),
    (ArrayType::String, "text"),
    (ArrayType::String, "text"),
    (ArrayType::BigInt, "bigint"),
    (ArrayType::Bytes, "bytea"),
    (ArrayType::Bytes, "bytea"),
];
/// The most rows that one statement inserts into SQLite; the smaller sizes are the powers of two
/// below.
const SQLITE_ROWS: usize = 64;
/// The most rows of one statement on PostgreSQL,
const POSTGRES_ROWS: usize = 1_000;
/// and about the most bytes: the whole statement is in memory, here and there.
const POSTGRES_BYTES: usize = 8 << 20;

/// Inserts events, in as few statements as there can be.
pub(crate) async fn insert(tx: &DatabaseTransaction, events: &[Recorded]) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    let mut rest = events;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(match backend {
            DbBackend::Sqlite => SQLITE_ROWS.min(1 << rest.len().ilog2()),
            _ => fitting(rest),
        });
        let (sql, values) = match backend {
            DbBackend::Sqlite => (rows_sql(chunk.len()), chunk.iter().flat_map(row).collect()),
            _ => postgres_insert(chunk),
        };
        tx.execute_raw(statement(backend, sql, values)).await?;
        rest = after;
    }
    Ok(())
}

/// An event in the order of [`COLUMNS`].
fn row(event: &Recorded) -> [Value; COLUMN_COUNT] {
    [
        event.position.into(),
        event.event_id.to_string().into(),
        event.tenant.to_string().into(),
        event.stream_type.clone().into(),
        event.stream_id.clone().into(),
        i64::try_from(event.stream_version).unwrap_or(i64::MAX).into(),
        event.event_type.clone().into(),
        i64::from(event.schema_version).into(),
        event.payload.clone().into(),
        event.metadata.clone().into(),
        event.recorded_at.micros().into(),
        event.prev_hash.to_vec().into(),
        event.hash.to_vec().into(),
    ]
}

/// The statement that inserts events into PostgreSQL, as many as fit one, and its values. A single
/// event needs no arrays, which cost the server more than the row does.
pub(crate) fn postgres_insert(events: &[Recorded]) -> (&'static str, Vec<Value>) {
    match events {
        [one] => (postgres_row_sql(), row(one).to_vec()),
        several => (columns_sql(), columns(several)),
    }
}

/// Events as one array for each column.
fn columns(events: &[Recorded]) -> Vec<Value> {
    let mut columns = TYPES.map(|(kind, _)| (kind, Vec::with_capacity(events.len())));
    for event in events {
        for ((_, column), value) in columns.iter_mut().zip(row(event)) {
            column.push(value);
        }
    }
    columns.into_iter().map(|(kind, column)| Value::Array(kind, Some(Box::new(column)))).collect()
}

/// The text for so many rows (a power of two up to [`SQLITE_ROWS`]), made once.
fn rows_sql(rows: usize) -> &'static str {
    static TEXTS: [OnceLock<String>; SQLITE_ROWS.ilog2() as usize + 1] =
        [const { OnceLock::new() }; SQLITE_ROWS.ilog2() as usize + 1];
    TEXTS[rows.ilog2() as usize].get_or_init(|| {
        let places: Vec<String> =
            (1..=COLUMN_COUNT).map(|number| place(DbBackend::Sqlite, number)).collect();
        let row = format!("({})", places.join(", "));
        format!("INSERT INTO events ({COLUMNS}) VALUES {}", vec![row; rows].join(", "))
    })
}

/// The text for one row, made once.
fn postgres_row_sql() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let places: Vec<String> =
            (1..=COLUMN_COUNT).map(|number| place(DbBackend::Postgres, number)).collect();
        format!("INSERT INTO events ({COLUMNS}) VALUES ({})", places.join(", "))
    })
}

/// The text for any number of rows, made once.
fn columns_sql() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let arrays: Vec<String> = (1..)
            .zip(&TYPES)
            .map(|(number, (_, name))| format!("{}::{name}[]", place(DbBackend::Postgres, number)))
            .collect();
        format!("INSERT INTO events ({COLUMNS}) SELECT * FROM UNNEST({})", arrays.join(", "))
    })
}

/// Whether PostgreSQL takes all of these events in one statement.
pub(crate) fn fits_one_statement(events: &[Recorded]) -> bool {
    events.len() <= fitting(events)
}

/// How many of the next events go into one statement: one, at least.
fn fitting(events: &[Recorded]) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Recorded| {
        bytes += event.payload.len() + event.metadata.len();
        bytes <= POSTGRES_BYTES
    };
    events.iter().take(POSTGRES_ROWS).take_while(fits).count().max(1)
}
