//! Tests as code: a rule over evidence, in versions, with the cases that it is held against. Whoever
//! calls has held the rule against its cases; what evidence it meets, the evidence subgraph knows.

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Id, event, kind,
    published::controls::{ControlTestRuleSet, rule_check},
};

use super::{
    ControlId, NewIds, NewTest, Project, ProjectId, Refused, TestId, controls::test_added,
    events::ProjectEvent,
};
use crate::domain::score::Outcome;

/// Bytes of the longest name of evidence.
const LONGEST_NAME: usize = 64;

/// A test got a rule, or another version of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestRuleChanged {
    /// The project.
    pub project: Id<kind::Project>,
    /// The control.
    pub control: Id<kind::Control>,
    /// The test.
    pub test: Id<kind::ControlTest>,
    /// What the test looks at.
    pub title: String,
    /// The name under which its evidence is handed in.
    pub evidence_name: String,
    /// The version, from 1.
    pub version: u32,
    /// The rule, in Rego.
    pub source: String,
    /// What it was held against.
    pub cases: Vec<RuleCase>,
}
event!(TestRuleChanged, "controls.test.rule_changed", 1);

impl TestRuleChanged {
    /// What is kept of it.
    pub(super) fn rule(&self) -> TestRule {
        TestRule {
            version: self.version,
            title: self.title.clone(),
            evidence_name: self.evidence_name.clone(),
        }
    }
}

impl From<TestRuleChanged> for ControlTestRuleSet {
    fn from(changed: TestRuleChanged) -> Self {
        Self {
            test: changed.test,
            control: changed.control,
            project: changed.project,
            title: changed.title,
            evidence_name: changed.evidence_name,
            version: changed.version,
            source: changed.source,
        }
    }
}

/// A case of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCase {
    /// What it is about.
    pub name: String,
    /// Evidence that somebody made up, as JSON text.
    pub input: String,
    /// What the rule says of it, all of it.
    pub expected: Vec<ExpectedResult>,
}

/// What a rule says of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedResult {
    /// The resource.
    pub resource: String,
    /// What is said of it.
    pub outcome: Outcome,
}

/// A rule with its cases, which hold.
#[derive(Debug, Clone)]
pub struct NewRule {
    /// The rule, in Rego.
    pub source: String,
    /// Its cases.
    pub cases: Vec<RuleCase>,
}

/// The rule of a test, as far as decisions need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRule {
    /// The newest version: what `expectedVersion` is compared with.
    pub version: u32,
    /// What the test looks at.
    pub title: String,
    /// The name under which its evidence is handed in.
    pub evidence_name: String,
}

impl Project {
    /// Adds a test by a rule to a control.
    pub fn add_code_test(
        &self,
        project: ProjectId,
        new: &NewTest,
        evidence_name: &str,
        rule: &NewRule,
        ids: &mut impl NewIds,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.live_control(new.control, "controlId")?;
        let evidence_name = named(evidence_name)?;
        let test = ids.test();
        let new = NewTest { check: Some(rule_check(test)), ..new.clone() };
        let added = test_added(project, test, &new)?;
        let rule = TestRuleChanged {
            project,
            control: new.control,
            test,
            title: added.title.clone(),
            evidence_name,
            version: 1,
            source: rule.source.clone(),
            cases: rule.cases.clone(),
        };
        Ok(vec![added.into(), rule.into()])
    }

    /// Gives a test another version of its rule.
    pub fn change_rule(
        &self,
        project: ProjectId,
        test: TestId,
        expected: u32,
        rule: &NewRule,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let (control, known) = self.ruled(test)?;
        self.live_control(control, "testId")?;
        if known.version != expected {
            return Err(Refused::Stale { what: "rule", expected, actual: known.version });
        }
        let changed = TestRuleChanged {
            project,
            control,
            test,
            title: known.title.clone(),
            evidence_name: known.evidence_name.clone(),
            version: known.version.saturating_add(1),
            source: rule.source.clone(),
            cases: rule.cases.clone(),
        };
        Ok(vec![changed.into()])
    }

    fn ruled(&self, test: TestId) -> Result<(ControlId, &TestRule), Refused> {
        let known = self.live_test(test, "testId")?;
        let rule = known.rule.as_ref().ok_or(Refused::NoRule(test))?;
        Ok((known.control, rule))
    }
}

/// A name under which evidence can be handed in.
fn named(name: &str) -> Result<String, Refused> {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let fits = (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(inner)
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if fits { Ok(name.to_owned()) } else { Err(Refused::EvidenceName) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_evidence_are_a_part_of_an_address() {
        for good in ["users", "a", "0-mfa_report", &"x".repeat(LONGEST_NAME)] {
            assert_eq!(named(good).as_deref(), Ok(good));
        }
        for bad in ["", "Users", "a/b", "a b", "-a", "_a", "ü", ".", &"x".repeat(LONGEST_NAME + 1)]
        {
            assert_eq!(named(bad), Err(Refused::EvidenceName), "{bad}");
        }
    }
}
