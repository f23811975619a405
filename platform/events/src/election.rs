//! Which process of a log does its background work. Those that may hold an [`Election`]: whoever
//! holds the lease is in a [`Term`] and works, the others stand by. A term ends with its lease, and
//! everything that is appended in it carries its fence.

use std::{sync::Arc, time::Duration};

use sea_orm::DbBackend;
use tokio::sync::watch;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use crate::{
    event::Append,
    lease::{self, Fence, Lease},
    store::EventStore,
};

/// The lease of a log's background work.
const LEASE: &str = "background";
/// How long work may take to end with its term before the lease is released.
const GRACE: Duration = Duration::from_secs(2);
/// The lease of an embedded database, which no other process can be waiting for.
const EMBEDDED: Duration = Duration::from_secs(3_600);
/// How often to look for a lease that was released, at least.
const LOOK: Duration = Duration::from_millis(250);

/// Whether a process may do the background work of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leadership {
    /// It works when no other process does.
    Candidate {
        /// How long the work rests after the one who did it was killed.
        ttl: Duration,
    },
    /// It only answers requests.
    Never,
}

impl Default for Leadership {
    fn default() -> Self {
        Self::Candidate { ttl: Duration::from_secs(5) }
    }
}

/// A time in which this process, and no other, does the work. Work holds on to it, and stops when
/// it has ended.
#[derive(Debug, Clone)]
pub struct Term {
    fence: Option<Fence>,
    ended: CancellationToken,
    _working: TaskTrackerToken,
}

impl Term {
    /// Cancelled when it is over.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Puts the fence on an append.
    #[must_use]
    pub fn fenced(&self, mut append: Append) -> Append {
        append.fence.clone_from(&self.fence);
        append
    }

    /// An append was refused because another process leads: whatever the clock says, the term is
    /// over.
    pub fn deposed(&self) {
        self.ended.cancel();
    }
}

/// Puts the fence of a term, where there is one, on an append.
pub(crate) fn fenced(term: Option<&Term>, append: Append) -> Append {
    match term {
        Some(term) => term.fenced(append),
        None => append,
    }
}

/// Who leads, as far as this process is concerned. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Election(Arc<watch::Sender<Option<Term>>>);

impl Election {
    /// A process that does the work whoever else may, without a lease: for tools and tests that
    /// have a log to themselves.
    pub fn unopposed() -> Self {
        let term = Term {
            fence: None,
            ended: CancellationToken::new(),
            _working: TaskTracker::new().token(),
        };
        Self(Arc::new(watch::Sender::new(Some(term))))
    }

    /// Takes part in the election for the background work of a log. The future runs until
    /// `shutdown` and then hands over at once; without it nobody here is elected.
    pub fn of(
        store: &EventStore,
        leadership: Leadership,
        shutdown: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let election = Self(Arc::new(watch::Sender::new(None)));
        let (store, seats) = (store.clone(), election.clone());
        let embedded = store.database().backend() == DbBackend::Sqlite;
        let campaign = async move {
            match leadership {
                Leadership::Never => shutdown.cancelled().await,
                Leadership::Candidate { ttl } => {
                    let ttl = if embedded { EMBEDDED } else { ttl };
                    seats.campaign(&store, ttl, &shutdown).await;
                }
            }
        };
        (election, campaign)
    }

    /// The term of this process, if it leads now.
    pub fn term(&self) -> Option<Term> {
        self.0.borrow().clone().filter(|term| !term.ended.is_cancelled())
    }

    /// Waits until this process leads.
    pub async fn elected(&self) -> Term {
        let mut seats = self.0.subscribe();
        loop {
            let term = seats.borrow_and_update().clone();
            if let Some(term) = term.filter(|term| !term.ended.is_cancelled()) {
                return term;
            }
            // The sender is in `self`: it cannot be gone.
            let _changed = seats.changed().await;
        }
    }

    async fn campaign(&self, store: &EventStore, ttl: Duration, shutdown: &CancellationToken) {
        let mut failing = false;
        while !shutdown.is_cancelled() {
            let tried = tokio::select! {
                () = shutdown.cancelled() => return,
                tried = lease::acquire(store, LEASE, ttl) => tried,
            };
            let pause = match tried {
                Ok(Ok(lease)) => {
                    failing = false;
                    self.lead(store, lease, shutdown).await;
                    continue;
                }
                Ok(Err(left)) => {
                    failing = false;
                    // As soon as it runs out, and now and then in case it is released.
                    left.saturating_add(Duration::from_millis(1)).min(LOOK.min(ttl))
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(log = store.source(), %error, "nobody can be elected");
                    }
                    LOOK.min(ttl)
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Leads until the lease is lost, an append is refused, or the process is to end.
    async fn lead(&self, store: &EventStore, lease: Lease, shutdown: &CancellationToken) {
        let (log, epoch) = (store.source(), lease.fence().epoch);
        tracing::info!(log, epoch, "this process does the background work now");
        let working = TaskTracker::new();
        let ended = lease.ended().clone();
        self.0.send_replace(Some(Term {
            fence: Some(lease.fence().clone()),
            ended: ended.clone(),
            _working: working.token(),
        }));
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = ended.cancelled() => {}
        }
        ended.cancel();
        self.0.send_replace(None);
        working.close();
        if tokio::time::timeout(GRACE, working.wait()).await.is_err() {
            tracing::warn!(
                log,
                epoch,
                "background work takes long to end; its appends are refused"
            );
        }
        if let Err(error) = lease.release().await {
            tracing::warn!(log, %error, "the lease is not released, and runs out");
        }
        tracing::info!(log, epoch, "this process stands by now");
    }
}
