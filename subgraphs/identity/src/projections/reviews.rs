//! Reviews of access by id. What each holds, and what was decided, is read from the log.

use async_trait::async_trait;
use sea_orm::{ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, Set};
use studio_entities::identity::access_review::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Id, Payload, TenantId, kind};

use super::{rows, tenant_of};
use crate::domain::review::{ReviewCompleted, ReviewEvent, ReviewStarted};

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.access_reviews";

/// Keeps `identity_access_reviews`.
pub(crate) struct Reviews;

#[async_trait]
impl Projection for Reviews {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [ReviewStarted::TYPE, ReviewCompleted::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let (tenant, at) = (tenant_of(recorded), recorded.recorded_at.micros());
            match recorded.decode::<ReviewEvent>()? {
                ReviewEvent::ReviewStarted(started) => {
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        id: Set(started.review.to_string()),
                        title: Set(started.title),
                        started_by: Set(started.by.to_string()),
                        started_at: Set(at),
                        completed_by: Set(None),
                        completed_at: Set(None),
                    };
                    row.insert(tx).await?;
                }
                ReviewEvent::ReviewCompleted(completed) => {
                    let key = (generation, tenant, completed.review.to_string());
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.completed_by = Set(Some(completed.by.to_string()));
                        row.completed_at = Set(Some(at));
                        row.update(tx).await?;
                    }
                }
                ReviewEvent::AccessDecided(_) => {}
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

/// One review of the organization.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    review: Id<kind::AccessReview>,
) -> Result<Option<Row>, DbErr> {
    rows::find::<Entity>(store, NAME, tenant, review).await
}

/// Reviews of the organization, newest first, after an id.
pub(crate) async fn page(
    store: &EventStore,
    tenant: TenantId,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = rows::of::<Entity>(store, NAME, tenant);
    rows::newest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}
