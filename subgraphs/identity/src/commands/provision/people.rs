//! People whom a directory adds, changes, suspends and removes.

use studio_access::Resource;
use studio_events::{Expected, Recorded, StreamAppend};
use studio_kernel::{Id, Payload, Role, TenantId, kind};

use super::{Provisioner, Record, Seen, TRIES, busy};
use crate::{
    commands::Core,
    domain::{
        input::canonical_email,
        login::{UserProvisioned, roles_by_groups},
        provisioned::{
            DirectoryRecordRemoved, DirectoryRecordSet, ProfileChanged, UserReactivated,
            UserSuspended,
        },
        session::EndReason,
        user::{RolesChanged, User, UserEvent},
    },
    personal::{Profile, sealed_from_row},
    projections::{directories, directory_people, read_id, users},
    scim::{ScimError, ScimType, attributes::Resource as Kind, document::Document},
};

/// One answer, whoever has the name or the address: another directory, an owner, or another organization.
const TAKEN: &str = "Somebody has that userName or e-mail address already.";

impl Core {
    /// Adds a person, or takes over an account of the organization that has the address and is no owner's.
    ///
    /// # Errors
    /// `uniqueness`; `invalidValue`.
    pub(crate) async fn provision_person(
        &self,
        by: &Provisioner,
        document: Document,
    ) -> Result<Id<kind::User>, ScimError> {
        let record = Record::of(document);
        self.with_roles_held(async {
            for _ in 0..TRIES {
                if let Some(user) = self.provision_person_once(by, &record).await? {
                    return Ok(user);
                }
            }
            Err(busy())
        })
        .await
    }

    async fn provision_person_once(
        &self,
        by: &Provisioner,
        record: &Record,
    ) -> Result<Option<Id<kind::User>>, ScimError> {
        self.may_provision(by, Resource::any("User", by.tenant), &[])?;
        let taken = || ScimError::new(ScimType::Uniqueness, TAKEN);
        let name = record.user_name().to_lowercase();
        let name = self.people.directory_hash(by.directory, "userName", &name);
        if directory_people::is_named(&self.store, by.tenant, by.directory, &name).await? {
            return Err(taken());
        }
        let profile = record.profile(&by.settings, None)?;
        let account = self.people.email_hash(&profile.email);
        let Some(row) = users::by_email(&self.store, &account).await? else {
            return self.add_person(by, record, &profile).await;
        };
        let tenant: TenantId = read_id(&row.tenant)?;
        let user = read_id(&row.id)?;
        if tenant != by.tenant || !self.may_be_taken_over(by, user).await? {
            return Err(taken());
        }
        self.take_over(by, user, record, &profile).await
    }

    async fn add_person(
        &self,
        by: &Provisioner,
        record: &Record,
        profile: &Profile,
    ) -> Result<Option<Id<kind::User>>, ScimError> {
        let user = self.env.id();
        let roles = by.settings.default_roles.clone();
        let sealed = self.people.seal_profile(by.tenant, user, profile).await?;
        let mut events: Vec<UserEvent> =
            vec![UserProvisioned { user, roles, profile: sealed }.into()];
        events.push(self.says(by, user, record).await?);
        if !record.active {
            events.push(UserSuspended { user }.into());
        }
        let stream = StreamAppend::of::<User>(user.to_string(), Expected::NoStream, events)?;
        let Some(recorded) = self.append_provisioned(by, vec![stream], TAKEN).await? else {
            return Ok(None);
        };
        self.told_of_suspension(user, &recorded);
        Ok(Some(user))
    }

    /// Whether nobody else provisions the account: another directory that is connected does.
    async fn may_be_taken_over(
        &self,
        by: &Provisioner,
        user: Id<kind::User>,
    ) -> Result<bool, ScimError> {
        let state = self.store.load::<User>(by.tenant, &user.to_string()).await?.state;
        if state.roles().contains(&Role::Owner) {
            return Ok(false);
        }
        let Some(directory) = state.provisioned.directory else { return Ok(true) };
        let row = directories::find(&self.store, by.tenant, directory).await?;
        let connected = row.is_some_and(|row| row.disconnected_at.is_none());
        Ok(!connected)
    }

