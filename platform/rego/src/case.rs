//! The cases of a rule: evidence that somebody made up, and what the rule is to say of it. A rule
//! counts only as long as all of them hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    json::read_json,
    rule::{Outcome, Rule, RuleError},
};

/// Cases of one rule, at most.
pub const MOST_CASES: usize = 50;
/// Bytes of the evidence of all cases together.
pub const LONGEST_CASES: usize = 512 * 1024;
/// Characters of a name.
const LONGEST_NAME: usize = 200;
/// Expected results of one case.
const MOST_EXPECTED: usize = 500;

/// A case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// What it is about, in a line.
    pub name: String,
    /// The evidence, as JSON text.
    pub input: String,
    /// What the rule is to say of it, all of it.
    pub expected: Vec<Expected>,
}

/// What a rule is to say of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The resource.
    pub resource: String,
    /// What is said of it.
    pub outcome: Outcome,
}

/// What is wrong with the cases of a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseFault {
    /// The cases say too little to hold a rule.
    #[error(
        "the cases expect no resource that is {}: give at least one that passes and one that fails",
        .0.as_str()
    )]
    Missing(Outcome),
    /// There are too many.
    #[error("there are {0} cases, and {MOST_CASES} are the most")]
    TooMany(usize),
    /// They are too long.
    #[error("the evidence of the cases has more than {LONGEST_CASES} bytes")]
    TooLong,
    /// A case is none.
    #[error("case {index} ({name:?}): {message}")]
    Broken {
        /// Which, from 0.
        index: usize,
        /// What it is called.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// The rule says something else.
    #[error("case {index} ({name:?}) expected {expected}, and the rule said {actual}")]
    Differs {
        /// Which, from 0.
        index: usize,
        /// What it is called.
        name: String,
        /// What was expected.
        expected: String,
        /// What came out.
        actual: String,
    },
}

impl CaseFault {
    /// The case that is meant, from 0, where it is one.
    pub const fn index(&self) -> Option<usize> {
        match self {
            Self::Broken { index, .. } | Self::Differs { index, .. } => Some(*index),
            Self::Missing(_) | Self::TooMany(_) | Self::TooLong => None,
        }
    }
}

/// Holds a rule against its cases, and answers everything that is wrong.
pub fn check_cases(rule: &Rule, cases: &[Case]) -> Vec<CaseFault> {
    if cases.len() > MOST_CASES {
        return vec![CaseFault::TooMany(cases.len())];
    }
    if cases.iter().map(|case| case.input.len()).sum::<usize>() > LONGEST_CASES {
        return vec![CaseFault::TooLong];
    }
    let expected: BTreeSet<Outcome> =
        cases.iter().flat_map(|case| &case.expected).map(|expected| expected.outcome).collect();
    let needed = [Outcome::Passed, Outcome::Failed].into_iter();
    let mut faults: Vec<CaseFault> =
        needed.filter(|it| !expected.contains(it)).map(CaseFault::Missing).collect();
    faults.extend(cases.iter().enumerate().filter_map(|(index, case)| fault(rule, index, case)));
    faults
}

fn fault(rule: &Rule, index: usize, case: &Case) -> Option<CaseFault> {
    let name = case.name.clone();
    let broken = |message: String| {
        Some(CaseFault::Broken { index, name: name.chars().take(LONGEST_NAME).collect(), message })
    };
    let characters = name.chars().count();
    if name.trim().is_empty() || characters > LONGEST_NAME || name.contains(char::is_control) {
        return broken(format!("its name must hold 1 to {LONGEST_NAME} characters on one line"));
    }
    if case.expected.len() > MOST_EXPECTED {
        return broken(format!("it expects more than {MOST_EXPECTED} results"));
    }
    if let Err(error) = read_json(case.input.as_bytes()) {
        return broken(error.to_string());
    }
    let expected: BTreeMap<&str, Outcome> =
        case.expected.iter().map(|it| (it.resource.as_str(), it.outcome)).collect();
    if expected.len() != case.expected.len() {
        return broken("it expects several results of one resource".to_owned());
    }
    let results = match rule.evaluate(&case.input) {
        Ok(results) => results,
        Err(RuleError::Failed(error)) => return broken(format!("the rule failed: {error}")),
        Err(error) => return broken(error.to_string()),
    };
    let actual = results.iter().map(|it| (it.resource.as_str(), it.outcome)).collect();
    if expected == actual {
        return None;
    }
    let (expected, actual) = apart(&expected, &actual);
    Some(CaseFault::Differs { index, name, expected, actual })
}

