//! Which checks a control's tests rest on.

use async_trait::async_trait;
use sea_orm::{ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder};
use studio_entities::evidence::control_check;
use studio_events::{EventStore, Projection, ProjectionError, Recorded};
use studio_kernel::{Payload, TenantId};

use super::sql::{self, Insert};
use crate::domain::ControlCheckLinked;

const NAME: &str = "control_checks";
static INSERT: Insert = Insert::new(
    5,
    "INSERT INTO control_checks (generation, tenant, control_id, check_id, project_id)",
    "ON CONFLICT (generation, tenant, control_id, check_id) DO NOTHING",
);

/// See the module.
pub(crate) struct ControlChecks;

impl ControlChecks {
    /// The checks of these controls, by control.
    pub(crate) async fn of(
        store: &EventStore,
        tenant: TenantId,
        controls: &[String],
    ) -> Result<Vec<control_check::Model>, DbErr> {
        control_check::Entity::find()
            .filter(control_check::Column::Generation.eq(store.generation(NAME)))
            .filter(control_check::Column::Tenant.eq(tenant.to_string()))
            .filter(control_check::Column::ControlId.is_in(controls))
            .order_by_asc(control_check::Column::ControlId)
            .order_by_asc(control_check::Column::CheckId)
            .all(store.database().reader())
            .await
    }
}

#[async_trait]
impl Projection for ControlChecks {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == ControlCheckLinked::TYPE
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let link = ControlCheckLinked::decode(event.schema_version, &event.payload)?;
            let row = vec![
                generation.into(),
                event.tenant.to_string().into(),
                link.control.to_string().into(),
                link.check.into(),
                link.project.to_string().into(),
            ];
            INSERT.run(tx, row).await?;
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        sql::clear(tx, &["control_checks"], generation).await
    }
}
