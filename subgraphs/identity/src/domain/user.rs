//! A person of one organization.

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Role, Timestamp, event, events, kind};

use super::SealedValue;

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
    pub enum UserEvent { UserCreated, UserErased }
}

/// The state of a person.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct User {
    created: bool,
    erased: bool,
}

impl User {
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
    const STATE_VERSION: u32 = 1;
    type Event = UserEvent;

    fn apply(&mut self, event: &UserEvent, _recorded_at: Timestamp) {
        match event {
            UserEvent::UserCreated(_) => self.created = true,
            UserEvent::UserErased(_) => self.erased = true,
        }
    }
}
