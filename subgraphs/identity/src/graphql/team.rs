//! Teams.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use async_graphql::{
    Context, ID, InputObject, Object, SimpleObject,
    connection::{Connection, EmptyFields},
    dataloader::{DataLoader, Loader},
};
use chrono::{DateTime, Utc};
use studio_access::{Resource, Scope};
use studio_kernel::{Code, Id, Role, TenantId, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, UserError, actor, connection, gql, id},
};

use super::{
    RoleName,
    account::errors,
    core, request,
    stubs::Project,
    user::{self, User},
};
use crate::{
    commands::{Core, Failure, TeamChange},
    domain::team::Members,
    projections::{
        read_id,
        teams::{self, Row},
    },
};

/// People of the organization by one name, with the roles that they have for as long as they are in it.
pub(super) struct Team(Row);

/// A role in one project that a team gives.
#[derive(SimpleObject)]
struct TeamProjectRole {
    /// The project's id, `prj_…`.
    project_id: ID,
    /// The project; null where there is none of that id that you can see.
    project: Option<Project>,
    /// The role.
    role: RoleName,
}

/// People of the organization by one name, with the roles that they have for as long as they are in it.
#[Object]
impl Team {
    /// The id, `tea_…`.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What people call it. No other team of the organization is called so.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How often it was changed: `renameTeam` and `deleteTeam` ask for it.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// What its people may do by it in the whole organization.
    async fn roles(&self) -> async_graphql::Result<Vec<RoleName>> {
        let given = teams::read_roles(&self.0).map_err(gql)?.into_iter();
        Ok(given.filter(|it| it.project.is_none()).map(|it| it.role.into()).collect())
    }

    /// What they may do by it in single projects.
    async fn project_roles(&self) -> async_graphql::Result<Vec<TeamProjectRole>> {
        let given = teams::read_roles(&self.0).map_err(gql)?.into_iter();
        let there = given.filter_map(|it| {
            let project = it.project?;
            Some(TeamProjectRole {
                project_id: ID(project.to_string()),
                project: Some(Project::of(project)),
                role: it.role.into(),
            })
        });
        Ok(there.collect())
    }

    /// Who is in it, in the order in which they were added to the organization: those whom you may see.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, User, EmptyFields, EmptyFields>> {
        let page = PageArgs::new(first, after)?;
        let team = read_id(&self.0.id).map_err(gql)?;
        user::in_team(ctx, team, &page).await
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }
}

/// A team to make.
#[derive(InputObject)]
struct CreateTeamInput {
    /// What people will call it, 1 to 200 characters.
    name: String,
}

/// Another name for a team.
#[derive(InputObject)]
struct RenameTeamInput {
    /// The team, `tea_…`.
    team_id: ID,
    /// The version that you have seen.
    expected_version: i64,
    /// What people will call it, 1 to 200 characters.
    name: String,
}

/// People to take into a team, and others to let go.
#[derive(InputObject)]
struct ChangeTeamMembersInput {
    /// The team, `tea_…`.
    team_id: ID,
    /// Who shall be in it, `usr_…`; whoever is in it already stays.
    #[graphql(default)]
    add: Vec<ID>,
    /// Who shall not be in it any more. Whoever is also added stays.
    #[graphql(default)]
    remove: Vec<ID>,
}

/// Roles for a team to give, and others that it shall give no more.
#[derive(InputObject)]
struct ChangeTeamRolesInput {
    /// The team, `tea_…`.
    team_id: ID,
    /// Roles that its people shall have; any but owner.
    #[graphql(default)]
    give: Vec<RoleName>,
    /// Roles that they shall not have by it any more. One that is also given stays.
    #[graphql(default)]
    take: Vec<RoleName>,
    /// The project that these roles are for, `prj_…`; left out for the whole organization. Admin is a role of the
    /// whole organization alone.
    project_id: Option<ID>,
}

/// A team to delete.
#[derive(InputObject)]
struct DeleteTeamInput {
    /// The team, `tea_…`.
    team_id: ID,
    /// The version that you have seen.
    expected_version: i64,
}

