//! What mutations of targets and alerts are given.

use async_graphql::{ID, InputObject};
use studio_service::graphql::Instant;

use crate::domain::{
    score::Fixed,
    score_watch::{Condition, Refused, TargetTerms},
};

/// Where a score is to be, and by when.
#[derive(InputObject)]
pub(super) struct SetScoreTargetInput {
    /// The project.
    pub(super) project_id: ID,
    /// A framework that it has adopted.
    pub(super) framework_id: ID,
    /// Points that are to be proven, more than 0 and at most 100.
    score: f64,
    /// The share of the weight that is to be decided, more than 0 and at most 1; leave out where that
    /// does not matter.
    coverage: Option<f64>,
    /// By when: yet to come.
    pub(super) by: Instant,
    /// The version of the target that you have seen; 0 where there is none yet.
    pub(super) expected_version: u32,
}

impl SetScoreTargetInput {
    pub(super) fn terms(&self) -> async_graphql::Result<TargetTerms> {
        Ok(TargetTerms {
            score: fixed(self.score),
            coverage: self.coverage.map(fixed),
            by: self.by.named("input.by")?,
        })
    }
}

/// A target to be removed.
#[derive(InputObject)]
pub(super) struct RemoveScoreTargetInput {
    /// The project.
    pub(super) project_id: ID,
    /// The framework.
    pub(super) framework_id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
}

/// When an alert is raised: give one of these.
#[derive(InputObject)]
pub(super) struct ScoreAlertConditionInput {
    /// Fewer points are proven than this: more than 0 and at most 100.
    below: Option<f64>,
    /// A smaller share of the weight is decided than this: more than 0 and at most 1.
    coverage_below: Option<f64>,
    /// So much less is proven than at some time within the last days.
    drops_by: Option<ScoreDropInput>,
}

/// A drop of a score.
#[derive(InputObject)]
pub(super) struct ScoreDropInput {
    /// So many points or more, more than 0 and at most 100.
    points: f64,
    /// Compared with today and so many UTC days before it, 1 to 90.
    within_days: u32,
}

impl ScoreAlertConditionInput {
    pub(super) fn read(&self) -> Result<Condition, Refused> {
        match (self.below, self.coverage_below, &self.drops_by) {
            (Some(score), None, None) => Ok(Condition::Below { score: fixed(score) }),
            (None, Some(coverage), None) => {
                Ok(Condition::CoverageBelow { coverage: fixed(coverage) })
            }
            (None, None, Some(drop)) => {
                Ok(Condition::DropsBy { points: fixed(drop.points), within_days: drop.within_days })
            }
            _ => Err(Refused::OneCondition),
        }
    }
}

/// An alert to be set.
#[derive(InputObject)]
pub(super) struct CreateScoreAlertInput {
    /// The project.
    pub(super) project_id: ID,
    /// A framework that it has adopted.
    pub(super) framework_id: ID,
    /// Its name, in a line of at most 200 characters.
    pub(super) name: String,
    /// When it is raised.
    pub(super) when: ScoreAlertConditionInput,
}

/// An alert to be changed. What is left out stays.
#[derive(InputObject)]
pub(super) struct ChangeScoreAlertInput {
    /// The alert.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// Its name, in a line of at most 200 characters.
    pub(super) name: Option<String>,
    /// When it is raised.
    pub(super) when: Option<ScoreAlertConditionInput>,
}

/// An alert to be removed.
#[derive(InputObject)]
pub(super) struct RemoveScoreAlertInput {
    /// The alert.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
}

/// An alert whose raising you have seen.
#[derive(InputObject)]
pub(super) struct AcknowledgeScoreAlertInput {
    /// The alert.
    pub(super) id: ID,
    /// The how many-th time it was raised, as you have seen it (`raising`): if it was raised again since,
    /// nothing is acknowledged.
    pub(super) raising: u32,
}

/// What is beyond every score stays beyond it, and is refused by name.
fn fixed(number: f64) -> Fixed {
    Fixed::from_f64(number.clamp(-1e6, 1e6)).unwrap_or_default()
}
