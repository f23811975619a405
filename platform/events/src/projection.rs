//! Read models made from events.
//!
//! An *inline* projection writes in the transaction that appends the events: what a mutation
//! answered can be read at once. An *asynchronous* one follows behind with a checkpoint of its own,
//! committed together with its rows. Either way each event is taken in exactly once and in order.

use async_trait::async_trait;
use sea_orm::{
    DatabaseTransaction, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use crate::{error::ProjectionError, event::Recorded};

/// One read model. Every table of it has `generation BIGINT` in its primary key, and every query
/// filters by [`EventStore::generation`](crate::EventStore::generation), so that a new generation
/// can be built beside the one that is read.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// Its name, unique within the store and never changed.
    fn name(&self) -> &'static str;

    /// The version of its tables' contents. Raise it when `apply` would now write something else:
    /// the next start rebuilds it.
    fn version(&self) -> u32 {
        1
    }

    /// Whether it wants events of this type.
    fn handles(&self, event_type: &str) -> bool;

    /// Takes events in, in the order of their positions: those of one append, or, while catching
    /// up, of many. It must depend on nothing but the events and its own rows.
    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError>;

    /// Removes all rows of a generation.
    async fn clear(&self, tx: &DatabaseTransaction, generation: i64)
    -> Result<(), ProjectionError>;
}

/// Removes the rows of a generation from one table: [`Projection::clear`] is this for each table.
pub async fn clear_generation<E: EntityTrait>(
    tx: &DatabaseTransaction,
    generation: i64,
) -> Result<(), ProjectionError> {
    // The column that every table of a read model has, and no other kind of table.
    E::delete_many().filter(Expr::col("generation").eq(generation)).exec(tx).await?;
    Ok(())
}

/// Hands a projection those of the events that it wants. Answers whether there were any.
pub(crate) async fn apply_wanted(
    projection: &dyn Projection,
    tx: &DatabaseTransaction,
    generation: i64,
    events: &[Recorded],
) -> Result<bool, ProjectionError> {
    let wanted = events.iter().filter(|event| projection.handles(&event.event_type)).count();
    if wanted == 0 {
        return Ok(false);
    }
    if wanted == events.len() {
        projection.apply(tx, generation, events).await?;
    } else {
        let chosen: Vec<Recorded> =
            events.iter().filter(|event| projection.handles(&event.event_type)).cloned().collect();
        projection.apply(tx, generation, &chosen).await?;
    }
    Ok(true)
}
