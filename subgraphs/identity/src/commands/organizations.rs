//! The set-up, and how an organization and its owner come to be.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use studio_events::{Append, AppendError, ExecuteError, Expected, Metadata, StreamAppend};
use studio_kernel::{Id, Role, TenantId, kind, published::identity::RolesHeld};
use studio_service::ApiError;
use zeroize::Zeroizing;

use super::{Core, Failure, Faults, Request, SignedIn};
use crate::{
    domain::{
        input::{self, Fault},
        organization::{Organization, OrganizationCreated},
        set_up::{SetUp, already_set_up},
        user::{RolesChanged, User, UserCreated, UserEvent},
    },
    personal::Profile,
    projections::{organizations, read_id, set_up, users},
    tokens::sha256,
};

/// An organization and its first owner, as they are asked for.
pub struct NewOrganization {
    /// What people call the organization.
    pub name: String,
    /// What the owner is called.
    pub owner_name: String,
    /// What the owner signs in with.
    pub owner_email: String,
    /// The owner's password.
    pub password: Zeroizing<String>,
}

/// An organization that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Founded {
    /// The organization.
    pub organization: TenantId,
    /// Its owner.
    pub owner: Id<kind::User>,
}

/// How far the installation is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetUpState {
    /// No organization exists, and the token that was asked about, if any, makes the first one.
    Open,
    /// No organization exists, and the token that was asked about is another one.
    WrongToken,
    /// There is an organization.
    Done,
}

/// Fields of the input, for faults: they differ between the set-up and `createUser`.
pub(super) struct Fields {
    pub(super) name: &'static str,
    pub(super) email: &'static str,
}

const OWNER: Fields = Fields { name: "ownerName", email: "ownerEmail" };

