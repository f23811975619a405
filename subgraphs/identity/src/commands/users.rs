//! Adding and erasing people.

use std::{sync::Arc, time::Duration};

use studio_access::Resource;
use studio_events::{Append, Election, Metadata};
use studio_kernel::{
    Actor, Id, Role, TenantId, kind,
    published::identity::{ProjectRole, RolesHeld},
};
use studio_service::ApiError;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::{Core, Failure, Faults, Request, roles};
use crate::{
    domain::{
        api_key::KeyEndReason,
        app_grant::GrantEndReason,
        input::{self, Fault},
        session::EndReason,
        user::User,
    },
    personal::Profile,
    projections::{
        invitations, organizations,
        users::{self, read_roles},
    },
};

/// How often erasures that were cut short are looked for;
const ERASURES_EVERY: Duration = Duration::from_secs(600);
/// how soon again after a fault.
const ERASURES_AGAIN: Duration = Duration::from_secs(10);

/// A person, as they are asked for.
pub(crate) struct NewUser {
    /// What they are called.
    pub name: String,
    /// What they sign in with.
    pub email: String,
    /// Their first password.
    pub password: Zeroizing<String>,
    /// What they may do.
    pub roles: Vec<Role>,
    /// In which project alone; in the whole organization where there is none.
    pub project: Option<Id<kind::Project>>,
}

impl Core {
    /// Adds a person to the actor's organization.
    ///
    /// # Errors
    /// [`Failure::Input`] with what is wrong with the input.
    pub(crate) async fn create_user(
        &self,
        actor: &Actor,
        new: NewUser,
        request: Request,
    ) -> Result<Id<kind::User>, Failure> {
        if !roles::may_make_others(&new.roles) {
            return self.create_user_now(actor, new, request).await;
        }
        self.with_roles_held(self.create_user_now(actor, new, request)).await
    }

