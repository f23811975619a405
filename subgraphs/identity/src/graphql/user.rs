//! People.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    Context, ID, Object, SimpleObject,
    connection::{Connection, EmptyFields},
    dataloader::{DataLoader, Loader},
};
use chrono::{DateTime, Utc};
use studio_access::{Resource, Scope};
use studio_kernel::{Id, Role, TenantId, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, actor, connection, gql, id},
};

use super::{
    RoleName,
    api_key::{self, ApiKey},
    app::{self, App},
    core,
    factor::SecondFactor,
    organization,
    passkey::Passkey,
    session::Session,
    stubs::Project,
    team::{self, Team},
};
use crate::{
    commands::Core,
    personal::{PersonalError, Profile, sealed_from_row},
    projections::{
        factors, passkeys, read_id, sessions, teams,
        users::{self, Row},
    },
};

/// A role that ends by itself.
#[derive(SimpleObject)]
pub(super) struct TimedRole {
    /// The role.
    role: RoleName,
    /// The first instant at which it does not count any more.
    until: DateTime<Utc>,
}

/// A role in one project.
#[derive(SimpleObject)]
pub(super) struct ProjectRole {
    /// The project's id, `prj_…`.
    project_id: ID,
    /// The project; null where there is none of that id that you can see.
    project: Option<Project>,
    /// The role.
    role: RoleName,
    /// The first instant at which it does not count any more; null where it has no end.
    until: Option<DateTime<Utc>>,
    /// The id of the team by which they have it, `tea_…`; null where it is theirs alone.
    team_id: Option<ID>,
}

/// A person of the organization.
pub(super) struct User(pub Row);

/// A person of the organization.
#[Object]
impl User {
    /// The id, `usr_…`.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What they are called; null once the person was erased.
    async fn name(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(self.profile(core(ctx)?).await?.map(|profile| profile.name))
    }

    /// What they sign in with; null once the person was erased.
    async fn email(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(self.profile(core(ctx)?).await?.map(|profile| profile.email))
    }

    /// Whether they have shown, by a link from a mail, that the e-mail address is theirs.
    async fn email_verified(&self) -> bool {
        self.0.email_verified_at.is_some()
    }

