//! Filling an empty log.
//!
//! The mark is a row of `checkpoints` that no consumer and no read model can have: generation 0 and
//! `building`. It stands from before the first event until [`release`], and while it stands no
//! store opens. Recorded events can never be removed, so that filling that was cut off is not
//! undone: it goes on, after what is there was compared with what comes.

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use studio_stores::sql::Database;

use crate::{
    error::StoreError,
    event::Recorded,
    insert::insert,
    rows::{self, Slice, begin_write, lock_head, statement, write_head},
    signing,
    verify::Walk,
};

use super::{LogState, StoredDeadLetter, TransferError, cut};

const MARK: &str = "studio.filling";

/// Whether a log can be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupancy {
    /// Nothing is in it.
    Empty,
    /// Filling was begun, and has not ended.
    HalfFilled,
    /// It is a log of its own, with so many events.
    InUse {
        /// Its newest position.
        events: i64,
    },
}

/// Looks at a log whose tables are made.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn occupancy(database: &Database) -> Result<Occupancy, StoreError> {
    let tx = begin_write(database.writer()).await?;
    let found = look(&tx).await?;
    tx.rollback().await?;
    Ok(found)
}

async fn look(tx: &DatabaseTransaction) -> Result<Occupancy, StoreError> {
    let head = lock_head(tx).await?;
    if is_marked(tx).await? {
        return Ok(Occupancy::HalfFilled);
    }
    let events = newest(tx).await?.max(head.position);
    let unused = events == 0 && cut::consumers(tx).await?.is_empty();
    Ok(if unused { Occupancy::Empty } else { Occupancy::InUse { events } })
}

/// The newest position that is in the table, whatever the head says.
async fn newest<C: ConnectionTrait>(connection: &C) -> Result<i64, StoreError> {
    let sql = "SELECT COALESCE(MAX(position), 0) FROM events";
    let backend = connection.get_database_backend();
    let row = connection.query_one_raw(statement(backend, sql, vec![])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
}

async fn is_marked<C: ConnectionTrait>(connection: &C) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM checkpoints WHERE projection = $1 AND generation = 0";
    let backend = connection.get_database_backend();
    let row = connection.query_one_raw(statement(backend, sql, vec![MARK.into()])).await?;
    Ok(row.is_some())
}

/// A store opens, and a cut is made, only of a log that is whole.
pub(crate) async fn refuse_half_filled<C: ConnectionTrait>(
    connection: &C,
) -> Result<(), StoreError> {
    if is_marked(connection).await? { Err(StoreError::HalfFilled) } else { Ok(()) }
}

/// A log that is being filled from an archive.
pub struct Filling<'a> {
    database: &'a Database,
    state: &'a LogState,
    walk: Walk,
    /// So many events were there from an earlier attempt.
    stored: i64,
}

