//! Events that a consumer could not take in, kept with the reason until somebody has mended it.
//! Whoever has done so marks them, in whichever process ([`mark`]); the consumer finds the marks and
//! takes those events again, so that nobody else ever does its work.

use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait as _, DatabaseTransaction, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, sea_query::Expr,
};
use studio_entities::events::dead_letter::{Column, Entity, Model};
use studio_kernel::{TenantId, Timestamp, published::CloudEvent};
use studio_stores::sql::Database;

use crate::{
    error::{AppendError, StoreError},
    log::Core,
    prepare::DeadLetterChange,
    rows::{begin_write, statement},
};

/// An event that was given up on.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The consumer.
    pub consumer: String,
    /// The log that the event came from.
    pub source: String,
    /// The event.
    pub event: CloudEvent,
    /// What the last attempt answered.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up on.
    pub recorded_at: Timestamp,
}

/// So much of a reason is kept.
pub(crate) fn told(failure: &str) -> String {
    failure.chars().take(2_000).collect()
}

pub(crate) async fn write(
    tx: &DatabaseTransaction,
    tenant: TenantId,
    change: &DeadLetterChange,
) -> Result<(), AppendError> {
    let (sql, values) = match change {
        DeadLetterChange::Add {
            consumer,
            source,
            position,
            event,
            error,
            attempts,
            recorded_at,
        } => (
            "INSERT INTO dead_letters \
             (consumer, source, position, tenant, event, error, attempts, recorded_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            vec![
                consumer.as_str().into(),
                source.as_str().into(),
                (*position).into(),
                tenant.to_string().into(),
                event.as_str().into(),
                error.as_str().into(),
                i64::from(*attempts).into(),
                recorded_at.micros().into(),
            ],
        ),
        DeadLetterChange::FailedAgain { consumer, position, error, recorded_at } => (
            "UPDATE dead_letters SET error = $1, recorded_at = $2, attempts = attempts + 1, \
             redrive = 0 WHERE consumer = $3 AND position = $4",
            vec![
                error.as_str().into(),
                recorded_at.micros().into(),
                consumer.as_str().into(),
                (*position).into(),
            ],
        ),
        DeadLetterChange::Resolve { consumer, position } => (
            "DELETE FROM dead_letters WHERE consumer = $1 AND position = $2",
            vec![consumer.as_str().into(), (*position).into()],
        ),
    };
    let done = tx
        .execute_raw(statement(tx.get_database_backend(), sql, values))
        .await
        .map_err(StoreError::from)?;
    match change {
        // Somebody else has handled it meanwhile: it must not have its effect twice.
        DeadLetterChange::Resolve { consumer, position } if done.rows_affected() == 0 => {
            Err(AppendError::CheckpointMoved {
                name: consumer.clone(),
                stored: *position,
                given: *position,
            })
        }
        _ => Ok(()),
    }
}

/// The oldest dead letters of a consumer.
pub(crate) async fn read(
    core: &Core,
    consumer: &str,
    after: i64,
    limit: u64,
) -> Result<Vec<DeadLetter>, StoreError> {
    let rows = Entity::find()
        .filter(Column::Consumer.eq(consumer))
        .filter(Column::Position.gt(after))
        .order_by_asc(Column::Position)
        .limit(limit)
        .all(core.database.primary())
        .await?;
    rows.into_iter().map(dead_letter).collect()
}

/// The oldest dead letter of a consumer after a position that is marked to be taken again.
pub(crate) async fn next_marked(
    core: &Core,
    consumer: &str,
    after: i64,
) -> Result<Option<DeadLetter>, StoreError> {
    let row = Entity::find()
        .filter(Column::Consumer.eq(consumer))
        .filter(Column::Position.gt(after))
        .filter(Column::Redrive.eq(1))
        .order_by_asc(Column::Position)
        .one(core.database.primary())
        .await?;
    row.map(dead_letter).transpose()
}

/// A dead letter as it is stored, for a store that is not opened.
pub type Stored = Model;

/// Up to `limit` dead letters of a store, in the order of consumer and position, after the one of
/// this consumer and position. Those that are `marked` alone, where that is asked for.
///
/// # Errors
/// When the database does not answer, or its tables are older than this code.
pub async fn list(
    database: &Database,
    marked: bool,
    after: Option<(&str, i64)>,
    limit: u64,
) -> Result<Vec<Stored>, StoreError> {
    let mut found = Entity::find();
    if let Some((consumer, position)) = after {
        let further =
            Condition::all().add(Column::Consumer.eq(consumer)).add(Column::Position.gt(position));
        found = found.filter(Condition::any().add(Column::Consumer.gt(consumer)).add(further));
    }
    if marked {
        found = found.filter(Column::Redrive.eq(1));
    }
    Ok(found
        .order_by_asc(Column::Consumer)
        .order_by_asc(Column::Position)
        .limit(limit)
        .all(database.primary())
        .await?)
}

/// Marks dead letters, all or those of one consumer, or one of it, so that the consumer takes them
/// again: within seconds where it runs, and otherwise when it is started. Answers how many.
///
/// # Errors
/// When the database does not answer, or its tables are older than this code.
pub async fn mark(
    database: &Database,
    consumer: Option<&str>,
    position: Option<i64>,
) -> Result<u64, StoreError> {
    let mut marking = Entity::update_many().col_expr(Column::Redrive, Expr::value(1_i64));
    if let Some(consumer) = consumer {
        marking = marking.filter(Column::Consumer.eq(consumer));
    }
    if let Some(position) = position {
        marking = marking.filter(Column::Position.eq(position));
    }
    let tx = begin_write(database.writer()).await?;
    let done = marking.exec(&tx).await?;
    tx.commit().await?;
    Ok(done.rows_affected)
}

/// How many dead letters there are, of every consumer.
pub(crate) async fn count(core: &Core) -> Result<u64, StoreError> {
    Ok(Entity::find().count(core.database.primary()).await?)
}

fn dead_letter(row: Model) -> Result<DeadLetter, StoreError> {
    let event = serde_json::from_str(&row.event).map_err(|error| StoreError::Row {
        position: row.position,
        cause: format!("the dead letter of {}: {error}", row.consumer),
    })?;
    Ok(DeadLetter {
        consumer: row.consumer,
        source: row.source,
        event,
        error: row.error,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        recorded_at: Timestamp::from_micros(row.recorded_at),
    })
}
