//! Connecting directories that provision people, changing what they may do, and disconnecting them.

use std::collections::BTreeSet;

use studio_access::Resource;
use studio_events::{Append, AppendError, Expected, StreamAppend};
use studio_kernel::{Actor, Code, Id, Role, Timestamp, kind};
use studio_service::ApiError;
use zeroize::Zeroizing;

use super::{Core, Failure, Faults, Request, provision::Follow, users::metadata};
use crate::{
    domain::{
        directory::{Directory, DirectoryConnected, DirectoryRefused, GroupRole, Settings},
        input::{self, Fault},
    },
    projections::{directories, directory_people, read_id},
    tokens::{NewSecret, directory},
};

/// Directories of one organization that are connected, at most.
const MOST: u64 = 20;
/// People of a directory whose roles are changed at once, at most.
const MOST_PEOPLE: u64 = 50_000;
/// How often a change is decided again when somebody else was faster.
const TRIES: usize = 3;

/// A directory, as it is asked for.
pub(crate) struct NewDirectory {
    /// What people call it.
    pub name: String,
    /// The domains of the addresses that it may vouch for.
    pub email_domains: Vec<String>,
    /// Which groups give which roles.
    pub groups: Vec<GroupRole>,
    /// What somebody may do to whom nothing else gives a role.
    pub default_roles: Vec<Role>,
    /// When its token runs out, if that was said.
    pub expires_at: Option<Timestamp>,
}

/// A directory, as it is to be from now on. What is not named stays.
pub(crate) struct UpdatedDirectory {
    /// Which one.
    pub directory: Id<kind::Directory>,
    /// The version that was seen.
    pub expected: u64,
    /// What people call it.
    pub name: Option<String>,
    /// The domains of the addresses that it may vouch for.
    pub email_domains: Option<Vec<String>>,
    /// Which groups give which roles.
    pub groups: Option<Vec<GroupRole>>,
    /// What somebody may do to whom nothing else gives a role.
    pub default_roles: Option<Vec<Role>>,
}

/// A directory that was connected.
pub(crate) struct ShownDirectory {
    /// Which one.
    pub directory: Id<kind::Directory>,
    /// Its token, to be shown once.
    pub token: Zeroizing<String>,
}

impl Core {
    /// Lets a directory provision people of the actor's organization.
    ///
    /// # Errors
    /// `FORBIDDEN`, also to programs; [`Failure::Input`] with what is wrong with the input.
    pub(crate) async fn connect_directory(
        &self,
        actor: &Actor,
        new: NewDirectory,
        request: Request,
    ) -> Result<ShownDirectory, Failure> {
        self.with_roles_held(self.connect_directory_now(actor, new, request)).await
    }

    async fn connect_directory_now(
        &self,
        actor: &Actor,
        new: NewDirectory,
        request: Request,
    ) -> Result<ShownDirectory, Failure> {
        let actor = &self.as_of_now(actor).await?;
        let resource = Resource::any("Directory", actor.tenant);
        let tenant = self.policy.require(actor, "identity:directory:manage", &resource)?.tenant();
        let mut faults = Faults::default();
        let name = faults.take(input::name("name", &new.name));
        let settings = Settings::read(&new.email_domains, new.groups, new.default_roles);
        let settings = settings.map_err(|found| faults.0.extend(found)).ok();
        if new.expires_at.is_some_and(|at| at <= self.env.now()) {
            let message = "That is over already: choose a later time.";
            faults.take::<()>(Err(Fault::new("INVALID_EXPIRY", "expiresAt", message)));
        }
        if directories::count_connected(&self.store, tenant).await? >= MOST {
            let message = format!(
                "There are {MOST} directories: disconnect one that is not needed any more."
            );
            faults.take::<()>(Err(Fault::new("TOO_MANY_DIRECTORIES", "name", message)));
        }
        faults.none()?;
        let (Some(name), Some(settings)) = (name, settings) else {
            // `none` has answered already.
            return Err(Failure::Input(Vec::new()));
        };
        let (id, secret) = (self.env.id(), NewSecret::make(&self.env));
        let connected = DirectoryConnected {
            directory: id,
            name,
            settings,
            secret_hash: secret.hash.clone(),
            expires_at: new.expires_at,
        };
        let stream = StreamAppend::of::<Directory>(
            id.to_string(),
            Expected::NoStream,
            vec![connected.into()],
        )?;
        self.store.append(Append::new(tenant, metadata(actor, &request), vec![stream])).await?;
        Ok(ShownDirectory { directory: id, token: directory::write(id, &secret) })
    }

