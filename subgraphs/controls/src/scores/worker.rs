//! Follows the log and records the scores that move. A batch is everything that is committed when
//! the worker looks: it never ends within an append, so no score is of half a change.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use studio_access::Resource;
use studio_events::{Append, ConsumerCheckpoint, Expected, Metadata, Recorded, StreamAppend};
use studio_kernel::{Actor, Aggregate, TenantId, Timestamp};
use studio_service::ApiError;
use tokio_util::sync::CancellationToken;

use super::{
    Key, PAGE, Scores, fold, lock,
    slot::{News, Noted, Slot},
};
use crate::{
    domain::{
        project::{Project, events::ProjectEvent, facts},
        score_log::{Cause, ScoreChanged, ScoreLog},
    },
    projections::read::scored_projects,
};

/// The worker's checkpoint in this subgraph's log; no projection has this name.
const CHECKPOINT: &str = "score_engine";
/// The name under which scores are recorded.
const SYSTEM: &str = "controls.score_engine";
/// How long to wait after the first fault; doubled with each further one in a row.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// Positions without any score that may be looked at again after a stop.
const UNSAVED: i64 = 1_000;

/// Runs until it is cancelled. After a fault everything is read anew from the log, which is safe
/// at any point.
pub(crate) async fn run(scores: Scores, tick: Duration, shutdown: CancellationToken) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let fault = tokio::select! {
            () = shutdown.cancelled() => return,
            fault = follow(&scores, tick, &mut pause) => fault,
        };
        tracing::error!(error = %fault, "the score engine stumbled and starts anew");
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(30)),
        }
    }
}

/// Follows the log for as long as nothing goes wrong.
async fn follow(scores: &Scores, tick: Duration, pause: &mut Duration) -> ApiError {
    let mut worker = match Worker::start(scores).await {
        Ok(worker) => worker,
        Err(error) => return error,
    };
    let mut wake = scores.0.store.wake();
    let mut clock = tokio::time::interval(tick);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        wake.borrow_and_update();
        if let Err(error) = worker.batch().await {
            return error;
        }
        *pause = SHORTEST_PAUSE;
        tokio::select! {
            changed = wake.changed() => if changed.is_err() {
                return ApiError::internal("the event store is closed");
            },
            _ = clock.tick() => if let Err(error) = worker.time_passes().await {
                return error;
            },
        }
    }
}

struct Worker<'a> {
    scores: &'a Scores,
    /// Everything up to here is in the models, and what followed from it is recorded.
    position: i64,
    /// The checkpoint on record.
    saved: i64,
    /// The organization of the last event that was read: a checkpoint alone is recorded in its name.
    tenant: Option<TenantId>,
}

/// What is to be recorded of one project.
struct Changes {
    key: Key,
    before: u64,
    changes: Vec<ScoreChanged>,
}

impl<'a> Worker<'a> {
    /// Takes up where the last one left off: the models of all projects as of the checkpoint.
    async fn start(scores: &'a Scores) -> Result<Self, ApiError> {
        let store = &scores.0.store;
        let saved = store.checkpoint(CHECKPOINT).await?;
        // Queries wait until the models are there.
        scores.0.reached.send_replace(-1);
        let mut slots = HashMap::new();
        for (tenant, project) in scored_projects(store).await? {
            let key = (
                tenant.parse().map_err(ApiError::internal)?,
                project.parse().map_err(ApiError::internal)?,
            );
            slots.insert(key, open(scores, key, saved).await?);
        }
        let opened: Vec<_> = slots.iter().map(|(key, slot)| (*key, slot.clone())).collect();
        *lock(&scores.0.slots) = slots;
        let mut worker = Self { scores, position: saved, saved, tenant: None };
        let mut changes = Vec::new();
        for (key, slot) in opened {
            changes.extend(collect(key, &slot, |slot| Ok(slot.settle()))?);
        }
        worker.record(changes, saved).await?;
        worker.batch().await?;
        worker.time_passes().await?;
        Ok(worker)
    }

    /// Takes in all that is committed by now.
    async fn batch(&mut self) -> Result<(), ApiError> {
        let store = &self.scores.0.store;
        let head = store.head();
        let mut news: BTreeMap<Key, News> = BTreeMap::new();
        let mut read = self.position;
        while read < head {
            let events = store.read(read, PAGE).await?;
            let Some(last) = events.last() else {
                return Err(ApiError::internal(format!("the log ends at {read}, before {head}")));
            };
            read = last.position;
            self.tenant = Some(last.tenant);
            for event in events.iter().filter(|event| event.position <= head) {
                note(event, head, &mut news)?;
            }
        }
        let mut changes = Vec::new();
        for (key, news) in news {
            let slot = match self.scores.slot(key) {
                Some(slot) => slot,
                None => {
                    // What came before this batch; the batch itself is taken in below.
                    let slot = open(self.scores, key, self.position).await?;
                    lock(&self.scores.0.slots).insert(key, slot.clone());
                    slot
                }
            };
            changes.extend(collect(key, &slot, |slot| slot.take(news))?);
        }
        // Queries may read the models now: what is recorded below follows from them.
        self.scores.0.reached.send_if_modified(|reached| {
            let moved = *reached < head;
            *reached = head.max(*reached);
            moved
        });
        let position = head.max(self.position);
        self.record(changes, position).await?;
        self.position = position;
        if let Some(tenant) = self.tenant.filter(|_| self.position - self.saved > UNSAVED) {
            let mut append = Append::new(tenant, Metadata::system(SYSTEM), Vec::new());
            append.checkpoint = Some(checkpoint(self.position));
            store.append(append).await.map_err(ApiError::internal)?;
            self.saved = self.position;
        }
        Ok(())
    }

