//! Letting in whom a provider of identity vouches for: a person is found by what the provider calls them, linked
//! to an account by an address that it has verified and may vouch for, or added.

use studio_access::Resource;
use studio_events::{Append, AppendError, ExecuteError, Expected, Metadata, StreamAppend};
use studio_kernel::{Actor, Id, Role, TenantId, kind};
use studio_service::{ApiError, config::OidcProvider};

use super::{Core, Failure, LoggedIn, Request, roles};
use crate::{
    domain::{
        input,
        login::{LoginLinked, provision, roles_by_groups},
        session::EndReason,
        user::{RolesRefused, User},
    },
    oidc::{Refused, Ticket, Vouched},
    personal::{Profile, Subject},
    projections::{logins, organizations, read_id, users},
    tokens::{Challenge, FirstFactor},
};

/// Who acts, in metadata and for the policies, where a provider's word is what something rests on.
const NAME: &str = "identity.oidc";

impl Core {
    /// The person whom a provider vouches for, with the roles that their groups give.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) async fn admit(
        &self,
        provider: &OidcProvider,
        vouched: Vouched,
        request: Request,
    ) -> Result<Id<kind::User>, Refused> {
        let tenant = provider.organization;
        if organizations::find(&self.store, tenant).await?.is_none() {
            return Err(Refused::NoOrganization);
        }
        let subject = Subject { issuer: provider.issuer.clone(), subject: vouched.subject.clone() };
        let metadata = request.on(Metadata::system(NAME));
        // Two who come at once, for the first time: the second finds what the first has made.
        let mut again = true;
        let user = loop {
            match self.found_or_made(provider, &vouched, &subject, &metadata).await {
                Err(Raced::Other) if std::mem::take(&mut again) => {}
                Err(Raced::Other) => return Err(Refused::Account),
                Err(Raced::Refused(refused)) => return Err(refused),
                Ok(user) => break user,
            }
        };
        self.follow_groups(provider, user, &vouched, &metadata).await?;
        Ok(user)
    }

    async fn found_or_made(
        &self,
        provider: &OidcProvider,
        vouched: &Vouched,
        subject: &Subject,
        metadata: &Metadata,
    ) -> Result<Id<kind::User>, Raced> {
        let tenant = provider.organization;
        let hash = self.people.subject_hash(subject);
        if let Some(row) = logins::by_subject(&self.store, &hash).await.map_err(Refused::from)? {
            // A provider of one organization lets nobody into another.
            if read_id::<kind::Organization>(&row.tenant).map_err(Refused::from)? != tenant {
                return Err(Refused::Account.into());
            }
            return Ok(read_id(&row.user).map_err(Refused::from)?);
        }
        let email = vouched.email.as_deref().filter(|email| may_vouch(provider, email));
        let email = email.and_then(|email| input::email("email", email).ok());
        let email = email.ok_or(Refused::Address)?;
        let account = self.people.email_hash(&email);
        match users::by_email(&self.store, &account).await.map_err(Refused::from)? {
            Some(row) => self.link(provider, &row, subject, metadata).await,
            None => self.provision(provider, vouched, email, subject, metadata).await,
        }
    }

    /// Links an account that is there. An owner's is not linked, since a provider makes no owners; nor one
    /// whose address a directory has changed, before its person has shown that it is theirs.
    async fn link(
        &self,
        provider: &OidcProvider,
        row: &users::Row,
        subject: &Subject,
        metadata: &Metadata,
    ) -> Result<Id<kind::User>, Raced> {
        let tenant: TenantId = read_id(&row.tenant).map_err(Refused::from)?;
        if tenant != provider.organization {
            return Err(Refused::Account.into());
        }
        let user: Id<kind::User> = read_id(&row.id).map_err(Refused::from)?;
        let sealed = self.people.seal_subject(tenant, user, subject).await;
        let sealed = sealed.map_err(Failure::from).map_err(Refused::from)?;
        let linked = LoginLinked { user, provider: provider.name.clone(), subject: sealed };
        let done = self
            .store
            .execute::<User, Refused>(tenant, &user.to_string(), metadata, |state, _| {
                if !state.address_lets_in() || state.roles().contains(&Role::Owner) {
                    return Err(Refused::Account);
                }
                Ok(vec![linked.clone().into()])
            })
            .await;
        match done {
            Ok(_) => Ok(user),
            Err(ExecuteError::Refused(refused)) => Err(refused.into()),
            Err(ExecuteError::Append(AppendError::Projection { .. })) => Err(Raced::Other),
            Err(ExecuteError::Append(error)) => Err(Refused::from(Failure::from(error)).into()),
            Err(ExecuteError::Store(error)) => Err(Refused::from(error).into()),
        }
    }

    /// Adds a person.
    async fn provision(
        &self,
        provider: &OidcProvider,
        vouched: &Vouched,
        email: String,
        subject: &Subject,
        metadata: &Metadata,
    ) -> Result<Id<kind::User>, Raced> {
        let (tenant, user) = (provider.organization, self.env.id());
        let given = given(provider, vouched.groups.as_deref().unwrap_or_default());
        let mut roles: Vec<Role> =
            given.into_iter().chain(provider.default_roles.clone()).collect();
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            return Err(Refused::NoRole.into());
        }
        let resource = Resource::any("User", tenant).with(roles::RANK, roles::rank(&[&roles]));
        let _all = self
            .policy
            .require(&Actor::system(tenant, NAME), "identity:user:create", &resource)
            .map_err(|_| Refused::Denied)?;
        let name = vouched.name.as_deref().and_then(|name| input::name("name", name).ok());
        let profile = Profile { name: name.unwrap_or_else(|| email.clone()), email };
        let sealed = async {
            let profile = self.people.seal_profile(tenant, user, &profile).await?;
            let subject = self.people.seal_subject(tenant, user, subject).await?;
            Ok::<_, Failure>((profile, subject))
        };
        let (sealed_profile, sealed_subject) = sealed.await.map_err(Refused::from)?;
        let powerful = roles::may_make_others(&roles);
        let events = provision(user, roles, sealed_profile, &provider.name, sealed_subject);
        let stream = StreamAppend::of::<User>(user.to_string(), Expected::NoStream, events)
            .map_err(Failure::from)
            .map_err(Refused::from)?;
        let append = Append::new(tenant, metadata.clone(), vec![stream]);
        let made = async { self.append_with_email(append, &profile.email, "email").await };
        let made = if powerful { self.with_roles_held(made).await } else { made.await };
        match made {
            Ok(_) => Ok(user),
            // Somebody was faster with the address, or with the subject: the next look finds them.
            Err(Failure::Input(_)) => Err(Raced::Other),
            Err(failure) => {
                let subject = self.people.subject_hash(subject);
                let there =
                    logins::by_subject(&self.store, &subject).await.map_err(Refused::from)?;
                Err(if there.is_some() { Raced::Other } else { Refused::from(failure).into() })
            }
        }
    }

    /// Gives and takes the roles that groups give, where the provider says something of groups. Whoever has
    /// no role left then is signed out everywhere, and not let in.
    async fn follow_groups(
        &self,
        provider: &OidcProvider,
        user: Id<kind::User>,
        vouched: &Vouched,
        metadata: &Metadata,
    ) -> Result<(), Refused> {
        let tenant = provider.organization;
        let state = self.store.load::<User>(tenant, &user.to_string()).await?.state;
        if !state.may_sign_in() {
            return Err(Refused::Account);
        }
        if provider.roles.is_empty() {
            return Ok(());
        }
        let managed: Vec<Role> = provider.roles.values().flatten().copied().collect();
        let given = given(provider, vouched.groups.as_deref().unwrap_or_default());
        let wanted =
            |current: &[Role]| roles_by_groups(current, &given, &managed, &provider.default_roles);
        if wanted(state.roles()) == state.roles() {
            return Ok(());
        }
        let (actor, now) = (Actor::system(tenant, NAME), self.env.now());
        let changed = self.with_roles_held(async {
            let executed = self
                .store
                .execute::<User, Failure>(tenant, &user.to_string(), metadata, |state, _| {
                    let roles = wanted(state.roles());
                    let take: Vec<Role> = state
                        .roles()
                        .iter()
                        .filter(|role| !roles.contains(role))
                        .copied()
                        .collect();
                    let rank = roles::rank(&[state.roles(), &roles]);
                    let resource = Resource::one("User", user, tenant).with(roles::RANK, rank);
                    let _all = self.policy.require(&actor, "identity:user:update", &resource)?;
                    match state.change_roles(user, &roles, &take, now) {
                        Ok(events) => Ok(events),
                        Err(RolesRefused::NoRole | RolesRefused::HasIt | RolesRefused::TooMany) => {
                            Err(no_role())
                        }
                        Err(RolesRefused::NoSuchUser) => {
                            Err(ApiError::not_found("user", user).into())
                        }
                    }
                })
                .await?;
            if let Some(newest) = executed.recorded.last() {
                self.sessions.roles_are(user, executed.state.held(), newest.position);
            }
            Ok(())
        });
        match changed.await {
            Ok(()) => Ok(()),
            Err(Failure::Input(_)) => {
                self.end_sessions(tenant, user, None, EndReason::Revoked, metadata)
                    .await
                    .map_err(Refused::from)?;
                Err(Refused::NoRole)
            }
            Err(failure) => Err(Refused::from(failure)),
        }
    }

    /// Begins the session of somebody who was vouched for, or asks for their second factor. `None` where the
    /// ticket was used, or the person is gone.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn enter(
        &self,
        ticket: &Ticket,
        request: Request,
    ) -> Result<Option<LoggedIn>, ApiError> {
        match self.enter_now(ticket, request).await {
            Ok(entered) => Ok(entered),
            Err(Failure::Api(error)) => Err(error),
            Err(Failure::Input(_)) => Ok(None),
        }
    }

    async fn enter_now(
        &self,
        ticket: &Ticket,
        request: Request,
    ) -> Result<Option<LoggedIn>, Failure> {
        let Ticket { tenant, user, session, .. } = *ticket;
        let person = self.store.load::<User>(tenant, &user.to_string()).await?.state;
        if !person.may_sign_in() {
            return Ok(None);
        }
        if person.factor.is_on() {
            // Whoever has one has a password as well.
            let row = users::find(&self.store, tenant, user).await?;
            let Some(password) = row.and_then(|row| row.password) else { return Ok(None) };
            let challenge = Challenge::new(tenant, user, session, &password, self.env.now())
                .after(FirstFactor::Provider);
            let challenge = self.challenges.write(&challenge);
            let passkey_options = self.second_step_options(&person.factor, &challenge);
            return Ok(Some(LoggedIn::Challenged { challenge, passkey_options }));
        }
        let actor = Actor::user(tenant, user, session, person.held().at(self.env.now()));
        let provider = Some(ticket.provider.clone());
        let begun = self.begin_session(actor, ticket.methods.clone(), provider)?;
        let metadata = request.on_sign_in(Metadata::by(&begun.actor));
        match self.store.append(Append::new(tenant, metadata, vec![begun.stream.clone()])).await {
            // It began before.
            Err(AppendError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(_) => self.session_begun(begun).map(Box::new).map(LoggedIn::SignedIn).map(Some),
        }
    }
}

/// Why no person was found or made.
enum Raced {
    /// Somebody was faster: look again.
    Other,
    Refused(Refused),
}

impl From<Refused> for Raced {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Whether the provider may vouch for an address: the whole of its domain must be named.
fn may_vouch(provider: &OidcProvider, email: &str) -> bool {
    let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    domain.is_some_and(|own| provider.email_domains.iter().any(|it| it.to_lowercase() == own))
}

/// The roles that these groups give.
fn given(provider: &OidcProvider, groups: &[String]) -> Vec<Role> {
    groups.iter().filter_map(|group| provider.roles.get(group)).flatten().copied().collect()
}

fn no_role() -> Failure {
    crate::domain::input::Fault::new("NO_ROLE", "groups", "No group gives a role.").into()
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Api(error) if error.code() == studio_kernel::Code::Forbidden => Self::Denied,
            Failure::Api(error) => Self::Internal(error),
            Failure::Input(_) => Self::Account,
        }
    }
}

impl From<sea_orm::DbErr> for Refused {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Internal(error.into())
    }
}

impl From<studio_events::StoreError> for Refused {
    fn from(error: studio_events::StoreError) -> Self {
        Self::Internal(error.into())
    }
}
