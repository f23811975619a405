//! A rule over evidence: Rego that says of each thing it looks at whether it is as it should be.
//!
//! The contract: `package studio.test`; `input` is the evidence, as it was handed in; the rule
//! `results` is a set (or list) of `{"resource": …, "outcome": "PASSED" | "FAILED" | "UNKNOWN",
//! "message": …}`, of which the message may be left out. No result says that nothing was looked at.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use regorus::{Engine, Value};
use serde::{Deserialize, Serialize};

use crate::{
    engine::engine_of_rules,
    source::{DEEPEST, too_deep},
};

/// The package of every rule,
const PACKAGE: &str = "data.studio.test";
/// and what it must define there.
pub const RESULTS: &str = "results";
/// What errors call the text.
const FILE: &str = "rule";

/// Bytes of the longest rule.
pub const LONGEST_RULE: usize = 64 * 1024;
/// Results of one evaluation, at most.
pub const MOST_RESULTS: usize = 2_000;
/// Bytes of all of them together.
const LONGEST_RESULTS: usize = 1 << 20;
/// Bytes of what a result is about,
const LONGEST_RESOURCE: usize = 256;
/// and characters of what it says.
const LONGEST_MESSAGE: usize = 300;
/// Characters of an error that are told.
const LONGEST_ERROR: usize = 1_000;

/// What is said of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// It is as it should be.
    Passed,
    /// It is not.
    Failed,
    /// That cannot be told.
    Unknown,
}

impl Outcome {
    /// As rules write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Failed => "FAILED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// What a rule says of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestResult {
    /// What it is about, by a name of its own.
    pub resource: String,
    /// What is said of it.
    pub outcome: Outcome,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Why a rule is none, or gave no results.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Its text is too long.
    #[error("the rule has more than {LONGEST_RULE} bytes")]
    TooLong,
    /// Its text is nested so deeply that the parser would not end.
    #[error(
        "line {0}: more than {DEEPEST} brackets are within each other: name a part by a rule of its own"
    )]
    TooDeep(usize),
    /// It does not parse.
    #[error("the rule does not parse: {0}")]
    Broken(String),
    /// It is in another package.
    #[error("the rule is in another package: begin it with \"package studio.test\"")]
    Package,
    /// It says nothing.
    #[error(
        "the rule does not define results: say, for each thing that you look at, results contains \
         {{\"resource\": …, \"outcome\": \"PASSED\"}} if …"
    )]
    NoResults,
    /// Its evaluation ended with an error.
    #[error("the rule failed: {0}")]
    Failed(String),
    /// Its results are not what the contract says.
    #[error("the results of the rule are not as they must be: {0}")]
    Output(String),
}

/// A rule that can be evaluated.
pub struct Rule(Engine);

impl Rule {
    /// Understands a rule.
    ///
    /// # Errors
    /// [`RuleError`] with the parser's message and line.
    pub fn new(source: &str) -> Result<Self, RuleError> {
        if source.len() > LONGEST_RULE {
            return Err(RuleError::TooLong);
        }
        if let Some(line) = too_deep(source) {
            return Err(RuleError::TooDeep(line));
        }
        guarded(|| {
            let mut engine = engine_of_rules().map_err(RuleError::Failed)?;
            let package = engine
                .add_policy(FILE.to_owned(), source.to_owned())
                .map_err(|error| RuleError::Broken(said(&error)))?;
            if package != PACKAGE {
                return Err(RuleError::Package);
            }
            match engine.has_declared_rule_rooted_at(FILE, RESULTS) {
                Ok(true) => {}
                Ok(false) => return Err(RuleError::NoResults),
                Err(error) => return Err(RuleError::Broken(said(&error))),
            }
            // Some faults the engine finds only as it gets ready, and some as it evaluates.
            let entry = format!("{PACKAGE}.{RESULTS}");
            engine
                .compile_with_entrypoint(&entry.as_str().into())
                .map_err(|error| RuleError::Broken(said(&error)))?;
            Ok(Self(engine))
        })
    }

    /// What the rule says of evidence, by resource. It takes two seconds at most, but for what a
    /// single call of a built-in takes: call it where that holds nobody up.
    ///
    /// # Errors
    /// [`RuleError::Failed`] and [`RuleError::Output`]. There are no results then.
    pub fn evaluate(&self, evidence: &str) -> Result<Vec<TestResult>, RuleError> {
        guarded(|| {
            let mut engine = self.0.clone();
            let input =
                Value::from_json_str(evidence).map_err(|error| RuleError::Failed(said(&error)))?;
            engine.set_input(input);
            let value = engine
                .eval_rule(format!("{PACKAGE}.{RESULTS}"))
                .map_err(|error| RuleError::Failed(said(&error)))?;
            if value == Value::Undefined {
                return Ok(Vec::new());
            }
            let text = value.to_json_str().map_err(|error| RuleError::Output(said(&error)))?;
            results(&text)
        })
    }
}

/// The engine is not ours: where it panics, the rule failed.
fn guarded<T>(work: impl FnOnce() -> Result<T, RuleError>) -> Result<T, RuleError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(RuleError::Failed("the engine gave up on it".to_owned())))
}

