//! Teams: what their people may do by them changes with the team, in one append.
//!
//! Whoever changes a team acts by the roles that the log says they have at that moment, and changes of roles
//! wait for each other (`roles`). A team makes nobody an owner.

use studio_access::Resource;
use studio_events::{Append, AppendError, Expected, StreamAppend};
use studio_kernel::{Actor, Code, Id, Role, TenantId, kind};
use studio_service::ApiError;

use super::{Core, Failure, Request, RoleChanges, roles::for_a_project, users::metadata};
use crate::{
    domain::{
        input::{self, Fault},
        project_roles,
        team::{Given, Members, Team, TeamCreated, TeamDeleted, TeamEvent},
        team_roles,
        user::{RolesRefused, User},
    },
    projections::teams,
};

/// Teams of one organization, at most.
const MOST_TEAMS: u64 = 1_000;
/// People in one team, at most: each of their streams is written when its roles change.
const MOST_MEMBERS: usize = 500;
/// How often a change is decided anew when something else was first.
const TRIES: u32 = 4;

/// How a team changes.
pub(crate) enum TeamChange {
    /// It is called otherwise.
    Name {
        /// What it will be called.
        name: String,
        /// The version that whoever asks has seen.
        expected: u64,
    },
    /// People come and leave.
    Members {
        /// Who comes.
        add: Members,
        /// Who leaves.
        remove: Members,
    },
    /// Its people may do other things by it.
    Roles {
        /// The project that the roles are for; the whole organization where there is none.
        project: Option<Id<kind::Project>>,
        /// Those that they shall have.
        give: Vec<Role>,
        /// Those that they shall not have by it any more.
        take: Vec<Role>,
    },
    /// It is no more.
    Deleted {
        /// The version that whoever asks has seen.
        expected: u64,
    },
}

/// A team as it is before a change.
struct Before {
    state: Team,
    version: u64,
    members: Members,
}

impl Core {
    /// Makes a team without people and roles.
    ///
    /// # Errors
    /// `FORBIDDEN`; [`Failure::Input`] for a name that will not do.
    pub(crate) async fn create_team(
        &self,
        actor: &Actor,
        name: &str,
        request: Request,
    ) -> Result<Id<kind::Team>, Failure> {
        self.with_roles_held(async {
            let actor = &self.as_of_now(actor).await?;
            let resource = Resource::any("Team", actor.tenant);
            let tenant = self.policy.require(actor, "identity:team:update", &resource)?.tenant();
            let name = self.name_of_team(tenant, None, name).await?;
            if teams::count(&self.store, tenant).await? >= MOST_TEAMS {
                let message =
                    format!("There are {MOST_TEAMS} teams: delete one that is not needed.");
                return Err(Fault::new("TOO_MANY_TEAMS", "name", message).into());
            }
            let team = self.env.id();
            let stream = StreamAppend::of::<Team>(
                team.to_string(),
                Expected::NoStream,
                vec![TeamCreated { team, name }.into()],
            )?;
            self.store.append(Append::new(tenant, metadata(actor, &request), vec![stream])).await?;
            Ok(team)
        })
        .await
    }

    /// Changes a team, and what its people may do by it with it, at once.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND`, also for whoever shall come; `CONFLICT` where somebody changed it meanwhile;
    /// [`Failure::Input`] for a name or a role that will not do, and where it would be too many.
    pub(crate) async fn change_team(
        &self,
        actor: &Actor,
        team: Id<kind::Team>,
        change: TeamChange,
        request: Request,
    ) -> Result<(), Failure> {
        self.with_roles_held(async {
            for _ in 0..TRIES {
                if self.change_team_once(actor, team, &change, &request).await?.is_some() {
                    return Ok(());
                }
            }
            let message = "Others changed the same people at the same time: send it again.";
            Err(ApiError::new(Code::Conflict, message).into())
        })
        .await
    }

