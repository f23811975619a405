//! A test by a rule, as evidence sees it: the rule that the controls subgraph has published, and what it
//! said of the evidence that it met. What it says is published with it, in one append.
//!
//! Evidence that is older than what the rule looked at last is not looked at: an older observation never
//! overrides a newer one. What a rule says is true since its evidence was collected, whenever it says so.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Aggregate, Id, Timestamp, event, events, kind,
    published::{
        controls::{ControlTestRuleSet, rule_check},
        evidence::{CheckResultsRecorded, CheckSummary},
    },
};

/// Where the resources of rules are: they name no region.
const REGION: &str = "global";
/// How severe a failure is, which no rule says.
const SEVERITY: &str = "unknown";

/// The controls subgraph says which rule a test is from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RuleRecorded {
    /// The rule.
    #[serde(flatten)]
    pub rule: ControlTestRuleSet,
    /// The position in the log of the controls subgraph that says so.
    pub source_position: i64,
}
event!(RuleRecorded, "evidence.rule.recorded", 1);

/// A rule looked at a version of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RuleEvaluated {
    /// The project.
    pub project: Id<kind::Project>,
    /// The version of the rule.
    pub rule_version: u32,
    /// The evidence.
    pub evidence: Id<kind::Evidence>,
    /// Its version.
    pub evidence_version: u32,
    /// When it was collected.
    pub collected_at: Timestamp,
    /// Why there are no results, where the rule failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the rule says, by resource.
    pub results: Vec<RuleResult>,
}
event!(RuleEvaluated, "evidence.rule.evaluated", 1);

/// What a rule says of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleResult {
    /// The resource.
    pub resource: String,
    /// What is said of it.
    pub outcome: RuleOutcome,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What can be said of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum RuleOutcome {
    /// It is as it should be.
    Passed,
    /// It is not.
    Failed,
    /// That cannot be told.
    Unknown,
}

events! {
    /// What happens to a test by a rule.
    pub(crate) enum CodeTestEvent { RuleRecorded, RuleEvaluated, CheckResultsRecorded }
}

/// A version of evidence that a rule may look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The evidence.
    pub evidence: Id<kind::Evidence>,
    /// Its version.
    pub version: u32,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The run that brought it.
    pub run: Id<kind::IngestRun>,
    /// Who did, if a person did.
    pub uploaded_by: Option<Id<kind::User>>,
    /// When it was collected.
    pub collected_at: Timestamp,
}

/// What a rule looked at last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Evaluated {
    rule_version: u32,
    evidence_version: u32,
    collected_at: Timestamp,
}

/// A test by a rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CodeTest {
    /// Its newest rule; `None` before there is one.
    pub rule: Option<ControlTestRuleSet>,
    /// What it looked at last.
    pub evaluated: Option<Evaluated>,
    /// The resources that fail by what was published last.
    pub failing: BTreeSet<String>,
}

impl CodeTest {
    /// The rule, if it is to look at that version: it has not done so, and has looked at nothing newer.
    pub(crate) fn wants(&self, on: &Looked) -> Option<&ControlTestRuleSet> {
        let rule = self.rule.as_ref()?;
        let Some(last) = &self.evaluated else { return Some(rule) };
        let newer = (on.collected_at, on.version).cmp(&(last.collected_at, last.evidence_version));
        newer.then(rule.version.cmp(&last.rule_version)).is_gt().then_some(rule)
    }

