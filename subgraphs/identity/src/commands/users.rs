//! Adding and erasing people.

use studio_access::Resource;
use studio_events::{Append, Metadata};
use studio_kernel::{Actor, Id, Role, kind};
use studio_service::ApiError;
use zeroize::Zeroizing;

use super::{Core, Failure, Faults, Request};
use crate::{
    domain::{
        input::{self, Fault},
        session::EndReason,
        user::User,
    },
    personal::Profile,
    projections::users::{self, read_roles},
};

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
        let resource = Resource::any("User", actor.tenant);
        let tenant = self.policy.require(actor, "identity:user:create", &resource)?.tenant();
        let mut faults = Faults::default();
        let name = faults.take(input::name("name", &new.name));
        let email = faults.take(input::email("email", &new.email));
        faults.take(input::password("password", &new.password));
        let mut roles = new.roles;
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            faults.take::<()>(Err(Fault::new("NO_ROLE", "roles", "Give at least one role.")));
        }
        faults.none()?;
        let (Some(name), Some(email)) = (name, email) else {
            // `none` has answered already.
            return Err(Failure::Input(Vec::new()));
        };
        let user = self.env.id();
        let profile = Profile { name, email };
        let stream = self.new_user(tenant, user, &profile, &new.password, roles).await?;
        let mut metadata = Metadata::by(actor);
        metadata.request_id = request;
        let append = Append::new(tenant, metadata, vec![stream]);
        self.append_with_email(append, &profile.email, "email").await?;
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
        let resource = Resource::one("User", user, actor.tenant).owned_by(user);
        let tenant = self.policy.require(actor, "identity:user:erase", &resource)?.tenant();
        let missing = || Failure::from(ApiError::not_found("user", user));
        let _erasing = self.erasing.lock().await;
        let row = users::find(&self.store, tenant, user).await?.ok_or_else(missing)?;
        if row.erased_at.is_none()
            && read_roles(&row.roles).contains(&Role::Owner)
            && users::count_with_role(&self.store, tenant, Role::Owner).await? == 1
        {
            return Err(Fault::new(
                "LAST_OWNER",
                "userId",
                "An organization needs an owner: add another one first.",
            )
            .into());
        }
        let mut metadata = Metadata::by(actor);
        metadata.request_id = request;
        self.store
            .execute::<User, Failure>(tenant, &user.to_string(), &metadata, |state, _| {
                state.erase(user).ok_or_else(missing)
            })
            .await?;
        self.people.erase(tenant, user).await?;
        self.end_all_sessions(tenant, user, EndReason::UserErased, &metadata).await
    }

    /// Completes erasures that a crash cut short between the event and the key.
    ///
    /// # Errors
    /// From the store and the keyring.
    pub(crate) async fn complete_erasures(&self) -> Result<(), Failure> {
        for (tenant, user) in users::erased(&self.store).await? {
            self.people.erase(tenant, user).await?;
            let metadata = Metadata::system("identity.erasure");
            self.end_all_sessions(tenant, user, EndReason::UserErased, &metadata).await?;
        }
        Ok(())
    }
}