impl<'a> Filling<'a> {
    /// Marks an empty log, or takes up again one that is marked, or one that is already all that
    /// `state` says.
    ///
    /// # Errors
    /// [`TransferError::NotEmpty`] for any other.
    pub async fn begin(database: &'a Database, state: &'a LogState) -> Result<Self, TransferError> {
        let tx = begin_write(database.writer()).await.map_err(TransferError::from)?;
        match look(&tx).await? {
            Occupancy::HalfFilled => {}
            Occupancy::InUse { events } if lock_head(&tx).await? != state.head() => {
                return Err(TransferError::NotEmpty { source_log: state.source.clone(), events });
            }
            Occupancy::InUse { .. } | Occupancy::Empty => {
                let sql = "INSERT INTO checkpoints \
                           (projection, generation, position, version, state) \
                           VALUES ($1, 0, 0, 0, 'building')";
                run(&tx, sql, vec![MARK.into()]).await?;
            }
        }
        let stored = newest(&tx).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Self { database, state, walk: state.walk(), stored })
    }

    /// Keeps the next events, in one transaction. They must be those that the archive has next.
    ///
    /// # Errors
    /// [`TransferError::Broken`] when they do not follow, [`TransferError::OtherArchive`] when an
    /// earlier attempt kept others.
    pub async fn take(&mut self, events: &[Recorded]) -> Result<(), TransferError> {
        for event in events {
            self.walk.step(event).map_err(|e| TransferError::of(&self.state.source, e))?;
        }
        let known = events.partition_point(|event| event.position <= self.stored);
        let (known, new) = events.split_at(known);
        self.compare(known).await?;
        if new.is_empty() {
            return Ok(());
        }
        let tx = begin_write(self.database.writer()).await?;
        self.still_ours(&tx).await?;
        insert(&tx, new).await.map_err(StoreError::from)?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    async fn compare(&self, known: &[Recorded]) -> Result<(), TransferError> {
        let Some(first) = known.first() else { return Ok(()) };
        let slice = Slice::All { after: first.position - 1 };
        let there = rows::read(self.database.writer(), slice, known.len()).await?;
        let differ = known.iter().zip(&there).find(|(known, there)| known != there);
        let position = differ.map(|(known, _)| known.position);
        match position.or((known.len() != there.len()).then_some(self.stored)) {
            None => Ok(()),
            Some(position) => Err(self.other_archive(position)),
        }
    }

    fn other_archive(&self, position: i64) -> TransferError {
        TransferError::OtherArchive { source_log: self.state.source.clone(), position }
    }

    async fn still_ours(&self, tx: &DatabaseTransaction) -> Result<rows::Head, TransferError> {
        let head = lock_head(tx).await?;
        if is_marked(tx).await? {
            return Ok(head);
        }
        Err(TransferError::TakenOver(self.state.source.clone()))
    }

    /// Sets the head, the positions of the consumers, the dead letters and the signed checkpoints,
    /// in one transaction. The mark stays until [`release`].
    ///
    /// # Errors
    /// [`TransferError::End`] and [`TransferError::Head`] unless every event was taken.
    pub async fn finish(self) -> Result<(), TransferError> {
        self.state.check_end(&self.walk)?;
        if self.stored > self.state.position {
            return Err(self.other_archive(self.state.position + 1));
        }
        let tx = begin_write(self.database.writer()).await?;
        let head = self.still_ours(&tx).await?;
        if head.position != 0 {
            // An earlier attempt came as far as this.
            tx.rollback().await.map_err(StoreError::from)?;
            return if head == self.state.head() {
                Ok(())
            } else {
                Err(self.other_archive(head.position))
            };
        }
        write_head(&tx, &self.state.head()).await?;
        for consumer in &self.state.consumers {
            let sql = "INSERT INTO checkpoints (projection, generation, position, version, state) \
                       VALUES ($1, 0, $2, 0, 'current') \
                       ON CONFLICT (projection, generation) DO NOTHING";
            let values = vec![consumer.name.as_str().into(), consumer.position.into()];
            run(&tx, sql, values).await?;
        }
        for letter in &self.state.dead_letters {
            keep_letter(&tx, letter).await?;
        }
        for checkpoint in &self.state.signed_checkpoints {
            signing::store(&tx, checkpoint).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}

async fn keep_letter(
    tx: &DatabaseTransaction,
    letter: &StoredDeadLetter,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO dead_letters \
               (consumer, source, position, tenant, event, error, attempts, recorded_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (consumer, position) DO NOTHING";
    let values = vec![
        letter.consumer.as_str().into(),
        letter.source.as_str().into(),
        letter.position.into(),
        letter.tenant.as_str().into(),
        letter.event.as_str().into(),
        letter.error.as_str().into(),
        letter.attempts.into(),
        letter.recorded_at.into(),
    ];
    run(tx, sql, values).await
}

async fn run(
    tx: &DatabaseTransaction,
    sql: &str,
    values: Vec<sea_orm::Value>,
) -> Result<(), StoreError> {
    tx.execute_raw(statement(tx.get_database_backend(), sql, values)).await?;
    Ok(())
}

/// Takes the mark away: from now on a store opens the log. To be called once every log of the
/// installation is finished, so that none of them is used while another is half filled.
///
/// # Errors
/// [`StoreError`] when the database refuses.
pub async fn release(database: &Database) -> Result<(), StoreError> {
    let tx = begin_write(database.writer()).await?;
    lock_head(&tx).await?;
    let sql = "DELETE FROM checkpoints WHERE projection = $1 AND generation = 0";
    run(&tx, sql, vec![MARK.into()]).await?;
    tx.commit().await?;
    Ok(())
}
