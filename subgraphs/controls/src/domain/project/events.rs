//! What happens to a project. One stream holds all of it: a project is the boundary within which
//! Studio promises consistency (no dependency on a control that is not there, one test per control
//! and check), and its stream alone replays its scores.

use std::collections::{BTreeMap, BTreeSet};

pub use super::{
    applicability::{
        NotApplicableApproved, NotApplicableProposed, NotApplicableRejected, NotApplicableWithdrawn,
    },
    control_life::{ControlReinstated, ControlReviewed},
    crosswalk::{MappingApproved, MappingProposed, MappingRejected, MappingWithdrawn},
    exceptions::{ExceptionApproved, ExceptionProposed, ExceptionRejected, ExceptionRevoked},
    nonconformities::{
        CorrectionRejected, NonconformityClosed, NonconformityCorrected, NonconformityOpened,
    },
    rules::TestRuleChanged,
    test_life::{TestChanged, TestRetired},
    test_results::{TestResultRecorded, TestResultRejected, TestResultSignedOff},
};
use serde::{Deserialize, Serialize};
pub use studio_kernel::published::controls::{
    CheckResultsMatched, ControlTestAdded, ProjectArchived, ProjectCreated, ProjectRenamed,
    ProjectRestored,
};
use studio_kernel::{Id, Timestamp, event, events, kind};

use crate::domain::score::{Fixed, Implementation, Importance, Member, Strength};

/// A project adopted a framework: its requirements count from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameworkAdopted {
    /// The project.
    pub project: Id<kind::Project>,
    /// The framework.
    pub framework: Id<kind::Framework>,
    /// The document that it was imported from: names the framework's stream.
    pub sha256: String,
    /// Its requirements.
    pub requirements: Vec<AdoptedRequirement>,
    /// Controls made with it, each a member of its requirement with share 1.
    pub controls: Vec<AdoptedControl>,
    /// The state of those controls.
    pub implementation: Implementation,
}
event!(FrameworkAdopted, "controls.framework.adopted", 1);

/// A requirement that a project adopted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdoptedRequirement {
    /// The requirement.
    pub requirement: Id<kind::Requirement>,
    /// How much of the score it moves.
    pub importance: Importance,
}

/// A control made for a requirement at adoption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdoptedControl {
    /// The control.
    pub control: Id<kind::Control>,
    /// The requirement that it meets.
    pub requirement: Id<kind::Requirement>,
    /// Its short name, unique in the project.
    pub code: String,
    /// What it is, in a line.
    pub title: String,
}

/// A control was stated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlCreated {
    /// The project.
    pub project: Id<kind::Project>,
    /// The control.
    pub control: Id<kind::Control>,
    /// Its short name, unique in the project.
    pub code: String,
    /// What it is.
    pub stated: ControlText,
}
event!(ControlCreated, "controls.control.created", 1);

/// What is said of a control and may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlText {
    /// In a line.
    pub title: String,
    /// In full.
    pub description: String,
    /// How far it is in place.
    pub implementation: Implementation,
    /// Who answers for it.
    pub owner: Option<Id<kind::User>>,
    /// What it covers: systems, places, people. Empty where nobody said, as in older logs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// After how many days somebody has to look at it again, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_every_days: Option<u32>,
}

/// A control was changed: this is all that is said of it now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlUpdated {
    /// The project.
    pub project: Id<kind::Project>,
    /// The control.
    pub control: Id<kind::Control>,
    /// What it is now.
    pub stated: ControlText,
}
event!(ControlUpdated, "controls.control.updated", 1);

/// A control is no longer in force: it is a member of nothing any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlRetired {
    /// The project.
    pub project: Id<kind::Project>,
    /// The control.
    pub control: Id<kind::Control>,
    /// Its state when it was retired.
    pub implementation: Implementation,
    /// Why.
    pub reason: String,
}
event!(ControlRetired, "controls.control.retired", 1);

/// A control became a member of a requirement, by itself or within an any-of group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequirementMapped {
    /// The project.
    pub project: Id<kind::Project>,
    /// The requirement.
    pub requirement: Id<kind::Requirement>,
    /// The control.
    pub control: Id<kind::Control>,
    /// The member as it is now: of a group, all its controls.
    pub member: Member,
    /// The member's share in the requirement.
    pub share: Fixed,
}
event!(RequirementMapped, "controls.requirement.mapped", 1);

/// A control is no longer a member of a requirement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequirementUnmapped {
    /// The project.
    pub project: Id<kind::Project>,
    /// The requirement.
    pub requirement: Id<kind::Requirement>,
    /// The control.
    pub control: Id<kind::Control>,
    /// The any-of group that it leaves, if it was in one.
    pub group: Option<String>,
    /// What remains of the group, and its share.
    pub remaining: Option<(Member, Fixed)>,
}
event!(RequirementUnmapped, "controls.requirement.unmapped", 1);

/// A control rests on another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependencyAdded {
    /// The project.
    pub project: Id<kind::Project>,
    /// The dependency.
    pub dependency: Id<kind::ControlDependency>,
    /// The control that rests.
    pub control: Id<kind::Control>,
    /// The control that it rests on.
    pub depends_on: Id<kind::Control>,
    /// How strongly.
    pub strength: Strength,
}
event!(DependencyAdded, "controls.dependency.added", 1);

