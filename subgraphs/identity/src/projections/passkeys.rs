//! Passkeys by person, and by the keyed hash of their credential id. What they are stays sealed in the rows
//! too.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, Set,
};
use studio_entities::identity::passkey::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Id, Payload, TenantId, kind};

use super::{rows, tenant_of};
use crate::{
    domain::{
        passkey::{PasskeyAdded, PasskeyCopied, PasskeyRemoved, PasskeyUsed},
        user::{UserErased, UserEvent},
    },
    personal::People,
};

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.passkeys";

/// Keeps `identity_passkeys`. It opens what is sealed, to hash the credential id; of a person who was
/// erased meanwhile there is no row, which is what the erasure would have left anyway.
pub(crate) struct Passkeys {
    people: Arc<People>,
}

impl Passkeys {
    /// With what opens sealed passkeys.
    pub(crate) fn new(people: Arc<People>) -> Self {
        Self { people }
    }

    async fn add(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        recorded: &Recorded,
        added: PasskeyAdded,
    ) -> Result<(), ProjectionError> {
        let opened = self.people.open_passkey(recorded.tenant, &added.credential).await;
        let Some(kept) = opened.map_err(ProjectionError::other)? else { return Ok(()) };
        let row = ActiveModel {
            generation: Set(generation),
            tenant: Set(tenant_of(recorded)),
            id: Set(added.passkey.to_string()),
            user: Set(added.user.to_string()),
            credential_hash: Set(self.people.credential_hash(&kept.credential)),
            credential: Set(added.credential.0.to_string()),
            created_at: Set(recorded.recorded_at.micros()),
            used_at: Set(None),
            copied_at: Set(None),
        };
        row.insert(tx).await?;
        Ok(())
    }
}

#[async_trait]
impl Projection for Passkeys {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [
            PasskeyAdded::TYPE,
            PasskeyUsed::TYPE,
            PasskeyCopied::TYPE,
            PasskeyRemoved::TYPE,
            UserErased::TYPE,
        ]
        .contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let tenant = tenant_of(recorded);
            let at = Some(recorded.recorded_at.micros());
            let key = |id: Id<kind::Passkey>| (generation, tenant.clone(), id.to_string());
            match recorded.decode::<UserEvent>()? {
                UserEvent::PasskeyAdded(added) => self.add(tx, generation, recorded, added).await?,
                UserEvent::PasskeyUsed(used) => {
                    if let Some(row) = Entity::find_by_id(key(used.passkey)).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.used_at = Set(at);
                        row.update(tx).await?;
                    }
                }
                UserEvent::PasskeyCopied(copied) => {
                    if let Some(row) = Entity::find_by_id(key(copied.passkey)).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.copied_at = Set(at);
                        row.update(tx).await?;
                    }
                }
                UserEvent::PasskeyRemoved(removed) => {
                    Entity::delete_by_id(key(removed.passkey)).exec(tx).await?;
                }
                UserEvent::UserErased(erased) => {
                    Entity::delete_many()
                        .filter(Column::Generation.eq(generation))
                        .filter(Column::Tenant.eq(tenant))
                        .filter(Column::User.eq(erased.user.to_string()))
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

/// The passkey with that keyed hash of its credential id, in whatever organization it is: at a sign-in
/// there is no actor yet.
pub(crate) async fn by_credential(store: &EventStore, hash: &str) -> Result<Option<Row>, DbErr> {
    rows::all::<Entity>(store, NAME)
        .filter(Column::CredentialHash.eq(hash))
        .one(store.database().reader())
        .await
}

/// The passkeys of a person of the organization, the oldest first. There are few.
pub(crate) async fn of(
    store: &EventStore,
    tenant: TenantId,
    user: Id<kind::User>,
) -> Result<Vec<Row>, DbErr> {
    rows::of::<Entity>(store, NAME, tenant)
        .filter(Column::User.eq(user.to_string()))
        .order_by_asc(Column::Id)
        .all(store.database().reader())
        .await
}
