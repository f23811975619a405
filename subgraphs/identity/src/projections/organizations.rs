//! Organizations by id.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, Set,
};
use studio_entities::identity::organization::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, TenantId};

use super::tenant_of;
use crate::domain::organization::OrganizationEvent;

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.organizations";

/// Keeps `identity_organizations`.
pub(crate) struct Organizations;

#[async_trait]
impl Projection for Organizations {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        OrganizationEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            match recorded.decode::<OrganizationEvent>()? {
                OrganizationEvent::OrganizationCreated(created) => {
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant_of(recorded)),
                        name: Set(created.name),
                        created_at: Set(recorded.recorded_at.micros()),
                    };
                    row.insert(tx).await?;
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
        clear_generation::<Entity>(tx, generation).await
    }
}

/// The organization, if it exists.
pub(crate) async fn find(store: &EventStore, tenant: TenantId) -> Result<Option<Row>, DbErr> {
    Entity::find_by_id((store.generation(NAME), tenant.to_string()))
        .one(store.database().reader())
        .await
}

/// Whether there is any organization.
pub(crate) async fn any(store: &EventStore) -> Result<bool, DbErr> {
    let count = Entity::find()
        .filter(Column::Generation.eq(store.generation(NAME)))
        .count(store.database().reader())
        .await?;
    Ok(count > 0)
}