    async fn take_over(
        &self,
        by: &Provisioner,
        user: Id<kind::User>,
        record: &Record,
        profile: &Profile,
    ) -> Result<Option<Id<kind::User>>, ScimError> {
        let loaded = self.store.load::<User>(by.tenant, &user.to_string()).await?;
        let state = &loaded.state;
        let one = Resource::one("User", user, by.tenant);
        self.may_provision(by, one, state.roles())?;
        let mut events = vec![self.says(by, user, record).await?];
        events.extend(self.called_otherwise(by, user, profile).await?);
        events.extend(state.set_active(user, record.active));
        let roles = roles_by_groups(state.roles(), &[], &[], &by.settings.default_roles);
        events.extend(state.set_roles(user, roles, self.env.now()));
        let done = self.change(by, user, loaded.version, events, record.active).await?;
        Ok(done.map(|()| user))
    }

    /// Changes what a directory says of a person.
    ///
    /// # Errors
    /// Of `change`; 404, 412, 403 for an owner; `uniqueness`, `invalidValue`.
    pub(crate) async fn change_person(
        &self,
        by: &Provisioner,
        user: Id<kind::User>,
        seen: &Seen,
        change: impl Fn(Document) -> Result<Document, ScimError>,
    ) -> Result<(), ScimError> {
        self.with_roles_held(async {
            for _ in 0..TRIES {
                if self.change_person_once(by, user, seen, &change).await?.is_some() {
                    return Ok(());
                }
            }
            Err(busy())
        })
        .await
    }

    async fn change_person_once(
        &self,
        by: &Provisioner,
        user: Id<kind::User>,
        seen: &Seen,
        change: impl Fn(Document) -> Result<Document, ScimError>,
    ) -> Result<Option<()>, ScimError> {
        let (row, before) = self.record_of(by, user).await?;
        seen.check(row.version)?;
        let loaded = self.store.load::<User>(by.tenant, &user.to_string()).await?;
        let state = &loaded.state;
        let one = Resource::one("User", user, by.tenant);
        self.may_provision(by, one, state.roles())?;
        let after = Record::of(change(before.whole())?);
        let account = users::find_newest(&self.store, by.tenant, user).await?;
        let current = match account {
            Some(account) => self.profile_of(by.tenant, &account).await?,
            None => None,
        };
        let profile = after.profile(&by.settings, current.as_ref())?;
        let mut events = Vec::new();
        if after.document != before.document {
            events.push(self.says(by, user, &after).await?);
        }
        events.extend(self.called_otherwise(by, user, &profile).await?);
        events.extend(state.set_active(user, after.active));
        self.change(by, user, loaded.version, events, after.active).await
    }

    /// Suspends a person and forgets what the directory said of them; the roles of its groups go.
    ///
    /// # Errors
    /// 404, 412, 403 for an owner.
    pub(crate) async fn deprovision_person(
        &self,
        by: &Provisioner,
        user: Id<kind::User>,
        seen: &Seen,
    ) -> Result<(), ScimError> {
        self.with_roles_held(async {
            for _ in 0..TRIES {
                let (row, _) = self.record_of(by, user).await?;
                seen.check(row.version)?;
                let loaded = self.store.load::<User>(by.tenant, &user.to_string()).await?;
                let state = &loaded.state;
                let one = Resource::one("User", user, by.tenant);
                self.may_provision(by, one, state.roles())?;
                let mut events = state.set_active(user, false);
                events.push(DirectoryRecordRemoved { user, directory: by.directory }.into());
                let roles = roles_by_groups(state.roles(), &[], &by.settings.managed(), &[]);
                events.extend(state.set_roles(user, roles, self.env.now()));
                if self.change(by, user, loaded.version, events, false).await?.is_some() {
                    return Ok(());
                }
            }
            Err(busy())
        })
        .await
    }

