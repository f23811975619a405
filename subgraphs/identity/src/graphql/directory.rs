//! Directories that provision people.

use std::collections::HashMap;

use async_graphql::{
    Context, ID, InputObject, Object, SimpleObject,
    connection::{Connection, EmptyFields},
};
use chrono::{DateTime, Utc};
use studio_access::Resource;
use studio_kernel::{Code, Id, Role, TenantId, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{Instant, PageArgs, UserError, actor, connection, gql, id},
};

use super::{RoleName, account::errors, core, request};
use crate::{
    commands::{NewDirectory, UpdatedDirectory},
    domain::{
        directory::{GroupKey, GroupRole, Settings},
        input::Fault,
    },
    projections::{
        api_keys,
        directories::{self, Row},
        directory_people, read_id,
    },
};

/// A directory that provisions people, and when its token was last used.
pub(super) struct Directory {
    row: Row,
    settings: Settings,
    used_at: Option<i64>,
}

/// A role that the members of a group of a directory have.
#[derive(SimpleObject)]
struct DirectoryGroupRole {
    /// What the group is called, in whatever case; null where it is named by its id.
    display_name: Option<String>,
    /// The id that the directory gave the group; null where it is named by what it is called.
    external_id: Option<String>,
    /// The role.
    role: RoleName,
}

impl From<GroupRole> for DirectoryGroupRole {
    fn from(given: GroupRole) -> Self {
        let (display_name, external_id) = match given.group {
            GroupKey::DisplayName(name) => (Some(name), None),
            GroupKey::ExternalId(id) => (None, Some(id)),
        };
        Self { display_name, external_id, role: given.role.into() }
    }
}

/// A directory outside, such as Entra ID or Okta, that provisions people by SCIM 2.0: it adds, changes,
/// suspends and removes them, and gives them roles by its groups. It neither makes nor changes owners.
#[Object]
impl Directory {
    /// The id, `dir_…`.
    async fn id(&self) -> ID {
        ID(self.row.id.clone())
    }

    /// How often it was connected, changed or disconnected; give it as expectedVersion.
    async fn version(&self) -> i64 {
        self.row.version
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Where it sends its requests: the address to give to the directory, with the token.
    async fn endpoint(&self, ctx: &Context<'_>) -> async_graphql::Result<String> {
        Ok(format!("{}/scim/v2", core(ctx)?.issuer.issuer()))
    }

    /// The domains of the e-mail addresses that it may vouch for.
    async fn email_domains(&self) -> &[String] {
        &self.settings.email_domains
    }

    /// Which of its groups give which roles.
    async fn groups(&self) -> Vec<DirectoryGroupRole> {
        self.settings.groups.iter().cloned().map(Into::into).collect()
    }

    /// What somebody may do to whom nothing else gives a role.
    async fn default_roles(&self) -> Vec<RoleName> {
        self.settings.default_roles.iter().copied().map(RoleName::from).collect()
    }

    /// How many people it has provisioned, those who are suspended among them.
    async fn people(&self, ctx: &Context<'_>) -> async_graphql::Result<u64> {
        let tenant = read_id(&self.row.tenant).map_err(gql)?;
        let directory = read_id(&self.row.id).map_err(gql)?;
        directory_people::count(&core(ctx)?.store, tenant, directory).await.map_err(gql)
    }

    /// When it was connected.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.row.created_at).to_datetime()
    }

    /// When its token runs out; null where it does not.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.row.expires_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// When its token was last used, give or take some minutes; null where it never was.
    async fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.used_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// When it was disconnected; null where it was not.
    async fn disconnected_at(&self) -> Option<DateTime<Utc>> {
        self.row.disconnected_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }
}

/// A role that the members of a group of a directory shall have.
#[derive(InputObject)]
struct DirectoryGroupRoleInput {
    /// What the group is called, in whatever case. Give this or externalId.
    display_name: Option<String>,
    /// The id that the directory gave the group. Give this or displayName.
    external_id: Option<String>,
    /// The role: any but that of an owner.
    role: RoleName,
}

/// The groups, or a fault where one of them is named twice or not at all.
fn groups(given: Vec<DirectoryGroupRoleInput>) -> Result<Vec<GroupRole>, Fault> {
    let one = |given: DirectoryGroupRoleInput| {
        let group = match (given.display_name, given.external_id) {
            (Some(name), None) => GroupKey::DisplayName(name.trim().to_owned()),
            (None, Some(id)) => GroupKey::ExternalId(id),
            _ => {
                let message = "Name each group by displayName or by externalId, and not by both.";
                return Err(Fault::new("INVALID_GROUP", "groups", message));
            }
        };
        Ok(GroupRole { group, role: given.role.into() })
    };
    given.into_iter().map(one).collect()
}

