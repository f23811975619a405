//! The enums of the schema, and what they are in the domain.

use async_graphql::Enum;

use crate::domain::{project, score};

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

/// What came out of a test.
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

impl TestOutcome {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "PASSED" => Self::Passed,
            "FAILED" => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// How an assessor goes about a test (NIST SP 800-53A).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "project::Method")]
pub(super) enum AssessmentMethod {
    /// By looking at documents, records and mechanisms.
    Examine,
    /// By asking people.
    Interview,
    /// By trying whether it does what it should.
    Test,
}

impl AssessmentMethod {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "EXAMINE" => Self::Examine,
            "INTERVIEW" => Self::Interview,
            _ => Self::Test,
        }
    }
}

/// Whether a pass has to be signed off.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignOff {
    /// It counts at once.
    None,
    /// It counts once another person has signed it off. What is no pass counts at once.
    Required,
}

impl From<SignOff> for bool {
    fn from(sign_off: SignOff) -> Self {
        sign_off == SignOff::Required
    }
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

    /// The name in the read models.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
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

/// Where something stands that one person proposes and another one approves.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "project::ReviewState")]
pub(super) enum ReviewState {
    /// It waits for somebody else's decision, and counts for nothing.
    Proposed,
    /// It was approved.
    Approved,
    /// It was refused.
    Rejected,
    /// It was taken back, or ended after it had counted.
    Withdrawn,
}

impl ReviewState {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "APPROVED" => Self::Approved,
            "REJECTED" => Self::Rejected,
            "WITHDRAWN" => Self::Withdrawn,
            _ => Self::Proposed,
        }
    }

    /// The name in the read models.
    pub(super) fn name(self) -> &'static str {
        project::ReviewState::from(self).as_str()
    }
}

/// What a requirement is to one of another framework (NIST IR 8477, OSCAL).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "score::Relation")]
pub(super) enum RequirementRelation {
    /// The same, word for word: it carries all, either way.
    Equal,
    /// The same in other words: it carries all, either way.
    Equivalent,
    /// A part of the other one: it carries its strength in tenths, and all the other way.
    Subset,
    /// All of the other one and more: it carries all, and its strength in tenths the other way.
    Superset,
    /// They have something in common: it carries its strength in tenths, at most half, and only as a
    /// single step.
    Intersects,
}

/// How bad a nonconformity is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "score::Grade")]
pub(super) enum NonconformityGrade {
    /// The control does not achieve what it is there for: it counts at most 0.49.
    Major,
    /// It does, in the main: it counts at most 0.8.
    Minor,
}

impl NonconformityGrade {
    pub(super) fn of(name: &str) -> Self {
        if name == "MINOR" { Self::Minor } else { Self::Major }
    }
}

/// Where a nonconformity stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "project::NonconformityState")]
pub(super) enum NonconformityState {
    /// It waits for a correction.
    Open,
    /// It waits for somebody else who verifies the correction.
    Corrected,
    /// It is done with.
    Closed,
}

impl NonconformityState {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "CORRECTED" => Self::Corrected,
            "CLOSED" => Self::Closed,
            _ => Self::Open,
        }
    }

    /// The name in the read models.
    pub(super) fn name(self) -> &'static str {
        project::NonconformityState::from(self).as_str()
    }
}

/// What moved a score.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScoreCauseKind {
    /// Something was recorded.
    Fact,
    /// Time passed: evidence went stale, or a result took effect.
    Clock,
}