    /// Records what happened to a person who was there, and ends their sessions where they are suspended.
    async fn change(
        &self,
        by: &Provisioner,
        user: Id<kind::User>,
        version: u64,
        events: Vec<UserEvent>,
        active: bool,
    ) -> Result<Option<()>, ScimError> {
        if events.is_empty() {
            return Ok(Some(()));
        }
        let comes_back = events.iter().any(|it| matches!(it, UserEvent::UserReactivated(_)));
        if comes_back {
            // A crash may have left some when they were suspended.
            self.end_sessions(by.tenant, user, None, EndReason::UserSuspended, &by.metadata())
                .await?;
        }
        let stream =
            StreamAppend::of::<User>(user.to_string(), Expected::Version(version), events)?;
        let Some(recorded) = self.append_provisioned(by, vec![stream], TAKEN).await? else {
            return Ok(None);
        };
        self.told_of_suspension(user, &recorded);
        let roles = recorded.iter().rfind(|it| it.event_type == RolesChanged::TYPE);
        if let Some(newest) = roles {
            let state = self.store.load::<User>(by.tenant, &user.to_string()).await?.state;
            self.sessions.roles_are(user, state.held(), newest.position);
        }
        if !active {
            self.end_sessions(by.tenant, user, None, EndReason::UserSuspended, &by.metadata())
                .await?;
        }
        Ok(Some(()))
    }

    /// Has a suspension count from now on, in this process at once.
    fn told_of_suspension(&self, user: Id<kind::User>, recorded: &[Recorded]) {
        for recorded in recorded {
            if recorded.event_type == UserSuspended::TYPE {
                self.sessions.suspended_is(user, true, recorded.position);
            } else if recorded.event_type == UserReactivated::TYPE {
                self.sessions.suspended_is(user, false, recorded.position);
            }
        }
    }

    /// The event of what a directory says of a person.
    async fn says(
        &self,
        by: &Provisioner,
        user: Id<kind::User>,
        record: &Record,
    ) -> Result<UserEvent, ScimError> {
        let sealed = self.people.seal_record(by.tenant, user, &record.document).await?;
        let (directory, active) = (by.directory, record.active);
        Ok(DirectoryRecordSet { user, directory, record: sealed, active }.into())
    }

    /// The event of another name or address, where it is another one.
    async fn called_otherwise(
        &self,
        by: &Provisioner,
        user: Id<kind::User>,
        profile: &Profile,
    ) -> Result<Option<UserEvent>, ScimError> {
        let row = users::find_newest(&self.store, by.tenant, user).await?;
        let before = match row {
            Some(row) => self.profile_of(by.tenant, &row).await?,
            None => None,
        };
        if before.as_ref() == Some(profile) {
            return Ok(None);
        }
        let canonical = |it: &Profile| canonical_email(&it.email);
        let email_changed = before.as_ref().map(canonical) != Some(canonical(profile));
        let sealed = self.people.seal_profile(by.tenant, user, profile).await?;
        Ok(Some(ProfileChanged { user, profile: sealed, email_changed }.into()))
    }

    async fn profile_of(
        &self,
        tenant: TenantId,
        row: &users::Row,
    ) -> Result<Option<Profile>, ScimError> {
        let Some(sealed) = &row.profile else { return Ok(None) };
        Ok(self.people.open_profile(tenant, &sealed_from_row(sealed)?).await?)
    }

    /// What the directory says of a person whom it has provisioned.
    async fn record_of(
        &self,
        by: &Provisioner,
        user: Id<kind::User>,
    ) -> Result<(directory_people::Row, Record), ScimError> {
        let missing = || ScimError::not_found(Kind::User.name(), &user.to_string());
        let row = directory_people::find(&self.store, by.tenant, by.directory, user).await?;
        let row = row.ok_or_else(missing)?;
        let record = self.read_record(by.tenant, &row).await?.ok_or_else(missing)?;
        Ok((row, record))
    }

    /// What a row says of a person; `None` once they were erased.
    ///
    /// # Errors
    /// From the keyring.
    pub(crate) async fn read_record(
        &self,
        tenant: TenantId,
        row: &directory_people::Row,
    ) -> Result<Option<Record>, ScimError> {
        let opened = self.people.open_record(tenant, &sealed_from_row(&row.record)?).await?;
        Ok(opened.map(|document| Record { document, active: row.active != 0 }))
    }
}
