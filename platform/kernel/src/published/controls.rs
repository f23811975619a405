//! What the controls subgraph publishes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    event,
    id::{Id, kind},
    time::Timestamp,
};

/// A project was created: from now on scans and documents may be brought into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectCreated {
    /// The project.
    pub project: Id<kind::Project>,
    /// Its name. Not personal data: it names a system or a company.
    pub name: String,
}
event!(ProjectCreated, "controls.project.created", 1);

/// A project got another name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectRenamed {
    /// The project.
    pub project: Id<kind::Project>,
    /// Its name from now on. Not personal data: it names a system or a company.
    pub name: String,
}
event!(ProjectRenamed, "controls.project.renamed", 1);

/// A project was archived: no scan and no document may be brought into it until it is restored.
/// What it has stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectArchived {
    /// The project.
    pub project: Id<kind::Project>,
}
event!(ProjectArchived, "controls.project.archived", 1);

/// A project that was archived is in use again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectRestored {
    /// The project.
    pub project: Id<kind::Project>,
}
event!(ProjectRestored, "controls.project.restored", 1);

/// A control got a test. Where the test rests on a scanner's check, the evidence subgraph can show
/// that check's findings with the control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ControlTestAdded {
    /// The test.
    pub test: Id<kind::ControlTest>,
    /// The control that it tests.
    pub control: Id<kind::Control>,
    /// The project of the control.
    pub project: Id<kind::Project>,
    /// The scanner's id of the check; `None` for a manual test.
    pub check: Option<String>,
    /// What the test looks at, in a sentence.
    pub title: String,
    /// Its share in the control's value, more than 0.
    pub weight: u32,
    /// Whether the control caps at 0.49 until this test is decided and has no failure.
    pub key: bool,
    /// Days for which a pass counts in full, at least 1.
    pub validity_days: u32,
}
event!(ControlTestAdded, "controls.test.added", 1);

/// A test got a rule, or another version of it: what evidence is handed in under the name from now on,
/// and the newest that was, is to be looked at by it. The results are published as those of the check
/// [`rule_check`] of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ControlTestRuleSet {
    /// The test.
    pub test: Id<kind::ControlTest>,
    /// The control that it tests.
    pub control: Id<kind::Control>,
    /// The project of the control.
    pub project: Id<kind::Project>,
    /// What the test looks at, in a sentence.
    pub title: String,
    /// The name under which its evidence is handed in.
    pub evidence_name: String,
    /// The version of the rule, from 1.
    pub version: u32,
    /// The rule, in Rego.
    pub source: String,
}
event!(ControlTestRuleSet, "controls.test.rule_set", 1);

/// What the checks of rules begin with: no scanner's check may.
pub const RULE_CHECKS: &str = "rule/";

/// The check that the results of a test's rule are published as.
pub fn rule_check(test: Id<kind::ControlTest>) -> String {
    format!("{RULE_CHECKS}{test}")
}

/// The controls subgraph has taken in one [`super::evidence::CheckResultsRecorded`]: what it made
/// of the requirement ids in it. The evidence subgraph shows this with the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResultsMatched {
    /// The run whose results these were.
    pub run: Id<kind::IngestRun>,
    /// The project.
    pub project: Id<kind::Project>,
    /// The position of the event that was taken in, in the evidence subgraph's log.
    pub source_position: i64,
    /// How many tests were made.
    pub tests_added: u32,
    /// How many check summaries were recorded with a test.
    pub summaries_recorded: u32,
    /// Requirement ids that match nothing in the frameworks that the project has adopted, by the
    /// scanner's name of the framework. A framework that the project has not adopted is not listed.
    pub unmatched: std::collections::BTreeMap<String, Vec<String>>,
}
event!(CheckResultsMatched, "controls.check_results.matched", 1);

/// A score came to where somebody wanted to be told: an alert that people set on it was raised. It is
/// recorded together with the change of the score that did it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreAlertRaised {
    /// The alert.
    pub alert: Id<kind::ScoreAlert>,
    /// The project.
    pub project: Id<kind::Project>,
    /// The framework whose score it is.
    pub framework: Id<kind::Framework>,
    /// The alert's name. Not personal data: it says what is watched.
    pub name: String,
    /// The how many-th time it is, from 1.
    pub raising: u32,
    /// When the score came there.
    pub at: Timestamp,
    /// Points proven then, 0 to 100, as a decimal number.
    pub lo: String,
    /// The share of the weight that is decided, 0 to 1, as a decimal number.
    pub coverage: String,
    /// The most points proven within the days that the alert looks back; `None` where it does not.
    pub highest: Option<String>,
    /// What moved the score, the first 100 of it in the order of the log; empty where time alone did.
    pub causes: Vec<ScoreCause>,
    /// How many causes there were.
    pub cause_count: u32,
}
event!(ScoreAlertRaised, "controls.score_alert.raised", 1);

/// The score is back, by a margin, from where an alert was raised; or the alert is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreAlertCleared {
    /// The alert.
    pub alert: Id<kind::ScoreAlert>,
    /// The project.
    pub project: Id<kind::Project>,
    /// The framework whose score it is.
    pub framework: Id<kind::Framework>,
    /// The how many-th time that it was raised has ended.
    pub raising: u32,
    /// When.
    pub at: Timestamp,
}
event!(ScoreAlertCleared, "controls.score_alert.cleared", 1);

/// An event that moved a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreCause {
    /// The event.
    pub event: Id<kind::Event>,
    /// Its position in the log.
    pub position: i64,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}