fn results(text: &str) -> Result<Vec<TestResult>, RuleError> {
    let output = |message: String| Err(RuleError::Output(message));
    if text.len() > LONGEST_RESULTS {
        return output(format!("they have more than {LONGEST_RESULTS} bytes together"));
    }
    let mut results: Vec<TestResult> = match serde_json::from_str(text) {
        Ok(results) => results,
        Err(error) => return output(error.to_string()),
    };
    if results.len() > MOST_RESULTS {
        return output(format!(
            "there are {} of them, and {MOST_RESULTS} are the most",
            results.len()
        ));
    }
    let mut seen = BTreeSet::new();
    for result in &results {
        let resource = &result.resource;
        if !(1..=LONGEST_RESOURCE).contains(&resource.len()) || resource.contains(char::is_control)
        {
            return output(format!(
                "a resource must hold 1 to {LONGEST_RESOURCE} bytes on one line: {:?}",
                resource.chars().take(80).collect::<String>()
            ));
        }
        let message = result.message.as_deref().unwrap_or_default();
        if message.chars().count() > LONGEST_MESSAGE {
            return output(format!(
                "the message on {resource:?} has more than {LONGEST_MESSAGE} characters"
            ));
        }
        if !seen.insert(resource) {
            return output(format!("{resource:?} has several results: give it one"));
        }
    }
    results.sort_by(|one, other| one.resource.cmp(&other.resource));
    Ok(results)
}

/// What the engine says, which can quote as much as the rule has.
fn said(error: &impl std::fmt::Display) -> String {
    error.to_string().trim().chars().take(LONGEST_ERROR).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = r#"
package studio.test

results contains {"resource": user.name, "outcome": "PASSED"} if {
	some user in input.users
	user.mfa
}

results contains {"resource": user.name, "outcome": "FAILED", "message": "no second factor"} if {
	some user in input.users
	not user.mfa
}
"#;

    fn evaluated(rule: &str, evidence: &str) -> Result<Vec<TestResult>, RuleError> {
        Rule::new(rule)?.evaluate(evidence)
    }

    fn body(text: &str) -> String {
        format!("package studio.test\n{text}\n")
    }

    #[test]
    fn a_rule_says_something_of_each_resource() {
        let evidence =
            r#"{"users": [{"name": "grace", "mfa": true}, {"name": "ada", "mfa": false}]}"#;
        let results = evaluated(USERS, evidence).unwrap();
        let told: Vec<_> = results.iter().map(|it| (&*it.resource, it.outcome)).collect();
        assert_eq!(told, [("ada", Outcome::Failed), ("grace", Outcome::Passed)]);
        assert_eq!(results[0].message.as_deref(), Some("no second factor"));
        assert_eq!(evaluated(USERS, "{\"users\": []}"), Ok(Vec::new()));
        assert_eq!(evaluated(USERS, "{}"), Ok(Vec::new()));
        assert_eq!(evaluated(USERS, "[]"), Ok(Vec::new()));
        let rule = Rule::new(USERS).unwrap();
        assert_eq!(rule.evaluate(evidence), rule.evaluate(evidence), "a rule keeps nothing");
    }

    #[test]
    fn what_is_no_rule_is_refused_with_its_line() {
        let refused = |text: &str| Rule::new(text).err().map(|error| error.to_string()).unwrap();
        let said = refused("package studio.test\n\nresults contains {\n");
        assert!(said.contains("does not parse") && said.contains("rule:"), "{said}");
        assert!(refused("package studio.access\nresults := []").contains("package studio.test"));
        assert!(refused(&body("result := []")).contains("does not define results"));
        let said = refused(&body(&format!("results := {}{}", "[".repeat(13), "]".repeat(13))));
        assert!(said.starts_with("line 2:"), "{said}");
        // What the engine does not look for before it evaluates fails then, and so in every case.
        assert!(evaluated(&body("results := unheard_of"), "{}").is_err());
        assert!(refused(&"#".repeat(LONGEST_RULE + 1)).contains("bytes"));
        assert!(refused("").contains("does not parse"));
    }

    #[test]
    fn what_goes_wrong_is_never_a_result() {
        for (text, about) in [
            ("results := [{\"resource\": \"a\", \"outcome\": \"OK\"}]", "OK"),
            ("results := [{\"resource\": \"a\"}]", "outcome"),
            (
                "results := [{\"resource\": \"a\", \"outcome\": \"PASSED\", \"weight\": 2}]",
                "weight",
            ),
            ("results := [{\"resource\": \"\", \"outcome\": \"PASSED\"}]", "1 to 256"),
            ("results := true", "invalid type"),
            (
                "results := [{\"resource\": \"a\", \"outcome\": o} | some o in [\"PASSED\", \"FAILED\"]]",
                "several results",
            ),
            ("results := {x: 1 | some x in [1]}", "invalid type"),
            ("results := [1 | to_number(\"x\") == 1]", "failed"),
            ("results := 1\nresults := 2", "failed"),
        ] {
            let error = evaluated(&body(text), "{}").unwrap_err().to_string();
            assert!(error.contains(about), "{text}: {error}");
        }
    }

    #[test]
    fn nothing_tells_the_time_or_writes_or_makes_much_of_little() {
        for call in [
            "time.now_ns()",
            "time[\"now_ns\"]()",
            "rand.intn(\"x\", 5)",
            "numbers.range(1, 1000000000000)",
            "numbers.range_step(1, 10, 2)",
            "bits.lsh(1, 1000000000)",
            "trace(\"x\")",
            "print(\"x\")",
        ] {
            let error = evaluated(&body(&format!("results := [1 | {call}]")), "{}").unwrap_err();
            assert!(error.to_string().contains("cannot call"), "{call}: {error}");
        }
        for missing in ["http.send({})", "opa.runtime()", "uuid.rfc4122(\"x\")"] {
            evaluated(&body(&format!("results := [1 | {missing}]")), "{}").unwrap_err();
        }
    }

    #[test]
    fn an_evaluation_ends() {
        let endless = body(
            "n := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\nresults := [1 | some a in n; some b in n; some c in n; \
             some d in n; some e in n; some f in n; some g in n; some h in n; some i in n; a + b < 0]",
        );
        let error = evaluated(&endless, "{}").unwrap_err().to_string();
        assert!(error.contains("time limit"), "{error}");
    }
}
