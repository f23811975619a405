//! Organizations by id.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, Set,
};
use studio_entities::identity::organization::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, TenantId};

use super::{rows, tenant_of};
use crate::domain::organization::{OrganizationEvent, OrganizationState};

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
                        state: Set(OrganizationState::default().as_str().to_owned()),
                    };
                    row.insert(tx).await?;
                }
                OrganizationEvent::OrganizationStateChanged(changed) => {
                    let key = (generation, tenant_of(recorded));
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.state = Set(changed.state.as_str().to_owned());
                        row.update(tx).await?;
                    }
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
    let count = rows::all::<Entity>(store, NAME).count(store.database().reader()).await?;
    Ok(count > 0)
}

/// All of them, by their ids.
pub(crate) async fn all(store: &EventStore) -> Result<Vec<Row>, DbErr> {
    rows::all::<Entity>(store, NAME)
        .order_by_asc(Column::Tenant)
        .all(store.database().primary())
        .await
}

/// Those that are not active, with their states.
pub(crate) async fn not_active(
    store: &EventStore,
) -> Result<Vec<(TenantId, OrganizationState)>, DbErr> {
    let rows = rows::all::<Entity>(store, NAME)
        .filter(Column::State.ne(OrganizationState::Active.as_str()))
        .all(store.database().reader())
        .await?;
    rows.iter().map(|row| Ok((super::read_id(&row.tenant)?, read_state(row)?))).collect()
}

/// The state of a row.
pub(crate) fn read_state(row: &Row) -> Result<OrganizationState, DbErr> {
    let odd = || DbErr::Type(format!("an organization in the state {}", row.state));
    OrganizationState::parse(&row.state).ok_or_else(odd)
}
