//! What people allowed apps. It is remembered until it is ended, also after its tokens have run out: so the
//! person is not asked the same again.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, Set,
};
use studio_access::Scope;
use studio_entities::identity::app_grant::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, TenantId, Timestamp, kind};

use super::{rows, tenant_of};
use crate::domain::app_grant::AppGrantEvent;

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.app_grants";

/// Keeps `identity_app_grants`.
pub(crate) struct AppGrants;

#[async_trait]
impl Projection for AppGrants {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        AppGrantEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let (tenant, at) = (tenant_of(recorded), recorded.recorded_at.micros());
            let key = |grant: Id<kind::AppGrant>| (generation, tenant.clone(), grant.to_string());
            match recorded.decode::<AppGrantEvent>()? {
                AppGrantEvent::AppAllowed(allowed) => {
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        id: Set(allowed.grant.to_string()),
                        user: Set(allowed.user.to_string()),
                        client: Set(allowed.client.to_string()),
                        reach: Set(allowed.reach.to_string()),
                        created_at: Set(at),
                        used_at: Set(None),
                        expires_at: Set(allowed.expires_at.micros()),
                        ended_at: Set(None),
                    };
                    row.insert(tx).await?;
                }
                AppGrantEvent::AppCodeRedeemed(it) => {
                    extend(tx, key(it.grant), at, it.expires_at).await?;
                }
                AppGrantEvent::AppGrantRefreshed(it) => {
                    extend(tx, key(it.grant), at, it.expires_at).await?;
                }
                AppGrantEvent::AppGrantEnded(ended) => {
                    if let Some(row) = Entity::find_by_id(key(ended.grant)).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.ended_at = Set(Some(at));
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

async fn extend(
    tx: &DatabaseTransaction,
    key: (i64, String, String),
    at: i64,
    until: Timestamp,
) -> Result<(), DbErr> {
    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
        let mut row = row.into_active_model();
        row.used_at = Set(Some(at));
        row.expires_at = Set(until.micros());
        row.update(tx).await?;
    }
    Ok(())
}

fn going_on(store: &EventStore) -> sea_orm::Select<Entity> {
    rows::all::<Entity>(store, NAME).filter(Column::EndedAt.is_null())
}

/// What a person allowed apps, or one of them, that goes on, the newest first, as the primary database
/// knows it.
pub(crate) async fn of_user(
    store: &EventStore,
    tenant: TenantId,
    user: Id<kind::User>,
    client: Option<Id<kind::OAuthClient>>,
) -> Result<Vec<Row>, DbErr> {
    let mut query = going_on(store)
        .filter(Column::Tenant.eq(tenant.to_string()))
        .filter(Column::User.eq(user.to_string()));
    if let Some(client) = client {
        query = query.filter(Column::Client.eq(client.to_string()));
    }
    query.order_by_desc(Column::Id).all(store.database().primary()).await
}

/// What people within the scope allowed an app that goes on, newest first, after an id.
pub(crate) async fn of_client(
    store: &EventStore,
    scope: Scope,
    client: &str,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut query = going_on(store)
        .filter(Column::Tenant.eq(scope.tenant().to_string()))
        .filter(Column::Client.eq(client));
    if let Some(own) = scope.own() {
        query = query.filter(Column::User.eq(own.to_string()));
    }
    rows::newest_first(query, Column::Id, after, limit).all(store.database().primary()).await
}

/// What goes on in the whole installation and runs out after an instant, by its ids, after an id: to know
/// it by heart.
pub(crate) async fn live_page(
    store: &EventStore,
    from: Timestamp,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = going_on(store).filter(Column::ExpiresAt.gt(from.micros()));
    rows::oldest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}
