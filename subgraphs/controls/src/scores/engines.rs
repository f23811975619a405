//! Which projects' models are in memory. They hold so many facts together at most; whichever was not
//! asked for or changed for the longest leaves, and is loaded again when it is of use. Of one that
//! rests this alone is remembered: when time moves it next.
//!
//! Always holds: a model that is in memory counts every fact up to the worker's position.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use studio_kernel::Timestamp;
use studio_service::ApiError;
use tokio::task::JoinSet;

use super::{Key, Scores, Slots, fold, lock, slot::Slot, watched::Watched};
use crate::domain::score_log::ScoreLog;

/// Projects that are loaded at a time, beside what else is done.
const LOADS: usize = 2;

/// A project that was loaded.
pub(super) struct Load {
    key: Key,
    number: u64,
    slot: Slot,
}

/// The models of a worker.
pub(super) struct Engines {
    scores: Scores,
    loaded: Slots,
    /// When time next moves each of the projects that rest; `None` for never.
    resting: HashMap<Key, Option<Timestamp>>,
    /// Projects that time has moved, and those that nobody has looked at since the start.
    due: BTreeSet<Key>,
    /// What is being loaded, and by which of the loads. Whatever is loaded otherwise meanwhile is struck
    /// out: what the load brings may lack what has happened.
    loading: HashMap<Key, u64>,
    loads: JoinSet<Result<Load, ApiError>>,
    published: bool,
}

impl Engines {
    /// With nothing in memory; these projects are all looked at once.
    pub(super) fn new(scores: Scores, projects: Vec<Key>) -> Self {
        Self {
            scores,
            loaded: Slots::new(),
            resting: HashMap::new(),
            due: projects.into_iter().collect(),
            loading: HashMap::new(),
            loads: JoinSet::new(),
            published: false,
        }
    }

    /// Lets queries read these models, and those of the worker before no longer.
    pub(super) fn publish(&mut self) {
        self.published = true;
        lock(&self.scores.0.slots).clone_from(&self.loaded);
    }

