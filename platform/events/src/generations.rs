//! Which copy of each read model is read, how far each has come, and how a new one is built beside
//! the old.
//!
//! A row of `checkpoints` is `current` (read and kept up to date), `building` (filled by a rebuild)
//! or `retired` (no longer read; its rows stay until the next rebuild or start, so that queries
//! under way still find them). A page of events and the checkpoint behind it are committed together
//! while the checkpoint's row is locked: a kill leaves the one or the other, and two processes at
//! once take turns. An inline projection's current copy is only ever touched under the lock on the
//! log's head.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};

use crate::{
    error::{NameOwner, StoreError},
    log::Core,
    names,
    projection::{Projection, apply_wanted},
    rows::{self, Slice, begin_write, for_update, lock_head, statement},
};

/// Events that one transaction takes in while catching up: small enough not to hold up appends.
pub(crate) const PAGE: usize = 500;

/// A row of `checkpoints`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) name: String,
    pub(crate) generation: i64,
    pub(crate) position: i64,
    version: i64,
    state: String,
}

fn checkpoint(row: &QueryResult) -> Result<Checkpoint, StoreError> {
    Ok(Checkpoint {
        name: row.try_get_by_index(0)?,
        generation: row.try_get_by_index(1)?,
        position: row.try_get_by_index(2)?,
        version: row.try_get_by_index(3)?,
        state: row.try_get_by_index(4)?,
    })
}

async fn select<C: ConnectionTrait>(
    connection: &C,
    filter: &str,
    values: Vec<Value>,
) -> Result<Vec<Checkpoint>, StoreError> {
    let sql = format!(
        "SELECT projection, generation, position, version, state FROM checkpoints {filter}"
    );
    let rows = connection
        .query_all_raw(statement(connection.get_database_backend(), &sql, values))
        .await?;
    rows.iter().map(checkpoint).collect()
}

/// The current rows of all projections and consumers.
pub(crate) async fn current<C: ConnectionTrait>(
    connection: &C,
) -> Result<Vec<Checkpoint>, StoreError> {
    select(connection, "WHERE state = 'current'", vec![]).await
}

/// The current row of a projection or consumer; `None` if it has not begun.
pub(crate) async fn current_of<C: ConnectionTrait>(
    connection: &C,
    name: &str,
) -> Result<Option<Checkpoint>, StoreError> {
    let filter = "WHERE projection = $1 AND state = 'current'";
    Ok(select(connection, filter, vec![name.into()]).await?.into_iter().next())
}

/// How far a projection or consumer has come, 0 if it has not begun.
pub(crate) async fn position<C: ConnectionTrait>(
    connection: &C,
    name: &str,
) -> Result<i64, StoreError> {
    Ok(current_of(connection, name).await?.map_or(0, |row| row.position))
}

async fn execute(
    tx: &DatabaseTransaction,
    sql: &str,
    values: Vec<Value>,
) -> Result<u64, StoreError> {
    let done = tx.execute_raw(statement(tx.get_database_backend(), sql, values)).await?;
    Ok(done.rows_affected())
}

async fn insert(
    tx: &DatabaseTransaction,
    projection: &dyn Projection,
    generation: i64,
    state: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO checkpoints (projection, generation, position, version, state) \
               VALUES ($1, $2, 0, $3, $4)";
    let values = vec![
        projection.name().into(),
        generation.into(),
        i64::from(projection.version()).into(),
        state.into(),
    ];
    execute(tx, sql, values).await.map(|_| ())
}

pub(crate) async fn set_position(
    tx: &DatabaseTransaction,
    name: &str,
    generation: i64,
    position: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE checkpoints SET position = $1 WHERE projection = $2 AND generation = $3";
    execute(tx, sql, vec![position.into(), name.into(), generation.into()]).await.map(|_| ())
}

fn failed(projection: &dyn Projection, cause: crate::ProjectionError) -> StoreError {
    StoreError::Projection { name: projection.name().to_owned(), cause: Arc::new(cause) }
}

/// Takes one page of events in within `tx`, which holds the lock that guards `row`. Answers the
/// new position and whether the log ended there.
pub(crate) async fn take_page(
    tx: &DatabaseTransaction,
    projection: &dyn Projection,
    row: &Checkpoint,
) -> Result<(i64, bool), StoreError> {
    let events = rows::read(tx, Slice::All { after: row.position }, PAGE).await?;
    let Some(newest) = events.last().map(|event| event.position) else {
        return Ok((row.position, true));
    };
    if newest - row.position != i64::try_from(events.len()).unwrap_or(i64::MAX) {
        let gap = (row.position + 1..).zip(&events).find(|(at, event)| *at != event.position);
        return Err(StoreError::Missing(gap.map_or(newest, |(at, _)| at)));
    }
    apply_wanted(projection, tx, row.generation, &events)
        .await
        .map_err(|cause| failed(projection, cause))?;
    set_position(tx, &row.name, row.generation, newest).await?;
    Ok((newest, events.len() < PAGE))
}

