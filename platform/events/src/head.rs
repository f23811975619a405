//! How a group of appends begins and ends: it locks the log's head and reads the versions of its
//! streams, and it moves the head and the checkpoints of the projections. On PostgreSQL, where each
//! statement is a round trip, an append that is alone begins with one and ends with one.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use crate::{
    error::StoreError,
    event::Recorded,
    generations::set_position,
    insert::{fits_one_statement, insert, postgres_insert},
    rows::{self, Head, StreamKey, lock_head, place, statement, stream_versions, write_head},
};

/// Keeps every other writer out until the transaction ends, and reads the versions of these streams as
/// they are from then on, in the same order; 0 where there is no such stream.
pub(crate) async fn lock(
    tx: &DatabaseTransaction,
    keys: &[StreamKey],
) -> Result<(Head, Vec<u64>), StoreError> {
    if let [key] = keys
        && tx.get_database_backend() == DbBackend::Postgres
    {
        return lock_with_version(tx, key).await;
    }
    let head = lock_head(tx).await?;
    Ok((head, stream_versions(tx, keys).await?))
}

async fn lock_with_version(
    tx: &DatabaseTransaction,
    key: &StreamKey,
) -> Result<(Head, Vec<u64>), StoreError> {
    let sql = "SELECT head.position, head.hash, head.recorded_at, \
               (SELECT position FROM events ORDER BY position DESC LIMIT 1), \
               (SELECT stream_version FROM events WHERE tenant = $1 AND stream_type = $2 \
               AND stream_id = $3 ORDER BY stream_version DESC LIMIT 1) \
               FROM log_head head WHERE head.id = 1 FOR UPDATE OF head";
    let values = vec![
        key.tenant.to_string().into(),
        key.stream_type.as_str().into(),
        key.stream_id.as_str().into(),
    ];
    let row = tx.query_one_raw(statement(DbBackend::Postgres, sql, values)).await?;
    let row = row.ok_or_else(StoreError::head_is_missing)?;
    let head = rows::head_in(&row)?;
    let (newest, version): (Option<i64>, Option<i64>) =
        (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
    // Where the statement had to wait for the lock, it saw the events as they were before it waited
    // and the head as it is now. Asked again, nobody can come between.
    if newest.unwrap_or(0) != head.position {
        return Ok((head, stream_versions(tx, std::slice::from_ref(key)).await?));
    }
    Ok((head, vec![version.map_or(0, |version| version.max(0).unsigned_abs())]))
}

/// Inserts the last events of a group, if there are some left, and moves the head and these
/// projections (name and generation) to where the group ends.
pub(crate) async fn advance(
    tx: &DatabaseTransaction,
    events: &[Recorded],
    head: &Head,
    projections: impl Iterator<Item = (&'static str, i64)>,
) -> Result<(), StoreError> {
    if tx.get_database_backend() == DbBackend::Sqlite {
        insert(tx, events).await?;
        write_head(tx, head).await?;
        for (name, generation) in projections {
            set_position(tx, name, generation, head.position).await?;
        }
        return Ok(());
    }
    let (mut parts, mut values) = (Vec::new(), Vec::new());
    if !fits_one_statement(events) {
        insert(tx, events).await?;
    } else if !events.is_empty() {
        let (sql, of_events) = postgres_insert(events);
        parts.push(format!("written AS ({sql})"));
        values = of_events;
    }
    let mut put = |value| {
        values.push(value);
        place(DbBackend::Postgres, values.len())
    };
    let position = put(head.position.into());
    let hash = put(head.hash.to_vec().into());
    let recorded_at = put(head.recorded_at.micros().into());
    let (names, generations): (Vec<String>, Vec<i64>) =
        projections.map(|(name, generation)| (name.to_owned(), generation)).unzip();
    if !names.is_empty() {
        let (names, generations) = (put(names.into()), put(generations.into()));
        parts.push(format!(
            "moved AS (UPDATE checkpoints SET position = {position} \
             FROM UNNEST({names}::text[], {generations}::bigint[]) AS ready (name, generation) \
             WHERE checkpoints.projection = ready.name \
             AND checkpoints.generation = ready.generation)"
        ));
    }
    let with = if parts.is_empty() { "" } else { "WITH " };
    let sql = format!(
        "{with}{} UPDATE log_head SET position = {position}, hash = {hash}, \
         recorded_at = {recorded_at} WHERE id = 1",
        parts.join(", ")
    );
    let done = tx.execute_raw(statement(DbBackend::Postgres, &sql, values)).await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::head_is_missing()) }
}
