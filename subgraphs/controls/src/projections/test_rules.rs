//! The rules of tests, each with all its versions.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use studio_entities::controls::test_rule::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::project::events::{ProjectEvent, TestRuleChanged};

use super::{insert, ordinal};

/// The rules of tests.
pub(crate) struct TestRules;

impl TestRules {
    /// Its name.
    pub(crate) const NAME: &'static str = "test_rules";

    /// The id of a version.
    pub(crate) fn id(test: &str, version: i64) -> String {
        format!("{test}/{version}")
    }
}

#[async_trait]
impl Projection for TestRules {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [TestRuleChanged::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let mut rows = Vec::new();
        for event in events {
            let ProjectEvent::TestRuleChanged(changed) = event.decode()? else { continue };
            let metadata = event.metadata().map_err(ProjectionError::other)?;
            let (test, version) = (changed.test.to_string(), i64::from(changed.version));
            rows.push(test_rule::Model {
                generation,
                tenant: event.tenant.to_string(),
                id: Self::id(&test, version),
                project: changed.project.to_string(),
                test,
                version,
                evidence_name: changed.evidence_name,
                source: changed.source,
                cases: serde_json::to_string(&changed.cases).map_err(ProjectionError::other)?,
                written_by: metadata.principal.user_id().map(|user| user.to_string()),
                written_at: event.recorded_at.micros(),
                ordinal: ordinal(event, 0),
            });
        }
        Ok(insert::<Entity>(tx, rows).await?)
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<Entity>(tx, generation).await
    }
}
