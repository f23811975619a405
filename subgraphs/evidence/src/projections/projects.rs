//! The projects that the controls subgraph has published.

use async_trait::async_trait;
use sea_orm::{ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter};
use studio_entities::evidence::project;
use studio_events::{EventStore, Projection, ProjectionError, Recorded};
use studio_kernel::{Id, Payload, TenantId, kind};

use super::sql::{self, Insert};
use crate::domain::ProjectRecorded;

const NAME: &str = "projects";
static INSERT: Insert = Insert::new(
    4,
    "INSERT INTO projects (generation, tenant, id, name)",
    "ON CONFLICT (generation, tenant, id) DO UPDATE SET name = excluded.name",
);

/// See the module.
pub(crate) struct Projects;

impl Projects {
    /// Whether the organization has such a project.
    pub(crate) async fn has(
        store: &EventStore,
        tenant: TenantId,
        id: Id<kind::Project>,
    ) -> Result<bool, DbErr> {
        let found = project::Entity::find()
            .filter(project::Column::Generation.eq(store.generation(NAME)))
            .filter(project::Column::Tenant.eq(tenant.to_string()))
            .filter(project::Column::Id.eq(id.to_string()))
            .count(store.database().reader())
            .await?;
        Ok(found > 0)
    }
}

#[async_trait]
impl Projection for Projects {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == ProjectRecorded::TYPE
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let project = ProjectRecorded::decode(event.schema_version, &event.payload)?;
            let row = vec![
                generation.into(),
                event.tenant.to_string().into(),
                project.project.to_string().into(),
                project.name.into(),
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
        sql::clear(tx, &["projects"], generation).await
    }
}
