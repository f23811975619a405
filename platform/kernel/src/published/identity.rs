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

/// What a person may do was changed: access tokens from before say what does not hold any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolesChanged {
    /// The person.
    pub user: Id<kind::User>,
    /// All that they are now, sorted.
    pub roles: Vec<Role>,
}
event!(RolesChanged, "identity.user.roles_changed", 1);
