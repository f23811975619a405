//! Why a project refuses what was asked of it, in words for the person who asked.

use studio_kernel::{Id, Timestamp, kind};

use super::{ControlId, RequirementId, TestId, TestResultId};
use crate::domain::score::{Excepted, Refusal};

/// The most characters of a text that says why.
const LONGEST_REASON: usize = 2_000;

/// A refusal. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such project.
    #[error("there is no project {id} that you can see: take an id from projects")]
    UnknownProject {
        /// Which field of the input named it.
        field: &'static str,
        /// The id.
        id: Id<kind::Project>,
    },
    /// The project is archived.
    #[error("project {id} is archived and takes no change: restore it first (restoreProject)")]
    Archived {
        /// Which field of the input led to it.
        field: &'static str,
        /// The id.
        id: Id<kind::Project>,
    },
    /// The project is in use.
    #[error("project {0} is not archived: there is nothing to restore")]
    NotArchived(Id<kind::Project>),
    /// Another project of the organization, one that is in use, has that name.
    #[error(
        "{} is called \"{name}\" already (small and capital letters count alike): choose another name",
        holder.map_or_else(|| "another project".to_owned(), |holder| format!("project {holder}"))
    )]
    NameTaken {
        /// The name.
        name: String,
        /// Who has it; `None` where whoever asks does not see that project.
        holder: Option<Id<kind::Project>>,
    },
    /// The framework was never imported.
    #[error("there is no such framework: import it first, or take an id from frameworks")]
    UnknownFramework,
    /// The framework is adopted already.
    #[error("the project has adopted this framework already")]
    AdoptedAlready,
    /// The framework is not one of the project's.
    #[error(
        "requirement {requirement} is in no framework that the project has adopted: adopt its framework first"
    )]
    UnknownRequirement {
        /// The field of the input that names it.
        field: &'static str,
        /// The requirement.
        requirement: RequirementId,
    },
    /// No such control in this project.
    #[error("there is no control {id} in this project: take an id from controls")]
    UnknownControl {
        /// Which field of the input named it.
        field: &'static str,
        /// The id.
        id: ControlId,
    },
    /// The control is retired.
    #[error("control {id} is retired: name one that is in force")]
    Retired {
        /// Which field of the input named it.
        field: &'static str,
        /// The id.
        id: ControlId,
    },
    /// No such test in this project.
    #[error("there is no test {id} in this project: take an id from a control's tests")]
    UnknownTest {
        /// Which field of the input named it.
        field: &'static str,
        /// The id.
        id: TestId,
    },
    /// The test is retired.
    #[error("test {id} is retired: name one that is done, or add a new one")]
    TestRetired {
        /// Which field of the input named it.
        field: &'static str,
        /// The id.
        id: TestId,
    },
    /// The scanner does the test.
    #[error(
        "this test counts a scanner's results: its method is TEST, and nobody signs its results off"
    )]
    NotByHand {
        /// Which field.
        field: &'static str,
    },
    /// No result of that id waits for anybody, or ever did.
    #[error("there is no result {0} that has to be signed off: take an id from testResults")]
    NothingToSign(TestResultId),
    /// The control is not retired.
    #[error("control {0} is in force: there is nothing to reinstate")]
    InForce(ControlId),
    /// A cadence that is none.
    #[error("reviewEveryDays must be 1 to {most}, or null for never")]
    Cadence {
        /// The most days.
        most: u32,
    },
    /// More than fit.
    #[error("{field} must hold at most {most} ids")]
    Many {
        /// Which field.
        field: &'static str,
        /// The most.
        most: usize,
    },
    /// The test counts a scanner's results.
    #[error(
        "this test counts the results of check \"{0}\": only manual tests take a result by hand"
    )]
    NotManual(String),
    /// What results are published as that a rule gives.
    #[error(
        "checks that begin with \"rule/\" are those of rules: add a test by a rule with addCodeTest"
    )]
    CheckOfARule,
    /// The test has no rule.
    #[error("test {0} has no rule: one is added with its rule (addCodeTest)")]
    NoRule(TestId),
    /// A name under which evidence cannot be handed in.
    #[error(
        "evidenceName must hold 1 to 64 of a-z, 0-9, \"-\" and \"_\", and begin with a letter or a \
         digit: it is a part of the address under which the evidence is handed in"
    )]
    EvidenceName,
    /// A result from the future.
    #[error(
        "a result cannot be true from {0} on, which lies ahead of this server's clock: leave \
         effectiveFrom out for now, or record the result when it is there"
    )]
    Ahead(Timestamp),
    /// The control has a test of that check.
    #[error("the control has a test of check \"{0}\" already")]
    SecondTest(String),
    /// The short name is taken.
    #[error("another control of the project is called \"{0}\": choose another code")]
    CodeTaken(String),
    /// Not a member.
    #[error("the control is no member of that requirement")]
    NotAMember,
    /// The dependency is there.
    #[error("the control depends on that one already with this strength")]
    DependsAlready,
    /// No such dependency.
    #[error("the control does not depend on that one")]
    NoDependency,
    /// Nothing of that id in this project.
    #[error("there is no {what} {id} that you can see: take an id from the project's lists")]
    Missing {
        /// What was meant.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// It does not wait for that.
    #[error("the {what} is {state} and does not wait for that: load it again")]
    NotOpen {
        /// Of what.
        what: &'static str,
        /// Where it stands.
        state: &'static str,
    },
    /// Whoever did something does not judge it.
    #[error("you {did} this {what} yourself: another person has to decide on it")]
    FourEyes {
        /// Of what.
        what: &'static str,
        /// What they did.
        did: &'static str,
    },
    /// A program has no judgement.
    #[error(
        "only a person may decide that, or a program that acts for one: sign in, or use a key of yours"
    )]
    NotAPerson {
        /// The field of the input that leads to it.
        field: &'static str,
    },
    /// The requirement was declared not applicable.
    #[error("declaration {id} says that already and is {state}: approve it, or withdraw it first")]
    DeclaredAlready {
        /// The declaration.
        id: String,
        /// Where it stands.
        state: &'static str,
    },
    /// The two requirements are mapped to each other.
    #[error("mapping {id} is between these requirements already and is {state}: withdraw it first")]
    MappedAlready {
        /// The mapping.
        id: String,
        /// Where it stands.
        state: &'static str,
    },
    /// A mapping within one framework.
    #[error("both requirements are of one framework: map requirements of two frameworks")]
    OneFramework,
    /// A check of which no control has a test.
    #[error(
        "no control in force has a test of check \"{0}\": take the check from a control's tests"
    )]
    UnknownCheck(String),
    /// A test that counts the results of a check.
    #[error("this test counts the results of check \"{0}\": name the check and a resource instead")]
    OfACheck(String),
    /// Neither, or both.
    #[error("name either a manual test (testId) or a check and a resource that fails it")]
    OneFailure,
    /// What does not fail needs no exception.
    #[error(
        "no such failure is known: take the check, the resource and its place from a finding that \
         fails, or a manual test whose newest result is a failure"
    )]
    NotFailing {
        /// Which field of the input named it.
        field: &'static str,
    },
    /// An end in the past, or too far ahead.
    #[error(
        "an exception cannot end on {at}: give an instant that is yet to come and at most {most} days ahead"
    )]
    Expiry {
        /// The end given.
        at: Timestamp,
        /// The most days.
        most: i64,
    },
    /// It ended before it was decided.
    #[error("the exception ended on {0}: propose it anew")]
    Expired(Timestamp),
    /// A control that has the same failure.
    #[error("control {0} is tested by what failed: name one that does not fail with it")]
    CompensatesItself(ControlId),
    /// Evidence that no score of the project rests on.
    #[error(
        "there is no evidence {id} of this project: take an id from its evidence, or leave it out"
    )]
    UnknownEvidence {
        /// Which field of the input named it.
        field: &'static str,
        /// The id.
        id: Id<kind::Evidence>,
    },
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
        /// What it is.
        actual: u32,
    },
    /// A text is missing or too long.
    #[error("{field} must hold 1 to {most} characters on one line")]
    Line {
        /// Which field.
        field: &'static str,
        /// The most characters.
        most: usize,
    },
    /// A text that says why is missing or too long.
    #[error("{field} must hold 1 to {most} characters")]
    Text {
        /// Which field.
        field: &'static str,
        /// The most characters.
        most: usize,
    },
    /// A text is too long.
    #[error("{field} must hold at most {most} characters")]
    Long {
        /// Which field.
        field: &'static str,
        /// The most characters.
        most: usize,
    },
    /// The formula cannot take the value.
    #[error("{refusal}")]
    Value {
        /// Which field.
        field: &'static str,
        /// Why not.
        refusal: Refusal,
    },
}

