//! Follows the log and records the scores that move. A batch is everything that is committed when
//! the worker looks: it never ends within an append, so no score is of half a change.
//!
//! Every process follows, so that each can answer live queries; the one that was elected records
//! what moved. One that becomes the recorder, or ceases to be it, begins anew from the log, and goes
//! on answering from the models it has until it has caught up.
//!
//! A model is in memory while it is of use ([`Engines`]): a project is loaded when something happens
//! to it, when somebody asks for its live scores, when time moves them, and once after a start, for
//! what moved meanwhile. Whoever asks, and what is recorded, cannot tell.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use studio_access::Resource;
use studio_events::{
    Append, AppendError, ConsumerCheckpoint, Election, Expected, Metadata, Recorded, StoreError,
    StreamAppend, Term,
};
use studio_kernel::{Actor, Aggregate, TenantId};
use studio_service::ApiError;
use tokio_util::sync::CancellationToken;

use super::{
    Key, PAGE, Scores,
    engines::{Engines, Load},
    lock,
    slot::{News, Noted, Slot},
    snapshots,
    watched::Watching,
};
use crate::{
    domain::{
        project::{Project, events::ProjectEvent, facts},
        score_log::{Cause, ScoreEvent, ScoreLog},
        score_watch::ScoreWatch,
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

/// Why the worker starts anew.
pub(super) enum Left {
    /// This process became the one that records, or is no longer.
    HandedOver,
    /// Another process was faster.
    Raced(AppendError),
    /// Something is wrong.
    Fault(ApiError),
}

impl From<ApiError> for Left {
    fn from(error: ApiError) -> Self {
        Self::Fault(error)
    }
}

impl From<StoreError> for Left {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

/// Runs until it is cancelled. After a fault everything is read anew from the log, which is safe
/// at any point.
pub(crate) async fn run(
    scores: Scores,
    tick: Duration,
    election: Election,
    shutdown: CancellationToken,
) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let left = tokio::select! {
            () = shutdown.cancelled() => return,
            left = follow(&scores, tick, &election, &mut pause) => left,
        };
        match left {
            Left::HandedOver => continue,
            Left::Raced(error) => {
                tracing::info!(%error, "another process recorded scores first: the score engine starts anew");
            }
            Left::Fault(error) => {
                tracing::error!(%error, "the score engine stumbled and starts anew");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(30)),
        }
    }
}

/// Follows the log for as long as nothing goes wrong and nobody else is elected.
async fn follow(
    scores: &Scores,
    tick: Duration,
    election: &Election,
    pause: &mut Duration,
) -> Left {
    let mut worker = match Worker::start(scores, election.term()).await {
        Ok(worker) => worker,
        Err(left) => return left,
    };
    let mut wake = scores.0.store.wake();
    let mut clock = tokio::time::interval(tick);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        wake.borrow_and_update();
        if let Err(left) = worker.batch().await {
            return left;
        }
        worker.engines.tend(worker.position);
        *pause = SHORTEST_PAUSE;
        let step = tokio::select! {
            () = handed_over(&worker.term, election) => return Left::HandedOver,
            changed = wake.changed() => match changed {
                Ok(()) => Ok(()),
                Err(_) => return ApiError::internal("the event store is closed").into(),
            },
            () = scores.0.asked.notified() => Ok(()),
            Some(loaded) = worker.engines.loaded() => worker.take_up(loaded).await,
            _ = clock.tick() => worker.time_passes().await,
        };
        if let Err(left) = step {
            return left;
        }
    }
}

/// Waits until this process becomes the one that records, or is it no longer.
async fn handed_over(term: &Option<Term>, election: &Election) {
    match term {
        Some(term) => term.ended().cancelled().await,
        None => drop(election.elected().await),
    }
}

pub(super) struct Worker<'a> {
    scores: &'a Scores,
    /// While this process records what moves.
    term: Option<Term>,
    engines: Engines,
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
    changes: Vec<ScoreEvent>,
}

impl<'a> Worker<'a> {
    /// Takes up where the last one left off, and reads from the checkpoint to the head. Then queries
    /// read its models.
    pub(super) async fn start(scores: &'a Scores, term: Option<Term>) -> Result<Self, Left> {
        let store = &scores.0.store;
        let saved = store.checkpoint(CHECKPOINT).await?;
        let mut projects = Vec::new();
        for (tenant, project) in scored_projects(store).await.map_err(ApiError::from)? {
            let tenant = tenant.parse().map_err(ApiError::internal)?;
            projects.push((tenant, project.parse().map_err(ApiError::internal)?));
        }
        let engines = Engines::new(scores.clone(), projects);
        let mut worker = Self { scores, term, engines, position: saved, saved, tenant: None };
        if worker.term.is_some() {
            snapshots::drop_others(store).await?;
        }
        worker.batch().await?;
        worker.engines.publish();
        worker.reached(worker.position);
        Ok(worker)
    }

    /// Keeps the models of these projects for replays, where it is time for that.
    async fn keep_models(&self, keys: &[Key]) {
        if self.term.is_none() {
            return;
        }
        for key in keys {
            if let Some(slot) = self.engines.get(*key) {
                snapshots::keep_due(&self.scores.0.store, *key, &slot).await;
            }
        }
    }

    fn reached(&self, position: i64) {
        self.scores.0.reached.send_if_modified(|reached| {
            let moved = *reached < position;
            *reached = position.max(*reached);
            moved
        });
    }