fn roles(given: Vec<RoleName>) -> Vec<Role> {
    given.into_iter().map(Role::from).collect()
}

/// A directory to connect.
#[derive(InputObject)]
struct ConnectDirectoryInput {
    /// What people call it, 1 to 200 characters.
    name: String,
    /// The domains of the e-mail addresses that it may vouch for, such as `example.org`: it adds people with
    /// such addresses, and takes over accounts of the organization that have one, but no owner's.
    email_domains: Vec<String>,
    /// Which of its groups give which roles.
    #[graphql(default)]
    groups: Vec<DirectoryGroupRoleInput>,
    /// What somebody may do to whom nothing else gives a role; nothing by default.
    #[graphql(default)]
    default_roles: Vec<RoleName>,
    /// When its token runs out; never by default.
    expires_at: Option<Instant>,
}

/// What `connectDirectory` did.
#[derive(SimpleObject, Default)]
struct ConnectDirectoryPayload {
    /// The directory that was connected.
    directory: Option<Directory>,
    /// Its token, `scm_…`, for `Authorization: Bearer`. It is shown once and kept nowhere.
    token: Option<String>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// What a directory may do from now on. What is left out stays as it is.
#[derive(InputObject)]
struct UpdateDirectoryInput {
    /// The directory, `dir_…`.
    directory_id: ID,
    /// The version that you have seen.
    expected_version: i64,
    /// What people call it.
    name: Option<String>,
    /// The domains of the e-mail addresses that it may vouch for.
    email_domains: Option<Vec<String>>,
    /// Which of its groups give which roles: all of them. The roles of everybody whom it has provisioned
    /// change at once.
    groups: Option<Vec<DirectoryGroupRoleInput>>,
    /// What somebody may do to whom nothing else gives a role.
    default_roles: Option<Vec<RoleName>>,
}

/// What `updateDirectory` did.
#[derive(SimpleObject, Default)]
struct UpdateDirectoryPayload {
    /// The directory as it is now.
    directory: Option<Directory>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// A directory to disconnect.
#[derive(InputObject)]
struct DisconnectDirectoryInput {
    /// The directory, `dir_…`.
    directory_id: ID,
}

/// What `disconnectDirectory` did.
#[derive(SimpleObject, Default)]
struct DisconnectDirectoryPayload {
    /// The directory, which can do nothing any more.
    directory: Option<Directory>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Mutations about directories.
#[derive(Default)]
pub(super) struct DirectoryMutation;

#[Object]
impl DirectoryMutation {
    /// Lets a directory provision people of the organization by SCIM 2.0. For owners and admins; a program
    /// cannot.
    async fn connect_directory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The directory.")] input: ConnectDirectoryInput,
    ) -> async_graphql::Result<ConnectDirectoryPayload> {
        let made = async {
            let new = NewDirectory {
                name: input.name,
                email_domains: input.email_domains,
                groups: groups(input.groups)?,
                default_roles: roles(input.default_roles),
                expires_at: Instant::optional(input.expires_at.as_ref(), "expiresAt")?,
            };
            core(ctx)?.connect_directory(actor(ctx)?, new, request(ctx)).await.map_err(Failed::of)
        };
        match made.await {
            Ok(made) => Ok(ConnectDirectoryPayload {
                directory: find(ctx, made.directory).await?,
                token: Some(made.token.to_string()),
                user_errors: Vec::new(),
            }),
            Err(failed) => {
                Ok(ConnectDirectoryPayload { user_errors: failed.errors()?, ..Default::default() })
            }
        }
    }

