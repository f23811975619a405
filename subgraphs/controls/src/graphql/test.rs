//! Tests of controls.

use async_graphql::{Context, ID, Object, Result, connection::Connection};
use chrono::{DateTime, Utc};
use studio_entities::controls::test;
use studio_kernel::Timestamp;
use studio_service::graphql::{PageArgs, connection, gql};

use super::{control::Control, from, loaders, loaders::there, read, test_rule::TestRule};
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

    /// When it was added.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }
}