    /// Lets the clock move what it moves.
    async fn time_passes(&mut self) -> Result<(), ApiError> {
        let now = self.scores.0.env.now();
        let slots: Vec<_> =
            lock(&self.scores.0.slots).iter().map(|(key, slot)| (*key, slot.clone())).collect();
        let mut changes = Vec::new();
        for (key, slot) in slots {
            changes.extend(collect(key, &slot, |slot| slot.advance(now))?);
        }
        self.record(changes, self.position).await
    }

    /// Records changes, and with the last of them the checkpoint.
    async fn record(&mut self, changes: Vec<Changes>, position: i64) -> Result<(), ApiError> {
        let store = &self.scores.0.store;
        let mut left = changes.len();
        for Changes { key: (tenant, project), before, changes } in changes {
            left -= 1;
            scores_may_be_recorded(self.scores, tenant)?;
            let events = changes.into_iter().map(Into::into).collect();
            let stream = StreamAppend::of::<ScoreLog>(
                project.to_string(),
                Expected::Version(before),
                events,
            )
            .map_err(ApiError::internal)?;
            let mut append = Append::new(tenant, Metadata::system(SYSTEM), vec![stream]);
            if left == 0 && position > self.saved {
                append.checkpoint = Some(checkpoint(position));
                self.saved = position;
            }
            store.append(append).await.map_err(ApiError::internal)?;
        }
        Ok(())
    }
}

/// The engine is an actor like any other.
fn scores_may_be_recorded(scores: &Scores, tenant: TenantId) -> Result<(), ApiError> {
    let resource = Resource::any("Score", tenant);
    let actor = Actor::system(tenant, SYSTEM);
    match scores.0.policy.require(&actor, "controls:score:record", &resource) {
        Ok(_scope) => Ok(()),
        Err(denied) => Err(ApiError::internal(denied)),
    }
}

fn checkpoint(position: i64) -> ConsumerCheckpoint {
    ConsumerCheckpoint { name: CHECKPOINT.to_owned(), position }
}

/// A project as of a position of the log, or of its newest recorded score where that counts more,
/// computed at the instant of its last fact or of that score.
async fn open(scores: &Scores, key: Key, until: i64) -> Result<Arc<Mutex<Slot>>, ApiError> {
    let store = &scores.0.store;
    let (tenant, project) = key;
    let recorded = store.load::<ScoreLog>(tenant, &project.to_string()).await?;
    let until = until.max(recorded.state.through);
    let mut folded = fold(store, key, until).await?;
    let at: Option<Timestamp> = folded.last.max(recorded.state.at);
    if let Some(at) = at {
        folded.model.recompute(at).map_err(ApiError::internal)?;
    }
    Ok(Arc::new(Mutex::new(Slot {
        project,
        model: Arc::new(folded.model),
        version: folded.version,
        through: until,
        uncompacted: 0,
        recorded: recorded.state,
        score_version: recorded.version,
    })))
}

/// Does something to a slot and collects what is to be recorded.
fn collect(
    key: Key,
    slot: &Mutex<Slot>,
    work: impl FnOnce(&mut Slot) -> Result<Vec<ScoreChanged>, ApiError>,
) -> Result<Option<Changes>, ApiError> {
    let mut slot = lock(slot);
    let changes = work(&mut slot)?;
    if changes.is_empty() {
        return Ok(None);
    }
    let before = slot.score_version;
    slot.score_version += changes.len() as u64;
    Ok(Some(Changes { key, before, changes }))
}

/// Notes what an event of a batch that ends at `head` says about its project.
fn note(event: &Recorded, head: i64, news: &mut BTreeMap<Key, News>) -> Result<(), ApiError> {
    if event.stream_type != Project::STREAM_TYPE {
        return Ok(());
    }
    let decoded: ProjectEvent = event.decode().map_err(ApiError::internal)?;
    let facts = facts(&decoded, event.recorded_at).map_err(ApiError::internal)?;
    if facts.is_empty() {
        return Ok(());
    }
    let project = event.stream_id.parse().map_err(ApiError::internal)?;
    let news = news
        .entry((event.tenant, project))
        .or_insert_with(|| News { through: head, events: Vec::new() });
    news.events.push(Noted {
        version: event.stream_version,
        cause: Cause {
            event: event.event_id,
            position: event.position,
            event_type: event.event_type.clone(),
            recorded_at: event.recorded_at,
        },
        facts,
    });
    Ok(())
}
