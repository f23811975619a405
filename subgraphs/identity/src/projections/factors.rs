//! Second factors by person. The secret and the hashes of recovery codes are in the log alone: here is
//! what people see of them.

use async_trait::async_trait;
use sea_orm::{ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, Set};
use studio_entities::identity::factor::{ActiveModel, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, Payload, TenantId, kind};

use super::tenant_of;
use crate::domain::{
    factor::TotpBegun,
    user::{PasswordChanged, UserCreated, UserEvent},
};

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.factors";

/// Keeps `identity_factors`.
pub(crate) struct Factors;

#[async_trait]
impl Projection for Factors {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        // Not what every person begins with: a row is looked for at each of these.
        UserEvent::event_types().contains(&event_type)
            && ![UserCreated::TYPE, PasswordChanged::TYPE, TotpBegun::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let at = recorded.recorded_at.micros();
            // The stream is that of the person.
            let (tenant, user) = (tenant_of(recorded), recorded.stream_id.clone());
            let key = (generation, tenant.clone(), user.clone());
            let row = Entity::find_by_id(key.clone()).one(tx).await?;
            match (recorded.decode::<UserEvent>()?, row) {
                (UserEvent::TotpConfirmed(confirmed), _) => {
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        user: Set(user),
                        confirmed_at: Set(at),
                        used_at: Set(at),
                        recovery_codes: Set(count(&confirmed.recovery_codes)),
                    };
                    row.insert(tx).await?;
                }
                (UserEvent::TotpRemoved(_) | UserEvent::UserErased(_), _) => {
                    Entity::delete_by_id(key).exec(tx).await?;
                }
                (UserEvent::TotpUsed(_), Some(row)) => {
                    let mut row = row.into_active_model();
                    row.used_at = Set(at);
                    row.update(tx).await?;
                }
                (UserEvent::RecoveryCodeUsed(_), Some(row)) => {
                    let left = row.recovery_codes - 1;
                    let mut row = row.into_active_model();
                    row.used_at = Set(at);
                    row.recovery_codes = Set(left);
                    row.update(tx).await?;
                }
                (UserEvent::RecoveryCodesRenewed(renewed), Some(row)) => {
                    let mut row = row.into_active_model();
                    row.recovery_codes = Set(count(&renewed.recovery_codes));
                    row.update(tx).await?;
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

fn count(codes: &[String]) -> i64 {
    i64::try_from(codes.len()).unwrap_or(i64::MAX)
}

/// The second factor of a person of the organization, if they have one.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    user: Id<kind::User>,
) -> Result<Option<Row>, DbErr> {
    Entity::find_by_id((store.generation(NAME), tenant.to_string(), user.to_string()))
        .one(store.database().reader())
        .await
}
