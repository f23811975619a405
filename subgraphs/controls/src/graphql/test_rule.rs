//! Rules of tests, and what they are made from.

use async_graphql::{ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use studio_entities::controls::test_rule;
use studio_kernel::Timestamp;
use studio_service::{ApiError, graphql::gql};

use super::{enums::TestOutcome, references::User};
use crate::domain::project::{self, NewRule};

/// A test by a rule to be added.
#[derive(InputObject)]
pub(super) struct AddCodeTestInput {
    /// The control.
    pub(super) control_id: ID,
    /// What it looks at, in a line.
    pub(super) title: String,
    /// The name under which its evidence is handed in: 1 to 64 of a-z, 0-9, `-` and `_`.
    pub(super) evidence_name: String,
    /// The rule, in Rego: `package studio.test` with `results`, see the guide.
    pub(super) rule: String,
    /// What the rule is held against: at least one resource that passes and one that fails.
    pub(super) cases: Vec<RuleCaseInput>,
    /// Its weight among the tests of the control, 1 to 1000.
    #[graphql(default = 1)]
    pub(super) weight: u32,
    /// Whether the control counts at most 0.49 until this test is decided and has no failure.
    #[graphql(default = false)]
    pub(super) key: bool,
    /// Days for which a pass counts in full, at least 1.
    #[graphql(default = 30)]
    pub(super) validity_days: u32,
}

/// Another version of a test's rule.
#[derive(InputObject)]
pub(super) struct ChangeTestRuleInput {
    /// The test.
    pub(super) test_id: ID,
    /// The version of the rule that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// The rule, in Rego.
    pub(super) rule: String,
    /// What it is held against, all of it: cases of the version before are not carried over.
    pub(super) cases: Vec<RuleCaseInput>,
}

/// A case that a rule is held against.
#[derive(InputObject)]
pub(super) struct RuleCaseInput {
    /// What it is about, in a line of at most 200 characters.
    pub(super) name: String,
    /// Evidence that you make up, as JSON text.
    pub(super) input: String,
    /// What the rule is to say of it: every result.
    pub(super) expected: Vec<ExpectedResultInput>,
}

/// What a rule is to say of a resource.
#[derive(InputObject)]
pub(super) struct ExpectedResultInput {
    /// The resource.
    pub(super) resource: String,
    /// What is said of it.
    pub(super) outcome: TestOutcome,
}

/// A rule as it is given.
pub(super) fn new_rule(source: String, cases: Vec<RuleCaseInput>) -> NewRule {
    let cases = cases.into_iter().map(|case| project::RuleCase {
        name: case.name,
        input: case.input,
        expected: case
            .expected
            .into_iter()
            .map(|it| project::ExpectedResult { resource: it.resource, outcome: it.outcome.into() })
            .collect(),
    });
    NewRule { source, cases: cases.collect() }
}

/// A version of the rule that a test is.
pub(super) struct TestRule(pub(super) test_rule::Model);

/// A version of the rule that a test is. It never changes.
#[Object]
impl TestRule {
    /// From 1: pass the newest as expectedVersion.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// The name under which the evidence is handed in that the rule looks at.
    async fn evidence_name(&self) -> &str {
        &self.0.evidence_name
    }

    /// The rule, in Rego.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// What it was held against.
    async fn cases(&self) -> Result<Vec<RuleCase>> {
        let cases: Vec<project::RuleCase> =
            serde_json::from_str(&self.0.cases).map_err(|error| gql(ApiError::internal(error)))?;
        Ok(cases.into_iter().map(RuleCase::of).collect())
    }

    /// Who wrote it; null where a program did.
    async fn written_by(&self) -> Option<User> {
        self.0.written_by.clone().map(|id| User { id: ID(id) })
    }

    /// When it was written.
    async fn written_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.written_at).to_datetime()
    }
}

/// A case that a rule was held against, and holds.
#[derive(SimpleObject)]
pub(super) struct RuleCase {
    /// What it is about.
    name: String,
    /// The evidence that was made up, as JSON text.
    input: String,
    /// What the rule says of it.
    expected: Vec<ExpectedResult>,
}

/// What a rule says of a resource.
#[derive(SimpleObject)]
pub(super) struct ExpectedResult {
    /// The resource.
    resource: String,
    /// What is said of it.
    outcome: TestOutcome,
}

impl RuleCase {
    fn of(case: project::RuleCase) -> Self {
        let expected = case.expected.into_iter();
        Self {
            name: case.name,
            input: case.input,
            expected: expected
                .map(|it| ExpectedResult { resource: it.resource, outcome: it.outcome.into() })
                .collect(),
        }
    }
}
