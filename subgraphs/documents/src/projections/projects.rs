//! The projects that documents may belong to.

use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait};
use studio_entities::documents::project;
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, TenantId, kind};

use crate::domain::ProjectEvent;

const NAME: &str = "projects";

pub(crate) struct Projects;

#[async_trait]
impl Projection for Projects {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        ProjectEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let ProjectEvent::ProjectNoted(noted) = event.decode()?;
            let row = project::ActiveModel {
                generation: Set(generation),
                tenant: Set(event.tenant.to_string()),
                id: Set(noted.project.to_string()),
            };
            project::Entity::insert(row).exec_without_returning(tx).await?;
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<project::Entity>(tx, generation).await
    }
}

/// Whether the organization has the project.
pub(crate) async fn exists(
    store: &EventStore,
    tenant: TenantId,
    id: Id<kind::Project>,
) -> Result<bool, sea_orm::DbErr> {
    let key = (store.generation(NAME), tenant.to_string(), id.to_string());
    let row = project::Entity::find_by_id(key).one(store.database().reader()).await?;
    Ok(row.is_some())
}