    async fn change_team_once(
        &self,
        actor: &Actor,
        team: Id<kind::Team>,
        change: &TeamChange,
        request: &Request,
    ) -> Result<Option<()>, Failure> {
        let actor = &self.as_of_now(actor).await?;
        let resource = Resource::one("Team", team, actor.tenant);
        let tenant = self.policy.require(actor, "identity:team:update", &resource)?.tenant();
        let before = self.team_before(tenant, team).await?;
        if !before.state.exists() {
            return Err(ApiError::not_found("team", team).into());
        }
        let event = match change {
            TeamChange::Name { name, expected } => {
                before.seen(*expected)?;
                let name = self.name_of_team(tenant, Some(team), name).await?;
                before.state.rename(team, name)
            }
            TeamChange::Members { add, remove } => {
                let event = Team::change_members(team, &before.members, add, remove);
                if event.as_ref().is_some_and(|it| before.after(it).1.len() > MOST_MEMBERS) {
                    let message =
                        format!("A team has at most {MOST_MEMBERS} people: make another one.");
                    return Err(Fault::new("TOO_MANY_MEMBERS", "add", message).into());
                }
                event
            }
            TeamChange::Roles { project, give, take } => {
                if give.contains(&Role::Owner) {
                    let message =
                        "Owners are made one by one, with changeRoles: give another role.";
                    return Err(Fault::new("NO_OWNER_BY_A_TEAM", "give", message).into());
                }
                if project.is_some() {
                    for_a_project("give", give)?;
                }
                before.state.change_roles(team, *project, give, take)
            }
            TeamChange::Deleted { expected } => {
                before.seen(*expected)?;
                Some(TeamDeleted { team }.into())
            }
        };
        let Some(event) = event else { return Ok(Some(())) };
        let (streams, changes) = self.team_streams(tenant, team, &before, event).await?;
        match self.store.append(Append::new(tenant, metadata(actor, request), streams)).await {
            Err(AppendError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(recorded) => {
                self.roles_followed(changes, &recorded);
                Ok(Some(()))
            }
        }
    }

    async fn team_before(&self, tenant: TenantId, team: Id<kind::Team>) -> Result<Before, Failure> {
        let loaded = self.store.load::<Team>(tenant, &team.to_string()).await?;
        let members = teams::members(&self.store, tenant, team).await?;
        Ok(Before { state: loaded.state, version: loaded.version, members })
    }

    /// What to append so that somebody leaves a team; nothing where they, or the team, are gone.
    pub(super) async fn leave_team(
        &self,
        tenant: TenantId,
        team: Id<kind::Team>,
        user: Id<kind::User>,
    ) -> Result<(Vec<StreamAppend>, RoleChanges), Failure> {
        let before = self.team_before(tenant, team).await?;
        let leaves = Members::from([user]);
        match Team::change_members(team, &before.members, &Members::new(), &leaves) {
            Some(event) => self.team_streams(tenant, team, &before, event).await,
            None => Ok(Default::default()),
        }
    }

    /// What to append: the change of the team, and of everybody whose roles follow.
    async fn team_streams(
        &self,
        tenant: TenantId,
        team: Id<kind::Team>,
        before: &Before,
        event: TeamEvent,
    ) -> Result<(Vec<StreamAppend>, RoleChanges), Failure> {
        let (roles, members) = before.after(&event);
        let concerned: Members = match &event {
            TeamEvent::TeamRenamed(_) => Members::new(),
            TeamEvent::TeamMembersChanged(it) => {
                it.added.iter().chain(&it.removed).copied().collect()
            }
            _ => before.members.clone(),
        };
        let expected = Expected::Version(before.version);
        let mut streams = vec![StreamAppend::of::<Team>(team.to_string(), expected, vec![event])?];
        let (mut changes, now) = (RoleChanges::default(), self.env.now());
        for user in concerned {
            let loaded = self.store.load::<User>(tenant, &user.to_string()).await?;
            let roles = if members.contains(&user) { &roles[..] } else { &[] };
            let events = match loaded.state.set_team_roles(user, team, roles, now) {
                // Erased a moment ago; whoever comes must be there.
                Err(RolesRefused::NoSuchUser) if before.members.contains(&user) => continue,
                decided => decided.map_err(|refused| refusal(user, refused))?,
            };
            streams.extend(changes.add(user, loaded, events)?);
        }
        Ok((streams, changes))
    }

    /// A name that no other team of the organization has.
    async fn name_of_team(
        &self,
        tenant: TenantId,
        team: Option<Id<kind::Team>>,
        given: &str,
    ) -> Result<String, Failure> {
        let name = input::name("name", given)?;
        let there = teams::by_name(&self.store, tenant, &name).await?;
        if there.is_some_and(|row| team.is_none_or(|team| row.id != team.to_string())) {
            let message = "There is a team of that name: choose another one.";
            return Err(Fault::new("NAME_TAKEN", "name", message).into());
        }
        Ok(name)
    }
}

impl Before {
    /// What the team gives after an event, and to whom.
    fn after(&self, event: &TeamEvent) -> (Vec<Given>, Members) {
        let (roles, members) = (self.state.roles().to_vec(), self.members.clone());
        match event {
            TeamEvent::TeamDeleted(_) => Default::default(),
            TeamEvent::TeamRolesChanged(changed) => (changed.roles.clone(), members),
            TeamEvent::TeamMembersChanged(changed) => {
                let stay = members.into_iter().filter(|user| !changed.removed.contains(user));
                (roles, stay.chain(changed.added.iter().copied()).collect())
            }
            TeamEvent::TeamCreated(_) | TeamEvent::TeamRenamed(_) => (roles, members),
        }
    }

    /// Whether whoever changes the team knows how it is.
    fn seen(&self, expected: u64) -> Result<(), Failure> {
        if self.version == expected {
            return Ok(());
        }
        let message = format!(
            "The team is at version {}, not {expected}: read it again, then send your change with that \
             version.",
            self.version
        );
        Err(ApiError::new(Code::Conflict, message).into())
    }
}

fn refusal(user: Id<kind::User>, refused: RolesRefused) -> Failure {
    match refused {
        RolesRefused::TooMany => {
            let (projects, teams) = (project_roles::MOST, team_roles::MOST);
            let message = format!(
                "{user} would have more than {projects} roles in projects, or {teams} by teams: take \
                 them out of a team, or give a role of the whole organization."
            );
            Fault::new("TOO_MANY_ROLES", "teamId", message).into()
        }
        RolesRefused::NoSuchUser | RolesRefused::NoRole | RolesRefused::HasIt => {
            ApiError::not_found("user", user).into()
        }
    }
}
