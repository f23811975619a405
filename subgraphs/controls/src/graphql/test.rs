//! Tests of controls.

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use studio_entities::controls::test;
use studio_kernel::Timestamp;

use super::{control::Control, loaders, loaders::there};

/// How a control is tested: by a scanner's check, or by hand.
pub(super) struct ControlTest(pub(super) test::Model);

/// How a control is tested: by a scanner's check, or by hand.
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

    /// The scanner's id of the check whose results it counts; null for a manual test.
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

    /// When it was added.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }
}
