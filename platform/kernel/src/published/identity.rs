//! What the identity subgraph publishes: which sessions are alive, and what people may do, for
//! whoever checks access tokens in another process. Ids, instants and roles alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    actor::Role,
    event,
    id::{Id, kind},
    time::Timestamp,
};

/// A session was started or refreshed: it lives until then, unless it is ended before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionExtended {
    /// The session.
    pub session: Id<kind::Session>,
    /// When it runs out.
    pub expires_at: Timestamp,
}
event!(SessionExtended, "identity.session.extended", 1);

/// A session was ended before its time: its access tokens prove nothing any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnded {
    /// The session.
    pub session: Id<kind::Session>,
}
event!(SessionEnded, "identity.session.ended", 1);

/// A role that ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleUntil {
    /// The role.
    pub role: Role,
    /// The first instant at which it does not count any more.
    pub until: Timestamp,
}

/// What somebody may do: some of it until it is changed, some until an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolesHeld {
    /// Until it is changed, sorted.
    pub always: Vec<Role>,
    /// Until an instant, sorted by role.
    pub until: Vec<RoleUntil>,
}

impl RolesHeld {
    /// What they may do at an instant, sorted.
    pub fn at(&self, now: Timestamp) -> Vec<Role> {
        let timed = self.until.iter().filter(|it| now < it.until).map(|it| it.role);
        let mut roles: Vec<Role> = self.always.iter().copied().chain(timed).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}

/// What a person may do was changed: access tokens from before say what does not hold any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolesChanged {
    /// The person.
    pub user: Id<kind::User>,
    /// All that they are now until it is changed again, sorted.
    pub roles: Vec<Role>,
    /// What they are besides until an instant, sorted by role. It ends by itself: no event says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub until: Vec<RoleUntil>,
}
event!(RolesChanged, "identity.user.roles_changed", 1);
