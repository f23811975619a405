//! The organization.

use async_graphql::{
    Context, Enum, ID, Object,
    connection::{Connection, EmptyFields},
};
use chrono::{DateTime, Utc};
use studio_access::Resource;
use studio_kernel::{TenantId, Timestamp, published::identity::OrganizationState};
use studio_service::graphql::{PageArgs, actor, gql, id};

use super::{
    api_key::{self, ApiKey},
    core,
    directory::{self, Directory},
    invitation::{self, Invitation},
    oauth_client::{self, OAuthClient},
    team::{self, Team},
};
use crate::projections::{
    organizations::{self, Row},
    read_id,
};

/// A company that uses this server: everything belongs to exactly one, and none sees another's.
pub(super) struct Organization(pub Row);

/// A company that uses this server: everything belongs to exactly one, and none sees another's.
#[Object]
impl Organization {
    /// The id, `org_…`.
    async fn id(&self) -> ID {
        ID(self.0.tenant.clone())
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What may be done in it. Whoever runs the server changes it.
    async fn state(&self) -> async_graphql::Result<OrganizationStateName> {
        organizations::read_state(&self.0).map(OrganizationStateName::from).map_err(gql)
    }

    /// When it was set up.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }

    /// The keys of its people for programs, newest first, those that ended among them: all of them for an
    /// owner or an admin, for everybody else their own.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, ApiKey, EmptyFields, EmptyFields>> {
        let page = PageArgs::new(first, after)?;
        let tenant = read_id(&self.0.tenant).map_err(gql)?;
        api_key::page(ctx, tenant, None, &page).await
    }

    /// Its programs that sign in by themselves, newest first, those without access any more among them. For
    /// owners and admins.
    #[graphql(name = "oauthClients")]
    async fn oauth_clients(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, OAuthClient, EmptyFields, EmptyFields>> {
        let page = PageArgs::new(first, after)?;
        oauth_client::page(ctx, read_id(&self.0.tenant).map_err(gql)?, &page).await
    }

    /// The directories that provision its people, newest first, those that were disconnected among them. For
    /// owners and admins.
    async fn directories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, Directory, EmptyFields, EmptyFields>> {
        let page = PageArgs::new(first, after)?;
        directory::page(ctx, read_id(&self.0.tenant).map_err(gql)?, &page).await
    }

    /// Whom it has invited by mail, newest first, those who have accepted and those whose invitation was taken
    /// back among them. For owners and admins.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, Invitation, EmptyFields, EmptyFields>> {
        invitation::page(ctx, &PageArgs::new(first, after)?).await
    }

    /// Its teams, in the order in which they were made: those that you may see.
    async fn teams(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, Team, EmptyFields, EmptyFields>> {
        let page = PageArgs::new(first, after)?;
        team::page(ctx, read_id(&self.0.tenant).map_err(gql)?, &page).await
    }
}

/// What may be done in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "OrganizationState", name = "OrganizationState")]
enum OrganizationStateName {
    /// Everything that people and programs may do.
    Active,
    /// It is read and nothing of it changes.
    Archived,
    /// Nobody of it gets in.
    Suspended,
}

/// Queries about the organization.
#[derive(Default)]
pub(super) struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// The organization that you belong to.
    async fn organization(&self, ctx: &Context<'_>) -> async_graphql::Result<Organization> {
        let tenant = actor(ctx)?.tenant;
        load(ctx, tenant)
            .await?
            .ok_or_else(|| gql(studio_service::ApiError::not_found("organization", tenant)))
    }

    /// Resolves a reference from another subgraph.
    #[graphql(entity)]
    async fn find_organization_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> async_graphql::Result<Option<Organization>> {
        let wanted: TenantId = self::id(&id)?;
        // Another organization does not exist.
        if wanted != actor(ctx)?.tenant {
            return Ok(None);
        }
        load(ctx, wanted).await
    }
}

/// Loads the actor's organization.
pub(super) async fn load(
    ctx: &Context<'_>,
    tenant: TenantId,
) -> async_graphql::Result<Option<Organization>> {
    let core = core(ctx)?;
    let resource = Resource::one("Organization", tenant, tenant);
    let scope =
        core.policy.require(actor(ctx)?, "identity:organization:read", &resource).map_err(gql)?;
    let row = organizations::find(&core.store, scope.tenant()).await.map_err(gql)?;
    Ok(row.map(Organization))
}