    /// What they may do now in the whole organization, by themselves or by a team.
    async fn roles(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<RoleName>> {
        let held = users::held(&self.0).map_err(gql)?;
        Ok(held.at(core(ctx)?.env.now()).into_iter().map(RoleName::from).collect())
    }

    /// Which of that ends by itself, and when.
    async fn roles_until(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<TimedRole>> {
        let (held, now) = (users::held(&self.0).map_err(gql)?, core(ctx)?.env.now());
        let left = held.until.into_iter().filter(|it| now < it.until);
        Ok(left
            .map(|it| TimedRole { role: it.role.into(), until: it.until.to_datetime() })
            .collect())
    }

    /// What they may do in single projects, besides what they may do everywhere; first what is theirs alone,
    /// then what comes by a team.
    async fn project_roles(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<ProjectRole>> {
        let (held, now) = (users::held(&self.0).map_err(gql)?, core(ctx)?.env.now());
        let role =
            |project: Id<kind::Project>, role: Role, until: Option<Timestamp>, team| ProjectRole {
                project_id: ID(project.to_string()),
                project: Some(Project::of(project)),
                role: role.into(),
                until: until.map(Timestamp::to_datetime),
                team_id: team,
            };
        let own = held.projects.iter().filter(|it| it.counts(now));
        let own = own.map(|it| role(it.project, it.role, it.until, None));
        let by_teams = held
            .teams
            .iter()
            .filter_map(|it| Some(role(it.project?, it.role, None, Some(ID(it.team.to_string())))));
        Ok(own.chain(by_teams).collect())
    }

    /// The teams that they are in, with what they may do by each. You see your own; whoever may see the teams of
    /// the organization sees everybody's.
    async fn teams(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Team>> {
        let tenant = read_id(&self.0.tenant).map_err(gql)?;
        team::of_person(ctx, tenant, read_id(&self.0.id).map_err(gql)?).await
    }

    /// When they were added.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }

    /// When they were suspended: they keep their roles, and may not sign in; null while they may.
    async fn suspended_at(&self) -> Option<DateTime<Utc>> {
        self.0.suspended_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// When they were erased for good; null while they were not.
    async fn erased_at(&self) -> Option<DateTime<Utc>> {
        self.0.erased_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// The organization that they belong to.
    async fn organization(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<organization::Organization>> {
        organization::load(ctx, read_id(&self.0.tenant).map_err(gql)?).await
    }

    /// What is asked for at a sign-in besides the password; null where there is nothing. You see
    /// your own; an owner or an admin sees everybody's.
    async fn second_factor(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<SecondFactor>> {
        let core = core(ctx)?;
        let tenant = read_id(&self.0.tenant).map_err(gql)?;
        let user = read_id(&self.0.id).map_err(gql)?;
        let resource = Resource::any("SecondFactor", tenant).owned_by(user);
        let scope =
            core.policy.require(actor(ctx)?, "identity:session:read", &resource).map_err(gql)?;
        let row = factors::find(&core.store, scope.tenant(), user).await.map_err(gql)?;
        Ok(row.map(SecondFactor))
    }

    /// The passkeys that they sign in with, the oldest first. You see your own; an owner or an admin sees
    /// everybody's.
    async fn passkeys(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Passkey>> {
        let core = core(ctx)?;
        let tenant = read_id(&self.0.tenant).map_err(gql)?;
        let user = read_id(&self.0.id).map_err(gql)?;
        let resource = Resource::any("Passkey", tenant).owned_by(user);
        let scope =
            core.policy.require(actor(ctx)?, "identity:session:read", &resource).map_err(gql)?;
        let rows = passkeys::of(&core.store, scope.tenant(), user).await.map_err(gql)?;
        Ok(rows.into_iter().map(Passkey).collect())
    }

    /// Their keys for programs, newest first, those that ended among them. You see your own; an owner or
    /// an admin sees everybody's.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, ApiKey, EmptyFields, EmptyFields>> {
        let page = PageArgs::new(first, after)?;
        let tenant = read_id(&self.0.tenant).map_err(gql)?;
        let user = read_id(&self.0.id).map_err(gql)?;
        api_key::page(ctx, tenant, Some(user), &page).await
    }

    /// The apps that they allowed to act for them, by their names. You see your own; an owner or an admin
    /// sees everybody's.
    async fn apps(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<App>> {
        let tenant = read_id(&self.0.tenant).map_err(gql)?;
        app::of(ctx, tenant, read_id(&self.0.id).map_err(gql)?).await
    }

    /// Where they are signed in, newest first. You see your own sessions; an owner or an admin
    /// sees everybody's.
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, Session, EmptyFields, EmptyFields>> {
        let core = core(ctx)?;
        let page = PageArgs::new(first, after)?;
        let tenant = read_id(&self.0.tenant).map_err(gql)?;
        let user = read_id(&self.0.id).map_err(gql)?;
        let resource = Resource::any("Session", tenant).owned_by(user);
        let scope =
            core.policy.require(actor(ctx)?, "identity:session:read", &resource).map_err(gql)?;
        let now = core.env.now();
        let after = page.after.as_deref();
        let rows = sessions::live_of(&core.store, scope.tenant(), user, now, after, page.limit());
        let rows = rows.await.map_err(gql)?;
        Ok(connection(rows, &page, |row| row.id.clone(), Session))
    }
}

impl User {
    async fn profile(&self, core: &Core) -> async_graphql::Result<Option<Profile>> {
        let Some(sealed) = &self.0.profile else { return Ok(None) };
        let open = async {
            let tenant =
                read_id(&self.0.tenant).map_err(|_| PersonalError::Shape(self.0.id.clone()))?;
            core.people.open_profile(tenant, &sealed_from_row(sealed)?).await
        };
        open.await.map_err(gql)
    }
}

/// Queries about people.
#[derive(Default)]
pub(super) struct UserQuery;

#[Object]
impl UserQuery {
    /// Who you are.
    async fn me(&self, ctx: &Context<'_>) -> async_graphql::Result<User> {
        let actor = actor(ctx)?;
        let user = actor.user_id().ok_or_else(|| {
            let message = "You act as a program of the organization, and not as a person.";
            gql(ApiError::new(studio_kernel::Code::NotFound, message))
        })?;
        find(ctx, user).await?.ok_or_else(|| gql(ApiError::unauthenticated()))
    }

    /// The people of your organization, in the order in which they were added: those whom you may
    /// see.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, User, EmptyFields, EmptyFields>> {
        let core = core(ctx)?;
        let page = PageArgs::new(first, after)?;
        let people = Resource::any("User", actor(ctx)?.tenant);
        let scope = may_read(ctx, &people)?;
        let rows = users::page(&core.store, scope, page.after.as_deref(), page.limit());
        let rows = rows.await.map_err(gql)?;
        Ok(connection(rows, &page, |row| row.id.clone(), User))
    }

    /// One person of your organization; null where there is none of that id.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `usr_…`.")] id: ID,
    ) -> async_graphql::Result<Option<User>> {
        find(ctx, self::id(&id)?).await
    }

    /// Resolves a reference from another subgraph.
    #[graphql(entity)]
    async fn find_user_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> async_graphql::Result<Option<User>> {
        find(ctx, self::id(&id)?).await
    }
}

fn may_read(ctx: &Context<'_>, people: &Resource) -> async_graphql::Result<Scope> {
    core(ctx)?.policy.require(actor(ctx)?, "identity:user:read", people).map_err(gql)
}

/// Loads a person of the actor's organization, together with the others that the request asks for.
pub(super) async fn find(
    ctx: &Context<'_>,
    user: Id<kind::User>,
) -> async_graphql::Result<Option<User>> {
    let person = Resource::one("User", user, actor(ctx)?.tenant).owned_by(user);
    let tenant = may_read(ctx, &person)?.tenant();
    let loader = ctx.data::<DataLoader<UserLoader>>()?;
    Ok(loader.load_one((tenant, user)).await.map_err(gql)?.map(User))
}

/// People of a team whom the actor may see.
pub(super) async fn in_team(
    ctx: &Context<'_>,
    team: Id<kind::Team>,
    page: &PageArgs,
) -> async_graphql::Result<Connection<String, User, EmptyFields, EmptyFields>> {
    let core = core(ctx)?;
    let scope = may_read(ctx, &Resource::any("User", actor(ctx)?.tenant))?;
    let (tenant, after) = (scope.tenant(), page.after.as_deref());
    let members = teams::members_page(&core.store, tenant, team, scope.own(), after, page.limit());
    let rows = users::by_ids(&core.store, tenant, members.await.map_err(gql)?);
    let mut rows = rows.await.map_err(gql)?;
    rows.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    Ok(connection(rows, page, |row| row.id.clone(), User))
}

/// Loads people in batches; lives for one request.
pub(crate) struct UserLoader(Arc<Core>);

impl UserLoader {
    /// Over the read models.
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }
}

impl Loader<(TenantId, Id<kind::User>)> for UserLoader {
    type Value = Row;
    type Error = ApiError;

    async fn load(
        &self,
        keys: &[(TenantId, Id<kind::User>)],
    ) -> Result<HashMap<(TenantId, Id<kind::User>), Row>, ApiError> {
        let mut by_tenant: HashMap<TenantId, Vec<Id<kind::User>>> = HashMap::new();
        for (tenant, user) in keys {
            by_tenant.entry(*tenant).or_default().push(*user);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (tenant, ids) in by_tenant {
            for row in users::by_ids(&self.0.store, tenant, ids).await? {
                found.insert((tenant, read_id(&row.id)?), row);
            }
        }
        Ok(found)
    }
}
