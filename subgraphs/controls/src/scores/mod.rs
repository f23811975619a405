//! The live scores of every project, and the scores of any other instant by replay.
//!
//! One worker ([`worker`]) per process follows this subgraph's own log and keeps the [`Model`]s of
//! projects in memory, so many of them as may be ([`engines`]); the worker of the process that was elected records a `ScoreChanged` whenever
//! numbers move. A change is whatever differs from the newest recorded one, so a worker that is cut
//! off anywhere records each change exactly once. Live queries read the worker's models; a replay
//! folds the project's stream up to an instant. Both go over [`facts`], so they agree to the last
//! digit, in every process.

mod engines;
mod forecast;
pub(crate) mod history;
mod moves;
mod periods;
mod simulation;
mod slot;
mod snapshots;
mod subscribe;
mod watched;
mod worker;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use studio_access::Policy;
use studio_events::EventStore;
use studio_kernel::{Aggregate, Code, Env, Id, TenantId, Timestamp, kind};
use studio_service::ApiError;
use tokio::sync::{Notify, oneshot, watch};

pub(crate) use forecast::Forecast;
pub(crate) use moves::{Cause, Ends, Moved, Place};
pub(crate) use periods::whole_days;
pub(crate) use simulation::Begun;
pub(crate) use subscribe::{Told, alerts, changes};
pub(crate) use worker::run;

use crate::domain::{
    project::{Project, events::ProjectEvent, facts},
    score::{Model, UnknownFormula, known},
    score_log::ScoreLog,
};
use slot::Slot;
use snapshots::{Kept, Since};

/// A project of an organization.
type Key = (TenantId, Id<kind::Project>);

/// Models in memory.
type Slots = HashMap<Key, Arc<Mutex<Slot>>>;

/// How long a query waits for the worker to take in what was recorded before it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events read at a time.
const PAGE: usize = 1_000;

/// The scores, shared by the worker and all queries.
#[derive(Clone)]
pub(crate) struct Scores(Arc<Inner>);

struct Inner {
    store: EventStore,
    env: Env,
    policy: Arc<Policy>,
    /// Facts that the models in memory hold together at most.
    most_held: usize,
    /// The models that are in memory.
    slots: Mutex<Slots>,
    /// Who waits for a model that is not.
    wanted: Mutex<HashMap<Key, Vec<oneshot::Sender<Arc<Model>>>>>,
    /// Somebody waits.
    asked: Notify,
    /// Counts the uses of models.
    turns: AtomicU64,
    /// Everything up to this position of the log is in the models.
    reached: watch::Sender<i64>,
    /// The version of the formula that the log names and this build does not compute, where it does.
    unknown_formula: OnceLock<UnknownFormula>,
}

/// A model that was computed for two instants.
#[derive(Clone)]
pub(crate) struct View {
    /// Recomputed at `at`.
    pub(crate) model: Arc<Model>,
    /// What was recorded by then is in it.
    pub(crate) as_of: Timestamp,
    /// When freshness was judged.
    pub(crate) at: Timestamp,
}