impl Core {
    /// The set-up token, while no organization exists. It follows from the keyring and the id that
    /// the organization will have, so that every process of an installation, whenever it starts,
    /// offers the same one. Only its hash is kept.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn offer_set_up(&self) -> Result<Option<String>, Failure> {
        let mut tried = false;
        loop {
            if organizations::any(&self.store).await? {
                return Ok(None);
            }
            let tenant: TenantId = match set_up::find(&self.store).await? {
                Some(row) => read_id(&row.tenant)?,
                None => self.env.id(),
            };
            let token = URL_SAFE_NO_PAD.encode(self.set_up_key.mac(tenant.uuid().as_bytes()));
            let hash = sha256(token.as_bytes());
            let metadata = Metadata::system("identity.set_up");
            let offered = self
                .store
                .execute::<SetUp, Failure>(tenant, &tenant.to_string(), &metadata, |state, _| {
                    Ok(state.offer(&hash))
                })
                .await;
            match offered {
                Ok(_) => return Ok(Some(token)),
                // Another process was faster and chose another id, or offered this one.
                Err(ExecuteError::Append(
                    AppendError::Projection { .. } | AppendError::Conflict { .. },
                )) if !tried => tried = true,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// How far the installation is set up, and whether this token still works.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn set_up_state(&self, token: Option<&str>) -> Result<SetUpState, ApiError> {
        if organizations::any(&self.store).await? {
            return Ok(SetUpState::Done);
        }
        let Some(token) = token else { return Ok(SetUpState::Open) };
        let Some(row) = set_up::find(&self.store).await? else { return Ok(SetUpState::WrongToken) };
        let tenant: TenantId = read_id(&row.tenant)?;
        let loaded = self.store.load::<SetUp>(tenant, &tenant.to_string()).await?;
        let offered = loaded.state.offers(&sha256(token.as_bytes()));
        Ok(if offered { SetUpState::Open } else { SetUpState::WrongToken })
    }

    /// Makes the first organization and its owner, and signs the owner in.
    ///
    /// # Errors
    /// [`Failure::Input`] for a token that is wrong or used up, and for the rest of the input.
    pub(crate) async fn set_up(
        &self,
        token: &str,
        new: NewOrganization,
        request: Request,
    ) -> Result<SignedIn, Failure> {
        if organizations::any(&self.store).await? {
            return Err(already_set_up().into());
        }
        let Some(row) = set_up::find(&self.store).await? else {
            return Err(already_set_up().into());
        };
        let tenant: TenantId = read_id(&row.tenant)?;
        let owner = self.env.id();
        let stream_id = tenant.to_string();
        let loaded = self.store.load::<SetUp>(tenant, &stream_id).await?;
        // Before anything costly: strangers without the token get no further.
        let completed = loaded.state.complete(&sha256(token.as_bytes()), owner)?;
        let expected = Expected::Version(loaded.version);
        let stream = StreamAppend::of::<SetUp>(stream_id, expected, vec![completed])?;
        if let Err(failure) = self.found(tenant, owner, new, vec![stream], request.clone()).await {
            // Whatever was in the way, somebody who was faster is the better explanation.
            let faster = organizations::any(&self.store).await?;
            return Err(if faster { already_set_up().into() } else { failure });
        }
        self.start_session(tenant, owner, vec![Role::Owner], request).await
    }

    /// Makes an organization and its owner without a token: for whoever runs the server, never
    /// for a request that came over the network.
    ///
    /// # Errors
    /// [`Failure::Input`] with what is wrong with the input.
    pub(crate) async fn create_organization(
        &self,
        new: NewOrganization,
    ) -> Result<Founded, Failure> {
        let (organization, owner) = (self.env.id(), self.env.id());
        self.found(organization, owner, new, Vec::new(), Request::default()).await?;
        Ok(Founded { organization, owner })
    }

    async fn found(
        &self,
        tenant: TenantId,
        owner: Id<kind::User>,
        new: NewOrganization,
        mut streams: Vec<StreamAppend>,
        request: Request,
    ) -> Result<(), Failure> {
        let mut faults = Faults::default();
        let name = faults.take(input::name("organizationName", &new.name));
        let owner_name = faults.take(input::name(OWNER.name, &new.owner_name));
        let email = faults.take(input::email(OWNER.email, &new.owner_email));
        let about = [&name, &owner_name, &email].into_iter().flatten().cloned().collect();
        faults.take(self.passwords.judge("password", &new.password, about).await?);
        faults.none()?;
        let (Some(name), Some(owner_name), Some(email)) = (name, owner_name, email) else {
            // `none` has answered already.
            return Err(Failure::Input(Vec::new()));
        };
        let created = OrganizationCreated { organization: tenant, name };
        streams.push(StreamAppend::of::<Organization>(
            tenant.to_string(),
            Expected::NoStream,
            vec![created.into()],
        )?);
        let profile = Profile { name: owner_name, email };
        let held = RolesHeld { always: vec![Role::Owner], ..RolesHeld::default() };
        streams.push(self.new_user(tenant, owner, &profile, &new.password, &held).await?);
        let metadata = request.on(Metadata::system("identity.set_up").of_person(owner));
        let append = Append::new(tenant, metadata, streams);
        self.append_with_email(append, &profile.email, OWNER.email).await?;
        Ok(())
    }

    /// The stream of a new person, everything personal sealed.
    pub(super) async fn new_user(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        profile: &Profile,
        password: &str,
        held: &RolesHeld,
    ) -> Result<StreamAppend, Failure> {
        let events = self.new_person(tenant, user, profile, password, held).await?;
        Ok(StreamAppend::of::<User>(user.to_string(), Expected::NoStream, events)?)
    }

    /// The events by which a new person begins, everything personal sealed.
    pub(super) async fn new_person(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        profile: &Profile,
        password: &str,
        held: &RolesHeld,
    ) -> Result<Vec<UserEvent>, Failure> {
        let hash = Zeroizing::new(self.passwords.hash(password).await?);
        let created = UserCreated {
            user,
            roles: held.always.clone(),
            profile: self.people.seal_profile(tenant, user, profile).await?,
            password: self.people.seal(tenant, user, hash.as_bytes()).await?,
        };
        let mut events = vec![created.into()];
        if !held.until.is_empty() || !held.projects.is_empty() {
            events.push(RolesChanged::to(user, held.clone()).into());
        }
        Ok(events)
    }

    /// Appends what adds a person, and answers the position of the last event. An e-mail address signs in
    /// to one account, which the read model's unique index holds against two that come at once.
    pub(super) async fn append_with_email(
        &self,
        append: Append,
        email: &str,
        field: &'static str,
    ) -> Result<i64, Failure> {
        let hash = self.people.email_hash(email);
        if users::by_email(&self.store, &hash).await?.is_some() {
            return Err(email_taken(field).into());
        }
        match self.store.append(append).await {
            Err(AppendError::Projection { .. })
                if users::by_email(&self.store, &hash).await?.is_some() =>
            {
                Err(email_taken(field).into())
            }
            Err(error) => Err(error.into()),
            Ok(recorded) => Ok(recorded.last().map_or(0, |newest| newest.position)),
        }
    }
}

fn email_taken(field: &'static str) -> Fault {
    Fault::new("EMAIL_TAKEN", field, "Somebody signs in with that e-mail address already.")
}
