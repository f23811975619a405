//! What people change about how they sign in themselves. Each asks for the password anew: a session that
//! was left open, or whose token was stolen, must not be enough to keep its owner out.

use studio_access::Resource;
use studio_events::Metadata;
use studio_kernel::{Actor, Id, Principal, TenantId, kind};
use studio_service::ApiError;
use zeroize::Zeroizing;

use super::{Core, Failure, Faults, Request, users::metadata};
use crate::{
    backoff::Try,
    domain::{
        SealedValue,
        input::Fault,
        session::EndReason,
        user::{User, UserEvent},
    },
    personal::{Profile, sealed_from_row},
    projections::{organizations, read_id, users},
};

/// Whoever asks, and what is on record of them.
pub(super) struct Account {
    pub(super) tenant: TenantId,
    pub(super) user: Id<kind::User>,
    /// The session that asks.
    pub(super) session: Id<kind::Session>,
    pub(super) row: users::Row,
    request: Request,
}

impl Core {
    /// Gives the actor another password and ends their other sessions.
    ///
    /// # Errors
    /// [`Failure::Input`] where the current password is wrong or the new one will not do;
    /// `RATE_LIMITED` after repeated failures.
    pub(crate) async fn change_password(
        &self,
        actor: &Actor,
        current: Zeroizing<String>,
        new: Zeroizing<String>,
        request: Request,
    ) -> Result<(), Failure> {
        let account = self.own_account(actor).await?;
        let tried = self.prove(&account, "currentPassword", &current).await?;
        self.backoff.was_right(tried).await;
        let Account { tenant, user, session, row, .. } = account;
        let mut faults = Faults::default();
        faults.take(if *new == *current {
            Err(Fault::new(
                "SAME_PASSWORD",
                "newPassword",
                "That is the password you have: choose another.",
            ))
        } else {
            let about = self.about(tenant, &row).await?;
            self.passwords.judge("newPassword", &new, about).await?
        });
        faults.none()?;
        let metadata = metadata(actor, &request);
        let who = (tenant, user, Some(session));
        let decide = |state: &User, password| {
            state.change_password(user, password).ok_or_else(|| ApiError::unauthenticated().into())
        };
        self.replace_password(who, &new, &metadata, decide).await
    }

    /// Lets somebody in again who lost the password or the second factor: gives the account another
    /// password, takes its second factor away if that is asked for, and ends its sessions. For whoever
    /// runs the server, never for a request that came over the network.
    ///
    /// # Errors
    /// [`Failure::Input`] where there is no such account or the password will not do.
    pub(crate) async fn recover_account(
        &self,
        email: &str,
        new: &str,
        remove_second_factor: bool,
    ) -> Result<(), Failure> {
        let row = users::by_email(&self.store, &self.people.email_hash(email)).await?;
        let row = row.ok_or_else(|| {
            Fault::new("NO_ACCOUNT", "email", "Nobody signs in with that e-mail address.")
        })?;
        let (tenant, user) = (read_id(&row.tenant)?, read_id(&row.id)?);
        let about = self.about(tenant, &row).await?;
        self.passwords.judge("password", new, about).await??;
        let metadata = Metadata::system("identity.recovery");
        let decide = |state: &User, password| {
            let recovered = match remove_second_factor {
                true => state.recover(user, password),
                false => state.change_password(user, password),
            };
            recovered.ok_or_else(|| ApiError::unauthenticated().into())
        };
        self.replace_password((tenant, user, None), new, &metadata, decide).await
    }

    /// Records another password for a person, and ends their sessions but for one.
    pub(super) async fn replace_password(
        &self,
        (tenant, user, but): (TenantId, Id<kind::User>, Option<Id<kind::Session>>),
        new: &str,
        metadata: &Metadata,
        decide: impl Fn(&User, SealedValue) -> Result<Vec<UserEvent>, Failure> + Send + Sync,
    ) -> Result<(), Failure> {
        let hash = Zeroizing::new(self.passwords.hash(new).await?);
        let password = self.people.seal(tenant, user, hash.as_bytes()).await?;
        let reason = EndReason::PasswordChanged;
        // Before, so that a fault in between leaves nobody in who should be out; and after, since
        // somebody may have signed in meanwhile with the former password.
        self.end_sessions(tenant, user, but, reason, metadata).await?;
        self.store
            .execute::<User, Failure>(tenant, &user.to_string(), metadata, |state, _| {
                decide(state, password.clone())
            })
            .await?;
        self.end_sessions(tenant, user, but, reason, metadata).await?;
        Ok(())
    }

    /// The account of the actor, who may change how they sign in.
    pub(super) async fn own_account(&self, actor: &Actor) -> Result<Account, Failure> {
        let mut resource = Resource::any("User", actor.tenant);
        if let Some(user) = actor.user_id() {
            resource = Resource::one("User", user, actor.tenant).owned_by(user);
        }
        let scope = self.policy.require(actor, "identity:account:update", &resource)?;
        let Principal::User { user, session } = actor.principal else {
            return Err(ApiError::unauthenticated().into());
        };
        let tenant = scope.tenant();
        let row = users::find(&self.store, tenant, user).await?;
        let row = row.ok_or_else(ApiError::unauthenticated)?;
        Ok(Account { tenant, user, session, row, request: Request::of_actor(actor) })
    }

    /// Asks for the password, held back like a sign-in. The try counts as wrong until the caller says
    /// otherwise.
    pub(super) async fn prove(
        &self,
        account: &Account,
        field: &'static str,
        password: &str,
    ) -> Result<Try<'_>, Failure> {
        let address = account.row.email_hash.clone().ok_or_else(ApiError::unauthenticated)?;
        let tried = self.backoff.begin(address).await?;
        let known = self.password_hash(&account.row).await?;
        if !self.passwords.verify(password, known).await? {
            self.note_in_vain(account.tenant, account.user, "password_anew", &account.request);
            return Err(
                Fault::new("INVALID_CREDENTIALS", field, "That is not your password.").into()
            );
        }
        Ok(tried)
    }

    /// What is known of the person; `None` once they were erased.
    pub(super) async fn profile(
        &self,
        tenant: TenantId,
        row: &users::Row,
    ) -> Result<Option<Profile>, Failure> {
        let Some(sealed) = &row.profile else { return Ok(None) };
        Ok(self.people.open_profile(tenant, &sealed_from_row(sealed)?).await?)
    }

    /// What somebody who knows the person would try as a password.
    pub(super) async fn about(
        &self,
        tenant: TenantId,
        row: &users::Row,
    ) -> Result<Vec<String>, Failure> {
        let profile = self.profile(tenant, row).await?;
        let mut about: Vec<_> =
            profile.into_iter().flat_map(|profile| [profile.name, profile.email]).collect();
        about.extend(organizations::find(&self.store, tenant).await?.map(|row| row.name));
        Ok(about)
    }
}
