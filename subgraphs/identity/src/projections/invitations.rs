//! Invitations by id, and by the keyed hash of the address that was invited. The address stays sealed in the
//! rows too.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, Set,
};
use studio_entities::identity::invitation::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, TenantId, kind};

use super::{read_id, rows, tenant_of, users::write_roles};
use crate::{
    domain::invitation::{InvitationEvent, InvitationSent, person_of},
    personal::People,
};

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.invitations";

/// Keeps `identity_invitations`. It opens what is sealed, to hash the address.
pub(crate) struct Invitations {
    people: Arc<People>,
}

impl Invitations {
    /// With what opens sealed addresses.
    pub(crate) fn new(people: Arc<People>) -> Self {
        Self { people }
    }

    async fn sent(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        recorded: &Recorded,
        sent: InvitationSent,
    ) -> Result<(), ProjectionError> {
        let (tenant, at) = (tenant_of(recorded), recorded.recorded_at.micros());
        let key = (generation, tenant.clone(), sent.invitation.to_string());
        if let Some(row) = Entity::find_by_id(key).one(tx).await? {
            let mut row = row.into_active_model();
            row.invited_by = Set(sent.by.to_string());
            row.expires_at = Set(sent.expires_at.micros());
            row.mailed_at = Set(None);
            row.update(tx).await?;
            return Ok(());
        }
        // Nothing to open once it was taken back.
        let email = self.people.open_address(recorded.tenant, &sent.email).await;
        let email = email.map_err(ProjectionError::other)?;
        let row = ActiveModel {
            generation: Set(generation),
            tenant: Set(tenant),
            id: Set(sent.invitation.to_string()),
            email_hash: Set(email.map(|email| self.people.email_hash(&email))),
            email: Set(Some(sent.email.0.to_string())),
            roles: Set(write_roles(&sent.offer.roles)),
            project: Set(sent.offer.project.map(|project| project.to_string())),
            roles_until: Set(sent.offer.until.map(|until| until.micros())),
            invited_by: Set(sent.by.to_string()),
            invited_at: Set(at),
            expires_at: Set(sent.expires_at.micros()),
            mailed_at: Set(None),
            accepted_at: Set(None),
            revoked_at: Set(None),
        };
        row.insert(tx).await?;
        Ok(())
    }
}

#[async_trait]
impl Projection for Invitations {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        InvitationEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let (tenant, at) = (tenant_of(recorded), recorded.recorded_at.micros());
            let event = recorded.decode::<InvitationEvent>()?;
            let invitation = match &event {
                InvitationEvent::InvitationSent(sent) => {
                    self.sent(tx, generation, recorded, sent.clone()).await?;
                    continue;
                }
                InvitationEvent::InvitationMailed(mailed) => mailed.invitation,
                InvitationEvent::InvitationAccepted(accepted) => accepted.invitation,
                InvitationEvent::InvitationRevoked(revoked) => revoked.invitation,
            };
            let key = (generation, tenant, invitation.to_string());
            let Some(row) = Entity::find_by_id(key).one(tx).await? else { continue };
            let mut row = row.into_active_model();
            match event {
                InvitationEvent::InvitationAccepted(_) => {
                    row.accepted_at = Set(Some(at));
                    // The person is found by it from now on, until they are erased.
                    row.email_hash = Set(None);
                }
                InvitationEvent::InvitationRevoked(_) => {
                    row.revoked_at = Set(Some(at));
                    row.email_hash = Set(None);
                    row.email = Set(None);
                }
                _ => row.mailed_at = Set(Some(at)),
            }
            row.update(tx).await?;
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

/// One invitation of the organization.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    invitation: Id<kind::Invitation>,
) -> Result<Option<Row>, DbErr> {
    rows::find::<Entity>(store, NAME, tenant, invitation).await
}

/// Invitations of the organization, newest first, after an id. Those that were accepted or taken back are
/// among them.
pub(crate) async fn page(
    store: &EventStore,
    tenant: TenantId,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = of(store, tenant);
    rows::newest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}

/// Whether the organization has invited an address, by its keyed hash, and nothing came of it yet; as the
/// primary database knows it.
pub(crate) async fn is_open_for(
    store: &EventStore,
    tenant: TenantId,
    email_hash: &str,
) -> Result<bool, DbErr> {
    let query = open(store, tenant).filter(Column::EmailHash.eq(email_hash));
    Ok(query.count(store.database().primary()).await? > 0)
}

/// How many invitations of the organization are open, as the primary database knows it.
pub(crate) async fn count_open(store: &EventStore, tenant: TenantId) -> Result<u64, DbErr> {
    open(store, tenant).count(store.database().primary()).await
}

/// Whom everybody that was taken back would have become, as `(organization, person)`.
pub(crate) async fn revoked(store: &EventStore) -> Result<Vec<(TenantId, Id<kind::User>)>, DbErr> {
    let rows = rows::all::<Entity>(store, NAME)
        .filter(Column::RevokedAt.is_not_null())
        .all(store.database().reader())
        .await?;
    rows.iter().map(|row| Ok((read_id(&row.tenant)?, person_of(read_id(&row.id)?)))).collect()
}

fn of(store: &EventStore, tenant: TenantId) -> sea_orm::Select<Entity> {
    rows::of::<Entity>(store, NAME, tenant)
}

fn open(store: &EventStore, tenant: TenantId) -> sea_orm::Select<Entity> {
    of(store, tenant).filter(Column::AcceptedAt.is_null()).filter(Column::RevokedAt.is_null())
}
