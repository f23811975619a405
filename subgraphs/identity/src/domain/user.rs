//! A person of one organization.

use serde::{Deserialize, Serialize};
pub use studio_kernel::published::identity::{
    ProjectRole, RoleUntil, RolesChanged, RolesHeld, TeamRole,
};
use studio_kernel::{Aggregate, Id, Role, Timestamp, event, events, kind};

use super::{
    SealedValue,
    factor::{
        RecoveryCodeUsed, RecoveryCodesRenewed, SecondFactor, TotpBegun, TotpConfirmed,
        TotpRemoved, TotpUsed,
    },
    login::{LoginLinked, UserProvisioned},
    mailed::{
        EmailVerificationRequested, EmailVerified, MailSent, Mailed, PasswordResetRequested,
        PasswordResetUsed,
    },
    passkey::{PasskeyAdded, PasskeyBegun, PasskeyCopied, PasskeyRemoved, PasskeyUsed},
    provisioned::{
        DirectoryRecordRemoved, DirectoryRecordSet, ProfileChanged, Provisioned, UserReactivated,
        UserSuspended,
    },
};

/// A person was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserCreated {
    /// The person.
    pub user: Id<kind::User>,
    /// What they may do, sorted.
    pub roles: Vec<Role>,
    /// Name and e-mail address, sealed with the person's key.
    pub profile: SealedValue,
    /// The hash of the password (PHC string), sealed with the person's key.
    pub password: SealedValue,
}
event!(UserCreated, "identity.user.created", 1);

/// A person took another password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasswordChanged {
    /// The person.
    pub user: Id<kind::User>,
    /// The hash of the new password (PHC string), sealed with the person's key.
    pub password: SealedValue,
}
event!(PasswordChanged, "identity.user.password_changed", 1);

/// A person was erased (GDPR, article 17): the key is destroyed, and with it everything that was
/// sealed with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserErased {
    /// The person.
    pub user: Id<kind::User>,
}
event!(UserErased, "identity.user.erased", 1);

events! {
    /// What happens to a person.
    pub enum UserEvent {
        UserCreated,
        UserProvisioned,
        LoginLinked,
        RolesChanged,
        PasswordChanged,
        TotpBegun,
        TotpConfirmed,
        TotpUsed,
        RecoveryCodeUsed,
        RecoveryCodesRenewed,
        TotpRemoved,
        PasskeyBegun,
        PasskeyAdded,
        PasskeyUsed,
        PasskeyCopied,
        PasskeyRemoved,
        PasswordResetRequested,
        PasswordResetUsed,
        EmailVerificationRequested,
        EmailVerified,
        MailSent,
        DirectoryRecordSet,
        DirectoryRecordRemoved,
        ProfileChanged,
        UserSuspended,
        UserReactivated,
        UserErased,
    }
}

/// The state of a person.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct User {
    created: bool,
    erased: bool,
    roles: Vec<Role>,
    /// Roles that end by themselves; some may have ended.
    #[serde(default)]
    until: Vec<RoleUntil>,
    /// Roles in single projects; some may have ended.
    #[serde(default)]
    pub(super) projects: Vec<ProjectRole>,
    /// Roles by the teams that they are in.
    #[serde(default)]
    pub(super) teams: Vec<TeamRole>,
    /// What is asked for besides the password.
    pub factor: SecondFactor,
    /// What is proven by mail.
    pub mailed: Mailed,
    /// What a directory made of them.
    #[serde(default)]
    pub provisioned: Provisioned,
}

/// Why nobody's roles were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolesRefused {
    /// There is no such person, or no more.
    NoSuchUser,
    /// Nothing would be left that they may do.
    NoRole,
    /// They have the role already, without an end.
    HasIt,
    /// They have as many roles in projects as somebody can have.
    TooMany,
}

impl User {
    /// Whether there is such a person, who was not erased.
    pub fn exists(&self) -> bool {
        self.created && !self.erased
    }

    /// Takes the place of the password. `None` where there is no such person (any more).
    pub fn change_password(
        &self,
        user: Id<kind::User>,
        password: SealedValue,
    ) -> Option<Vec<UserEvent>> {
        self.exists().then(|| vec![PasswordChanged { user, password }.into()])
    }

    /// As [`User::change_password`], and takes the second factor away where there is one.
    pub fn recover(&self, user: Id<kind::User>, password: SealedValue) -> Option<Vec<UserEvent>> {
        let mut events = self.change_password(user, password)?;
        if self.factor.secret().is_some() {
            events.push(TotpRemoved { user }.into());
        }
        let passkeys = self.factor.passkeys.all().iter();
        events.extend(passkeys.map(|it| PasskeyRemoved { user, passkey: it.id }.into()));
        Some(events)
    }