/// What `createTeam`, `renameTeam`, `changeTeamMembers` or `changeTeamRoles` did.
#[derive(SimpleObject)]
struct TeamPayload {
    /// The team as it is now; null where there are user errors.
    team: Option<Team>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

impl TeamPayload {
    async fn of(
        ctx: &Context<'_>,
        done: Result<Id<kind::Team>, Failure>,
    ) -> async_graphql::Result<Self> {
        match done {
            Ok(team) => Ok(Self { team: find(ctx, team).await?, user_errors: Vec::new() }),
            Err(failure) => Ok(Self { team: None, user_errors: errors(failure)? }),
        }
    }

    async fn changed(
        ctx: &Context<'_>,
        team: Id<kind::Team>,
        change: TeamChange,
    ) -> async_graphql::Result<Self> {
        let done = core(ctx)?.change_team(actor(ctx)?, team, change, request(ctx)).await;
        Self::of(ctx, done.map(|()| team)).await
    }
}

/// What `deleteTeam` did.
#[derive(SimpleObject)]
struct DeleteTeamPayload {
    /// The id of the team that is no more; null where there are user errors.
    deleted_id: Option<ID>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Mutations about teams.
#[derive(Default)]
pub(super) struct TeamMutation;

#[Object]
impl TeamMutation {
    /// Makes a team, without people and without roles. For owners and admins; a program cannot.
    async fn create_team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The team.")] input: CreateTeamInput,
    ) -> async_graphql::Result<TeamPayload> {
        let made = core(ctx)?.create_team(actor(ctx)?, &input.name, request(ctx)).await;
        TeamPayload::of(ctx, made).await
    }

    /// Calls a team otherwise. For owners and admins; a program cannot.
    async fn rename_team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The team, and its name.")] input: RenameTeamInput,
    ) -> async_graphql::Result<TeamPayload> {
        let team = id(&input.team_id)?;
        let expected = expected(input.expected_version)?;
        TeamPayload::changed(ctx, team, TeamChange::Name { name: input.name, expected }).await
    }

    /// Takes people into a team and lets others go. What the team gives counts for them at once, for where they
    /// are signed in too. For owners and admins; a program cannot.
    async fn change_team_members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The team, who comes and who leaves.")] input: ChangeTeamMembersInput,
    ) -> async_graphql::Result<TeamPayload> {
        let team = id(&input.team_id)?;
        let people = |ids: &[ID]| ids.iter().map(id).collect::<async_graphql::Result<Members>>();
        let (add, remove) = (people(&input.add)?, people(&input.remove)?);
        TeamPayload::changed(ctx, team, TeamChange::Members { add, remove }).await
    }

    /// Changes what the people of a team may do by it, at once, for where they are signed in too. A team makes
    /// nobody an owner. For owners and admins; a program cannot.
    async fn change_team_roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The team, and its roles.")] input: ChangeTeamRolesInput,
    ) -> async_graphql::Result<TeamPayload> {
        let team = id(&input.team_id)?;
        let change = TeamChange::Roles {
            project: input.project_id.as_ref().map(id).transpose()?,
            give: input.give.into_iter().map(Role::from).collect(),
            take: input.take.into_iter().map(Role::from).collect(),
        };
        TeamPayload::changed(ctx, team, change).await
    }

    /// Deletes a team: what it gave goes with it, at once. For owners and admins; a program cannot.
    async fn delete_team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The team.")] input: DeleteTeamInput,
    ) -> async_graphql::Result<DeleteTeamPayload> {
        let team = id(&input.team_id)?;
        let change = TeamChange::Deleted { expected: expected(input.expected_version)? };
        match core(ctx)?.change_team(actor(ctx)?, team, change, request(ctx)).await {
            Ok(()) => Ok(DeleteTeamPayload {
                deleted_id: Some(ID(team.to_string())),
                user_errors: Vec::new(),
            }),
            Err(failure) => {
                Ok(DeleteTeamPayload { deleted_id: None, user_errors: errors(failure)? })
            }
        }
    }
}

