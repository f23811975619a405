//! Tests of controls.

use async_graphql::{Context, ID, Object, Result, connection::Connection};
use chrono::{DateTime, Utc};
use studio_entities::controls::test;
use studio_kernel::Timestamp;
use studio_service::graphql::{PageArgs, connection, gql};

use super::{
    control::Control,
    enums::{AssessmentMethod, SignOff},
    from, loaders,
    loaders::there,
    read,
    test_result::{self, Of, TestResult, TestResultState},
    test_rule::TestRule,
};
use crate::projections::TestRules;

/// How a control is tested: by a scanner's check, by a rule over evidence, or by hand.
pub(super) struct ControlTest(pub(super) test::Model);

/// How a control is tested: by a scanner's check, by a rule over evidence, or by hand.
#[Object]
impl ControlTest {
    /// The test's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// The control that it tests.
    async fn control(&self, ctx: &Context<'_>) -> Result<Control> {
        let row = loaders(ctx)?.controls(self.0.control.clone()).await?;
        Ok(Control(there(row, "control")?))
    }

    /// What it looks at.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// The scanner's id of the check whose results it counts; of a test by a rule, `rule/` and its own
    /// id; null for a manual test.
    async fn check(&self) -> Option<&str> {
        self.0.check_id.as_deref()
    }

    /// Its weight among the tests of the control.
    async fn weight(&self) -> i64 {
        self.0.weight
    }

    /// Whether the control counts at most 0.49 until this test is decided and has no failure.
    async fn key(&self) -> bool {
        self.0.is_key != 0
    }

    /// Days for which a pass counts in full.
    async fn validity_days(&self) -> i64 {
        self.0.validity_days
    }

    /// The rule that it is, in its newest version; null where it is none.
    async fn rule(&self, ctx: &Context<'_>) -> Result<Option<TestRule>> {
        let Some(version) = self.0.rule_version else { return Ok(None) };
        let row = loaders(ctx)?.test_rules(TestRules::id(&self.0.id, version)).await?;
        Ok(Some(TestRule(there(row, "rule")?)))
    }

    /// All versions of its rule, the oldest first.
    async fn rule_versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, TestRule>> {
        let page = PageArgs::new(first, after)?;
        let rows = read(ctx, "controls:test:read")?
            .test_rules(&self.0.id, from(&page)?)
            .await
            .map_err(gql)?;
        Ok(connection(rows, &page, |row| row.ordinal.to_string(), TestRule))
    }

    /// How often it was added or changed: pass it as expectedVersion.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// How an assessor goes about it: TEST for a scanner's check, null where nobody said.
    async fn method(&self) -> Option<AssessmentMethod> {
        let scanned = self.0.check_id.as_ref().map(|_| AssessmentMethod::Test);
        self.0.method.as_deref().map(AssessmentMethod::of).or(scanned)
    }

    /// What to do; empty where nobody said.
    async fn procedure(&self) -> &str {
        &self.0.procedure
    }

    /// Whether a pass counts only once another person has signed it off.
    async fn sign_off(&self) -> SignOff {
        if self.0.sign_off == 0 { SignOff::None } else { SignOff::Required }
    }

    /// When it was retired; null where it is done. A retired test counts for nothing.
    async fn retired_at(&self) -> Option<DateTime<Utc>> {
        self.0.retired_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// Why it was retired.
    async fn retirement_reason(&self) -> Option<&str> {
        self.0.retirement.as_deref()
    }

    /// What came out when it was done by hand, what was recorded last first.
    async fn results(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only what stands so.")] state: Option<TestResultState>,
    ) -> Result<Connection<String, TestResult>> {
        test_result::of(ctx, Of::Test(&self.0.id), PageArgs::new(first, after)?, state).await
    }

    /// When it was added.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }
}
