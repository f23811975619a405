//! A standby that answers queries, and how far it is. A watcher asks it for the position of its log;
//! a query that needs more than that goes to the primary. What was committed without moving the log
//! (a rebuilt read model) is waited for by PostgreSQL's own measure, the place in the write-ahead
//! log: until the replica has replayed it, the replica answers nothing.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use studio_kernel::TenantId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{furthest::Furthest, servers::PROBE};

/// How often a replica is asked when nobody waits for it, and how often one that is away.
const LOOK: Duration = Duration::from_millis(200);
/// The least time between two looks.
const BREATH: Duration = Duration::from_millis(2);

/// How a replica does, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// It answers, and queries go to it.
    pub reachable: bool,
    /// The position of its log.
    pub position: i64,
    /// How many events it is behind what this process knows.
    pub behind: i64,
    /// How long ago the newest transaction that it has was committed: an upper bound of its delay,
    /// which grows while nothing is written.
    pub newest_is_old: Duration,
}

#[derive(Debug)]
pub(super) struct Replica {
    pub(super) pool: DatabaseConnection,
    shown: String,
    reachable: AtomicBool,
    position: AtomicI64,
    age_micros: AtomicI64,
    look: Notify,
    /// How far the log is known to be, for each organization and for all of them.
    written: Furthest<i64>,
    newest: AtomicI64,
    primary: DatabaseConnection,
    held: AtomicBool,
    hold: Mutex<Hold>,
}

/// What the replica must have replayed before it answers again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Hold {
    #[default]
    Nothing,
    /// All that the primary has; how much that is, is still to be asked. The number tells one wish
    /// from the next.
    All(u64),
    /// Up to this place in the write-ahead log.
    Until(i64),
}

/// How far a replica is.
struct Progress {
    /// Of its log.
    position: i64,
    /// Of its newest transaction, in microseconds.
    age: i64,
    /// The place in the write-ahead log.
    replayed: i64,
}

impl Replica {
    /// Looks after the replica until the database is closed or dropped.
    pub(super) async fn watch(
        pool: DatabaseConnection,
        primary: DatabaseConnection,
        shown: String,
        stop: &CancellationToken,
    ) -> Arc<Self> {
        let replica = Arc::new(Self {
            pool,
            shown,
            reachable: AtomicBool::new(false),
            position: AtomicI64::new(0),
            age_micros: AtomicI64::new(0),
            look: Notify::new(),
            written: Furthest::default(),
            newest: AtomicI64::new(0),
            primary,
            held: AtomicBool::new(false),
            hold: Mutex::default(),
        });
        replica.hold();
        replica.ask().await;
        let watched = replica.clone();
        let watching = async move {
            loop {
                let poked = tokio::time::timeout(LOOK, watched.look.notified()).await;
                watched.ask().await;
                if poked.is_ok() {
                    tokio::time::sleep(BREATH).await;
                }
            }
        };
        tokio::spawn(stop.clone().run_until_cancelled_owned(watching));
        replica
    }

    fn hold_state(&self) -> MutexGuard<'_, Hold> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers nothing until it has all that the primary has now.
    pub(super) fn hold(&self) {
        let mut hold = self.hold_state();
        let number = if let Hold::All(number) = *hold { number + 1 } else { 0 };
        *hold = Hold::All(number);
        self.held.store(true, Ordering::Release);
        self.look.notify_one();
    }

    /// Asks the primary how much there is to wait for, if that is still unknown.
    async fn measure(&self) -> Result<(), DbErr> {
        let wanted = *self.hold_state();
        if !matches!(wanted, Hold::All(_)) {
            return Ok(());
        }
        let sql = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let Some(row) = self.primary.query_one_raw(statement).await? else { return Ok(()) };
        let place = row.try_get_by_index(0)?;
        let mut hold = self.hold_state();
        if *hold == wanted {
            *hold = Hold::Until(place);
        }
        Ok(())
    }

