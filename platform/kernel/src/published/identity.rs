//! What the identity subgraph publishes: which sessions are alive, for whoever checks access tokens
//! in another process. Ids and instants alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
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