/// Where two of them differ, in words.
fn apart(expected: &BTreeMap<&str, Outcome>, actual: &BTreeMap<&str, Outcome>) -> (String, String) {
    /// Resources that are named.
    const NAMED: usize = 5;
    let resources: BTreeSet<&str> = expected.keys().chain(actual.keys()).copied().collect();
    let mut differing = resources.into_iter().filter(|it| expected.get(it) != actual.get(it));
    let named: Vec<&str> = differing.by_ref().take(NAMED).collect();
    let more = if differing.next().is_some() { ", …" } else { "" };
    let of = |side: &BTreeMap<&str, Outcome>| {
        let said =
            |it: &&str| format!("{it:?} {}", side.get(it).map_or("nothing", |it| it.as_str()));
        format!("{}{more}", named.iter().map(said).collect::<Vec<_>>().join(", "))
    };
    (of(expected), of(actual))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "package studio.test\n\nresults contains {\"resource\": door.id, \"outcome\": \
                        \"PASSED\"} if {\n\tsome door in input\n\tdoor.locked\n}\n\nresults contains \
                        {\"resource\": door.id, \"outcome\": \"FAILED\"} if {\n\tsome door in input\n\tnot \
                        door.locked\n}\n";

    fn case(name: &str, input: &str, expected: &[(&str, Outcome)]) -> Case {
        let expected = expected.iter();
        let of = |(resource, outcome): &(&str, Outcome)| Expected {
            resource: (*resource).to_owned(),
            outcome: *outcome,
        };
        Case {
            name: name.to_owned(),
            input: input.to_owned(),
            expected: expected.map(of).collect(),
        }
    }

    fn told(cases: &[Case]) -> Vec<String> {
        let rule = Rule::new(RULE).unwrap();
        check_cases(&rule, cases).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_rule_that_holds_its_cases_has_no_fault() {
        let both = r#"[{"id": "a", "locked": true}, {"id": "b"}]"#;
        let good = case("both", both, &[("b", Outcome::Failed), ("a", Outcome::Passed)]);
        assert!(told(&[good, case("no door", "[]", &[])]).is_empty());
    }

    #[test]
    fn a_case_that_fails_says_what_was_expected_and_what_came_out() {
        let open = r#"[{"id": "a", "locked": false}]"#;
        let said = told(&[
            case("locked", open, &[("a", Outcome::Passed)]),
            case("nothing", "[]", &[("z", Outcome::Failed)]),
        ]);
        assert_eq!(
            said,
            [
                "case 0 (\"locked\") expected \"a\" PASSED, and the rule said \"a\" FAILED",
                "case 1 (\"nothing\") expected \"z\" FAILED, and the rule said \"z\" nothing",
            ]
        );
    }

    #[test]
    fn cases_that_hold_nothing_are_refused() {
        assert_eq!(told(&[]).len(), 2, "one that passes and one that fails are missing");
        let passing = case("one", r#"[{"id": "a", "locked": true}]"#, &[("a", Outcome::Passed)]);
        assert!(told(std::slice::from_ref(&passing))[0].contains("FAILED"));
        let said = told(&[case("", "{", &[]), case("text", "{\"a\":1,\"a\":2}", &[])]);
        assert!(said.iter().any(|it| it.contains("on one line")), "{said:?}");
        assert!(said.iter().any(|it| it.contains("there twice")), "{said:?}");
        assert!(told(&vec![passing.clone(); MOST_CASES + 1])[0].contains("51 cases"));
        let long = Case { input: " ".repeat(LONGEST_CASES + 1), ..passing };
        assert!(told(&[long])[0].contains("bytes"));
    }
}
