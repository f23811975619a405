//! What the engine is told. A [`Statement`] is plain data, as an event or a person gives it; a
//! [`Fact`] is a statement whose numbers have been checked, and the only thing that
//! [`Model::apply`](super::Model::apply) takes. So no value can be wild once it is inside.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use studio_kernel::Timestamp;

use super::{
    ControlId, EvidenceId, ExceptionId, Fixed, FrameworkId, MappingId, NonconformityId,
    NotApplicableId, RequirementId, TestId,
    evidence::EvidenceRef,
    exception::Exception,
    inheritance::Mapping,
    refusal::{Refusal, check},
};

/// One thing that is true of a project. Stating a thing again replaces what was stated before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Statement {
    /// The project answers to this framework, by these requirements and no others.
    FrameworkAdopted {
        /// The framework.
        framework: FrameworkId,
        /// Its requirements, each once.
        requirements: Vec<WeightedRequirement>,
    },
    /// A control exists, is implemented so far, and is in force or retired.
    ControlStated {
        /// The control.
        control: ControlId,
        /// How far it is implemented.
        implementation: Implementation,
        /// Retired controls are no members of anything (rule 4).
        retired: bool,
    },
    /// A control is tested in this way.
    TestStated {
        /// The test.
        test: TestId,
        /// The control that it tests.
        control: ControlId,
        /// Its weight among the tests of the control, above 0 and at most 1000.
        weight: Fixed,
        /// A key test caps the control (rule 4).
        key: bool,
        /// Days for which a pass stays fresh, 1 to 36500.
        validity_days: u32,
        /// The check whose summaries it counts; `None` for a test done by hand.
        check: Option<String>,
    },
    /// A test is no longer done.
    TestRemoved {
        /// The test.
        test: TestId,
    },
    /// A scan counted the resources of one account and region under one check.
    CheckSummarized {
        /// The scanner's id of the check.
        check: String,
        /// The cloud account.
        account: String,
        /// The region, or `global`.
        region: String,
        /// What was counted.
        reading: Reading,
    },
    /// Somebody did a manual test.
    ManualResult {
        /// The test.
        test: TestId,
        /// What came out.
        outcome: Outcome,
        /// When it began to be true.
        effective_from: Timestamp,
        /// When it ceased to be known true, where that is stated.
        effective_to: Option<Timestamp>,
        /// When it was observed.
        collected_at: Timestamp,
        /// When the controls log recorded it.
        recorded_at: Timestamp,
        /// What it rests on.
        evidence: Option<EvidenceRef>,
    },
    /// A version of an evidence item was rejected, or its bytes do not match its hash.
    EvidenceRejected {
        /// The evidence.
        evidence: EvidenceId,
        /// The rejected version.
        version: u32,
    },
    /// A control can be no better than another one lets it be (rule 5).
    DependencyStated {
        /// The control that depends.
        control: ControlId,
        /// The control that it depends on.
        on: ControlId,
        /// How much of the other's loss it suffers.
        strength: Strength,
    },
    /// A dependency is no more.
    DependencyRemoved {
        /// The control that depended.
        control: ControlId,
        /// The control that it depended on.
        on: ControlId,
    },
    /// A control or a group of controls meets a share of a requirement (rule 6).
    MemberStated {
        /// The requirement.
        requirement: RequirementId,
        /// Who meets it.
        member: Member,
        /// The share, above 0 and at most 1000; 1 is the whole requirement.
        share: Fixed,
    },
    /// A member no longer counts for a requirement.
    MemberRemoved {
        /// The requirement.
        requirement: RequirementId,
        /// The member.
        member: MemberKey,
    },
    /// Two people decided that a requirement does not apply to the project (rule 3).
    NotApplicableStated {
        /// The requirement.
        requirement: RequirementId,
        /// The declaration that says so.
        declaration: NotApplicableId,
    },
    /// That declaration holds no more; another one may.
    NotApplicableEnded {
        /// The requirement.
        requirement: RequirementId,
        /// The declaration.
        declaration: NotApplicableId,
    },
    /// A control does not do what it should, and that is an open finding on it (rule 4).
    NonconformityOpened {
        /// The nonconformity.
        nonconformity: NonconformityId,
        /// The control.
        control: ControlId,
        /// How bad it is.
        grade: Grade,
        /// Since when it is open.
        from: Timestamp,
    },
    /// A nonconformity was closed: what corrected it was verified.
    NonconformityClosed {
        /// The nonconformity.
        nonconformity: NonconformityId,
        /// The control.
        control: ControlId,
        /// When it was closed.
        until: Timestamp,
    },
    /// Resources of a place began or ceased to fail a check. It is said before the counts that it
    /// belongs to.
    FailingChanged {
        /// The scanner's id of the check.
        check: String,
        /// The cloud account.
        account: String,
        /// The region, or `global`.
        region: String,
        /// Resources that fail from now on.
        added: BTreeSet<String>,
        /// Resources that do not any more.
        removed: BTreeSet<String>,
    },
    /// A failure is excepted for a time, as two people decided (rule 3).
    ExceptionStated {
        /// The exception's id.
        exception: ExceptionId,
        /// What it says.
        stated: Exception,
    },
    /// Two requirements have something in common, as two people decided (rule 6).
    MappingStated {
        /// The mapping's id.
        mapping: MappingId,
        /// What it says.
        stated: Mapping,
    },
    /// A mapping is no more.
    MappingEnded {
        /// The mapping.
        mapping: MappingId,
    },
    /// An exception ends before its time.
    ExceptionEnded {
        /// The exception.
        exception: ExceptionId,
        /// When.
        until: Timestamp,
    },
}

