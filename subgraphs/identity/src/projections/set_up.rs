//! The one set-up of the installation: one row, so that two processes that start together cannot
//! offer two organizations.

use async_trait::async_trait;
use sea_orm::{ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, Set};
use studio_entities::identity::set_up::{ActiveModel, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::DomainEvent;

use super::tenant_of;
use crate::domain::set_up::SetUpEvent;

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.set_up";
const ONLY: i64 = 1;

/// Keeps `identity_set_up`.
pub(crate) struct SetUps;

#[async_trait]
impl Projection for SetUps {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        SetUpEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let tenant = tenant_of(recorded);
            let existing = Entity::find_by_id((generation, ONLY)).one(tx).await?;
            if existing.as_ref().is_some_and(|row| row.tenant != tenant) {
                return Err(ProjectionError::other("this server has a set-up already"));
            }
            match (recorded.decode::<SetUpEvent>()?, existing) {
                (SetUpEvent::SetUpOffered(_), None) => {
                    let row = ActiveModel {
                        generation: Set(generation),
                        id: Set(ONLY),
                        tenant: Set(tenant),
                        completed_at: Set(None),
                    };
                    row.insert(tx).await?;
                }
                (SetUpEvent::SetUpCompleted(_), Some(row)) => {
                    let mut row = row.into_active_model();
                    row.completed_at = Set(Some(recorded.recorded_at.micros()));
                    row.update(tx).await?;
                }
                (SetUpEvent::SetUpOffered(_), Some(_)) | (SetUpEvent::SetUpCompleted(_), None) => {}
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

/// The set-up, if one was offered.
pub(crate) async fn find(store: &EventStore) -> Result<Option<Row>, DbErr> {
    Entity::find_by_id((store.generation(NAME), ONLY)).one(store.database().reader()).await
}
