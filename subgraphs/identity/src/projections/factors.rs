//! Second factors by person: a row for each who has an app or a passkey. The secret and the hashes of
//! recovery codes are in the log alone: here is what people see of them.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, ModelTrait,
};
use studio_entities::identity::factor::{Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, Payload, TenantId, kind};

use super::tenant_of;
use crate::domain::{
    factor::TotpBegun,
    passkey::{PasskeyBegun, PasskeyCopied},
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
        let others = [
            UserCreated::TYPE,
            PasswordChanged::TYPE,
            TotpBegun::TYPE,
            PasskeyBegun::TYPE,
            PasskeyCopied::TYPE,
        ];
        UserEvent::event_types().contains(&event_type) && !others.contains(&event_type)
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
            let before = Entity::find_by_id(key).one(tx).await?;
            let mut row = before.clone().unwrap_or(Row {
                generation,
                tenant,
                user,
                confirmed_at: at,
                used_at: at,
                recovery_codes: 0,
                app: 0,
                passkeys: 0,
            });
            match recorded.decode::<UserEvent>()? {
                UserEvent::TotpConfirmed(confirmed) => {
                    row.app = 1;
                    row.used_at = at;
                    row.recovery_codes = count(&confirmed.recovery_codes);
                }
                UserEvent::PasskeyAdded(added) => {
                    row.passkeys += 1;
                    row.recovery_codes = count(&added.recovery_codes);
                }
                UserEvent::TotpRemoved(_) => row.app = 0,
                UserEvent::PasskeyRemoved(_) => row.passkeys -= 1,
                UserEvent::UserErased(_) => (row.app, row.passkeys) = (0, 0),
                UserEvent::TotpUsed(_) | UserEvent::PasskeyUsed(_) => row.used_at = at,
                UserEvent::RecoveryCodeUsed(_) => {
                    row.used_at = at;
                    row.recovery_codes -= 1;
                }
                UserEvent::RecoveryCodesRenewed(renewed) => {
                    row.recovery_codes = count(&renewed.recovery_codes);
                }
                _ => {}
            }
            keep(tx, before, row).await?;
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

/// Writes a row as it is now; there is none for whoever has neither an app nor a passkey.
async fn keep(tx: &DatabaseTransaction, before: Option<Row>, row: Row) -> Result<(), DbErr> {
    let there = row.app > 0 || row.passkeys > 0;
    match before {
        Some(before) if before == row => {}
        Some(_) if there => {
            row.into_active_model().reset_all().update(tx).await?;
        }
        Some(before) => {
            before.delete(tx).await?;
        }
        None if there => {
            row.into_active_model().reset_all().insert(tx).await?;
        }
        None => {}
    }
    Ok(())
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