/// How bad a nonconformity is (ISO/IEC 17021-1, 3.12 and 3.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Grade {
    /// It affects whether the control achieves what it is there for.
    Major,
    /// It does not.
    Minor,
}

/// A requirement of a framework and what it weighs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightedRequirement {
    /// The requirement.
    pub requirement: RequirementId,
    /// Its weight (rule 7).
    pub importance: Importance,
}

/// The weight W of a requirement in its framework (rule 7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Importance {
    /// W = 1.
    #[default]
    Normal,
    /// W = 2.
    High,
    /// W = 3.
    Critical,
}

impl Importance {
    /// W.
    pub const fn weight(self) -> u32 {
        match self {
            Self::Normal => 1,
            Self::High => 2,
            Self::Critical => 3,
        }
    }
}

/// How far a control is implemented (OSCAL `implementation-status`), which gives the factor I of
/// rule 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Implementation {
    /// I = 0.
    Planned,
    /// I = 0.5.
    Partial,
    /// I = 1.
    Implemented,
}

impl Implementation {
    /// I.
    pub const fn factor(self) -> Fixed {
        match self {
            Self::Planned => Fixed::ZERO,
            Self::Partial => Fixed::from_units(500_000_000_000),
            Self::Implemented => Fixed::ONE,
        }
    }

    /// I as a number of halves, so that it multiplies without a rounding.
    pub(super) const fn halves(self) -> i128 {
        match self {
            Self::Planned => 0,
            Self::Partial => 1,
            Self::Implemented => 2,
        }
    }
}

/// The strength d of a dependency (rule 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Strength {
    /// d = 1: the control is no better than what it depends on.
    Full,
    /// d = 0.5.
    Half,
    /// d = 0.3.
    Weak,
}

impl Strength {
    /// The strength that this number names; `None` for any number but 1, 0.5 and 0.3.
    pub fn from_f64(strength: f64) -> Option<Self> {
        [Self::Full, Self::Half, Self::Weak]
            .into_iter()
            .find(|known| (known.factor().to_f64() - strength).abs() < 1e-9)
    }

    /// d.
    pub const fn factor(self) -> Fixed {
        match self {
            Self::Full => Fixed::ONE,
            Self::Half => Fixed::from_units(500_000_000_000),
            Self::Weak => Fixed::from_units(300_000_000_000),
        }
    }

    /// How much of a loss travels: `d * loss`, halves of a unit rounded towards the loss. It never
    /// exceeds the loss, which is what makes the fixpoint of rule 5 a matter of paths.
    pub(super) const fn carry(self, loss: i64) -> i64 {
        match self {
            Self::Full => loss,
            Self::Half => (loss + 1) / 2,
            Self::Weak => (3 * loss + 5) / 10,
        }
    }
}

/// What came out of a manual test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It could not be decided.
    Unknown,
}

/// Who meets a share of a requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Member {
    /// One control.
    Control(ControlId),
    /// Any one of several controls: the best of them counts.
    AnyOf {
        /// The name of the group within the requirement.
        group: String,
        /// Its controls, at least one.
        controls: BTreeSet<ControlId>,
    },
}

impl Member {
    /// What the member is called within its requirement.
    pub fn key(&self) -> MemberKey {
        match self {
            Self::Control(control) => MemberKey::Control(*control),
            Self::AnyOf { group, .. } => MemberKey::Group(group.clone()),
        }
    }
}

/// What a member is called within its requirement. Controls stand before groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MemberKey {
    /// A single control.
    Control(ControlId),
    /// A group, by its name.
    Group(String),
}

/// Counts of resources with the times and the evidence that they rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// Resources looked at: `passed + failed + unknown`.
    pub population: u32,
    /// Resources that pass.
    pub passed: u32,
    /// Resources that fail.
    pub failed: u32,
    /// Resources of which nothing is known: errors, manual and muted ones.
    pub unknown: u32,
    /// When it began to be true.
    pub effective_from: Timestamp,
    /// When it ceased to be known true, where the source says so.
    pub effective_to: Option<Timestamp>,
    /// When it was collected.
    pub collected_at: Timestamp,
    /// When the controls log recorded it.
    pub recorded_at: Timestamp,
    /// What it rests on; a check always rests on something.
    pub evidence: Option<EvidenceRef>,
    /// The version of the rule that gave it, where a rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_version: Option<u32>,
}

/// A statement whose numbers were checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Statement", into = "Statement")]
pub struct Fact(Statement);

impl Fact {
    /// Checks a statement.
    ///
    /// # Errors
    /// A [`Refusal`] that names the value which can never be right.
    pub fn new(statement: Statement) -> Result<Self, Refusal> {
        check(&statement)?;
        Ok(Self(statement))
    }

    /// What is stated.
    pub fn statement(&self) -> &Statement {
        &self.0
    }

    /// For statements that come out of the model itself, and so out of facts.
    pub(super) fn known(statement: Statement) -> Self {
        Self(statement)
    }
}

impl TryFrom<Statement> for Fact {
    type Error = Refusal;

    fn try_from(statement: Statement) -> Result<Self, Refusal> {
        Self::new(statement)
    }
}

impl From<Fact> for Statement {
    fn from(fact: Fact) -> Self {
        fact.0
    }
}
