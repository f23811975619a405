//! What moved a score within a period: the project's events, read again one by one from its stream,
//! and the clock between them.

use studio_events::Recorded;
use studio_kernel::{Aggregate, Code, Id, TenantId, Timestamp, kind};
use studio_service::ApiError;

use super::{Key, PAGE, Period, Scores, fold};
use crate::domain::{
    project::{Project, events::ProjectEvent, facts},
    score::{FrameworkScore, Step, Walk},
};

/// Events that one page may pass over: beyond that, a shorter period has to be asked for.
const MOST_EVENTS: usize = 100_000;

/// The place of a step: everything up to this position of the log was taken in, and the clock had come
/// to this instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) position: i64,
    pub(crate) at: Timestamp,
}

/// A step of a score, and what it comes of.
pub(crate) struct Moved {
    pub(crate) place: Place,
    pub(crate) step: Step,
    /// `None` where time alone moved it.
    pub(crate) cause: Option<Cause>,
}

/// The event that moved a score.
pub(crate) struct Cause {
    pub(crate) recorded: Recorded,
    pub(crate) event: ProjectEvent,
}

/// A score at the ends of a period.
pub(crate) struct Ends {
    pub(crate) from: Option<FrameworkScore>,
    pub(crate) to: Option<FrameworkScore>,
}

impl Scores {
    /// The score of a framework at the ends of a period, as `asOf` gives it.
    pub(crate) async fn ends(
        &self,
        (tenant, project): (TenantId, Id<kind::Project>),
        framework: Id<kind::Framework>,
        period: Period,
    ) -> Result<Ends, ApiError> {
        let from = self.view(tenant, project, Some(period.from), None).await?;
        let to = self.view(tenant, project, Some(period.to), None).await?;
        Ok(Ends { from: from.model.framework(framework), to: to.model.framework(framework) })
    }

    /// At most `limit` steps of the score of a framework within a period, after a place; without one,
    /// from its beginning.
    pub(crate) async fn moves(
        &self,
        key: Key,
        framework: Id<kind::Framework>,
        period: Period,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Moved>, ApiError> {
        let (first, last) = self.positions(period).await?;
        let begin = after.unwrap_or(Place { position: first, at: period.from });
        if !(first..=last).contains(&begin.position)
            || !(period.from..=period.to).contains(&begin.at)
        {
            return Err(ApiError::new(
                Code::BadRequest,
                "That cursor is of another period: pass it with the from and to that it came with.",
            ));
        }
        let folded = fold(&self.0.store, key, begin.position, begin.at).await?;
        let walk = Walk::new(folded.model, framework, begin.at).map_err(ApiError::internal)?;
        let mut found = Found { walk, place: begin, moves: Vec::new(), limit };
        let (mut version, mut passed) = (folded.version, 0);
        let (tenant, stream) = (key.0, key.1.to_string());
        loop {
            let store = &self.0.store;
            let events =
                store.read_stream(tenant, Project::STREAM_TYPE, &stream, version, PAGE).await?;
            let full = events.len() == PAGE;
            for event in events {
                if event.position > last {
                    return found.end(period.to);
                }
                version = event.stream_version;
                if found.take(event)? {
                    return Ok(found.moves);
                }
            }
            if !full {
                return found.end(period.to);
            }
            passed += PAGE;
            if passed >= MOST_EVENTS {
                return Err(ApiError::new(
                    Code::BadRequest,
                    format!(
                        "More than {MOST_EVENTS} events lie between what moved this score: ask for \
                         a shorter period."
                    ),
                ));
            }
        }
    }

    /// The positions of the log at the ends of a period.
    async fn positions(&self, period: Period) -> Result<(i64, i64), ApiError> {
        let store = &self.0.store;
        let first = store.position_as_of(period.from).await?;
        Ok((first, store.position_as_of(period.to).await?))
    }
}

/// A walk and what it found.
struct Found {
    walk: Walk,
    place: Place,
    moves: Vec<Moved>,
    limit: usize,
}

impl Found {
    /// Takes an event in, and the time that passed before it. Answers whether there is enough.
    fn take(&mut self, recorded: Recorded) -> Result<bool, ApiError> {
        let event: ProjectEvent = recorded.decode().map_err(ApiError::internal)?;
        let facts = facts(&event, recorded.recorded_at).map_err(ApiError::internal)?;
        if facts.is_empty() {
            return Ok(false);
        }
        let at = self.place.at.max(recorded.recorded_at);
        self.pass(at)?;
        self.place = Place { position: recorded.position, at };
        if let Some(step) = self.walk.take(&facts, at).map_err(ApiError::internal)? {
            let cause = Some(Cause { recorded, event });
            self.moves.push(Moved { place: self.place, step, cause });
        }
        Ok(self.cut())
    }

    fn pass(&mut self, until: Timestamp) -> Result<(), ApiError> {
        for step in self.walk.pass(until).map_err(ApiError::internal)? {
            self.place.at = step.at;
            self.moves.push(Moved { place: self.place, step, cause: None });
        }
        Ok(())
    }

    fn end(mut self, to: Timestamp) -> Result<Vec<Moved>, ApiError> {
        self.pass(to)?;
        self.cut();
        Ok(self.moves)
    }

    /// Leaves no more than was asked for.
    fn cut(&mut self) -> bool {
        self.moves.truncate(self.limit);
        self.moves.len() >= self.limit
    }
}
