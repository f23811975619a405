//! The tests of controls.

use async_trait::async_trait;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::Expr};
use studio_entities::controls::test::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::project::events::{ControlTestAdded, ProjectEvent, TestRuleChanged};

use super::{insert, ordinal};

/// The tests of controls.
pub(crate) struct Tests;

impl Tests {
    /// Its name.
    pub(crate) const NAME: &'static str = "tests";
}

#[async_trait]
impl Projection for Tests {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [ControlTestAdded::TYPE, TestRuleChanged::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let mut rows = Vec::new();
        for event in events {
            let added = match event.decode()? {
                ProjectEvent::ControlTestAdded(added) => added,
                ProjectEvent::TestRuleChanged(changed) => {
                    // A test is there before its rule, in the same append too.
                    insert::<Entity>(tx, std::mem::take(&mut rows)).await?;
                    ruled(tx, generation, event, &changed).await?;
                    continue;
                }
                _ => continue,
            };
            rows.push(test::Model {
                generation,
                tenant: event.tenant.to_string(),
                id: added.test.to_string(),
                project: added.project.to_string(),
                control: added.control.to_string(),
                title: added.title,
                check_id: added.check,
                weight: i64::from(added.weight),
                is_key: i64::from(added.key),
                validity_days: i64::from(added.validity_days),
                rule_version: None,
                created_at: event.recorded_at.micros(),
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

async fn ruled(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
    changed: &TestRuleChanged,
) -> Result<(), ProjectionError> {
    Entity::update_many()
        .filter(test::Column::Generation.eq(generation))
        .filter(test::Column::Tenant.eq(event.tenant.to_string()))
        .filter(test::Column::Id.eq(changed.test.to_string()))
        .col_expr(test::Column::RuleVersion, Expr::value(i64::from(changed.version)))
        .exec(tx)
        .await?;
    Ok(())
}
