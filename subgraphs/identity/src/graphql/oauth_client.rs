//! Programs of the organization.

use async_graphql::{
    Context, ID, InputObject, Object, SimpleObject,
    connection::{Connection, EmptyFields},
};
use chrono::{DateTime, Utc};
use studio_access::Resource;
use studio_kernel::{Id, Role, TenantId, Timestamp, kind};
use studio_service::graphql::{PageArgs, UserError, actor, connection, gql, id};

use super::{RoleName, account::errors, core, request};
use crate::{
    commands::NewClient,
    projections::{
        oauth_clients::{self, Row},
        users::read_roles,
    },
};

/// A program of the organization.
pub(super) struct OAuthClient(Row);

/// A program of the organization that signs in by itself (OAuth 2.0 client credentials). What it may do is
/// what its roles allow, as far as its scopes reach.
#[Object(name = "OAuthClient")]
impl OAuthClient {
    /// The id, `cli_…`: the `client_id` of OAuth.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it may do.
    async fn roles(&self) -> Vec<RoleName> {
        read_roles(&self.0.roles).into_iter().map(RoleName::from).collect()
    }

    /// How far it goes within its roles: patterns of actions, such as `controls:*:read`.
    async fn scopes(&self) -> Vec<&str> {
        self.0.scopes.split(' ').collect()
    }

    /// When it was given access.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }

    /// When its access was taken away; null where it was not.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }
}

/// A program to give access to.
#[derive(InputObject)]
#[graphql(name = "CreateOAuthClientInput")]
struct CreateOAuthClientInput {
    /// What people call it, 1 to 200 characters.
    name: String,
    /// What it may do, at least one role. Only an owner gives the role of an owner.
    roles: Vec<RoleName>,
    /// How far it goes within its roles, 1 to 20 patterns: an action as in `evidence:run:ingest`, with `*`
    /// for any of its parts, as in `controls:*:read`.
    scopes: Vec<String>,
}

/// What `createOAuthClient` did.
#[derive(SimpleObject, Default)]
#[graphql(name = "CreateOAuthClientPayload")]
struct CreateOAuthClientPayload {
    /// The program that was given access.
    client: Option<OAuthClient>,
    /// Its secret, the `client_secret` of OAuth. It is shown once and kept nowhere.
    secret: Option<String>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// A program whose access is to be taken away.
#[derive(InputObject)]
#[graphql(name = "RevokeOAuthClientInput")]
struct RevokeOAuthClientInput {
    /// The program, `cli_…`.
    client_id: ID,
}

/// What `revokeOAuthClient` did.
#[derive(SimpleObject)]
#[graphql(name = "RevokeOAuthClientPayload")]
struct RevokeOAuthClientPayload {
    /// The program without access.
    client: Option<OAuthClient>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Mutations about programs.
#[derive(Default)]
pub(super) struct OAuthClientMutation;

#[Object]
impl OAuthClientMutation {
    /// Gives a program of the organization access, with roles of its own. For owners and admins; a program
    /// cannot.
    #[graphql(name = "createOAuthClient")]
    async fn create_oauth_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The program.")] input: CreateOAuthClientInput,
    ) -> async_graphql::Result<CreateOAuthClientPayload> {
        let roles = input.roles.into_iter().map(Role::from).collect();
        let new = NewClient { name: input.name, roles, scopes: input.scopes };
        match core(ctx)?.create_oauth_client(actor(ctx)?, new, request(ctx)).await {
            Ok(made) => Ok(CreateOAuthClientPayload {
                client: find(ctx, made.client).await?,
                secret: Some(made.secret.to_string()),
                user_errors: Vec::new(),
            }),
            Err(failure) => {
                Ok(CreateOAuthClientPayload { user_errors: errors(failure)?, ..Default::default() })
            }
        }
    }

    /// Takes the access of a program away at once, with every token that it has. For owners and admins; a
    /// program cannot.
    #[graphql(name = "revokeOAuthClient")]
    async fn revoke_oauth_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The program.")] input: RevokeOAuthClientInput,
    ) -> async_graphql::Result<RevokeOAuthClientPayload> {
        let client = id(&input.client_id)?;
        match core(ctx)?.revoke_oauth_client(actor(ctx)?, client, request(ctx)).await {
            Ok(()) => {
                let client = find(ctx, client).await?;
                Ok(RevokeOAuthClientPayload { client, user_errors: Vec::new() })
            }
            Err(failure) => {
                Ok(RevokeOAuthClientPayload { client: None, user_errors: errors(failure)? })
            }
        }
    }
}

/// Queries about programs.
#[derive(Default)]
pub(super) struct OAuthClientQuery;

#[Object]
impl OAuthClientQuery {
    /// Resolves a reference from another subgraph.
    #[graphql(entity)]
    async fn find_oauth_client_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> async_graphql::Result<Option<OAuthClient>> {
        find(ctx, self::id(&id)?).await
    }
}

/// A program that the actor may see; others do not exist.
async fn find(
    ctx: &Context<'_>,
    client: Id<kind::OAuthClient>,
) -> async_graphql::Result<Option<OAuthClient>> {
    let (core, actor) = (core(ctx)?, actor(ctx)?);
    let resource = Resource::one("OAuthClient", client, actor.tenant);
    let Ok(scope) = core.policy.require(actor, "identity:client:read", &resource) else {
        return Ok(None);
    };
    let row = oauth_clients::find(&core.store, scope.tenant(), client).await.map_err(gql)?;
    Ok(row.map(OAuthClient))
}

/// The programs of the organization.
pub(super) async fn page(
    ctx: &Context<'_>,
    tenant: TenantId,
    page: &PageArgs,
) -> async_graphql::Result<Connection<String, OAuthClient, EmptyFields, EmptyFields>> {
    let core = core(ctx)?;
    let resource = Resource::any("OAuthClient", tenant);
    let scope = core.policy.require(actor(ctx)?, "identity:client:read", &resource).map_err(gql)?;
    let after = page.after.as_deref();
    let rows = oauth_clients::page(&core.store, scope.tenant(), after, page.limit());
    Ok(connection(rows.await.map_err(gql)?, page, |row| row.id.clone(), OAuthClient))
}
