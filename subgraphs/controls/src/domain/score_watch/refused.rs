//! Why a target or an alert is refused, in words for the person who asked.

use super::{AlertId, FrameworkId};
use crate::domain::score_log::MOST_DAYS_BACK;

/// A refusal. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The framework is not one of the project's.
    #[error("the project has not adopted framework {0}: adopt it first, or take one of its own")]
    NotAdopted(FrameworkId),
    /// There is no target.
    #[error("there is no target for framework {0}: nothing is to be removed")]
    NoTarget(FrameworkId),
    /// There is no such alert.
    #[error("there is no alert {0} that you can see: take an id from the project's scoreAlerts")]
    NoAlert(AlertId),
    /// Points beyond what a score can be.
    #[error("{field} is {given}: give more than {least} and at most {most}")]
    Range {
        /// Which field.
        field: &'static str,
        /// What was given.
        given: String,
        /// More than that.
        least: &'static str,
        /// At most that.
        most: &'static str,
    },
    /// A target for a day that is over.
    #[error("by is {0}, which is over: give an instant that is yet to come")]
    Over(studio_kernel::Timestamp),
    /// None, or several.
    #[error("say one thing that the alert watches for: below, coverageBelow or dropsBy")]
    OneCondition,
    /// No days, or too many.
    #[error("withinDays is {0}: give 1 to {MOST_DAYS_BACK}")]
    Days(u32),
    /// The name is missing or too long.
    #[error("name must hold 1 to {most} characters on one line")]
    Name {
        /// The most characters.
        most: usize,
    },
    /// Of something that was not raised, or was raised anew since.
    #[error(
        "the alert is not raised for the {given}. time: load it again and acknowledge what you see \
         there"
    )]
    NotRaised {
        /// The raising that was named.
        given: u32,
    },
    /// Somebody acknowledged it.
    #[error("somebody has acknowledged that already")]
    Acknowledged,
    /// Too many of them.
    #[error("the project has {0} alerts already: remove one first (removeScoreAlert)")]
    TooMany(usize),
    /// Somebody else was first.
    #[error(
        "the {what} is at version {actual}, and you expected {expected}: somebody changed it; \
         load it again and decide again"
    )]
    Stale {
        /// Of what.
        what: &'static str,
        /// What was expected.
        expected: u32,
        /// What it is; 0 where there is none.
        actual: u32,
    },
}

impl Refused {
    /// The stable code of the user error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAdopted(_) | Self::NoTarget(_) | Self::NoAlert(_) => "NOT_FOUND",
            Self::Range { .. }
            | Self::Over(_)
            | Self::OneCondition
            | Self::Days(_)
            | Self::Name { .. } => "INVALID",
            Self::NotRaised { .. } => "NOT_RAISED",
            Self::Acknowledged => "ALREADY_ACKNOWLEDGED",
            Self::TooMany(_) => "TOO_MANY",
            Self::Stale { .. } => "CONFLICT",
        }
    }

    /// The field of the input that is meant.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::NotAdopted(_) | Self::NoTarget(_) => "frameworkId",
            Self::NoAlert(_) => "id",
            Self::Range { field, .. } => field,
            Self::Over(_) => "by",
            Self::OneCondition => "when",
            Self::Days(_) => "when",
            Self::Name { .. } => "name",
            Self::NotRaised { .. } | Self::Acknowledged => "raising",
            Self::TooMany(_) => "projectId",
            Self::Stale { .. } => "expectedVersion",
        }
    }
}
