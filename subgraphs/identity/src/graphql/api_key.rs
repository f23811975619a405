//! Keys of people, for programs.

use std::collections::HashMap;

use async_graphql::{
    Context, ID, InputObject, Object, SimpleObject,
    connection::{Connection, EmptyFields},
};
use chrono::{DateTime, Utc};
use studio_access::Resource;
use studio_kernel::{Id, TenantId, Timestamp, kind};
use studio_service::graphql::{Instant, PageArgs, UserError, actor, connection, gql, id};

use super::{
    account::errors,
    core, request,
    user::{self, User},
};
use crate::{
    commands::NewApiKey,
    personal::{PersonalError, sealed_from_row},
    projections::{
        api_keys::{self, Row},
        read_id,
    },
};

/// A key by which a program acts for a person, and when it was last used.
pub(super) struct ApiKey {
    row: Row,
    used_at: Option<i64>,
}

/// A key by which a program acts for a person. What it may do is what its person may do at that moment,
/// as far as its scopes reach.
#[Object]
impl ApiKey {
    /// The id, `key_…`.
    async fn id(&self) -> ID {
        ID(self.row.id.clone())
    }

    /// What its person calls it; null once the person was erased.
    async fn name(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let open = async {
            let shape = || PersonalError::Shape(self.row.id.clone());
            let tenant = read_id(&self.row.tenant).map_err(|_| shape())?;
            let sealed = sealed_from_row(&self.row.name)?;
            let opened = core(ctx).map_err(|_| shape())?.people.open(tenant, &sealed).await?;
            opened.map(|name| String::from_utf8(name.to_vec()).map_err(|_| shape())).transpose()
        };
        open.await.map_err(gql)
    }

    /// How far it goes within what its person may do: patterns of actions, such as `controls:*:read`.
    async fn scopes(&self) -> Vec<&str> {
        self.row.scopes.split(' ').collect()
    }

    /// Whose it is.
    async fn user(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        user::find(ctx, read_id(&self.row.user).map_err(gql)?).await
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.row.created_at).to_datetime()
    }

    /// When it runs out.
    async fn expires_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.row.expires_at).to_datetime()
    }

    /// When it was last used, give or take some minutes; null where it never was.
    async fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.used_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// When it was revoked; null where it was not.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.row.revoked_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }
}

/// A key to make.
#[derive(InputObject)]
struct CreateApiKeyInput {
    /// What you call it, 1 to 200 characters: say which program has it.
    name: String,
    /// How far it goes, 1 to 20 patterns: an action as in `evidence:run:ingest`, with `*` for any of its
    /// parts, as in `controls:*:read`. A key never does more than you may.
    scopes: Vec<String>,
    /// When it runs out: in 90 days by default, and within a year, unless the server says otherwise.
    expires_at: Option<Instant>,
}

/// What `createApiKey` did.
#[derive(SimpleObject, Default)]
struct CreateApiKeyPayload {
    /// The key that was made.
    api_key: Option<ApiKey>,
    /// The key itself, `stk_…`, for `Authorization: Bearer`. It is shown once and kept nowhere.
    secret: Option<String>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// A key to revoke.
#[derive(InputObject)]
struct RevokeApiKeyInput {
    /// The key, `key_…`.
    api_key_id: ID,
}

/// What `revokeApiKey` did.
#[derive(SimpleObject)]
struct RevokeApiKeyPayload {
    /// The key that was revoked.
    api_key: Option<ApiKey>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Mutations about keys.
#[derive(Default)]
pub(super) struct ApiKeyMutation;

#[Object]
impl ApiKeyMutation {
    /// Makes a key, by which a program may act for you as far as its scopes reach, until it runs out or
    /// is revoked. A program cannot make one.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key to make.")] input: CreateApiKeyInput,
    ) -> async_graphql::Result<CreateApiKeyPayload> {
        let expires_at = Instant::optional(input.expires_at.as_ref(), "expiresAt")?;
        let new = NewApiKey { name: input.name, scopes: input.scopes, expires_at };
        match core(ctx)?.create_api_key(actor(ctx)?, new, request(ctx)).await {
            Ok(made) => Ok(CreateApiKeyPayload {
                api_key: find(ctx, made.key).await?,
                secret: Some(made.text.to_string()),
                user_errors: Vec::new(),
            }),
            Err(failure) => {
                Ok(CreateApiKeyPayload { user_errors: errors(failure)?, ..Default::default() })
            }
        }
    }

    /// Revokes a key at once: one of yours, or, if you are an owner or an admin, anybody's in the
    /// organization. A program cannot.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key to revoke.")] input: RevokeApiKeyInput,
    ) -> async_graphql::Result<RevokeApiKeyPayload> {
        let key = id(&input.api_key_id)?;
        match core(ctx)?.revoke_api_key(actor(ctx)?, key, request(ctx)).await {
            Ok(()) => {
                let api_key = find(ctx, key).await?;
                Ok(RevokeApiKeyPayload { api_key, user_errors: Vec::new() })
            }
            Err(failure) => {
                Ok(RevokeApiKeyPayload { api_key: None, user_errors: errors(failure)? })
            }
        }
    }
}

/// Queries about keys.
#[derive(Default)]
pub(super) struct ApiKeyQuery;

#[Object]
impl ApiKeyQuery {
    /// Resolves a reference from another subgraph.
    #[graphql(entity)]
    async fn find_api_key_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> async_graphql::Result<Option<ApiKey>> {
        find(ctx, self::id(&id)?).await
    }
}

/// A key that the actor may see; others do not exist.
async fn find(ctx: &Context<'_>, key: Id<kind::ApiKey>) -> async_graphql::Result<Option<ApiKey>> {
    let (core, actor) = (core(ctx)?, actor(ctx)?);
    let row = api_keys::find(&core.store, actor.tenant, key).await.map_err(gql)?;
    let Some(row) = row else { return Ok(None) };
    let owner = read_id(&row.user).map_err(gql)?;
    let resource = Resource::one("ApiKey", key, actor.tenant).owned_by(owner);
    if core.policy.require(actor, "identity:key:read", &resource).is_err() {
        return Ok(None);
    }
    let used = api_keys::last_used(&core.store, actor.tenant, [row.id.as_str()]).await;
    let used_at = used.map_err(gql)?.remove(&row.id);
    Ok(Some(ApiKey { row, used_at }))
}

/// Keys of a person, or of everybody in the organization whose keys the actor may see.
pub(super) async fn page(
    ctx: &Context<'_>,
    tenant: TenantId,
    user: Option<Id<kind::User>>,
    page: &PageArgs,
) -> async_graphql::Result<Connection<String, ApiKey, EmptyFields, EmptyFields>> {
    let core = core(ctx)?;
    let mut resource = Resource::any("ApiKey", tenant);
    resource.owner = user;
    let scope = core.policy.require(actor(ctx)?, "identity:key:read", &resource).map_err(gql)?;
    let after = page.after.as_deref();
    let rows = api_keys::page(&core.store, scope, user, after, page.limit());
    let rows = rows.await.map_err(gql)?;
    let ids = rows.iter().map(|row| row.id.as_str());
    let mut used: HashMap<String, i64> =
        api_keys::last_used(&core.store, scope.tenant(), ids).await.map_err(gql)?;
    let keys: Vec<ApiKey> =
        rows.into_iter().map(|row| ApiKey { used_at: used.remove(&row.id), row }).collect();
    Ok(connection(keys, page, |key| key.row.id.clone(), |key| key))
}