    pub(super) fn are_published(&self) -> bool {
        self.published
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<Mutex<Slot>>> {
        self.loaded.get(&key).cloned()
    }

    /// Everything that is in memory.
    pub(super) fn in_memory(&self) -> Vec<(Key, Arc<Mutex<Slot>>)> {
        self.loaded.iter().map(|(key, slot)| (*key, slot.clone())).collect()
    }

    /// A project to which something has happened, as it was at a position before that, and whether it
    /// was loaded for it.
    pub(super) async fn of(
        &mut self,
        key: Key,
        position: i64,
    ) -> Result<(Arc<Mutex<Slot>>, bool), ApiError> {
        let used = self.scores.turn();
        if let Some(slot) = self.get(key) {
            lock(&slot).used = used;
            return Ok((slot, false));
        }
        let mut slot = open(&self.scores, key, position).await?;
        slot.used = used;
        Ok((self.insert(key, slot), true))
    }

    fn insert(&mut self, key: Key, slot: Slot) -> Arc<Mutex<Slot>> {
        let slot = Arc::new(Mutex::new(slot));
        self.loading.remove(&key);
        self.due.remove(&key);
        self.resting.remove(&key);
        self.loaded.insert(key, slot.clone());
        if self.published {
            lock(&self.scores.0.slots).insert(key, slot.clone());
        }
        slot
    }

    /// Has those loaded that time has moved by now.
    pub(super) fn rouse(&mut self, now: Timestamp) {
        let moved = self.resting.iter().filter(|(_, next)| next.is_some_and(|next| next <= now));
        self.due.extend(moved.map(|(key, _)| *key));
    }

    /// Answers those who asked for what is in memory, makes room, and has loaded what is asked for or
    /// due as it is at this position.
    pub(super) fn tend(&mut self, position: i64) {
        let asked: Vec<Key> = {
            let mut wanted = lock(&self.scores.0.wanted);
            wanted.retain(|key, asking| {
                asking.retain(|one| !one.is_closed());
                let Some(slot) = self.loaded.get(key) else { return !asking.is_empty() };
                let mut slot = lock(slot);
                slot.used = self.scores.turn();
                for one in asking.drain(..) {
                    // Whoever asked may have gone meanwhile.
                    drop(one.send(slot.model.clone()));
                }
                false
            });
            wanted.keys().copied().collect()
        };
        self.make_room();
        let due: Vec<Key> = self.due.iter().copied().take(LOADS).collect();
        for key in asked.into_iter().chain(due) {
            if self.loads.len() >= LOADS {
                return;
            }
            self.due.remove(&key);
            if self.loaded.contains_key(&key) || self.loading.contains_key(&key) {
                continue;
            }
            let number = self.scores.turn();
            self.loading.insert(key, number);
            let scores = self.scores.clone();
            self.loads.spawn(async move {
                let slot = open(&scores, key, position).await?;
                Ok(Load { key, number, slot })
            });
        }
    }

    /// The next project that is loaded; `None` while nothing is being loaded.
    pub(super) async fn loaded(&mut self) -> Option<Result<Load, ApiError>> {
        let loaded = self.loads.join_next().await?;
        Some(loaded.unwrap_or_else(|panicked| Err(ApiError::internal(panicked))))
    }

    /// Puts what was loaded where it belongs, if nothing happened to the project meanwhile.
    pub(super) fn take_up(
        &mut self,
        Load { key, number, mut slot }: Load,
        position: i64,
    ) -> Option<(Key, Arc<Mutex<Slot>>)> {
        if self.loading.get(&key) != Some(&number) {
            return None;
        }
        slot.through = slot.through.max(position);
        Some((key, self.insert(key, slot)))
    }

    /// Lets those go that were of no use for the longest, until the others hold no more than they may.
    /// The one that was used last stays, however large it is. Nothing of what leaves is loaded again before
    /// [`tend`](Self::tend): by then what followed from it is recorded.
    pub(super) fn make_room(&mut self) {
        let most = self.scores.0.most_held;
        let mut held = 0;
        let mut by_use = BTreeMap::new();
        for (key, slot) in &self.loaded {
            let slot = lock(slot);
            held += slot.held;
            by_use.insert((slot.used, *key), (slot.held, slot.model.next_change()));
        }
        by_use.pop_last();
        for ((_, key), (holds, next_change)) in by_use {
            if held <= most {
                return;
            }
            held -= holds;
            self.loaded.remove(&key);
            self.resting.insert(key, next_change);
            if self.published {
                lock(&self.scores.0.slots).remove(&key);
            }
        }
    }
}

/// A project as of a position of the log, or of its newest recorded score where that counts more,
/// computed at the instant of its last fact or of that score.
async fn open(scores: &Scores, key: Key, until: i64) -> Result<Slot, ApiError> {
    let store = &scores.0.store;
    let (tenant, project) = key;
    let recorded = store.load::<ScoreLog>(tenant, &project.to_string()).await?;
    scores.may_continue(&recorded.state)?;
    let until = until.max(recorded.state.through);
    // What it is judged at is never before what it begins with was.
    let mut folded = fold(store, key, until, Timestamp::from_micros(i64::MAX)).await?;
    let at: Option<Timestamp> = folded.last.max(recorded.state.at);
    if let Some(at) = at {
        folded.model.recompute(at).map_err(ApiError::internal)?;
    }
    Ok(Slot {
        project,
        held: folded.model.size(),
        used: 0,
        model: Arc::new(folded.model),
        version: folded.version,
        through: until,
        since: folded.since,
        uncompacted: 0,
        watched: Watched::open(store, key, until).await?,
        recorded: recorded.state,
        score_version: recorded.version,
    })
}

#[cfg(test)]
mod tests;