    /// What follows from what the rule says of that version: the results, and what is published of them.
    /// Where it failed, nothing is known.
    pub(crate) fn evaluated(
        &self,
        rule: &ControlTestRuleSet,
        on: &Looked,
        said: Result<Vec<RuleResult>, String>,
    ) -> Vec<CodeTestEvent> {
        let (results, error) = match said {
            Ok(results) => (results, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let failing: BTreeSet<String> = results
            .iter()
            .filter(|result| result.outcome == RuleOutcome::Failed)
            .map(|result| result.resource.clone())
            .collect();
        let of = |outcome| count(results.iter().filter(|it| it.outcome == outcome).count());
        let (passed, failed) = (of(RuleOutcome::Passed), of(RuleOutcome::Failed));
        // That it failed is one thing of which nothing is known.
        let unknown = of(RuleOutcome::Unknown) + u32::from(error.is_some());
        let summary = CheckSummary {
            check: rule_check(rule.test),
            title: rule.title.clone(),
            severity: SEVERITY.to_owned(),
            account: rule.evidence_name.clone(),
            region: REGION.to_owned(),
            population: passed + failed + unknown,
            passed,
            failed,
            unknown,
            failing_added: failing.difference(&self.failing).cloned().collect(),
            failing_removed: self.failing.difference(&failing).cloned().collect(),
            effective_from: on.collected_at,
            effective_to: None,
            collected_at: on.collected_at,
            requirements: std::collections::BTreeMap::new(),
            rule_version: Some(rule.version),
        };
        let published = CheckResultsRecorded {
            project: rule.project,
            run: on.run,
            evidence: on.evidence,
            evidence_version: on.version,
            evidence_hash: on.sha256.clone(),
            uploaded_by: on.uploaded_by,
            summaries: vec![summary],
        };
        let evaluated = RuleEvaluated {
            project: rule.project,
            rule_version: rule.version,
            evidence: on.evidence,
            evidence_version: on.version,
            collected_at: on.collected_at,
            error,
            results,
        };
        vec![evaluated.into(), published.into()]
    }
}

impl Aggregate for CodeTest {
    const STREAM_TYPE: &'static str = "evidence.code_test";
    const STATE_VERSION: u32 = 1;
    type Event = CodeTestEvent;

    fn apply(&mut self, event: &CodeTestEvent, _recorded_at: Timestamp) {
        match event {
            CodeTestEvent::RuleRecorded(recorded) => self.rule = Some(recorded.rule.clone()),
            CodeTestEvent::RuleEvaluated(evaluated) => {
                self.evaluated = Some(Evaluated {
                    rule_version: evaluated.rule_version,
                    evidence_version: evaluated.evidence_version,
                    collected_at: evaluated.collected_at,
                });
                let failed =
                    evaluated.results.iter().filter(|it| it.outcome == RuleOutcome::Failed);
                self.failing = failed.map(|it| it.resource.clone()).collect();
            }
            CodeTestEvent::CheckResultsRecorded(_) => {}
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    fn rule(env: &Env, version: u32) -> RuleRecorded {
        RuleRecorded {
            rule: ControlTestRuleSet {
                test: env.id(),
                control: env.id(),
                project: env.id(),
                title: "Doors are locked".to_owned(),
                evidence_name: "doors".to_owned(),
                version,
                source: String::new(),
            },
            source_position: 1,
        }
    }

    fn looked(env: &Env, version: u32, at: i64) -> Looked {
        Looked {
            evidence: env.id(),
            version,
            sha256: String::new(),
            run: env.id(),
            uploaded_by: None,
            collected_at: Timestamp::from_micros(at),
        }
    }

    fn said(outcomes: &[(&str, RuleOutcome)]) -> Result<Vec<RuleResult>, String> {
        let result = |(resource, outcome): &(&str, RuleOutcome)| RuleResult {
            resource: (*resource).to_owned(),
            outcome: *outcome,
            message: None,
        };
        Ok(outcomes.iter().map(result).collect())
    }

    fn take(
        test: &mut CodeTest,
        on: &Looked,
        said: Result<Vec<RuleResult>, String>,
    ) -> CheckSummary {
        let rule = test.wants(on).unwrap().clone();
        let events = test.evaluated(&rule, on, said);
        events.iter().for_each(|event| test.apply(event, Timestamp::default()));
        match events.into_iter().next_back() {
            Some(CodeTestEvent::CheckResultsRecorded(results)) => results.summaries[0].clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_rule_looks_at_each_version_once_and_at_nothing_older() {
        let env = Env::system();
        let mut test = CodeTest::default();
        assert!(
            test.wants(&looked(&env, 1, 10)).is_none(),
            "without a rule there is nothing to say"
        );
        test.apply(&rule(&env, 1).into(), Timestamp::default());
        take(&mut test, &looked(&env, 2, 20), Ok(Vec::new()));
        for (version, at) in [(2, 20), (1, 20), (1, 10), (3, 19)] {
            assert!(test.wants(&looked(&env, version, at)).is_none(), "{version} of {at}");
        }
        for (version, at) in [(3, 20), (3, 21), (1, 21)] {
            assert!(test.wants(&looked(&env, version, at)).is_some(), "{version} of {at}");
        }
        test.apply(&rule(&env, 2).into(), Timestamp::default());
        assert!(test.wants(&looked(&env, 2, 20)).is_some(), "another rule looks again");
        assert!(test.wants(&looked(&env, 1, 10)).is_none());
    }

    #[test]
    fn what_is_published_adds_up_and_tells_what_began_and_ceased_to_fail() {
        use RuleOutcome::{Failed, Passed, Unknown};
        let env = Env::system();
        let mut test = CodeTest::default();
        test.apply(&rule(&env, 7).into(), Timestamp::default());
        let first = said(&[("a", Passed), ("b", Failed), ("c", Failed), ("d", Unknown)]);
        let summary = take(&mut test, &looked(&env, 1, 10), first);
        assert_eq!(
            (summary.population, summary.passed, summary.failed, summary.unknown),
            (4, 1, 2, 1)
        );
        assert_eq!(summary.failing_added, ["b", "c"]);
        assert_eq!(summary.rule_version, Some(7));
        assert_eq!(summary.effective_from, Timestamp::from_micros(10));

        let summary = take(
            &mut test,
            &looked(&env, 2, 20),
            said(&[("b", Passed), ("c", Failed), ("e", Failed)]),
        );
        assert_eq!(
            (summary.failing_added, summary.failing_removed),
            (vec!["e".into()], vec!["b".into()])
        );

        let summary = take(&mut test, &looked(&env, 3, 30), Err("it failed".to_owned()));
        assert_eq!((summary.population, summary.passed, summary.unknown), (1, 0, 1));
        assert_eq!(summary.failing_removed, ["c", "e"]);

        let summary = take(&mut test, &looked(&env, 4, 40), Ok(Vec::new()));
        assert_eq!((summary.population, summary.unknown), (0, 0), "nothing was looked at");
    }
}
