//! One moment of several logs at once.

use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use studio_entities::events::{checkpoint, dead_letter};
use studio_stores::sql::Database;

use crate::{
    error::StoreError,
    rows::{Head, begin_write, lock_head},
    signing,
};

use super::{ConsumerPosition, LogState, StoredDeadLetter, fill, state};

/// Holds all of these logs still for as long as it takes to read their heads, the positions of
/// their consumers, the dead letters and the signed checkpoints; appends wait meanwhile. The events
/// up to there can be copied at leisure: they never change.
///
/// The locks are taken in the order of the list. No process of Studio holds the locks of two logs
/// otherwise, so that nobody waits for ever.
///
/// # Errors
/// [`StoreError`], also for a log that is half filled.
pub async fn cut(logs: &[(&str, &Database)]) -> Result<Vec<LogState>, StoreError> {
    let mut held = Vec::with_capacity(logs.len());
    for (source, database) in logs {
        let tx = begin_write(database.writer()).await?;
        let head = lock_head(&tx).await?;
        held.push((*source, tx, head));
    }
    let mut states = Vec::with_capacity(held.len());
    for (source, tx, head) in &held {
        states.push(read(source, tx, head).await?);
    }
    for (_, tx, _) in held {
        tx.rollback().await?;
    }
    Ok(states)
}

async fn read(source: &str, tx: &DatabaseTransaction, head: &Head) -> Result<LogState, StoreError> {
    fill::refuse_half_filled(tx).await?;
    Ok(LogState {
        source: source.to_owned(),
        position: head.position,
        hash: head.hash,
        recorded_at: head.recorded_at,
        consumers: consumers(tx).await?,
        dead_letters: dead_letters(tx).await?,
        signed_checkpoints: signing::stored(tx).await?,
    })
}

/// The rows of generation 0 belong to consumers; read models count from 1.
pub(super) async fn consumers(
    tx: &DatabaseTransaction,
) -> Result<Vec<ConsumerPosition>, StoreError> {
    let rows = checkpoint::Entity::find()
        .filter(checkpoint::Column::Generation.eq(0))
        .filter(checkpoint::Column::State.eq("current"))
        .order_by_asc(checkpoint::Column::Projection)
        .all(tx)
        .await?;
    let consumer =
        |row: checkpoint::Model| ConsumerPosition { name: row.projection, position: row.position };
    Ok(rows.into_iter().map(consumer).collect())
}

async fn dead_letters(
    tx: &DatabaseTransaction,
) -> Result<Vec<state::StoredDeadLetter>, StoreError> {
    let rows = dead_letter::Entity::find()
        .order_by_asc(dead_letter::Column::Consumer)
        .order_by_asc(dead_letter::Column::Position)
        .all(tx)
        .await?;
    let stored = |row: dead_letter::Model| StoredDeadLetter {
        consumer: row.consumer,
        source: row.source,
        position: row.position,
        tenant: row.tenant,
        event: row.event,
        error: row.error,
        attempts: row.attempts,
        recorded_at: row.recorded_at,
    };
    Ok(rows.into_iter().map(stored).collect())
}
