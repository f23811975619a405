//! The enums of the schema, and what they are in the domain.

use async_graphql::Enum;

use crate::domain::score;

/// How far a control is in place.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "score::Implementation")]
pub(super) enum ImplementationState {
    /// Not yet: it counts nothing.
    Planned,
    /// In part: it counts half.
    Partial,
    /// Wholly.
    Implemented,
}

impl ImplementationState {
    /// The name in the read models.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Planned => "PLANNED",
            Self::Partial => "PARTIAL",
            Self::Implemented => "IMPLEMENTED",
        }
    }

    pub(super) fn of(name: &str) -> Self {
        match name {
            "IMPLEMENTED" => Self::Implemented,
            "PARTIAL" => Self::Partial,
            _ => Self::Planned,
        }
    }
}

/// Which controls adopting a framework makes.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AdoptControls {
    /// None: map your own.
    None,
    /// One for each requirement, a member of it with share 1.
    OnePerRequirement,
}

/// What came out of a manual test.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "score::Outcome")]
pub(super) enum TestOutcome {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It could not be decided.
    Unknown,
}

/// How much of another control's loss a control suffers.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "score::Strength")]
pub(super) enum DependencyStrength {
    /// All of it: 1.
    Full,
    /// Half of it: 0.5.
    Half,
    /// Some of it: 0.3.
    Weak,
}

impl DependencyStrength {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "FULL" => Self::Full,
            "HALF" => Self::Half,
            _ => Self::Weak,
        }
    }
}

/// How much of the score a requirement moves.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Importance {
    /// Weight 1.
    Normal,
    /// Weight 2.
    High,
    /// Weight 3.
    Critical,
}

impl Importance {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "CRITICAL" => Self::Critical,
            "HIGH" => Self::High,
            _ => Self::Normal,
        }
    }
}

/// The verdict on a requirement or control, as in NIST SP 800-53A. It stands apart from the number.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "score::Verdict")]
pub(super) enum Verdict {
    /// Proven in full.
    Satisfied,
    /// Some failure is known.
    OtherThanSatisfied,
    /// Not enough is known.
    Undetermined,
}

/// What moved a score.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScoreCauseKind {
    /// Something was recorded.
    Fact,
    /// Time passed: evidence went stale, or a result took effect.
    Clock,
}
