//! A rule and the evidence that it looks at, with a zero byte between them: whatever it says is of the
//! contract's shape and the same again, and an error says something.

use std::collections::BTreeSet;

use studio_rego::{MOST_RESULTS, Rule, RuleError};

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (rule, evidence) = text.split_once('\0').unwrap_or((text, "{}"));
    let said = |error: RuleError| assert!(!error.to_string().is_empty());
    let rule = match Rule::new(rule) {
        Ok(rule) => rule,
        Err(error) => return said(error),
    };
    match rule.evaluate(evidence) {
        Ok(results) => {
            assert!(results.len() <= MOST_RESULTS);
            let resources: BTreeSet<_> = results.iter().map(|it| &it.resource).collect();
            assert_eq!(resources.len(), results.len());
            // It may take too long the second time, but say nothing else.
            if let Ok(again) = rule.evaluate(evidence) {
                assert_eq!(again, results);
            }
        }
        Err(error) => said(error),
    }
}
