//! People whom a directory provisions (SCIM 2.0): what it says of them, whether they may sign in, and the roles
//! of their groups. Owners are left alone.

use serde::{Deserialize, Serialize};
pub use studio_kernel::published::identity::{UserReactivated, UserSuspended};
use studio_kernel::{Id, Role, Timestamp, event, kind};

use super::{
    SealedValue,
    user::{RolesChanged, User, UserEvent},
};

/// A directory says this of a person from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryRecordSet {
    /// The person.
    pub user: Id<kind::User>,
    /// The directory.
    pub directory: Id<kind::Directory>,
    /// By what the directory knows them, names and addresses, sealed with the person's key.
    pub record: SealedValue,
    /// Whether it says that they are active.
    pub active: bool,
}
event!(DirectoryRecordSet, "identity.user.directory_record_set", 1);

/// A directory does not know a person any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryRecordRemoved {
    /// The person.
    pub user: Id<kind::User>,
    /// The directory.
    pub directory: Id<kind::Directory>,
}
event!(DirectoryRecordRemoved, "identity.user.directory_record_removed", 1);

/// A person is called otherwise, or has another e-mail address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileChanged {
    /// The person.
    pub user: Id<kind::User>,
    /// Name and e-mail address, sealed with the person's key.
    pub profile: SealedValue,
    /// Whether the address is another one: nobody has shown that it is theirs then.
    pub email_changed: bool,
}
event!(ProfileChanged, "identity.user.profile_changed", 1);

/// What happens to a person by a directory, besides their roles.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Provisioned {
    /// Whether they are not active: they have their roles, and may do nothing.
    pub suspended: bool,
    /// The directory that knows them.
    pub directory: Option<Id<kind::Directory>>,
    /// Whether they have a way in of their own: a password, a passkey, or a provider of identity.
    #[serde(default)]
    has_way_in: bool,
    /// Whether their address was changed since, and they have not shown that it is theirs.
    #[serde(default)]
    pub address_unproven: bool,
}

impl Provisioned {
    pub(super) fn apply(&mut self, event: &UserEvent) {
        match event {
            UserEvent::UserSuspended(_) => self.suspended = true,
            UserEvent::UserReactivated(_) => self.suspended = false,
            UserEvent::DirectoryRecordSet(set) => self.directory = Some(set.directory),
            UserEvent::UserCreated(_)
            | UserEvent::PasswordChanged(_)
            | UserEvent::PasskeyAdded(_)
            | UserEvent::LoginLinked(_) => self.has_way_in = true,
            UserEvent::ProfileChanged(changed) if changed.email_changed => {
                self.address_unproven = self.has_way_in;
            }
            UserEvent::EmailVerified(_) => self.address_unproven = false,
            UserEvent::DirectoryRecordRemoved(_) | UserEvent::UserErased(_) => {
                self.directory = None
            }
            _ => {}
        }
    }
}

impl User {
    /// Whether there is such a person, and no directory says that they are not active.
    pub fn may_sign_in(&self) -> bool {
        self.exists() && !self.provisioned.suspended
    }

    /// Whether their address may let them in: by a link that is mailed to it, or by a provider that vouches for
    /// it. Whoever runs a directory could otherwise get into an account that somebody has by changing its
    /// address.
    pub fn address_lets_in(&self) -> bool {
        self.may_sign_in() && !self.provisioned.address_unproven
    }

    /// Suspends the person, or lets them in again; nothing happens where it is so already.
    pub fn set_active(&self, user: Id<kind::User>, active: bool) -> Vec<UserEvent> {
        match (self.provisioned.suspended, active) {
            (true, true) => vec![UserReactivated { user }.into()],
            (false, false) => vec![UserSuspended { user }.into()],
            _ => Vec::new(),
        }
    }

    /// Gives the person these roles until it is changed, also none; roles that end by themselves stay.
    pub fn set_roles(
        &self,
        user: Id<kind::User>,
        roles: Vec<Role>,
        now: Timestamp,
    ) -> Vec<UserEvent> {
        if !self.exists() || roles == self.roles() {
            return Vec::new();
        }
        let mut held = self.held_after(now);
        held.until.retain(|it| !roles.contains(&it.role));
        held.always = roles;
        vec![RolesChanged::to(user, held).into()]
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Aggregate, Role::*};

    use super::*;
    use crate::domain::{login::LoginLinked, mailed::EmailVerified, user::RoleUntil};

    fn apply(user: &mut User, events: Vec<UserEvent>) {
        for event in events {
            user.apply(&event, Timestamp::from_micros(0));
        }
    }

    #[test]
    fn who_is_suspended_keeps_the_roles_and_comes_back() {
        let id = Id::from_uuid(Default::default());
        let mut user = User::default();
        assert!(!user.may_sign_in());
        let profile = SealedValue(serde_json::Value::Null);
        let added =
            crate::domain::login::UserProvisioned { user: id, roles: vec![Auditor], profile };
        apply(&mut user, vec![added.into()]);
        assert!(user.may_sign_in() && user.set_active(id, true).is_empty());
        let events = user.set_active(id, false);
        apply(&mut user, events);
        assert!(!user.may_sign_in() && user.set_active(id, false).is_empty());
        assert_eq!(user.roles(), [Auditor]);
        let events = user.set_active(id, true);
        apply(&mut user, events);
        assert!(user.may_sign_in());
    }

    #[test]
    fn another_address_is_no_way_into_an_account_that_somebody_has() {
        let id = Id::from_uuid(Default::default());
        let value = || SealedValue(serde_json::Value::Null);
        let moved = |email_changed| {
            vec![ProfileChanged { user: id, profile: value(), email_changed }.into()]
        };
        let mut user = User::default();
        let added =
            crate::domain::login::UserProvisioned { user: id, roles: vec![], profile: value() };
        apply(&mut user, vec![added.into()]);
        apply(&mut user, moved(true));
        assert!(user.address_lets_in(), "nobody has got in yet");
        let linked = LoginLinked { user: id, provider: "work".into(), subject: value() };
        apply(&mut user, vec![linked.into()]);
        apply(&mut user, moved(false));
        assert!(user.address_lets_in(), "another name is no other address");
        apply(&mut user, moved(true));
        assert!(!user.address_lets_in() && user.may_sign_in());
        apply(&mut user, vec![EmailVerified { user: id }.into()]);
        assert!(user.address_lets_in());
    }

    #[test]
    fn roles_of_groups_leave_those_that_end_by_themselves() {
        let (id, now) = (Id::from_uuid(Default::default()), Timestamp::from_micros(0));
        let mut user = User::default();
        let profile = SealedValue(serde_json::Value::Null);
        let added =
            crate::domain::login::UserProvisioned { user: id, roles: vec![Viewer], profile };
        apply(&mut user, vec![added.into()]);
        assert!(user.set_roles(id, vec![Viewer], now).is_empty());
        let events = user.grant(id, Auditor, now.plus_seconds(9), now).unwrap();
        apply(&mut user, events);
        let events = user.set_roles(id, vec![], now);
        apply(&mut user, events);
        assert_eq!((user.roles(), user.held().at(now)), (&[][..], vec![Auditor]));
        let events = user.set_roles(id, vec![Auditor], now);
        apply(&mut user, events);
        assert_eq!(user.held().until, Vec::<RoleUntil>::new());
    }
}
