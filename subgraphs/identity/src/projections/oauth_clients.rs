//! Programs of the organization, newest first, and the access tokens that they gave back and that have not
//! run out.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, Set, sea_query::OnConflict,
};
use studio_entities::identity::{
    oauth_client::{ActiveModel, Column, Entity, Model},
    revoked_token,
};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, TenantId, Timestamp, kind, published::identity::GrantType};

use super::{api_keys::write_scopes, rows, tenant_of, users::write_roles};
use crate::domain::oauth_client::OAuthClientEvent;

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.oauth_clients";

/// Keeps `identity_oauth_clients` and `identity_revoked_tokens`.
pub(crate) struct OAuthClients;

#[async_trait]
impl Projection for OAuthClients {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        OAuthClientEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let tenant = tenant_of(recorded);
            match recorded.decode::<OAuthClientEvent>()? {
                OAuthClientEvent::OAuthClientCreated(created) => {
                    let metadata = recorded.metadata().map_err(ProjectionError::other)?;
                    let by = metadata.principal.user_id();
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        id: Set(created.client.to_string()),
                        name: Set(created.name),
                        roles: Set(write_roles(&created.roles)),
                        scopes: Set(write_scopes(&created.scopes)),
                        secret_hash: Set(created.secret_hash),
                        grant_types: Set(write_grants(&created.grant_types)),
                        redirect_uris: Set(created.redirect_uris.join(" ")),
                        created_by: Set(by.map(|user| user.to_string())),
                        created_at: Set(recorded.recorded_at.micros()),
                        revoked_at: Set(None),
                    };
                    row.insert(tx).await?;
                }
                OAuthClientEvent::AccessTokenIssued(_) => {}
                OAuthClientEvent::AccessTokenRevoked(revoked) => {
                    let row = revoked_token::ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        id: Set(revoked.token.to_string()),
                        expires_at: Set(revoked.expires_at.micros()),
                    };
                    revoked_token::Entity::insert(row)
                        .on_conflict(
                            OnConflict::columns([
                                revoked_token::Column::Generation,
                                revoked_token::Column::Tenant,
                                revoked_token::Column::Id,
                            ])
                            .do_nothing()
                            .to_owned(),
                        )
                        .exec_without_returning(tx)
                        .await?;
                }
                OAuthClientEvent::OAuthClientRevoked(revoked) => {
                    let key = (generation, tenant, revoked.client.to_string());
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.revoked_at = Set(Some(recorded.recorded_at.micros()));
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
        clear_generation::<revoked_token::Entity>(tx, generation).await?;
        clear_generation::<Entity>(tx, generation).await
    }
}

fn write_grants(grants: &[GrantType]) -> String {
    grants.iter().map(|grant| grant.as_str()).collect::<Vec<_>>().join(" ")
}

/// The grants of a row. A name that this version does not know gives no tokens.
pub(crate) fn read_grants(text: &str) -> Vec<GrantType> {
    text.split(' ').filter_map(GrantType::parse).collect()
}

/// The addresses of a row: none has a blank in it.
pub(crate) fn read_redirect_uris(text: &str) -> Vec<String> {
    text.split(' ').filter(|uri| !uri.is_empty()).map(str::to_owned).collect()
}

/// One program of the organization.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    client: Id<kind::OAuthClient>,
) -> Result<Option<Row>, DbErr> {
    rows::find::<Entity>(store, NAME, tenant, client).await
}

/// Programs of the organization, newest first, after an id. Those without access any more are among them.
pub(crate) async fn page(
    store: &EventStore,
    tenant: TenantId,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = rows::of::<Entity>(store, NAME, tenant);
    rows::newest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}

/// How many programs of the organization have access.
pub(crate) async fn count_live(store: &EventStore, tenant: TenantId) -> Result<u64, DbErr> {
    live(store)
        .filter(Column::Tenant.eq(tenant.to_string()))
        .count(store.database().primary())
        .await
}

/// Programs of the whole installation that have access, by their ids, after an id: to know them by heart.
pub(crate) async fn live_page(
    store: &EventStore,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = live(store);
    rows::oldest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}

fn live(store: &EventStore) -> sea_orm::Select<Entity> {
    rows::all::<Entity>(store, NAME).filter(Column::RevokedAt.is_null())
}

/// Access tokens of the whole installation that were given back before their time, which is not over.
pub(crate) async fn revoked_tokens(
    store: &EventStore,
    now: Timestamp,
) -> Result<Vec<(Id<kind::AccessToken>, Timestamp)>, DbErr> {
    let rows = revoked_token::Entity::find()
        .filter(revoked_token::Column::Generation.eq(store.generation(NAME)))
        .filter(revoked_token::Column::ExpiresAt.gt(now.micros()))
        .all(store.database().reader())
        .await?;
    rows.iter()
        .map(|row| Ok((super::read_id(&row.id)?, Timestamp::from_micros(row.expires_at))))
        .collect()
}