    fn release(&self, replayed: i64) {
        let mut hold = self.hold_state();
        if matches!(*hold, Hold::Until(place) if replayed >= place) {
            *hold = Hold::Nothing;
            self.held.store(false, Ordering::Release);
        }
    }

    async fn ask(&self) {
        match tokio::time::timeout(PROBE, self.measure()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "the primary does not say how far the replica must be");
            }
            Err(_) => tracing::debug!("the primary does not say how far the replica must be"),
        }
        let asked = tokio::time::timeout(PROBE, self.progress())
            .await
            .unwrap_or_else(|_| Err(DbErr::Custom(format!("no answer within {PROBE:?}"))));
        match asked {
            Ok(Some(Progress { position, age, replayed })) => {
                self.release(replayed);
                // Not the greatest so far: a replica that was made anew may be further back.
                self.position.store(position, Ordering::Release);
                self.age_micros.store(age, Ordering::Release);
                if !self.reachable.swap(true, Ordering::AcqRel) {
                    tracing::info!(replica = self.shown, position, "the read replica answers");
                }
            }
            // The store's tables have not arrived yet.
            Ok(None) => self.reachable.store(false, Ordering::Release),
            Err(error) => self.failed(&error),
        }
    }

    async fn progress(&self) -> Result<Option<Progress>, DbErr> {
        let ask = |sql: &str| Statement::from_string(DbBackend::Postgres, sql);
        let there = self.pool.query_one_raw(ask("SELECT to_regclass('log_head') IS NOT NULL"));
        let there = there.await?.map(|row| row.try_get_by_index::<bool>(0)).transpose()?;
        if there != Some(true) {
            return Ok(None);
        }
        // One that was promoted has everything there is.
        let sql = "SELECT CASE WHEN pg_is_in_recovery() \
                   THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint \
                   ELSE 9223372036854775807 END, \
                   (COALESCE(EXTRACT(EPOCH FROM clock_timestamp() \
                   - pg_last_xact_replay_timestamp()), 0) * 1000000)::bigint, \
                   (SELECT position FROM log_head WHERE id = 1)";
        let Some(row) = self.pool.query_one_raw(ask(sql)).await? else { return Ok(None) };
        let (replayed, age) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let position: Option<i64> = row.try_get_by_index(2)?;
        Ok(position.map(|position| Progress { position, age, replayed }))
    }

    pub(super) fn failed(&self, error: &DbErr) {
        if self.reachable.swap(false, Ordering::AcqRel) {
            tracing::warn!(
                replica = self.shown,
                %error,
                "the read replica does not answer: the primary does until it is back"
            );
        }
    }

    pub(super) fn note(&self, tenant: TenantId, position: i64) {
        self.newest.fetch_max(position, Ordering::AcqRel);
        self.written.note(Some(tenant), &position);
    }

    /// Whether it may answer somebody of this organization who has seen the log up to `seen`. If it
    /// is only too slow, it is asked again at once.
    pub(super) fn is_as_far(&self, tenant: Option<TenantId>, seen: i64) -> bool {
        if !self.reachable.load(Ordering::Acquire) {
            return false;
        }
        let written = match tenant {
            Some(_) => self.written.of(tenant),
            None => self.newest.load(Ordering::Acquire),
        };
        let far = !self.held.load(Ordering::Acquire)
            && self.position.load(Ordering::Acquire) >= seen.max(written);
        if !far {
            self.look.notify_one();
        }
        far
    }

    pub(super) fn status(&self) -> ReplicaStatus {
        let position = self.position.load(Ordering::Acquire);
        let newest = self.newest.load(Ordering::Acquire);
        let age = u64::try_from(self.age_micros.load(Ordering::Acquire)).unwrap_or(0);
        ReplicaStatus {
            reachable: self.reachable.load(Ordering::Acquire),
            position,
            behind: (newest - position).max(0),
            newest_is_old: Duration::from_micros(age),
        }
    }
}