    /// Changes what a directory may do, and the roles of everybody whom it has provisioned with it.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND`; `CONFLICT` where somebody changed it meanwhile; [`Failure::Input`] with what
    /// is wrong with the input.
    pub(crate) async fn update_directory(
        &self,
        actor: &Actor,
        update: UpdatedDirectory,
        request: Request,
    ) -> Result<(), Failure> {
        self.with_roles_held(async {
            for _ in 0..TRIES {
                if self.update_directory_once(actor, &update, request.clone()).await?.is_some() {
                    return Ok(());
                }
            }
            let message = "Others changed the same people at the same time: send it again.";
            Err(ApiError::new(Code::Conflict, message).into())
        })
        .await
    }

    async fn update_directory_once(
        &self,
        actor: &Actor,
        update: &UpdatedDirectory,
        request: Request,
    ) -> Result<Option<()>, Failure> {
        let (actor, id) = (&self.as_of_now(actor).await?, update.directory);
        let resource = Resource::one("Directory", id, actor.tenant);
        let tenant = self.policy.require(actor, "identity:directory:manage", &resource)?.tenant();
        let missing = || ApiError::not_found("directory", id);
        let row = directories::find(&self.store, tenant, id).await?.ok_or_else(missing)?;
        let before = directories::read_settings(&row)?;
        let mut faults = Faults::default();
        let name = faults.take(input::name("name", update.name.as_deref().unwrap_or(&row.name)));
        let settings = Settings::read(
            update.email_domains.as_deref().unwrap_or(&before.email_domains),
            update.groups.clone().unwrap_or_else(|| before.groups.clone()),
            update.default_roles.clone().unwrap_or_else(|| before.default_roles.clone()),
        );
        let settings = settings.map_err(|found| faults.0.extend(found)).ok();
        if directory_people::count(&self.store, tenant, id).await? > MOST_PEOPLE {
            let message = format!("It has more than {MOST_PEOPLE} people: connect it anew.");
            faults.take::<()>(Err(Fault::new("TOO_MANY_PEOPLE", "groups", message)));
        }
        faults.none()?;
        let (Some(name), Some(settings)) = (name, settings) else {
            // `none` has answered already.
            return Err(Failure::Input(Vec::new()));
        };
        let loaded = self.store.load::<Directory>(tenant, &id.to_string()).await?;
        let versions = (loaded.version, update.expected);
        let events = loaded.state.update(id, versions, name, settings.clone());
        let events = events.map_err(|refused| match refused {
            DirectoryRefused::NotConnected => disconnected().into(),
            DirectoryRefused::Stale(version) => Failure::from(stale(version, update.expected)),
        })?;
        if events.is_empty() {
            return Ok(Some(()));
        }
        let expected = Expected::Version(loaded.version);
        let mut streams = vec![StreamAppend::of::<Directory>(id.to_string(), expected, events)?];
        // What groups gave up to now is taken, too.
        let managed = [before.managed(), settings.managed()].concat();
        let settings = &settings;
        let follow = Follow { tenant, directory: id, settings, managed: &managed, group: None };
        let everybody = self.everybody_of(&follow).await?;
        let (followed, changes) = self.roles_that_follow(&follow, &everybody).await?;
        streams.extend(followed);
        match self.store.append(Append::new(tenant, metadata(actor, &request), streams)).await {
            Err(AppendError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(recorded) => {
                self.roles_followed(changes, &recorded);
                Ok(Some(()))
            }
        }
    }

    async fn everybody_of(&self, of: &Follow<'_>) -> Result<BTreeSet<Id<kind::User>>, Failure> {
        let narrowed = directory_people::Narrowed::default();
        let rows =
            directory_people::page(&self.store, of.tenant, of.directory, &narrowed, 0, MOST_PEOPLE);
        Ok(rows.await?.iter().map(|row| read_id(&row.user)).collect::<Result<_, _>>()?)
    }

    /// Disconnects a directory: its token opens nothing any more. People stay as they are.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND`.
    pub(crate) async fn disconnect_directory(
        &self,
        actor: &Actor,
        id: Id<kind::Directory>,
        request: Request,
    ) -> Result<(), Failure> {
        let resource = Resource::one("Directory", id, actor.tenant);
        let tenant = self.policy.require(actor, "identity:directory:manage", &resource)?.tenant();
        let row = directories::find(&self.store, tenant, id).await?;
        row.ok_or_else(|| ApiError::not_found("directory", id))?;
        let metadata = metadata(actor, &request);
        self.store
            .execute::<Directory, Failure>(tenant, &id.to_string(), &metadata, |state, _| {
                Ok(state.disconnect(id))
            })
            .await?;
        Ok(())
    }
}

fn disconnected() -> Fault {
    let message = "That directory was disconnected: connect it anew.";
    Fault::new("DISCONNECTED", "directoryId", message)
}

fn stale(version: u64, expected: u64) -> ApiError {
    let message = format!(
        "The directory is at version {version}, not {expected}: read it again, then send your change \
         with that version."
    );
    ApiError::new(Code::Conflict, message)
}
