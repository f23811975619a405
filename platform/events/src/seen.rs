//! What others know of a log: how far read models and consumers have come, which version of a stream a
//! snapshot is of, where a backup was cut. A log that is whole has all of it. One whose end was cut
//! off, or that was replaced by an older copy, has less, and looks whole by itself.
//!
//! What is read here is older than the log that is walked afterwards, so that events which are
//! appended meanwhile are no fault.

use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _};
use studio_entities::events::checkpoint::{Column, Entity};
use studio_stores::sql::Database;

use crate::{error::StoreError, names, rows::statement};

/// Somebody has seen a log up to a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who, to follow "…: ", for example `the consumer evidence.controls`.
    pub by: String,
    /// Up to which position.
    pub position: i64,
    /// The hash there, where it is known.
    pub hash: Option<[u8; 32]>,
}

/// Who has come how far, by the checkpoints of one store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// The store's own read models, and positions of its own log.
    pub read_models: Vec<(String, i64)>,
    /// The consumers that append to the store, and positions of the logs that they read.
    pub consumers: Vec<(String, i64)>,
}

/// The checkpoints of a store.
///
/// # Errors
/// When the database does not answer.
pub async fn checkpoints(database: &Database) -> Result<Checkpoints, StoreError> {
    let rows = Entity::find().filter(Column::State.ne("retired")).all(database.primary()).await?;
    let mut found = Checkpoints::default();
    for row in rows {
        let to = if row.generation == names::OF_CONSUMERS {
            &mut found.consumers
        } else {
            &mut found.read_models
        };
        to.push((row.projection, row.position));
    }
    Ok(found)
}

/// A snapshot of a version that its stream does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// The kind of stream.
    pub stream_type: String,
    /// Its id.
    pub stream_id: String,
    /// The version of the snapshot.
    pub snapshot: i64,
    /// The newest version in the log.
    pub log: i64,
}

/// A snapshot that is ahead of the log, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn snapshots_ahead(database: &Database) -> Result<Option<(Ahead, i64)>, StoreError> {
    let connection = database.primary();
    let sql = "SELECT stream_type, stream_id, stream_version, newest, COUNT(*) OVER () FROM ( \
               SELECT s.stream_type, s.stream_id, s.stream_version, COALESCE(( \
               SELECT MAX(e.stream_version) FROM events e WHERE e.tenant = s.tenant \
               AND e.stream_type = s.stream_type AND e.stream_id = s.stream_id), 0) AS newest \
               FROM snapshots s) AS found \
               WHERE stream_version > newest ORDER BY stream_type, stream_id LIMIT 1";
    let statement = statement(connection.get_database_backend(), sql, vec![]);
    let Some(row) = connection.query_one_raw(statement).await? else { return Ok(None) };
    let ahead = Ahead {
        stream_type: row.try_get_by_index(0)?,
        stream_id: row.try_get_by_index(1)?,
        snapshot: row.try_get_by_index(2)?,
        log: row.try_get_by_index(3)?,
    };
    Ok(Some((ahead, row.try_get_by_index(4)?)))
}
