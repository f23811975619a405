//! Keys by person, newest first, and when each was last used. That is no event, and in no log: a table
//! beside the read model, written now and then, that has no generations and is not moved with the logs.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, Set,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use studio_access::Scope;
use studio_entities::identity::{
    api_key::{ActiveModel, Column, Entity, Model},
    api_key_use,
};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{ActionScope, DomainEvent, Id, TenantId, Timestamp, kind};

use super::{rows, tenant_of};
use crate::domain::api_key::ApiKeyEvent;

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.api_keys";

/// Keeps `identity_api_keys`.
pub(crate) struct ApiKeys;

#[async_trait]
impl Projection for ApiKeys {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        ApiKeyEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let tenant = tenant_of(recorded);
            match recorded.decode::<ApiKeyEvent>()? {
                ApiKeyEvent::ApiKeyCreated(created) => {
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        id: Set(created.key.to_string()),
                        user: Set(created.user.to_string()),
                        name: Set(created.name.0.to_string()),
                        scopes: Set(write_scopes(&created.scopes)),
                        secret_hash: Set(created.secret_hash),
                        created_at: Set(recorded.recorded_at.micros()),
                        expires_at: Set(created.expires_at.micros()),
                        revoked_at: Set(None),
                    };
                    row.insert(tx).await?;
                }
                ApiKeyEvent::ApiKeyRevoked(revoked) => {
                    let key = (generation, tenant, revoked.key.to_string());
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
        clear_generation::<Entity>(tx, generation).await
    }
}

/// Scopes as a row has them.
pub(crate) fn write_scopes(scopes: &[ActionScope]) -> String {
    scopes.iter().map(ActionScope::as_str).collect::<Vec<_>>().join(" ")
}

/// The scopes of a row. What does not read reaches nothing.
pub(crate) fn read_scopes(text: &str) -> Vec<ActionScope> {
    text.split(' ').filter_map(|scope| scope.parse().ok()).collect()
}

/// One key of the organization.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    key: Id<kind::ApiKey>,
) -> Result<Option<Row>, DbErr> {
    rows::find::<Entity>(store, NAME, tenant, key).await
}

/// Keys within the scope, of one person where one is named, newest first, after an id. Those that
/// ended are among them.
pub(crate) async fn page(
    store: &EventStore,
    scope: Scope,
    user: Option<Id<kind::User>>,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut query = rows::of::<Entity>(store, NAME, scope.tenant());
    for user in [scope.own(), user].into_iter().flatten() {
        query = query.filter(Column::User.eq(user.to_string()));
    }
    rows::newest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}

/// How many keys of a person hold, as the primary database knows it.
pub(crate) async fn count_live(
    store: &EventStore,
    tenant: TenantId,
    user: Id<kind::User>,
    now: Timestamp,
) -> Result<u64, DbErr> {
    live(store, now)
        .filter(Column::Tenant.eq(tenant.to_string()))
        .filter(Column::User.eq(user.to_string()))
        .count(store.database().primary())
        .await
}

/// Keys of a person that hold, as the primary database knows it.
pub(crate) async fn live_of(
    store: &EventStore,
    tenant: TenantId,
    user: Id<kind::User>,
    now: Timestamp,
) -> Result<Vec<Row>, DbErr> {
    live(store, now)
        .filter(Column::Tenant.eq(tenant.to_string()))
        .filter(Column::User.eq(user.to_string()))
        .all(store.database().primary())
        .await
}

/// Keys of the whole installation that hold, by their ids, after an id: to know them by heart.
pub(crate) async fn live_page(
    store: &EventStore,
    now: Timestamp,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = live(store, now);
    rows::oldest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}

fn live(store: &EventStore, now: Timestamp) -> sea_orm::Select<Entity> {
    rows::all::<Entity>(store, NAME)
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now.micros()))
}

/// When these keys, or tokens of directories, of the organization were last used, by their ids.
pub(crate) async fn last_used(
    store: &EventStore,
    tenant: TenantId,
    keys: impl IntoIterator<Item = &str>,
) -> Result<HashMap<String, i64>, DbErr> {
    let rows = api_key_use::Entity::find()
        .filter(api_key_use::Column::Tenant.eq(tenant.to_string()))
        .filter(api_key_use::Column::Key.is_in(keys))
        .all(store.database().reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.used_at)).collect())
}

/// Notes when a key, or the token of a directory, was last used, unless a later use is known.
pub(crate) async fn note_use(
    tx: &DatabaseTransaction,
    tenant: TenantId,
    key: impl ToString,
    at: Timestamp,
) -> Result<(), DbErr> {
    let row = api_key_use::ActiveModel {
        tenant: Set(tenant.to_string()),
        key: Set(key.to_string()),
        used_at: Set(at.micros()),
    };
    let later = Expr::col((api_key_use::Entity, api_key_use::Column::UsedAt)).lt(at.micros());
    api_key_use::Entity::insert(row)
        .on_conflict(
            OnConflict::columns([api_key_use::Column::Tenant, api_key_use::Column::Key])
                .update_column(api_key_use::Column::UsedAt)
                .action_and_where(later)
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}
