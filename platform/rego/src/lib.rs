//! Rego in process: the one place that says how long an evaluation may take, and what a rule says
//! that tests evidence ([`Rule`]), with the cases that it is held against.
//!
//! What always holds of a rule: the same text and the same evidence give the same results, on every
//! machine and at any time; whatever goes wrong is an error and never a result.

mod case;
mod engine;
mod json;
mod rule;
mod source;

pub use case::{Case, CaseFault, Expected, LONGEST_CASES, MOST_CASES, check_cases};
pub use engine::engine;
pub use json::{DEEPEST_JSON, JsonError, LONGEST_JSON, read_json};
pub use rule::{LONGEST_RULE, MOST_RESULTS, Outcome, RESULTS, Rule, RuleError, TestResult};
pub use source::{DEEPEST, Token, tokens, too_deep};
