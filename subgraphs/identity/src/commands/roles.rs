//! What people may do: giving roles and taking them, one change at a time.
//!
//! Nobody can get above themselves by the order of changes: whoever gives or takes a role acts by
//! the roles that the log says they have at that moment, not by those of their token, and changes
//! that could make others powerful wait for each other, in whichever process they come.

use std::time::Duration;

use studio_access::Resource;
use studio_events::Lease;
use studio_kernel::{Actor, Id, Role, Timestamp, kind, published::identity::RolesHeld};
use studio_service::ApiError;

use super::{Core, Failure, Request, users::metadata};
use crate::{
    domain::{
        input::Fault,
        project_roles,
        user::{ProjectRole, RolesRefused, User},
    },
    projections::users,
};

/// What the policies look at where roles are given or taken: see [`rank`].
pub(super) const RANK: &str = "rank";

/// The lease of whoever changes roles or erases a person, and how long it outlives a process that
/// was killed.
const HOLDING: &str = "erasing";
const HOLDING_LEASE: Duration = Duration::from_secs(5);
/// Days for which a role is given until an instant, at most: what lasts longer is looked at again.
const LONGEST_DAYS: i64 = 366;
/// How often to look whether another process is done.
const HOLDING_LOOK: Duration = Duration::from_millis(20);

/// Roles to give to a person and others to take.
pub(crate) struct RoleChange {
    /// Whose.
    pub user: Id<kind::User>,
    /// The project that they are for; the whole organization where there is none.
    pub project: Option<Id<kind::Project>>,
    /// Those that they shall have.
    pub give: Vec<Role>,
    /// Those that they shall not have any more.
    pub take: Vec<Role>,
}

/// A role to give to a person for a time.
pub(crate) struct Grant {
    /// To whom.
    pub user: Id<kind::User>,
    /// The project that it is for; the whole organization where there is none.
    pub project: Option<Id<kind::Project>>,
    /// The role.
    pub role: Role,
    /// The first instant at which it does not count any more.
    pub until: Timestamp,
}

/// `owner` where somebody is an owner, or would become one; `member` for everybody else.
pub(super) fn rank(roles: &[&[Role]]) -> &'static str {
    if roles.iter().any(|roles| roles.contains(&Role::Owner)) { "owner" } else { "member" }
}

/// Whether one of the roles can give roles to others.
pub(super) fn may_make_others(roles: &[Role]) -> bool {
    roles.iter().any(|role| matches!(role, Role::Owner | Role::Admin))
}

/// There would be no owner any more.
pub(super) fn last_owner() -> Fault {
    Fault::new(
        "LAST_OWNER",
        "userId",
        "An organization needs an owner: make somebody else one first.",
    )
}

impl Core {
    /// Gives a person roles and takes others; both at once, so that nobody is in between. It counts
    /// from then on, for the sessions that they have too.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND`; [`Failure::Input`] for the last owner, where no role is left, and for a
    /// role that cannot be had in a project.
    pub(crate) async fn change_roles(
        &self,
        actor: &Actor,
        change: RoleChange,
        request: Request,
    ) -> Result<(), Failure> {
        self.with_roles_held(self.change_roles_now(actor, &change, request)).await
    }

    async fn change_roles_now(
        &self,
        actor: &Actor,
        change: &RoleChange,
        request: Request,
    ) -> Result<(), Failure> {
        let RoleChange { user, project, give, take } = change;
        let user = *user;
        let actor = self.as_of_now(actor).await?;
        let one_owner = users::has_one_owner(&self.store, actor.tenant).await?;
        let metadata = metadata(&actor, &request);
        let stream = user.to_string();
        let executed = self
            .store
            .execute::<User, Failure>(actor.tenant, &stream, &metadata, |state, _| {
                let resource = Resource::one("User", user, actor.tenant)
                    .owned_by(user)
                    .with(RANK, rank(&[state.roles(), give]));
                let _all = self.policy.require(&actor, "identity:user:update", &resource)?;
                let now = self.env.now();
                if let Some(project) = *project {
                    for_a_project("give", give)?;
                    let changed = state.change_project_roles(user, project, give, take, now);
                    return changed.map_err(|refused| refusal(user, refused));
                }
                let changed = state.change_roles(user, give, take, now);
                let events = changed.map_err(|refused| refusal(user, refused))?;
                let stays = state.roles_with(give, take).contains(&Role::Owner);
                if one_owner && state.roles().contains(&Role::Owner) && !stays {
                    return Err(last_owner().into());
                }
                Ok(events)
            })
            .await?;
        if let Some(newest) = executed.recorded.last() {
            self.sessions.roles_are(user, executed.state.held(), newest.position);
        }
        Ok(())
    }

