//! One project's live model, and the scores that were last recorded of it.

use std::sync::Arc;

use studio_kernel::{Id, Timestamp, kind};
use studio_service::ApiError;

use super::{
    snapshots::Since,
    watched::{Watched, Watching},
};
use crate::domain::{
    score::{Fact, Model},
    score_log::{Cause, MOST_CAUSES, ScoreChanged, ScoreEvent, ScoreLog, ScoreNumbers},
    score_watch::{Moment, judge},
};

/// Facts after which a model drops what cannot count any more.
const COMPACT_AFTER: usize = 10_000;

/// A project in memory.
pub(super) struct Slot {
    pub(super) project: Id<kind::Project>,
    /// When it was last of use: the later, the larger.
    pub(super) used: u64,
    /// About how many facts the model holds.
    pub(super) held: usize,
    /// Queries hold on to it while they read; the worker then works on a copy.
    pub(super) model: Arc<Model>,
    /// The last version of the project's stream that is in the model.
    pub(super) version: u64,
    /// The position of the log up to which the model counts every fact.
    pub(super) through: i64,
    /// What came in since a model was kept.
    pub(super) since: Since,
    /// Facts that were applied since the model last dropped what cannot count any more.
    pub(super) uncompacted: usize,
    /// What its scores are watched for.
    pub(super) watched: Watched,
    /// What was recorded, those changes included that are about to be.
    pub(super) recorded: ScoreLog,
    /// The version of the score stream, the same.
    pub(super) score_version: u64,
}

/// What a batch of the log says about one project, in the order of the log.
pub(super) struct News {
    /// The position at which the batch ends.
    pub(super) through: i64,
    /// Events that hold facts.
    pub(super) events: Vec<Noted>,
    /// What its scores are watched for from then on.
    pub(super) watched: Vec<Watching>,
}

/// An event that holds facts.
pub(super) struct Noted {
    /// The version of the project's stream at which it stands.
    pub(super) version: u64,
    pub(super) cause: Cause,
    pub(super) facts: Vec<Fact>,
}

impl Slot {
    /// Takes a batch in. What moved is to be recorded: first what the clock had moved by then.
    /// Events that are in the model already are passed over.
    pub(super) fn take(&mut self, news: News) -> Result<Vec<ScoreEvent>, ApiError> {
        let known = self.version;
        let watching = self.watched.take(news.watched);
        let fresh: Vec<Noted> =
            news.events.into_iter().filter(|event| event.version > known).collect();
        let Some(last) = fresh.last() else {
            self.through = self.through.max(news.through);
            return Ok(self.alerts(&watching));
        };
        let (version, recorded_at) = (last.version, last.cause.recorded_at);
        let mut changes = self.advance(recorded_at)?;
        let model = Arc::make_mut(&mut self.model);
        for fact in fresh.iter().flat_map(|event| &event.facts) {
            model.apply(fact);
        }
        let facts = fresh.iter().map(|event| event.facts.len()).sum::<usize>();
        self.uncompacted += facts;
        self.since.facts += facts;
        self.held += facts;
        self.version = version;
        self.through = self.through.max(news.through);
        let at = model.at().map_or(recorded_at, |computed| computed.max(recorded_at));
        model.recompute(at).map_err(ApiError::internal)?;
        let count = u32::try_from(fresh.len()).unwrap_or(u32::MAX);
        let causes = fresh.into_iter().take(MOST_CAUSES).map(|event| event.cause).collect();
        changes.extend(self.differences(at, causes, count));
        // Live questions are of now or later; the past is replayed from the log.
        if self.uncompacted > COMPACT_AFTER {
            let model = Arc::make_mut(&mut self.model);
            model.compact();
            self.held = model.size();
            self.uncompacted = 0;
        }
        Ok(changes)
    }

    /// What differs from the newest recorded scores though nothing is new: what another version of
    /// the formula gives, or what was not recorded.
    pub(super) fn settle(&mut self) -> Vec<ScoreEvent> {
        self.model.at().map_or_else(Vec::new, |at| self.differences(at, Vec::new(), 0))
    }

    /// Lets time pass up to an instant, one change after the other.
    pub(super) fn advance(&mut self, until: Timestamp) -> Result<Vec<ScoreEvent>, ApiError> {
        let mut changes = Vec::new();
        let Some(mut computed) = self.model.at() else { return Ok(changes) };
        while let Some(change) = self.model.next_change().filter(|change| *change <= until) {
            let at = change.max(computed);
            let model = Arc::make_mut(&mut self.model);
            model.recompute(at).map_err(ApiError::internal)?;
            changes.extend(self.differences(at, Vec::new(), 0));
            let stuck = self.model.next_change().is_some_and(|next| next <= at);
            computed = at;
            if stuck {
                break;
            }
        }
        // Ages are shown in days: a new day is a new model even where no number moves.
        if computed.day() < until.day() {
            Arc::make_mut(&mut self.model).recompute(until).map_err(ApiError::internal)?;
            changes.extend(self.differences(until, Vec::new(), 0));
        }
        Ok(changes)
    }

    /// What is raised and cleared by what people watch for from now on.
    fn alerts(&mut self, watching: &[Cause]) -> Vec<ScoreEvent> {
        let (Some(last), Some(computed)) = (watching.last(), self.model.at()) else {
            return Vec::new();
        };
        let moment = Moment {
            project: self.project,
            at: computed.max(last.recorded_at),
            causes: watching,
            cause_count: u32::try_from(watching.len()).unwrap_or(u32::MAX),
        };
        judge(&mut self.recorded, self.watched.watch(), moment)
    }

    /// What differs from the newest recorded scores, and the alerts that it raises and clears; from now
    /// on it counts as recorded.
    fn differences(
        &mut self,
        at: Timestamp,
        causes: Vec<Cause>,
        cause_count: u32,
    ) -> Vec<ScoreEvent> {
        let mut changes: Vec<ScoreEvent> = Vec::new();
        for framework in self.model.frameworks() {
            let Some(score) = self.model.framework(framework) else { continue };
            let now = ScoreNumbers::from(&score);
            let before = self.recorded.newest.get(&framework);
            if before == Some(&now) {
                continue;
            }
            let changed = ScoreChanged {
                project: self.project,
                framework,
                as_of: at,
                at,
                through: self.through,
                before: before.cloned(),
                now,
                causes: causes.clone(),
                cause_count,
            };
            changes.push(changed.into());
        }
        for change in &changes {
            self.recorded.take(change);
        }
        let moment = Moment { project: self.project, at, causes: &causes, cause_count };
        changes.extend(judge(&mut self.recorded, self.watched.watch(), moment));
        changes
    }
}