/// A control no longer rests on another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependencyRemoved {
    /// The project.
    pub project: Id<kind::Project>,
    /// The dependency.
    pub dependency: Id<kind::ControlDependency>,
    /// The control that rested.
    pub control: Id<kind::Control>,
    /// The control that it rested on.
    pub depends_on: Id<kind::Control>,
}
event!(DependencyRemoved, "controls.dependency.removed", 1);

/// A scanner's checks were met for the first time, or name other requirements than before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChecksSeen {
    /// The project.
    pub project: Id<kind::Project>,
    /// The checks, by their scanner's id.
    pub checks: BTreeMap<String, SeenCheck>,
}
event!(ChecksSeen, "controls.checks.seen", 1);

/// What is known of a scanner's check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCheck {
    /// In the scanner's words.
    pub title: String,
    /// The requirement ids that it names, by the scanner's name of the framework; only frameworks
    /// of families that Studio knows.
    pub requirements: BTreeMap<String, Vec<String>>,
}

/// The newest results of some checks, taken from the evidence subgraph: what the score counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckSummariesRecorded {
    /// The project.
    pub project: Id<kind::Project>,
    /// The run that brought them.
    pub run: Id<kind::IngestRun>,
    /// The event that they were taken from, in the evidence subgraph's log.
    pub source_event: Id<kind::Event>,
    /// Its position there.
    pub source_position: i64,
    /// The evidence they rest on.
    pub evidence: Id<kind::Evidence>,
    /// Its version.
    pub evidence_version: u32,
    /// Its SHA-256, 64 lower-case hexadecimal digits.
    pub evidence_hash: String,
    /// Who uploaded it, where a person did and the source said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded_by: Option<Id<kind::User>>,
    /// One per (check, account, region).
    pub summaries: Vec<RecordedSummary>,
}
event!(CheckSummariesRecorded, "controls.check_summaries.recorded", 1);

/// Some of the tests that published check results make were added, and more follow: results that
/// make more tests than one append takes come in parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultsTakenInPart {
    /// The project.
    pub project: Id<kind::Project>,
    /// The run that brought the results.
    pub run: Id<kind::IngestRun>,
    /// The position of the results in the evidence subgraph's log.
    pub source_position: i64,
    /// Tests that this part and the parts before it added.
    pub tests_added: u32,
}
event!(ResultsTakenInPart, "controls.check_results.taken_in_part", 1);

/// The counts of one check in one account and region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedSummary {
    /// The scanner's id of the check.
    pub check: String,
    /// The cloud account.
    pub account: String,
    /// The region.
    pub region: String,
    /// Resources looked at.
    pub population: u32,
    /// Resources that pass.
    pub passed: u32,
    /// Resources that fail.
    pub failed: u32,
    /// Resources of which nothing is known.
    pub unknown: u32,
    /// Resources that began to fail since the summary before this one. Older logs do not say it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub failing_added: BTreeSet<String>,
    /// Resources that ceased to fail since then.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub failing_removed: BTreeSet<String>,
    /// The time of the observation.
    pub effective_from: Timestamp,
    /// When it ceased to be known true, where the source says so.
    pub effective_to: Option<Timestamp>,
    /// When the scanner collected it.
    pub collected_at: Timestamp,
    /// The version of the rule that gave them, where a rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_version: Option<u32>,
}

/// A version of evidence was rejected in the evidence subgraph: it proves nothing any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceDiscounted {
    /// The project.
    pub project: Id<kind::Project>,
    /// The evidence.
    pub evidence: Id<kind::Evidence>,
    /// The version that is rejected.
    pub evidence_version: u32,
    /// Why.
    pub reason: String,
    /// The position of the rejection in the evidence subgraph's log.
    pub source_position: i64,
}
event!(EvidenceDiscounted, "controls.evidence.discounted", 1);

events! {
    /// What happens to a project.
    pub enum ProjectEvent {
        ProjectCreated, ProjectRenamed, ProjectArchived, ProjectRestored, FrameworkAdopted, ControlCreated, ControlUpdated, ControlRetired,
        RequirementMapped, RequirementUnmapped, ControlTestAdded, TestRuleChanged, TestResultRecorded,
        DependencyAdded, DependencyRemoved, ChecksSeen, CheckSummariesRecorded,
        CheckResultsMatched, EvidenceDiscounted, ResultsTakenInPart,
        NotApplicableProposed, NotApplicableApproved, NotApplicableRejected, NotApplicableWithdrawn,
        NonconformityOpened, NonconformityCorrected, CorrectionRejected, NonconformityClosed,
        ExceptionProposed, ExceptionApproved, ExceptionRejected, ExceptionRevoked,
        MappingProposed, MappingApproved, MappingRejected, MappingWithdrawn,
        TestChanged, TestRetired, TestResultSignedOff, TestResultRejected,
        ControlReinstated, ControlReviewed,
    }
}