    /// Gives a person a role until an instant, at which it ends by itself, for the sessions that they have
    /// too. `changeRoles` takes it before.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND`; [`Failure::Input`] for an instant or a role that cannot be.
    pub(crate) async fn grant_access(
        &self,
        actor: &Actor,
        grant: Grant,
        request: Request,
    ) -> Result<(), Failure> {
        self.with_roles_held(self.grant_access_now(actor, grant, request)).await
    }

    async fn grant_access_now(
        &self,
        actor: &Actor,
        grant: Grant,
        request: Request,
    ) -> Result<(), Failure> {
        let Grant { user, project, role, until } = grant;
        let actor = self.as_of_now(actor).await?;
        let metadata = metadata(&actor, &request);
        let stream = user.to_string();
        let executed = self
            .store
            .execute::<User, Failure>(actor.tenant, &stream, &metadata, |state, _| {
                let resource = Resource::one("User", user, actor.tenant)
                    .owned_by(user)
                    .with(RANK, rank(&[state.roles()]));
                let _all = self.policy.require(&actor, "identity:user:update", &resource)?;
                if !state.exists() {
                    return Err(refusal(user, RolesRefused::NoSuchUser));
                }
                let now = self.env.now();
                may_end("role", role, until, now)?;
                let granted = match project {
                    None => state.grant(user, role, until, now),
                    Some(project) => {
                        for_a_project("role", &[role])?;
                        let role = ProjectRole { project, role, until: Some(until) };
                        state.grant_in_project(user, role, now)
                    }
                };
                granted.map_err(|refused| refusal(user, refused))
            })
            .await?;
        if let Some(newest) = executed.recorded.last() {
            self.sessions.roles_are(user, executed.state.held(), newest.position);
        }
        Ok(())
    }

    /// The actor with the roles that they have by now, whatever their token says.
    pub(super) async fn as_of_now(&self, actor: &Actor) -> Result<Actor, Failure> {
        let Some(user) = actor.user_id() else { return Ok(actor.clone()) };
        let state = self.store.load::<User>(actor.tenant, &user.to_string()).await?.state;
        let held = if state.may_sign_in() { state.held() } else { RolesHeld::default() };
        Ok(actor.clone().holding(&held, self.env.now()))
    }

    /// Does something that must not happen beside a change of roles or an erasure, in whichever
    /// process: the last two owners could otherwise remove each other.
    pub(super) async fn with_roles_held<T, E: From<Failure>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let _here = self.holding_roles.lock().await;
        let held = self.held_roles().await?;
        let done = work.await;
        if let Err(error) = held.release().await {
            tracing::warn!(%error, "the next change of roles waits a little");
        }
        done
    }

    async fn held_roles(&self) -> Result<Lease, Failure> {
        loop {
            if let Some(lease) = self.store.try_lease(HOLDING, HOLDING_LEASE).await? {
                return Ok(lease);
            }
            tokio::time::sleep(HOLDING_LOOK).await;
        }
    }
}

fn refusal(user: Id<kind::User>, refused: RolesRefused) -> Failure {
    match refused {
        RolesRefused::NoSuchUser => ApiError::not_found("user", user).into(),
        RolesRefused::NoRole => no_role().into(),
        RolesRefused::HasIt => Fault::new(
            "HAS_ROLE",
            "role",
            "This person has that role without an end: take it first, by changeRoles.",
        )
        .into(),
        RolesRefused::TooMany => {
            let most = project_roles::MOST;
            let message = format!(
                "Somebody has at most {most} roles in projects: take one, or give a role of the whole \
                 organization."
            );
            Fault::new("TOO_MANY_PROJECTS", "projectId", message).into()
        }
    }
}

/// Whether a role, in that field, can be given until then.
pub(super) fn may_end(
    field: &'static str,
    role: Role,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), Fault> {
    if role == Role::Owner {
        // An organization must not be left without an owner by the clock.
        let message = "Nobody is an owner for a time: give another role.";
        return Err(Fault::new("NO_OWNER_FOR_A_TIME", field, message));
    }
    if until <= now || until > now.plus_days(LONGEST_DAYS) {
        let message = format!("Choose an instant from now to {LONGEST_DAYS} days from now.");
        return Err(Fault::new("INVALID_UNTIL", "until", message));
    }
    Ok(())
}

/// Whether roles can be had in a single project: who runs the organization runs all of it.
pub(super) fn for_a_project(field: &'static str, roles: &[Role]) -> Result<(), Fault> {
    if roles.iter().any(|role| matches!(role, Role::Owner | Role::Admin)) {
        let message =
            "Owners and admins run the whole organization: give another role in a project.";
        return Err(Fault::new("NOT_FOR_A_PROJECT", field, message));
    }
    Ok(())
}

fn no_role() -> Fault {
    Fault::new(
        "NO_ROLE",
        "take",
        "Nothing would be left that this person may do: leave at least one role.",
    )
}