    async fn create_user_now(
        &self,
        actor: &Actor,
        new: NewUser,
        request: Request,
    ) -> Result<Id<kind::User>, Failure> {
        let actor = &self.as_of_now(actor).await?;
        let resource = Resource::any("User", actor.tenant);
        let resource = resource.with(roles::RANK, roles::rank(&[&new.roles]));
        let tenant = self.policy.require(actor, "identity:user:create", &resource)?.tenant();
        let mut faults = Faults::default();
        let name = faults.take(input::name("name", &new.name));
        let email = faults.take(input::email("email", &new.email));
        let organization = organizations::find(&self.store, tenant).await?.map(|row| row.name);
        let about = [&name, &email, &organization].into_iter().flatten().cloned().collect();
        faults.take(self.passwords.judge("password", &new.password, about).await?);
        let mut roles = new.roles;
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            faults.take::<()>(Err(Fault::new("NO_ROLE", "roles", "Give at least one role.")));
        }
        if new.project.is_some() {
            faults.take(roles::for_a_project("roles", &roles));
        }
        faults.none()?;
        let (Some(name), Some(email)) = (name, email) else {
            // `none` has answered already.
            return Err(Failure::Input(Vec::new()));
        };
        let user = self.env.id();
        let profile = Profile { name, email };
        let held = first_roles(roles, new.project);
        let stream = self.new_user(tenant, user, &profile, &new.password, &held).await?;
        let append = Append::new(tenant, metadata(actor, &request), vec![stream]);
        let position = self.append_with_email(append, &profile.email, "email").await?;
        if !held.projects.is_empty() {
            // Tokens say nothing of projects.
            self.sessions.roles_are(user, held, position);
        }
        Ok(user)
    }

    /// Erases a person for good: what identifies them can never be read again, here, in the log or
    /// in any copy of it, while the log still verifies. Repeating it completes what was cut short.
    ///
    /// # Errors
    /// `NOT_FOUND`; [`Failure::Input`] for the last owner.
    pub(crate) async fn erase_user(
        &self,
        actor: &Actor,
        user: Id<kind::User>,
        request: Request,
    ) -> Result<(), Failure> {
        // Two owners must not erase each other at once, in whichever process.
        self.with_roles_held(async {
            let actor = &self.as_of_now(actor).await?;
            let resource = Resource::one("User", user, actor.tenant).owned_by(user);
            let tenant = self.policy.require(actor, "identity:user:erase", &resource)?.tenant();
            self.erase_alone(tenant, user, metadata(actor, &request)).await
        })
        .await
    }

    async fn erase_alone(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        metadata: Metadata,
    ) -> Result<(), Failure> {
        let missing = || Failure::from(ApiError::not_found("user", user));
        let row = users::find(&self.store, tenant, user).await?.ok_or_else(missing)?;
        if row.erased_at.is_none()
            && read_roles(&row.roles).contains(&Role::Owner)
            && users::has_one_owner(&self.store, tenant).await?
        {
            return Err(roles::last_owner().into());
        }
        let executed = self
            .store
            .execute::<User, Failure>(tenant, &user.to_string(), &metadata, |state, _| {
                state.erase(user).ok_or_else(missing)
            })
            .await?;
        if let Some(newest) = executed.recorded.last() {
            self.sessions.roles_are(user, RolesHeld::default(), newest.position);
        }
        self.people.erase(tenant, user).await?;
        self.end_access(tenant, user, &metadata).await
    }

    /// Lets a person in again who was suspended: with the roles that they have.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND`.
    pub(crate) async fn reactivate_user(
        &self,
        actor: &Actor,
        user: Id<kind::User>,
        request: Request,
    ) -> Result<(), Failure> {
        self.with_roles_held(async {
            let actor = &self.as_of_now(actor).await?;
            let metadata = metadata(actor, &request);
            let stream = user.to_string();
            // A crash may have left some when they were suspended.
            let before = self.store.load::<User>(actor.tenant, &stream).await?.state;
            let resource = Resource::one("User", user, actor.tenant)
                .owned_by(user)
                .with(roles::RANK, roles::rank(&[before.roles()]));
            let tenant = self.policy.require(actor, "identity:user:update", &resource)?.tenant();
            if !before.exists() {
                return Err(ApiError::not_found("user", user).into());
            }
            if before.provisioned.suspended {
                let reason = EndReason::UserSuspended;
                self.end_sessions(tenant, user, None, reason, &metadata).await?;
            }
            let executed = self
                .store
                .execute::<User, Failure>(tenant, &stream, &metadata, |state, _| {
                    Ok(state.set_active(user, true))
                })
                .await?;
            if let Some(newest) = executed.recorded.last() {
                self.sessions.suspended_is(user, false, newest.position);
            }
            Ok(())
        })
        .await
    }

    /// Completes erasures that a crash cut short between the event and the key: of people, and of addresses
    /// whose invitations were taken back.
    ///
    /// # Errors
    /// From the store and the keyring.
    async fn complete_erasures(&self) -> Result<(), Failure> {
        for (tenant, user) in users::erased(&self.store).await? {
            self.people.erase(tenant, user).await?;
            let metadata = Metadata::system("identity.erasure");
            self.end_access(tenant, user, &metadata).await?;
        }
        for (tenant, user) in invitations::revoked(&self.store).await? {
            self.people.erase(tenant, user).await?;
        }
        Ok(())
    }

    /// Ends all by which somebody who was erased could still get in.
    async fn end_access(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        metadata: &Metadata,
    ) -> Result<(), Failure> {
        self.end_sessions(tenant, user, None, EndReason::UserErased, metadata).await?;
        self.end_api_keys(tenant, user, KeyEndReason::UserErased, metadata).await?;
        self.end_grants(tenant, user, GrantEndReason::UserErased, metadata).await
    }
}

/// What somebody may do who is added with roles of the organization, or of one project.
pub(super) fn first_roles(roles: Vec<Role>, project: Option<Id<kind::Project>>) -> RolesHeld {
    match project {
        None => RolesHeld { always: roles, ..RolesHeld::default() },
        Some(project) => {
            let roles = roles.into_iter().map(|role| ProjectRole { project, role, until: None });
            RolesHeld { projects: roles.collect(), ..RolesHeld::default() }
        }
    }
}

pub(super) fn metadata(actor: &Actor, request: &Request) -> Metadata {
    request.on(Metadata::by(actor))
}

/// Completes erasures that a crash of any process cut short, whenever this process is elected,
/// until `shutdown`.
pub(crate) async fn keep_erased(core: Arc<Core>, election: Election, shutdown: CancellationToken) {
    loop {
        let term = tokio::select! {
            () = shutdown.cancelled() => return,
            term = election.elected() => term,
        };
        // Each step may be repeated: it needs no fence.
        let complete = async {
            loop {
                // A fault is logged where it arises, and tried again.
                let again = match core.complete_erasures().await {
                    Ok(()) => ERASURES_EVERY,
                    Err(_) => ERASURES_AGAIN,
                };
                tokio::time::sleep(again).await;
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = term.ended().cancelled() => {}
            () = complete => {}
        }
    }
}