impl Refused {
    /// No such failure is known.
    pub const fn not_failing(on: &Excepted) -> Self {
        let field = match on {
            Excepted::Manual { .. } => "testId",
            Excepted::Resource { .. } => "resource",
        };
        Self::NotFailing { field }
    }

    /// The stable code of the user error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownProject { .. }
            | Self::UnknownFramework
            | Self::UnknownRequirement { .. }
            | Self::UnknownControl { .. }
            | Self::UnknownTest { .. }
            | Self::NothingToSign(_)
            | Self::UnknownCheck(_)
            | Self::UnknownEvidence { .. }
            | Self::Missing { .. } => "NOT_FOUND",
            Self::AdoptedAlready
            | Self::SecondTest(_)
            | Self::CodeTaken(_)
            | Self::NameTaken { .. }
            | Self::DeclaredAlready { .. }
            | Self::MappedAlready { .. }
            | Self::DependsAlready => "ALREADY_EXISTS",
            Self::Archived { .. } => "ARCHIVED",
            Self::NotArchived(_) => "NOT_ARCHIVED",
            Self::NotAMember | Self::NoDependency => "NOT_THERE",
            Self::InForce(_) => "NOT_RETIRED",
            Self::Retired { .. } | Self::TestRetired { .. } => "RETIRED",
            Self::NotManual(_) | Self::OfACheck(_) | Self::NotByHand { .. } => "NOT_MANUAL",
            Self::NotOpen { .. } => "NOT_OPEN",
            Self::FourEyes { .. } => "FOUR_EYES",
            Self::NotAPerson { .. } => "NOT_A_PERSON",
            Self::NotFailing { .. } => "NOT_FAILING",
            Self::Expired(_) => "EXPIRED",
            Self::Stale { .. } => "CONFLICT",
            Self::Ahead(_)
            | Self::Line { .. }
            | Self::Long { .. }
            | Self::Many { .. }
            | Self::Cadence { .. }
            | Self::Text { .. }
            | Self::OneFailure
            | Self::OneFramework
            | Self::Expiry { .. }
            | Self::CompensatesItself(_)
            | Self::CheckOfARule
            | Self::EvidenceName
            | Self::Value { .. } => "INVALID",
            Self::NoRule(_) => "NO_RULE",
        }
    }

    /// The field of the input that is meant.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::AdoptedAlready | Self::UnknownFramework => "frameworkId",
            Self::NotArchived(_)
            | Self::Missing { .. }
            | Self::NotOpen { .. }
            | Self::FourEyes { .. }
            | Self::NothingToSign(_)
            | Self::InForce(_)
            | Self::Expired(_) => "id",
            Self::Cadence { .. } => "reviewEveryDays",
            Self::DeclaredAlready { .. } => "requirementId",
            Self::MappedAlready { .. } | Self::OneFramework => "targetRequirementId",
            Self::UnknownCheck(_) => "check",
            Self::OneFailure | Self::OfACheck(_) => "testId",
            Self::Expiry { .. } => "expiresAt",
            Self::CompensatesItself(_) => "compensatingControlId",
            Self::NameTaken { .. } => "name",
            Self::NotAMember => "requirementId",
            Self::NotManual(_) | Self::NoRule(_) => "testId",
            Self::CheckOfARule => "check",
            Self::EvidenceName => "evidenceName",
            Self::Ahead(_) => "effectiveFrom",
            Self::SecondTest(_) => "check",
            Self::CodeTaken(_) => "code",
            Self::DependsAlready | Self::NoDependency => "dependsOnId",
            Self::Stale { .. } => "expectedVersion",
            Self::UnknownProject { field, .. }
            | Self::Archived { field, .. }
            | Self::UnknownRequirement { field, .. }
            | Self::UnknownControl { field, .. }
            | Self::Retired { field, .. }
            | Self::UnknownTest { field, .. }
            | Self::TestRetired { field, .. }
            | Self::UnknownEvidence { field, .. }
            | Self::NotByHand { field }
            | Self::Many { field, .. }
            | Self::Line { field, .. }
            | Self::Long { field, .. }
            | Self::Text { field, .. }
            | Self::NotAPerson { field }
            | Self::NotFailing { field }
            | Self::Value { field, .. } => field,
        }
    }
}

/// A line of text of at most `most` characters, trimmed.
pub(super) fn line(field: &'static str, text: &str, most: usize) -> Result<String, Refused> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || length > most || text.chars().any(char::is_control) {
        return Err(Refused::Line { field, most });
    }
    Ok(text.to_owned())
}

/// A text of at most `most` characters, line breaks included, trimmed.
pub(super) fn long(field: &'static str, text: &str, most: usize) -> Result<String, Refused> {
    let text = text.trim();
    let odd = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    if odd || text.chars().count() > most {
        return Err(Refused::Long { field, most });
    }
    Ok(text.to_owned())
}

/// A text that says why: it must be there.
pub(super) fn long_reason(field: &'static str, text: &str) -> Result<String, Refused> {
    match long(field, text, LONGEST_REASON) {
        Ok(text) if !text.is_empty() => Ok(text),
        _ => Err(Refused::Text { field, most: LONGEST_REASON }),
    }
}
