//! What the controls subgraph publishes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    event,
    id::{Id, kind},
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