fn expected(version: i64) -> async_graphql::Result<u64> {
    u64::try_from(version)
        .map_err(|_| gql(ApiError::new(Code::BadRequest, "expectedVersion is a number from 1.")))
}

/// Queries about teams.
#[derive(Default)]
pub(super) struct TeamQuery;

#[Object]
impl TeamQuery {
    /// One team of your organization; null where there is none of that id. Whoever may not see all teams sees
    /// those that they are in.
    async fn team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `tea_…`.")] id: ID,
    ) -> async_graphql::Result<Option<Team>> {
        find(ctx, self::id(&id)?).await
    }

    /// Resolves a reference from another subgraph.
    #[graphql(entity)]
    async fn find_team_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> async_graphql::Result<Option<Team>> {
        find(ctx, self::id(&id)?).await
    }
}

fn may_read(ctx: &Context<'_>, teams: &Resource) -> async_graphql::Result<Scope> {
    core(ctx)?.policy.require(actor(ctx)?, "identity:team:read", teams).map_err(gql)
}

/// A team of the actor's organization. One's own is one that one is in.
async fn find(ctx: &Context<'_>, team: Id<kind::Team>) -> async_graphql::Result<Option<Team>> {
    let (core, actor) = (core(ctx)?, actor(ctx)?);
    let mut resource = Resource::one("Team", team, actor.tenant);
    if let Some(me) = actor.user_id()
        && teams::is_member(&core.store, actor.tenant, team, me).await.map_err(gql)?
    {
        resource = resource.owned_by(me);
    }
    let tenant = may_read(ctx, &resource)?.tenant();
    Ok(teams::find(&core.store, tenant, team).await.map_err(gql)?.map(Team))
}

/// The teams of the organization that the actor may see.
pub(super) async fn page(
    ctx: &Context<'_>,
    tenant: TenantId,
    page: &PageArgs,
) -> async_graphql::Result<Connection<String, Team, EmptyFields, EmptyFields>> {
    let scope = may_read(ctx, &Resource::any("Team", tenant))?;
    let (store, after) = (&core(ctx)?.store, page.after.as_deref());
    let rows = teams::page(store, scope.tenant(), scope.own(), after, page.limit());
    Ok(connection(rows.await.map_err(gql)?, page, |row| row.id.clone(), Team))
}

/// The teams that somebody is in.
pub(super) async fn of_person(
    ctx: &Context<'_>,
    tenant: TenantId,
    user: Id<kind::User>,
) -> async_graphql::Result<Vec<Team>> {
    let tenant = may_read(ctx, &Resource::any("Team", tenant).owned_by(user))?.tenant();
    let loader = ctx.data::<DataLoader<TeamLoader>>()?;
    let rows = loader.load_one((tenant, user)).await.map_err(gql)?.unwrap_or_default();
    Ok(rows.into_iter().map(Team).collect())
}

/// Loads the teams of people in batches; lives for one request.
pub(crate) struct TeamLoader(Arc<Core>);

impl TeamLoader {
    /// Over the read models.
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }
}

impl Loader<(TenantId, Id<kind::User>)> for TeamLoader {
    type Value = Vec<Row>;
    type Error = ApiError;

    async fn load(
        &self,
        keys: &[(TenantId, Id<kind::User>)],
    ) -> Result<HashMap<(TenantId, Id<kind::User>), Vec<Row>>, ApiError> {
        let mut by_tenant: BTreeMap<TenantId, Vec<Id<kind::User>>> = BTreeMap::new();
        for (tenant, user) in keys {
            by_tenant.entry(*tenant).or_default().push(*user);
        }
        let mut found: HashMap<_, Vec<Row>> = HashMap::with_capacity(keys.len());
        for (tenant, people) in by_tenant {
            for (user, row) in teams::of_people(&self.0.store, tenant, &people).await? {
                found.entry((tenant, user)).or_default().push(row);
            }
        }
        Ok(found)
    }
}
