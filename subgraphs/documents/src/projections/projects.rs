//! The projects that documents may belong to.

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::Expr,
};
use studio_entities::documents::project;
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, TenantId};

use crate::domain::ProjectEvent;

/// A row of the read model.
pub(crate) type Row = project::Model;

pub(super) const NAME: &str = "projects";

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
            match event.decode()? {
                ProjectEvent::ProjectNoted(noted) => {
                    let row = project::ActiveModel {
                        generation: Set(generation),
                        tenant: Set(event.tenant.to_string()),
                        id: Set(noted.project.to_string()),
                        archived: Set(0),
                    };
                    project::Entity::insert(row).exec_without_returning(tx).await?;
                }
                ProjectEvent::ArchivingNoted(noted) => {
                    project::Entity::update_many()
                        .filter(project::Column::Generation.eq(generation))
                        .filter(project::Column::Tenant.eq(event.tenant.to_string()))
                        .filter(project::Column::Id.eq(noted.project.to_string()))
                        .col_expr(project::Column::Archived, Expr::value(i64::from(noted.archived)))
                        .exec(tx)
                        .await?;
                }
            }
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

/// The project of that id, if the organization has it.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    id: &str,
) -> Result<Option<Row>, sea_orm::DbErr> {
    let key = (store.generation(NAME), tenant.to_string(), id.to_owned());
    project::Entity::find_by_id(key).one(store.database().reader()).await
}
