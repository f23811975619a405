//! People by the keyed hash of what a provider of identity calls them. What it calls them stays sealed.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, Set,
};
use studio_entities::identity::login::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use super::tenant_of;
use crate::{
    domain::{
        login::LoginLinked,
        user::{UserErased, UserEvent},
    },
    personal::People,
};

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.logins";

/// Keeps `identity_logins`. Who was erased meanwhile gets no row.
pub(crate) struct Logins {
    people: Arc<People>,
}

impl Logins {
    /// With what opens what is sealed.
    pub(crate) fn new(people: Arc<People>) -> Self {
        Self { people }
    }
}

#[async_trait]
impl Projection for Logins {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [LoginLinked::TYPE, UserErased::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            // The stream is that of the person.
            let (tenant, user) = (tenant_of(recorded), recorded.stream_id.clone());
            match recorded.decode::<UserEvent>()? {
                UserEvent::LoginLinked(linked) => {
                    let subject = self.people.open_subject(recorded.tenant, &linked.subject).await;
                    let Some(subject) = subject.map_err(ProjectionError::other)? else { continue };
                    let row = ActiveModel {
                        generation: Set(generation),
                        subject_hash: Set(self.people.subject_hash(&subject)),
                        tenant: Set(tenant),
                        user: Set(user),
                        provider: Set(linked.provider),
                        linked_at: Set(recorded.recorded_at.micros()),
                    };
                    row.insert(tx).await?;
                }
                UserEvent::UserErased(_) => {
                    Entity::delete_many()
                        .filter(Column::Generation.eq(generation))
                        .filter(Column::Tenant.eq(tenant))
                        .filter(Column::User.eq(user))
                        .exec(tx)
                        .await?;
                }
                _ => {}
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

/// Who is called so, in whatever organization: at a sign-in there is no actor yet. From the primary,
/// since whoever was just added comes next.
pub(crate) async fn by_subject(
    store: &EventStore,
    subject_hash: &str,
) -> Result<Option<Row>, DbErr> {
    Entity::find_by_id((store.generation(NAME), subject_hash.to_owned()))
        .one(store.database().primary())
        .await
}
