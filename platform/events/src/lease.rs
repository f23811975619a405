//! Leases: which process does the work that only one may do. A lease lies in the log's own
//! database, is held for a limited time and renewed, and carries an epoch that grows with each
//! change of holder.
//!
//! Time alone keeps nobody from two leaders: a process may be paused beyond its time and go on as
//! if nothing had happened. So an append can carry a [`Fence`], which is checked in the appending
//! transaction: what a deposed leader appends is refused, whenever it comes. The check locks the
//! lease's row until the transaction ends, so that nobody takes over between the check and the
//! commit. A lease that has run out and that nobody has taken still holds: there is no second leader
//! to guard against.
//!
//! Times are the database's own, so that the clocks of the processes do not matter. The embedded
//! database belongs to one process at a time: opening it ends every lease of the one before.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Value};
use studio_stores::sql::Database;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    error::{AppendError, StoreError},
    rows::statement,
    store::EventStore,
};

/// Proof of a lease, to go with an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The lease's name.
    pub lease: String,
    /// The epoch in which it was taken.
    pub epoch: i64,
}

/// A lease that this process holds, for as long as it can be renewed. Dropping it lets it run out;
/// [`Lease::release`] hands it over at once.
#[derive(Debug)]
pub struct Lease {
    database: Database,
    fence: Fence,
    holder: String,
    ended: CancellationToken,
}

impl Lease {
    /// What appends made under it carry.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Cancelled when it is lost: another process holds it, or it could not be renewed in time.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Lets go of it, so that another process need not wait until it runs out.
    ///
    /// # Errors
    /// When the database does not answer; the lease runs out then.
    pub async fn release(self) -> Result<(), StoreError> {
        self.ended.cancel();
        let sql = "UPDATE leases SET expires_at = 0 WHERE name = $1 AND holder = $2 AND epoch = $3";
        let writer = self.database.writer();
        let backend = writer.get_database_backend();
        writer.execute_raw(statement(backend, sql, self.key())).await?;
        Ok(())
    }