    /// What the person may do, some of it until an instant; nothing where there is no such person.
    pub fn held(&self) -> RolesHeld {
        if self.erased {
            return RolesHeld::default();
        }
        RolesHeld {
            always: self.roles.clone(),
            until: self.until.clone(),
            projects: self.projects.clone(),
            teams: self.teams.clone(),
        }
    }

    /// What the person may do at an instant, without what has ended by then.
    pub(super) fn held_after(&self, now: Timestamp) -> RolesHeld {
        let mut held = self.held();
        held.until.retain(|it| now < it.until);
        held.projects.retain(|it| it.counts(now));
        held
    }

    /// What the person may do until it is changed, sorted; empty where there is no such person.
    pub fn roles(&self) -> &[Role] {
        if self.erased { &[] } else { &self.roles }
    }

    /// What the person could do until it is changed again, with other roles: those of `take` fall away,
    /// those of `give` are added. Sorted.
    pub fn roles_with(&self, give: &[Role], take: &[Role]) -> Vec<Role> {
        let kept = self.roles().iter().filter(|role| !take.contains(role));
        let mut roles: Vec<Role> = kept.chain(give).copied().collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// Gives roles and takes others, also those that would end by themselves. Nothing happens where the
    /// person has them so already.
    ///
    /// # Errors
    /// [`RolesRefused`].
    pub fn change_roles(
        &self,
        user: Id<kind::User>,
        give: &[Role],
        take: &[Role],
        now: Timestamp,
    ) -> Result<Vec<UserEvent>, RolesRefused> {
        if !self.exists() {
            return Err(RolesRefused::NoSuchUser);
        }
        let before = self.held_after(now);
        let mut held = RolesHeld { always: self.roles_with(give, take), ..before.clone() };
        held.until.retain(|it| !take.contains(&it.role) && !held.always.contains(&it.role));
        if held == RolesHeld::default() {
            return Err(RolesRefused::NoRole);
        }
        if held == before {
            return Ok(Vec::new());
        }
        Ok(vec![RolesChanged::to(user, held).into()])
    }

    /// Gives a role until an instant, in the place of one that the same role would end at otherwise.
    ///
    /// # Errors
    /// [`RolesRefused`].
    pub fn grant(
        &self,
        user: Id<kind::User>,
        role: Role,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<UserEvent>, RolesRefused> {
        if !self.exists() {
            return Err(RolesRefused::NoSuchUser);
        }
        if self.roles.contains(&role) {
            return Err(RolesRefused::HasIt);
        }
        let before = self.held_after(now);
        let mut held = before.clone();
        held.until.retain(|it| it.role != role);
        held.until.push(RoleUntil { role, until });
        held.until.sort_unstable_by_key(|it| it.role);
        if held == before {
            return Ok(Vec::new());
        }
        Ok(vec![RolesChanged::to(user, held).into()])
    }

    /// Takes a role away, also the last one. Nothing happens where the person does not have it.
    pub fn lose(&self, user: Id<kind::User>, role: Role, now: Timestamp) -> Vec<UserEvent> {
        let before = self.held_after(now);
        let mut held = before.clone();
        held.always.retain(|it| *it != role);
        held.until.retain(|it| it.role != role);
        if !self.exists() || held == before {
            return Vec::new();
        }
        vec![RolesChanged::to(user, held).into()]
    }

    /// Erases the person; nothing happens where there is none any more. `None` where there never
    /// was one.
    pub fn erase(&self, user: Id<kind::User>) -> Option<Vec<UserEvent>> {
        match (self.created, self.erased) {
            (false, _) => None,
            (true, true) => Some(Vec::new()),
            (true, false) => Some(vec![UserErased { user }.into()]),
        }
    }
}

impl Aggregate for User {
    const STREAM_TYPE: &'static str = "identity.user";
    const STATE_VERSION: u32 = 7;
    type Event = UserEvent;

    fn apply(&mut self, event: &UserEvent, recorded_at: Timestamp) {
        self.factor.apply(event, recorded_at);
        self.mailed.apply(event);
        self.provisioned.apply(event);
        match event {
            UserEvent::UserCreated(created) => {
                self.created = true;
                self.roles.clone_from(&created.roles);
            }
            UserEvent::UserProvisioned(provisioned) => {
                self.created = true;
                self.roles.clone_from(&provisioned.roles);
            }
            UserEvent::RolesChanged(changed) => {
                self.roles.clone_from(&changed.roles);
                self.until.clone_from(&changed.until);
                self.projects.clone_from(&changed.projects);
                self.teams.clone_from(&changed.teams);
            }
            UserEvent::UserErased(_) => self.erased = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Env, Role::*};

    use super::*;

    fn apply(user: &mut User, events: &[UserEvent]) {
        for event in events {
            user.apply(event, Timestamp::from_micros(0));
        }
    }

    /// What a decision says of roles.
    fn change(user: &User, give: &[Role], take: &[Role]) -> Result<Vec<Vec<Role>>, RolesRefused> {
        let events =
            user.change_roles(Env::system().id(), give, take, Timestamp::from_micros(0))?;
        let roles = events.into_iter().map(|event| match event {
            UserEvent::RolesChanged(changed) => changed.roles,
            other => panic!("{other:?}"),
        });
        Ok(roles.collect())
    }

    #[test]
    fn roles_are_given_and_taken_once() {
        let mut user = User { created: true, roles: vec![Viewer], ..User::default() };
        let roles = vec![ControlOwner, Contributor];
        let changed = change(&user, &[ControlOwner, Contributor], &[Viewer, Admin]).unwrap();
        assert_eq!(changed, std::slice::from_ref(&roles));
        let event = RolesChanged {
            user: Env::system().id(),
            roles: roles.clone(),
            until: vec![],
            projects: vec![],
            teams: vec![],
        };
        apply(&mut user, &[event.into()]);
        assert_eq!(user.roles(), roles);
        assert_eq!(change(&user, &[Contributor], &[Viewer]), Ok(vec![]));
        assert_eq!(change(&user, &[], &roles), Err(RolesRefused::NoRole));
        // What is given and taken in one breath is given.
        assert_eq!(user.roles_with(&[Auditor], &[Auditor]), [ControlOwner, Contributor, Auditor]);
    }

    #[test]
    fn some_roles_end_by_themselves() {
        let at = |seconds| Timestamp::from_micros(0).plus_seconds(seconds);
        let id = Env::system().id();
        let mut user = User { created: true, roles: vec![Viewer], ..User::default() };
        assert_eq!(user.grant(id, Viewer, at(9), at(0)).unwrap_err(), RolesRefused::HasIt);
        let events = user.grant(id, Auditor, at(9), at(0)).unwrap();
        apply(&mut user, &events);
        assert!(user.grant(id, Auditor, at(9), at(0)).unwrap().is_empty());
        assert_eq!(user.roles(), [Viewer]);
        assert_eq!(user.held().at(at(8)), [Auditor, Viewer]);
        assert_eq!(user.held().at(at(9)), [Viewer]);
        // Longer, shorter, for good, and taken.
        for (until, seconds) in [(at(20), 19), (at(5), 4)] {
            let events = user.grant(id, Auditor, until, at(1)).unwrap();
            apply(&mut user, &events);
            assert_eq!(user.held().at(at(seconds)), [Auditor, Viewer]);
            assert_eq!(user.held().at(until), [Viewer]);
        }
        let others = user.change_roles(id, &[], &[Viewer], at(1)).unwrap();
        let mut timed = User { created: true, ..User::default() };
        apply(&mut timed, &others);
        assert_eq!((timed.held().at(at(1)), timed.held().at(at(5))), (vec![Auditor], vec![]));
        assert_eq!(user.change_roles(id, &[], &[Viewer], at(5)).unwrap_err(), RolesRefused::NoRole);
        assert!(user.change_roles(id, &[], &[Auditor], at(5)).unwrap().is_empty(), "it has ended");
        let events = user.change_roles(id, &[], &[Auditor], at(1)).unwrap();
        apply(&mut user, &events);
        assert_eq!(user.held().at(at(1)), [Viewer]);
        let events = user.grant(id, Auditor, at(9), at(1)).unwrap();
        apply(&mut user, &events);
        let events = user.change_roles(id, &[Auditor], &[], at(2)).unwrap();
        apply(&mut user, &events);
        assert_eq!(user.held().at(at(99)), [Auditor, Viewer]);
        apply(&mut user, &[UserErased { user: id }.into()]);
        assert_eq!(user.grant(id, Admin, at(9), at(1)).unwrap_err(), RolesRefused::NoSuchUser);
        assert_eq!(user.held().at(at(1)), []);
    }

    #[test]
    fn a_change_that_was_written_before_says_nothing_of_ends_and_projects() {
        let written = r#"{"user":"usr_00000000000070008000000000000001","roles":["viewer"]}"#;
        let changed: RolesChanged = serde_json::from_str(written).unwrap();
        assert_eq!(
            changed.clone().held(),
            RolesHeld { always: vec![Viewer], ..RolesHeld::default() }
        );
        assert_eq!(serde_json::to_string(&changed).unwrap(), written);
    }

    #[test]
    fn who_is_not_there_has_no_roles() {
        let mut user = User::default();
        assert_eq!(change(&user, &[Viewer], &[]), Err(RolesRefused::NoSuchUser));
        user = User { created: true, roles: vec![Owner], ..User::default() };
        apply(&mut user, &[UserErased { user: Env::system().id() }.into()]);
        assert_eq!(change(&user, &[Viewer], &[]), Err(RolesRefused::NoSuchUser));
        assert_eq!(user.roles(), []);
    }
}
