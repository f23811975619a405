//! Answers that were given.

use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait};
use studio_entities::ai::answer;
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, TenantId, Timestamp, kind};
use studio_service::ApiError;

use crate::domain::{AnswerEvent, QuestionAnswered};

const NAME: &str = "answers";

pub(crate) struct Answers;

#[async_trait]
impl Projection for Answers {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        AnswerEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let AnswerEvent::QuestionAnswered(answered) = event.decode()?;
            let row = answer::ActiveModel {
                generation: Set(generation),
                tenant: Set(event.tenant.to_string()),
                id: Set(answered.answer.to_string()),
                answer: Set(serde_json::to_string(&answered).map_err(ProjectionError::other)?),
                answered_at: Set(event.recorded_at.micros()),
            };
            answer::Entity::insert(row).exec_without_returning(tx).await?;
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<answer::Entity>(tx, generation).await
    }
}

/// One answer, and when it was given.
pub(crate) async fn one(
    store: &EventStore,
    tenant: TenantId,
    id: Id<kind::Answer>,
) -> Result<Option<(QuestionAnswered, Timestamp)>, ApiError> {
    let key = (store.generation(NAME), tenant.to_string(), id.to_string());
    let row = answer::Entity::find_by_id(key).one(store.database().reader()).await?;
    let Some(row) = row else { return Ok(None) };
    let answered = serde_json::from_str(&row.answer).map_err(ApiError::internal)?;
    Ok(Some((answered, Timestamp::from_micros(row.answered_at))))
}