    fn key(&self) -> Vec<Value> {
        key(&self.fence, &self.holder)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

fn key(fence: &Fence, holder: &str) -> Vec<Value> {
    vec![fence.lease.as_str().into(), holder.into(), fence.epoch.into()]
}

/// The present instant by the database's clock, in microseconds.
fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        _ => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}

/// Takes the lease if it is free or has run out. Without it, answers how long it will still run.
pub(crate) async fn acquire(
    store: &EventStore,
    name: &str,
    ttl: Duration,
) -> Result<Result<Lease, Duration>, StoreError> {
    let database = store.database().clone();
    let writer = database.writer();
    let backend = writer.get_database_backend();
    // Looked at first: trying to take it would lock its row, which the holder needs.
    if let Some(left) = still_held(&database, name).await? {
        return Ok(Err(left));
    }
    let now = now(backend);
    let holder = store.env().uuid().simple().to_string();
    let take = format!(
        "INSERT INTO leases (name, holder, epoch, ttl, expires_at) \
         VALUES ($1, $2, 1, $3, {now} + $3) \
         ON CONFLICT (name) DO UPDATE SET holder = $2, epoch = leases.epoch + 1, ttl = $3, \
         expires_at = {now} + $3 \
         WHERE leases.expires_at <= {now} OR leases.expires_at > {now} + 2 * leases.ttl \
         RETURNING epoch"
    );
    let values = vec![name.into(), holder.as_str().into(), micros(ttl).into()];
    let asked_at = Instant::now();
    let Some(row) = writer.query_one_raw(statement(backend, &take, values)).await? else {
        // Somebody was faster.
        return Ok(Err(still_held(&database, name).await?.unwrap_or_default()));
    };
    let fence = Fence { lease: name.to_owned(), epoch: row.try_get_by_index(0)? };
    let lease = Lease { database, fence, holder, ended: CancellationToken::new() };
    tokio::spawn(renew(
        lease.database.clone(),
        lease.fence.clone(),
        lease.holder.clone(),
        ttl,
        asked_at,
        lease.ended.clone(),
    ));
    Ok(Ok(lease))
}

/// How long somebody still holds the lease; `None` where it is free. One that would run far longer
/// than it was taken for is free, too: the database's clock was set back.
async fn still_held(database: &Database, name: &str) -> Result<Option<Duration>, StoreError> {
    let writer = database.writer();
    let backend = writer.get_database_backend();
    let sql = format!("SELECT expires_at - {}, ttl FROM leases WHERE name = $1", now(backend));
    let row = writer.query_one_raw(statement(backend, &sql, vec![name.into()])).await?;
    let Some(row) = row else { return Ok(None) };
    let (left, ttl): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    let held = left > 0 && left <= ttl.saturating_mul(2);
    Ok(held.then(|| Duration::from_micros(left.unsigned_abs())))
}

/// Renews the lease until it ends; ends it when that fails for too long. `since` is when the lease
/// was last asked for: by our own clock it runs from there.
async fn renew(
    database: Database,
    fence: Fence,
    holder: String,
    ttl: Duration,
    mut since: Instant,
    ended: CancellationToken,
) {
    let writer = database.writer();
    let backend = writer.get_database_backend();
    let sql = format!(
        "UPDATE leases SET expires_at = {now} + ttl \
         WHERE name = $1 AND holder = $2 AND epoch = $3",
        now = now(backend)
    );
    let mut pause = ttl / 3;
    loop {
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let asked_at = Instant::now();
        let renewing = writer.execute_raw(statement(backend, &sql, key(&fence, &holder)));
        let left = (since + ttl).saturating_duration_since(asked_at);
        let answer = tokio::select! {
            () = ended.cancelled() => return,
            answer = tokio::time::timeout(left, renewing) => answer,
        };
        match answer {
            Ok(Ok(done)) if done.rows_affected() == 1 => {
                since = asked_at;
                pause = ttl / 3;
                continue;
            }
            Ok(Ok(_)) => tracing::info!(lease = fence.lease, "another process took the lease"),
            Ok(Err(error)) if since.elapsed() < ttl => {
                tracing::debug!(lease = fence.lease, %error, "the lease is not renewed yet");
                pause = ttl / 10;
                continue;
            }
            Ok(Err(error)) => {
                tracing::warn!(lease = fence.lease, %error, "the lease could not be renewed");
            }
            Err(_) => tracing::warn!(lease = fence.lease, "the lease was not renewed in time"),
        }
        ended.cancel();
        return;
    }
}

/// Refuses what does not come from the holder, and keeps the holder until the transaction ends.
pub(crate) async fn check(tx: &DatabaseTransaction, fence: &Fence) -> Result<(), AppendError> {
    let backend = tx.get_database_backend();
    let lock = if backend == DbBackend::Sqlite { "" } else { " FOR SHARE" };
    let sql = format!("SELECT epoch FROM leases WHERE name = $1{lock}");
    let values = vec![fence.lease.as_str().into()];
    let row = tx
        .query_one_raw(statement(backend, &sql, values))
        .await
        .map_err(|error| AppendError::Store(error.into()))?;
    let epoch: Option<i64> = row
        .map(|row| row.try_get_by_index(0))
        .transpose()
        .map_err(|error| AppendError::Store(error.into()))?;
    match epoch {
        Some(epoch) if epoch == fence.epoch => Ok(()),
        newest => Err(AppendError::Deposed { fence: fence.clone(), newest: newest.unwrap_or(0) }),
    }
}

/// Ends every lease: nobody else uses the embedded database.
pub(crate) async fn end_all(database: &Database) -> Result<(), StoreError> {
    let writer = database.writer();
    let sql = "UPDATE leases SET expires_at = 0 WHERE expires_at <> 0";
    writer.execute_raw(statement(writer.get_database_backend(), sql, vec![])).await?;
    Ok(())
}