    /// Takes in all that is committed by now.
    async fn batch(&mut self) -> Result<(), Left> {
        let store = &self.scores.0.store;
        let head = store.head();
        let mut news: BTreeMap<Key, News> = BTreeMap::new();
        let mut read = self.position;
        while read < head {
            let events = store.read(read, PAGE).await?;
            let Some(last) = events.last() else {
                return Err(
                    ApiError::internal(format!("the log ends at {read}, before {head}")).into()
                );
            };
            read = last.position;
            self.tenant = Some(last.tenant);
            for event in events.iter().filter(|event| event.position <= head) {
                note(event, head, &mut news)?;
            }
        }
        let mut changes = Vec::new();
        let touched: Vec<Key> = news.keys().copied().collect();
        for (key, news) in news {
            let (slot, fresh) = self.engines.of(key, self.position).await?;
            if fresh {
                changes.extend(collect(key, &slot, |slot| Ok(slot.settle()))?);
            }
            changes.extend(collect(key, &slot, |slot| slot.take(news))?);
            // What is to be recorded is collected: a batch of all projects needs no more room than one.
            self.engines.make_room();
        }
        // Queries may read the models now: what is recorded below follows from them.
        if self.engines.are_published() {
            self.reached(head);
        }
        let position = head.max(self.position);
        self.record(changes, position).await?;
        self.position = position;
        self.keep_models(&touched).await;
        if let Some(tenant) = self.tenant.filter(|_| self.position - self.saved > UNSAVED) {
            let mut append = Append::new(tenant, Metadata::system(SYSTEM), Vec::new());
            append.checkpoint = Some(checkpoint(self.position));
            self.append(append).await?;
            self.saved = self.position;
        }
        Ok(())
    }

    /// Appends in this process's term; without one nothing is recorded.
    async fn append(&self, append: Append) -> Result<(), Left> {
        let Some(term) = &self.term else { return Ok(()) };
        match self.scores.0.store.append(term.fenced(append)).await {
            Ok(_) => Ok(()),
            Err(AppendError::Deposed { .. }) => {
                term.deposed();
                Err(Left::HandedOver)
            }
            Err(error @ (AppendError::Conflict { .. } | AppendError::CheckpointMoved { .. })) => {
                Err(Left::Raced(error))
            }
            Err(error) => Err(ApiError::from(error).into()),
        }
    }

    /// Lets the clock move what it moves. Projects that rest are loaded for it.
    async fn time_passes(&mut self) -> Result<(), Left> {
        let now = self.scores.0.env.now();
        let mut changes = Vec::new();
        for (key, slot) in self.engines.in_memory() {
            changes.extend(collect(key, &slot, |slot| slot.advance(now))?);
        }
        self.engines.rouse(now);
        self.record(changes, self.position).await
    }

    /// Takes up a project that was loaded: what moved while it rested, or while nobody looked.
    async fn take_up(&mut self, loaded: Result<Load, ApiError>) -> Result<(), Left> {
        let taken = self.engines.take_up(loaded?, self.position);
        let Some((key, slot)) = taken else { return Ok(()) };
        let now = self.scores.0.env.now();
        let mut changes = Vec::new();
        changes.extend(collect(key, &slot, |slot| Ok(slot.settle()))?);
        changes.extend(collect(key, &slot, |slot| slot.advance(now))?);
        self.record(changes, self.position).await?;
        self.keep_models(&[key]).await;
        Ok(())
    }

    /// Records changes, and with the last of them the checkpoint.
    async fn record(&mut self, changes: Vec<Changes>, position: i64) -> Result<(), Left> {
        if self.term.is_none() {
            return Ok(());
        }
        let mut left = changes.len();
        for Changes { key: (tenant, project), before, changes } in changes {
            left -= 1;
            scores_may_be_recorded(self.scores, tenant)?;
            let stream = StreamAppend::of::<ScoreLog>(
                project.to_string(),
                Expected::Version(before),
                changes,
            )
            .map_err(ApiError::internal)?;
            let mut append = Append::new(tenant, Metadata::system(SYSTEM), vec![stream]);
            if left == 0 && position > self.saved {
                append.checkpoint = Some(checkpoint(position));
                self.saved = position;
            }
            self.append(append).await?;
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

/// Does something to a slot and collects what is to be recorded.
fn collect(
    key: Key,
    slot: &Mutex<Slot>,
    work: impl FnOnce(&mut Slot) -> Result<Vec<ScoreEvent>, ApiError>,
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
    let watches = event.stream_type == ScoreWatch::STREAM_TYPE;
    if event.stream_type != Project::STREAM_TYPE && !watches {
        return Ok(());
    }
    let cause = Cause {
        event: event.event_id,
        position: event.position,
        event_type: event.event_type.clone(),
        recorded_at: event.recorded_at,
    };
    let project = event.stream_id.parse().map_err(ApiError::internal)?;
    let (key, version) = ((event.tenant, project), event.stream_version);
    let none = || News { through: head, events: Vec::new(), watched: Vec::new() };
    if watches {
        let event = event.decode().map_err(ApiError::internal)?;
        let news = news.entry(key).or_insert_with(none);
        news.watched.push(Watching { version, cause, event });
        return Ok(());
    }
    let decoded: ProjectEvent = event.decode().map_err(ApiError::internal)?;
    let facts = facts(&decoded, event.recorded_at).map_err(ApiError::internal)?;
    if !facts.is_empty() {
        news.entry(key).or_insert_with(none).events.push(Noted { version, cause, facts });
    }
    Ok(())
}
