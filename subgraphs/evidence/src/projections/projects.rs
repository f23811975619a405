//! The projects that the controls subgraph has published.

use async_trait::async_trait;
use sea_orm::{ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, sea_query::Expr};
use studio_entities::evidence::project;
use studio_events::{EventStore, Projection, ProjectionError, Recorded};
use studio_kernel::{Payload, TenantId};

use super::sql::{self, Insert};
use crate::domain::{ArchivingRecorded, ProjectRecorded};

/// A row of the read model.
pub(crate) type ProjectRow = project::Model;

const NAME: &str = "projects";
static INSERT: Insert = Insert::new(
    4,
    "INSERT INTO projects (generation, tenant, id, name)",
    "ON CONFLICT (generation, tenant, id) DO UPDATE SET name = excluded.name",
);

/// See the module.
pub(crate) struct Projects;

impl Projects {
    /// The project of that id, if the organization has it.
    pub(crate) async fn find(
        store: &EventStore,
        tenant: TenantId,
        id: &str,
    ) -> Result<Option<ProjectRow>, DbErr> {
        let key = (store.generation(NAME), tenant.to_string(), id.to_owned());
        project::Entity::find_by_id(key).one(store.database().reader()).await
    }
}

#[async_trait]
impl Projection for Projects {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == ProjectRecorded::TYPE || event_type == ArchivingRecorded::TYPE
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            if event.event_type == ArchivingRecorded::TYPE {
                archiving(tx, generation, event).await?;
                continue;
            }
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

async fn archiving(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
) -> Result<(), ProjectionError> {
    let recorded = ArchivingRecorded::decode(event.schema_version, &event.payload)?;
    project::Entity::update_many()
        .filter(project::Column::Generation.eq(generation))
        .filter(project::Column::Tenant.eq(event.tenant.to_string()))
        .filter(project::Column::Id.eq(recorded.project.to_string()))
        .col_expr(project::Column::Archived, Expr::value(i64::from(recorded.archived)))
        .exec(tx)
        .await?;
    Ok(())
}