    /// Changes what a directory may do, and with it at once the roles of everybody whom it has provisioned.
    /// For owners and admins; a program cannot.
    async fn update_directory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The directory, and what changes.")] input: UpdateDirectoryInput,
    ) -> async_graphql::Result<UpdateDirectoryPayload> {
        let directory = id(&input.directory_id)?;
        let expected = u64::try_from(input.expected_version).map_err(|_| {
            gql(ApiError::new(Code::BadRequest, "expectedVersion is a number from 1."))
        })?;
        let done = async {
            let update = UpdatedDirectory {
                directory,
                expected,
                name: input.name,
                email_domains: input.email_domains,
                groups: input.groups.map(groups).transpose()?,
                default_roles: input.default_roles.map(roles),
            };
            core(ctx)?.update_directory(actor(ctx)?, update, request(ctx)).await.map_err(Failed::of)
        };
        match done.await {
            Ok(()) => Ok(UpdateDirectoryPayload {
                directory: find(ctx, directory).await?,
                user_errors: Vec::new(),
            }),
            Err(failed) => {
                Ok(UpdateDirectoryPayload { user_errors: failed.errors()?, ..Default::default() })
            }
        }
    }

    /// Disconnects a directory at once: its token opens nothing any more. The people whom it has provisioned
    /// stay as they are. For owners and admins; a program cannot.
    async fn disconnect_directory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The directory.")] input: DisconnectDirectoryInput,
    ) -> async_graphql::Result<DisconnectDirectoryPayload> {
        let directory = id(&input.directory_id)?;
        match core(ctx)?.disconnect_directory(actor(ctx)?, directory, request(ctx)).await {
            Ok(()) => Ok(DisconnectDirectoryPayload {
                directory: find(ctx, directory).await?,
                user_errors: Vec::new(),
            }),
            Err(failure) => Ok(DisconnectDirectoryPayload {
                user_errors: errors(failure)?,
                ..Default::default()
            }),
        }
    }
}

/// Why a mutation did nothing: something to mend, or an error of the whole operation.
enum Failed {
    Failure(crate::commands::Failure),
    Whole(async_graphql::Error),
}

impl Failed {
    fn of(failure: crate::commands::Failure) -> Self {
        Self::Failure(failure)
    }

    fn errors(self) -> async_graphql::Result<Vec<UserError>> {
        match self {
            Self::Failure(failure) => errors(failure),
            Self::Whole(error) => Err(error),
        }
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Failure(fault.into())
    }
}

impl From<async_graphql::Error> for Failed {
    fn from(error: async_graphql::Error) -> Self {
        Self::Whole(error)
    }
}

/// Queries about directories.
#[derive(Default)]
pub(super) struct DirectoryQuery;

#[Object]
impl DirectoryQuery {
    /// Resolves a reference from another subgraph.
    #[graphql(entity)]
    async fn find_directory_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> async_graphql::Result<Option<Directory>> {
        find(ctx, self::id(&id)?).await
    }
}

/// A directory that the actor may see; others do not exist.
async fn find(
    ctx: &Context<'_>,
    directory: Id<kind::Directory>,
) -> async_graphql::Result<Option<Directory>> {
    let (core, actor) = (core(ctx)?, actor(ctx)?);
    let resource = Resource::one("Directory", directory, actor.tenant);
    let Ok(scope) = core.policy.require(actor, "identity:directory:read", &resource) else {
        return Ok(None);
    };
    let row = directories::find(&core.store, scope.tenant(), directory).await.map_err(gql)?;
    let rows = with_uses(ctx, scope.tenant(), row.into_iter().collect()).await?;
    Ok(rows.into_iter().next())
}

/// The directories of the organization.
pub(super) async fn page(
    ctx: &Context<'_>,
    tenant: TenantId,
    page: &PageArgs,
) -> async_graphql::Result<Connection<String, Directory, EmptyFields, EmptyFields>> {
    let core = core(ctx)?;
    let resource = Resource::any("Directory", tenant);
    let scope =
        core.policy.require(actor(ctx)?, "identity:directory:read", &resource).map_err(gql)?;
    let after = page.after.as_deref();
    let rows = directories::page(&core.store, scope.tenant(), after, page.limit());
    let directories = with_uses(ctx, scope.tenant(), rows.await.map_err(gql)?).await?;
    Ok(connection(directories, page, |it| it.row.id.clone(), |it| it))
}

async fn with_uses(
    ctx: &Context<'_>,
    tenant: TenantId,
    rows: Vec<Row>,
) -> async_graphql::Result<Vec<Directory>> {
    let ids = rows.iter().map(|row| row.id.as_str());
    let mut used: HashMap<String, i64> =
        api_keys::last_used(&core(ctx)?.store, tenant, ids).await.map_err(gql)?;
    let directories = rows.into_iter().map(|row| {
        let settings = directories::read_settings(&row).map_err(gql)?;
        let used_at = used.remove(&row.id);
        Ok(Directory { row, settings, used_at })
    });
    directories.collect()
}
