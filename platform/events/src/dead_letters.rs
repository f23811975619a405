//! Events that a consumer could not take in, kept with the reason until somebody has mended it.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use studio_entities::events::dead_letter::{Column, Entity, Model};
use studio_kernel::{TenantId, Timestamp, published::CloudEvent};

use crate::{
    error::{AppendError, StoreError},
    log::Core,
    prepare::DeadLetterChange,
    rows::statement,
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
