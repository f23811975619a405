//! Targets: where a score is to be, and by when.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, Timestamp, event, kind};

use super::{
    FrameworkId, ProjectId, Refused, ScoreWatch, ScoreWatchEvent, UserId, alerts::within,
    must_be_adopted,
};
use crate::domain::{
    project::Project,
    score::{Fixed, FrameworkScore},
};

const WHAT: &str = "target";

/// A score is to be somewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreTargetSet {
    /// The project.
    pub project: Id<kind::Project>,
    /// The framework.
    pub framework: Id<kind::Framework>,
    /// Where, and by when.
    pub terms: TargetTerms,
    /// Who set it; none where a program did.
    pub set_by: Option<Id<kind::User>>,
}
event!(ScoreTargetSet, "controls.score_target.set", 1);

/// A score has no target any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreTargetRemoved {
    /// The project.
    pub project: Id<kind::Project>,
    /// The framework.
    pub framework: Id<kind::Framework>,
    /// Who removed it; none where a program did.
    pub removed_by: Option<Id<kind::User>>,
}
event!(ScoreTargetRemoved, "controls.score_target.removed", 1);

/// Where a score is to be, and by when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetTerms {
    /// Points proven, more than 0 and at most 100.
    pub score: Fixed,
    /// The share of the weight that is decided, where that is wanted too.
    pub coverage: Option<Fixed>,
    /// By when.
    pub by: Timestamp,
}

/// A target as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// How often it was set: what `expectedVersion` is compared with.
    pub version: u32,
    /// Where, and by when.
    pub terms: TargetTerms,
}

impl TargetTerms {
    /// Points that are proven too few: 0 where it is reached.
    pub fn points_missing(&self, score: &FrameworkScore) -> Fixed {
        let lo = score.value.map_or(Fixed::ZERO, |value| value.lo);
        missing(self.score, lo)
    }

    /// The share of the weight that is decided too little: 0 where it is enough.
    pub fn coverage_missing(&self, score: &FrameworkScore) -> Fixed {
        let decided = score.value.map_or(Fixed::ZERO, |value| value.coverage);
        missing(self.coverage.unwrap_or(Fixed::ZERO), decided)
    }

    /// Whether a score is there.
    pub fn is_met(&self, score: &FrameworkScore) -> bool {
        [self.points_missing(score), self.coverage_missing(score)] == [Fixed::ZERO; 2]
    }
}

/// What is lacking; a billionth, which no reader sees, is nothing.
fn missing(wanted: Fixed, there: Fixed) -> Fixed {
    if within(there, wanted) {
        Fixed::ZERO
    } else {
        Fixed::from_units(wanted.units() - there.units())
    }
}

impl ScoreWatch {
    /// Sets the target of a framework, or another one in its place.
    pub fn set_target(
        &self,
        of: (&Project, ProjectId, FrameworkId),
        terms: TargetTerms,
        expected: u32,
        (now, by): (Timestamp, Option<UserId>),
    ) -> Result<Vec<ScoreWatchEvent>, Refused> {
        let (state, project, framework) = of;
        must_be_adopted(state, framework)?;
        let actual = self.targets.get(&framework).map_or(0, |target| target.version);
        if actual != expected {
            return Err(Refused::Stale { what: WHAT, expected, actual });
        }
        range("score", terms.score, HUNDRED, "100")?;
        if let Some(coverage) = terms.coverage {
            range("coverage", coverage, Fixed::ONE, "1")?;
        }
        if terms.by <= now {
            return Err(Refused::Over(terms.by));
        }
        Ok(vec![ScoreTargetSet { project, framework, terms, set_by: by }.into()])
    }

    /// Removes the target of a framework.
    pub fn remove_target(
        &self,
        project: ProjectId,
        framework: FrameworkId,
        expected: u32,
        by: Option<UserId>,
    ) -> Result<Vec<ScoreWatchEvent>, Refused> {
        let target = self.targets.get(&framework).ok_or(Refused::NoTarget(framework))?;
        if target.version != expected {
            return Err(Refused::Stale { what: WHAT, expected, actual: target.version });
        }
        Ok(vec![ScoreTargetRemoved { project, framework, removed_by: by }.into()])
    }

    pub(super) fn target_set(&mut self, set: &ScoreTargetSet) {
        let before = self.targets.get(&set.framework).map_or(0, |target| target.version);
        self.targets.insert(set.framework, Target { version: before + 1, terms: set.terms });
    }
}

pub(super) const HUNDRED: Fixed = Fixed::from_units(100 * Fixed::ONE.units());

/// More than 0 and at most `largest`.
pub(super) fn range(
    field: &'static str,
    given: Fixed,
    largest: Fixed,
    most: &'static str,
) -> Result<(), Refused> {
    if given > Fixed::ZERO && given <= largest {
        return Ok(());
    }
    Err(Refused::Range { field, given: given.to_string(), least: "0", most })
}