/// From an earlier instant to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Scores {
    /// The models in memory will hold `most_held` facts together at most, or one of them more.
    pub(crate) fn new(store: EventStore, env: Env, policy: Arc<Policy>, most_held: usize) -> Self {
        let inner = Inner {
            store,
            env,
            policy,
            most_held,
            slots: Mutex::default(),
            wanted: Mutex::default(),
            asked: Notify::new(),
            turns: AtomicU64::new(0),
            reached: watch::Sender::new(-1),
            unknown_formula: OnceLock::new(),
        };
        Self(Arc::new(inner))
    }

    /// A project's scores as of an instant (default: now), judged at an instant (default: the
    /// same). A later `at` is a forecast.
    pub(crate) async fn view(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
        as_of: Option<Timestamp>,
        at: Option<Timestamp>,
    ) -> Result<View, ApiError> {
        self.computes()?;
        let Some(as_of) = as_of else { return self.live((tenant, project), at).await };
        if self.is_ahead(as_of).await? {
            return Err(ApiError::new(
                Code::BadRequest,
                format!(
                    "asOf is {as_of}, which is yet to come: what will be known then nobody knows. \
                     Ask with a later at for a forecast."
                ),
            ));
        }
        self.replay((tenant, project), as_of, at.unwrap_or(as_of)).await
    }

    /// Refuses to compute what another version of the formula made, once the engine has met one.
    fn computes(&self) -> Result<(), ApiError> {
        match self.0.unknown_formula.get() {
            Some(unknown) => Err(ApiError::new(Code::SubgraphUnavailable, unknown.to_string())),
            None => Ok(()),
        }
    }

    /// Refuses to record beside scores of another version of the formula.
    fn may_continue(&self, log: &ScoreLog) -> Result<(), ApiError> {
        for numbers in log.newest.values() {
            if let Err(unknown) = known(numbers.formula) {
                let _first = self.0.unknown_formula.set(unknown);
                // Whoever waits for live scores waits in vain.
                self.0.reached.send_modify(|_| ());
                lock(&self.0.wanted).clear();
            }
        }
        self.computes()
    }

    /// Whether an instant is later than now, and than everything that was recorded.
    async fn is_ahead(&self, at: Timestamp) -> Result<bool, ApiError> {
        Ok(at > self.0.env.now() && at > self.newest_recorded().await?)
    }

    /// A period that is over, both ends of it; by default it ends now.
    pub(crate) async fn period(
        &self,
        from: Timestamp,
        to: Option<Timestamp>,
    ) -> Result<Period, ApiError> {
        let refuse = |message: String| Err(ApiError::new(Code::BadRequest, message));
        let to = match to {
            Some(to) if self.is_ahead(to).await? => {
                return refuse(format!(
                    "to is {to}, which is yet to come: give an instant that is over."
                ));
            }
            Some(to) => to,
            None => self.0.env.now(),
        };
        if from >= to {
            return refuse(format!("from is {from} and to is {to}: give a from that is earlier."));
        }
        Ok(Period { from, to })
    }

    /// When the newest event was recorded, which is later than now where the clock was set back.
    async fn newest_recorded(&self) -> Result<Timestamp, ApiError> {
        let store = &self.0.store;
        let newest = store.read(store.newest().await? - 1, 1).await?;
        Ok(newest.last().map_or(Timestamp::from_micros(0), |event| event.recorded_at))
    }

    async fn live(&self, key: Key, at: Option<Timestamp>) -> Result<View, ApiError> {
        // Whichever process the change was made through, it is in the answer.
        let head = self.0.store.newest().await?;
        let mut reached = self.0.reached.subscribe();
        let told = |now: &i64| *now >= head || self.0.unknown_formula.get().is_some();
        let there = async { reached.wait_for(told).await.is_ok() };
        if !tokio::time::timeout(PATIENCE, there).await.unwrap_or(false) {
            let reached = *self.0.reached.borrow();
            return Err(ApiError::unavailable(format!(
                "the score engine is at {reached}, the log at {head}"
            )));
        }
        self.computes()?;
        let model = self.model(key).await?;
        let computed = model.at();
        let as_of = computed.map_or(self.0.env.now(), |computed| computed.max(self.0.env.now()));
        let at = at.unwrap_or(as_of);
        let Some(computed) = computed else {
            return recomputed(model, as_of, at);
        };
        if at < computed {
            return self.replay(key, as_of, at).await;
        }
        let moved = model.next_change().is_some_and(|change| change <= at);
        if moved || computed.day() != at.day() {
            return recomputed(model, as_of, at);
        }
        Ok(View { model, as_of, at })
    }

    async fn replay(&self, key: Key, as_of: Timestamp, at: Timestamp) -> Result<View, ApiError> {
        let until = self.0.store.position_as_of(as_of).await?;
        let folded = fold(&self.0.store, key, until, at).await?;
        recomputed(Arc::new(folded.model), as_of, at)
    }

    /// The live model of a project, which is loaded if it is not in memory.
    async fn model(&self, key: Key) -> Result<Arc<Model>, ApiError> {
        let loaded = lock(&self.0.slots).get(&key).cloned();
        if let Some(slot) = loaded {
            let mut slot = lock(&slot);
            slot.used = self.turn();
            return Ok(slot.model.clone());
        }
        let (answer, loaded) = oneshot::channel();
        lock(&self.0.wanted).entry(key).or_default().push(answer);
        self.0.asked.notify_one();
        match tokio::time::timeout(PATIENCE, loaded).await {
            Ok(Ok(model)) => Ok(model),
            _ => {
                self.computes()?;
                Err(ApiError::unavailable(format!("the scores of {} are not loaded", key.1)))
            }
        }
    }

    /// A number for each use of a model, larger than those before.
    fn turn(&self) -> u64 {
        self.0.turns.fetch_add(1, Ordering::Relaxed)
    }
}

fn recomputed(mut model: Arc<Model>, as_of: Timestamp, at: Timestamp) -> Result<View, ApiError> {
    Arc::make_mut(&mut model).recompute(at).map_err(ApiError::internal)?;
    Ok(View { model, as_of, at })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A project's stream, folded.
struct Folded {
    model: Model,
    /// The last version of the stream that is in it.
    version: u64,
    /// When the last of its facts was recorded, or what it began with was judged.
    last: Option<Timestamp>,
    /// What came in since the model that it began with was kept.
    since: Since,
}

/// Folds the facts of a project up to a position of the log, from the newest model that was kept and
/// can be asked for an instant.
async fn fold(
    store: &EventStore,
    key: Key,
    until: i64,
    earliest: Timestamp,
) -> Result<Folded, ApiError> {
    let mut folded = match snapshots::newest(store, key, until, earliest).await? {
        Some(Kept { model, version }) => Folded {
            version,
            last: model.at(),
            since: Since { facts: 0, held: model.size() },
            model,
        },
        None => Folded { model: Model::default(), version: 0, last: None, since: Since::default() },
    };
    let (tenant, project) = key;
    let stream = project.to_string();
    loop {
        let events =
            store.read_stream(tenant, Project::STREAM_TYPE, &stream, folded.version, PAGE).await?;
        let full = events.len() == PAGE;
        for event in events {
            if event.position > until {
                return Ok(folded);
            }
            let decoded: ProjectEvent = event.decode().map_err(ApiError::internal)?;
            for fact in facts(&decoded, event.recorded_at).map_err(ApiError::internal)? {
                folded.model.apply(&fact);
                folded.last = folded.last.max(Some(event.recorded_at));
                folded.since.facts += 1;
            }
            folded.version = event.stream_version;
        }
        if !full {
            return Ok(folded);
        }
    }
}
