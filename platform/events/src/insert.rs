//! The insert into the table `events`, the hottest statement of all, in the way that each database
//! is quickest with. SQLite gets many rows of single values, in a few fixed sizes. PostgreSQL gets
//! one array for each column, so that one statement serves any number of rows, and one round trip
//! does for an append.

use std::{mem::take, sync::OnceLock};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Value};

use crate::{
    event::Recorded,
    rows::{COLUMNS, place, statement},
};

const COLUMN_COUNT: usize = 13;
/// The most rows that one statement inserts into SQLite; the smaller sizes are the powers of two
/// below.
const SQLITE_ROWS: usize = 64;
/// The most rows of one statement on PostgreSQL,
const POSTGRES_ROWS: usize = 1_000;
/// and about the most bytes: the whole statement is in memory, here and there.
const POSTGRES_BYTES: usize = 8 << 20;

const INTO_POSTGRES: &str = "SELECT * FROM UNNEST(\
    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], \
    $8::bigint[], $9::text[], $10::text[], $11::bigint[], $12::bytea[], $13::bytea[])";

/// Inserts events, in as few statements as there can be.
pub(crate) async fn insert(tx: &DatabaseTransaction, events: &[Recorded]) -> Result<(), DbErr> {
    match tx.get_database_backend() {
        DbBackend::Sqlite => rows(tx, events).await,
        _ => columns(tx, events).await,
    }
}

async fn rows(tx: &DatabaseTransaction, events: &[Recorded]) -> Result<(), DbErr> {
    let mut rest = events;
    while !rest.is_empty() {
        let rows = SQLITE_ROWS.min(1 << rest.len().ilog2());
        let (chunk, after) = rest.split_at(rows);
        let mut values = Vec::with_capacity(rows * COLUMN_COUNT);
        for event in chunk {
            values.extend::<[Value; COLUMN_COUNT]>([
                event.position.into(),
                event.event_id.to_string().into(),
                event.tenant.to_string().into(),
                event.stream_type.clone().into(),
                event.stream_id.clone().into(),
                version(event).into(),
                event.event_type.clone().into(),
                i64::from(event.schema_version).into(),
                event.payload.clone().into(),
                event.metadata.clone().into(),
                event.recorded_at.micros().into(),
                event.prev_hash.to_vec().into(),
                event.hash.to_vec().into(),
            ]);
        }
        tx.execute_raw(statement(DbBackend::Sqlite, rows_sql(rows), values)).await?;
        rest = after;
    }
    Ok(())
}

fn version(event: &Recorded) -> i64 {
    i64::try_from(event.stream_version).unwrap_or(i64::MAX)
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

/// Events by column.
#[derive(Default)]
struct Columns {
    /// Positions, versions, schema versions and instants.
    numbers: [Vec<i64>; 4],
    /// Event ids, tenants, stream types and ids, event types, payloads and metadata.
    texts: [Vec<String>; 7],
    /// Hashes: of the event before, and its own.
    hashes: [Vec<Vec<u8>>; 2],
}

impl Columns {
    fn of(events: &[Recorded]) -> Self {
        let mut columns = Self::default();
        for event in events {
            let numbers = [
                event.position,
                version(event),
                i64::from(event.schema_version),
                event.recorded_at.micros(),
            ];
            let texts = [
                event.event_id.to_string(),
                event.tenant.to_string(),
                event.stream_type.clone(),
                event.stream_id.clone(),
                event.event_type.clone(),
                event.payload.clone(),
                event.metadata.clone(),
            ];
            let hashes = [event.prev_hash.to_vec(), event.hash.to_vec()];
            push(&mut columns.numbers, numbers);
            push(&mut columns.texts, texts);
            push(&mut columns.hashes, hashes);
        }
        columns
    }

    /// In the order of [`COLUMNS`].
    fn values(mut self) -> Vec<Value> {
        let [position, version, schema_version, recorded_at] = self.numbers.each_mut().map(take);
        let [id, tenant, stream_type, stream_id, event_type, payload, metadata] =
            self.texts.each_mut().map(take);
        let [prev_hash, hash] = self.hashes.each_mut().map(take);
        vec![
            position.into(),
            id.into(),
            tenant.into(),
            stream_type.into(),
            stream_id.into(),
            version.into(),
            event_type.into(),
            schema_version.into(),
            payload.into(),
            metadata.into(),
            recorded_at.into(),
            prev_hash.into(),
            hash.into(),
        ]
    }
}

fn push<T, const N: usize>(columns: &mut [Vec<T>; N], row: [T; N]) {
    for (column, value) in columns.iter_mut().zip(row) {
        column.push(value);
    }
}

async fn columns(tx: &DatabaseTransaction, events: &[Recorded]) -> Result<(), DbErr> {
    let sql = format!("INSERT INTO events ({COLUMNS}) {INTO_POSTGRES}");
    let mut rest = events;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(fitting(rest));
        let values = Columns::of(chunk).values();
        tx.execute_raw(statement(DbBackend::Postgres, &sql, values)).await?;
        rest = after;
    }
    Ok(())
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
