//! Programs of the organization: those that sign in by themselves, and apps that act for people.

use async_graphql::{
    Context, Enum, ID, InputObject, Object, SimpleObject,
    connection::{Connection, EmptyFields},
};
use chrono::{DateTime, Utc};
use studio_access::Resource;
use studio_kernel::{Id, Role, TenantId, Timestamp, kind, published::identity::GrantType};
use studio_service::graphql::{PageArgs, UserError, actor, connection, gql, id};

use super::{
    RoleName,
    account::errors,
    app::{self, AppGrant},
    core, request,
    user::{self, User},
};
use crate::{
    commands::NewClient,
    projections::{
        oauth_clients::{self, Row, read_grants, read_redirect_uris},
        read_id,
        users::read_roles,
    },
};

/// A program of the organization.
pub(super) struct OAuthClient(Row);

/// A program of the organization. One that signs in by itself (OAuth 2.0 client credentials) may do what its
/// roles allow, as far as its scopes reach; an app that acts for people who allow it to (authorization code)
/// may do what they may, as far as they allowed, and its scopes are what it may ask them for.
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
        self.0.scopes.split(' ').filter(|scope| !scope.is_empty()).collect()
    }

    /// How it gets tokens.
    async fn grant_types(&self) -> Vec<GrantTypeName> {
        read_grants(&self.0.grant_types).into_iter().map(GrantTypeName::from).collect()
    }

    /// Where an app gets its answers; empty for a program that signs in by itself.
    async fn redirect_uris(&self) -> Vec<String> {
        read_redirect_uris(&self.0.redirect_uris)
    }

    /// Whether it has no secret, since it could keep none.
    async fn public(&self) -> bool {
        self.0.secret_hash.is_empty()
    }

    /// Who gave it access; null where that was not kept, or is nobody whom you may see.
    async fn created_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match &self.0.created_by {
            Some(user) => user::find(ctx, read_id(user).map_err(gql)?).await,
            None => Ok(None),
        }
    }

    /// What people allowed the app and goes on, newest first.
    async fn grants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, AppGrant, EmptyFields, EmptyFields>> {
        let page = PageArgs::new(first, after)?;
        app::page(ctx, read_id(&self.0.tenant).map_err(gql)?, &self.0.id, &page).await
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

/// How a program gets tokens: a grant of OAuth 2.0 (RFC 6749).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "OAuthGrantType", remote = "GrantType")]
pub enum GrantTypeName {
    /// By itself, with its secret.
    ClientCredentials,
    /// For a person who allows it to, in their browser.
    AuthorizationCode,
    /// The same again, without the person: for an app that goes on when they have left.
    RefreshToken,
}

/// A program to give access to.
#[derive(InputObject)]
#[graphql(name = "CreateOAuthClientInput")]
struct CreateOAuthClientInput {
    /// What people call it, 1 to 200 characters.
    name: String,
    /// What it may do by itself, at least one role. Only an owner gives the role of an owner. None for an
    /// app that acts for people alone.
    roles: Vec<RoleName>,
    /// How far it goes within its roles, or what an app may ask people for, 1 to 20 patterns: an action as
    /// in `evidence:run:ingest`, with `*` for any of its parts, as in `controls:*:read`. None for an app that
    /// wants to know who somebody is, and no more.
    scopes: Vec<String>,
    /// How it gets tokens: by itself unless you say otherwise.
    #[graphql(default_with = "vec![GrantTypeName::ClientCredentials]")]
    grant_types: Vec<GrantTypeName>,
    /// Where an app gets its answers, at most 10 addresses, which are compared as they are written: `https`,
    /// `http://127.0.0.1` or `http://[::1]` at any port, or a scheme of its own such as
    /// `org.example.app:/signed-in`.
    #[graphql(default)]
    redirect_uris: Vec<String>,
    /// Whether the app can keep no secret, as one that runs on people's devices. It gets none then.
    #[graphql(default)]
    public: bool,
}

/// What `createOAuthClient` did.
#[derive(SimpleObject, Default)]
#[graphql(name = "CreateOAuthClientPayload")]
struct CreateOAuthClientPayload {
    /// The program that was given access.
    client: Option<OAuthClient>,
    /// Its secret, the `client_secret` of OAuth; null for an app that can keep none. It is shown once and
    /// kept nowhere.
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
    /// Gives a program of the organization access, with roles of its own, or registers an app that people
    /// may allow to act for them. For owners and admins; a program cannot.
    #[graphql(name = "createOAuthClient")]
    async fn create_oauth_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The program.")] input: CreateOAuthClientInput,
    ) -> async_graphql::Result<CreateOAuthClientPayload> {
        let roles = input.roles.into_iter().map(Role::from).collect();
        let new = NewClient {
            name: input.name,
            roles,
            scopes: input.scopes,
            grant_types: input.grant_types.into_iter().map(GrantType::from).collect(),
            redirect_uris: input.redirect_uris,
            public: input.public,
        };
        match core(ctx)?.create_oauth_client(actor(ctx)?, new, request(ctx)).await {
            Ok(made) => Ok(CreateOAuthClientPayload {
                client: find(ctx, made.client).await?,
                secret: made.secret.map(|secret| secret.to_string()),
                user_errors: Vec::new(),
            }),
            Err(failure) => {
                Ok(CreateOAuthClientPayload { user_errors: errors(failure)?, ..Default::default() })
            }
        }
    }

    /// Takes the access of a program away at once, with every token that it has, and all that people allowed
    /// it. For owners and admins; a
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