/// Makes every projection ready to be read: new ones are built, those whose version has changed are
/// rebuilt, inline ones are brought up to the head, and what is retired is cleared.
pub(crate) async fn prepare(core: &Core) -> Result<(), StoreError> {
    names::projections_differ(core)?;
    for projection in core.projections() {
        clear_leftovers(core, projection.as_ref(), &["retired"]).await?;
        let tx = begin_write(core.database.writer()).await?;
        lock_head(&tx).await?;
        let rows = select(
            &tx,
            "WHERE projection = $1 AND state = 'current'",
            vec![projection.name().into()],
        )
        .await?;
        match rows.first() {
            None => {
                insert(&tx, projection.as_ref(), 1, "current").await?;
                tx.commit().await?;
                core.set_generation(projection.name(), 1);
            }
            Some(row) if row.generation == names::OF_CONSUMERS => {
                return Err(names::taken(projection.name(), NameOwner::Consumer));
            }
            Some(row) if row.version != i64::from(projection.version()) => {
                tx.rollback().await?;
                core.set_generation(projection.name(), row.generation);
                rebuild(core, projection.as_ref()).await?;
            }
            Some(row) => {
                core.set_generation(projection.name(), row.generation);
                tx.rollback().await?;
            }
        }
    }
    for projection in &core.inline {
        while !catch_up_inline(core, projection.as_ref()).await? {}
    }
    Ok(())
}

/// One page of an inline projection's current copy. Answers whether it is at the head.
async fn catch_up_inline(core: &Core, projection: &dyn Projection) -> Result<bool, StoreError> {
    let tx = begin_write(core.database.writer()).await?;
    lock_head(&tx).await?;
    let filter = "WHERE projection = $1 AND state = 'current'";
    let rows = select(&tx, filter, vec![projection.name().into()]).await?;
    let Some(row) = rows.first() else {
        return Err(StoreError::UnknownProjection(projection.name().to_owned()));
    };
    let (_, at_head) = take_page(&tx, projection, row).await?;
    tx.commit().await?;
    Ok(at_head)
}

/// Removes the rows and checkpoints of a projection in these states.
async fn clear_leftovers(
    core: &Core,
    projection: &dyn Projection,
    states: &[&str],
) -> Result<(), StoreError> {
    let filter = "WHERE projection = $1";
    let rows = select(core.database.primary(), filter, vec![projection.name().into()]).await?;
    for row in rows.iter().filter(|row| states.contains(&row.state.as_str())) {
        let tx = begin_write(core.database.writer()).await?;
        let sql = "DELETE FROM checkpoints WHERE projection = $1 AND generation = $2";
        execute(&tx, sql, vec![row.name.as_str().into(), row.generation.into()]).await?;
        projection.clear(&tx, row.generation).await.map_err(|cause| failed(projection, cause))?;
        tx.commit().await?;
    }
    Ok(())
}

/// Builds a new generation from the first event on, while reads and appends go on, and swaps it in.
/// Answers its number. A rebuild that was cut off leaves the old generation as it was.
pub(crate) async fn rebuild(core: &Core, projection: &dyn Projection) -> Result<i64, StoreError> {
    let name = projection.name();
    clear_leftovers(core, projection, &["building", "retired"]).await?;
    let tx = begin_write(core.database.writer()).await?;
    lock_head(&tx).await?;
    let rows = select(&tx, "WHERE projection = $1", vec![name.into()]).await?;
    let generation = rows.iter().map(|row| row.generation).max().unwrap_or(0) + 1;
    insert(&tx, projection, generation, "building").await?;
    // Nothing of an earlier attempt can be mistaken for this one.
    projection.clear(&tx, generation).await.map_err(|cause| failed(projection, cause))?;
    tx.commit().await?;
    loop {
        let tx = begin_write(core.database.writer()).await?;
        let row = lock_building(&tx, name, generation).await?;
        let (_, at_end) = take_page(&tx, projection, &row).await?;
        tx.commit().await?;
        if at_end {
            break;
        }
    }
    swap(core, projection, generation).await?;
    core.set_generation(name, generation);
    Ok(generation)
}

/// Takes in what was appended meanwhile and makes the new generation the current one, with all
/// appends held back.
async fn swap(core: &Core, projection: &dyn Projection, generation: i64) -> Result<(), StoreError> {
    let name = projection.name();
    let tx = begin_write(core.database.writer()).await?;
    lock_head(&tx).await?;
    let mut row = lock_building(&tx, name, generation).await?;
    loop {
        let (position, at_head) = take_page(&tx, projection, &row).await?;
        row.position = position;
        if at_head {
            break;
        }
    }
    let retire =
        "UPDATE checkpoints SET state = 'retired' WHERE projection = $1 AND state = 'current'";
    execute(&tx, retire, vec![name.into()]).await?;
    let raise =
        "UPDATE checkpoints SET state = 'current' WHERE projection = $1 AND generation = $2";
    execute(&tx, raise, vec![name.into(), generation.into()]).await?;
    tx.commit().await?;
    Ok(())
}

async fn lock_building(
    tx: &DatabaseTransaction,
    name: &str,
    generation: i64,
) -> Result<Checkpoint, StoreError> {
    let filter = format!(
        "WHERE projection = $1 AND generation = $2 AND state = 'building'{}",
        for_update(tx.get_database_backend())
    );
    let rows = select(tx, &filter, vec![name.into(), generation.into()]).await?;
    rows.into_iter().next().ok_or_else(|| StoreError::RebuildTakenOver(name.to_owned()))
}

/// Locks the current row of an asynchronous projection; `None` while another process swaps it.
pub(crate) async fn lock_current(
    tx: &DatabaseTransaction,
    name: &str,
) -> Result<Option<Checkpoint>, StoreError> {
    let filter = format!(
        "WHERE projection = $1 AND state = 'current'{}",
        for_update(tx.get_database_backend())
    );
    Ok(select(tx, &filter, vec![name.into()]).await?.into_iter().next())
}

/// Takes over what another process has swapped in.
pub(crate) async fn refresh(core: &Core) -> Result<(), StoreError> {
    for row in current(core.database.primary()).await? {
        if core.generation(&row.name).is_some_and(|known| known < row.generation) {
            core.set_generation(&row.name, row.generation);
        }
    }
    Ok(())
}
