//! A key by which a program acts for the person who made it.

use serde::{Deserialize, Serialize};
use studio_kernel::{
    ActionScope, Aggregate, Id, Role, Timestamp, event, events, kind, published::identity,
};

use super::SealedValue;

/// A person made a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKeyCreated {
    /// The key.
    pub key: Id<kind::ApiKey>,
    /// Whose it is.
    pub user: Id<kind::User>,
    /// What they call it, sealed with the person's key.
    pub name: SealedValue,
    /// All that they were then, sorted.
    pub roles: Vec<Role>,
    /// How far it goes within what its person may do, sorted.
    pub scopes: Vec<ActionScope>,
    /// SHA-256 of its secret, 64 lower-case hexadecimal digits.
    pub secret_hash: String,
    /// When it runs out.
    pub expires_at: Timestamp,
}
event!(ApiKeyCreated, "identity.api_key.created", 1);

/// Why a key ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyEndReason {
    /// Its person, or somebody who may, revoked it.
    Revoked,
    /// Its person was erased.
    UserErased,
}

/// A key ended before its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKeyRevoked {
    /// The key.
    pub key: Id<kind::ApiKey>,
    /// Why.
    pub reason: KeyEndReason,
}
event!(ApiKeyRevoked, "identity.api_key.revoked", 1);

events! {
    /// What happens to a key.
    pub enum ApiKeyEvent { ApiKeyCreated, ApiKeyRevoked }
}

impl From<ApiKeyCreated> for identity::ApiKeyCreated {
    fn from(created: ApiKeyCreated) -> Self {
        let ApiKeyCreated { key, user, roles, scopes, secret_hash, expires_at, name: _ } = created;
        Self { key, user, roles, scopes, secret_hash, expires_at }
    }
}

impl From<ApiKeyRevoked> for identity::ApiKeyRevoked {
    fn from(revoked: ApiKeyRevoked) -> Self {
        Self { key: revoked.key }
    }
}

/// The state of a key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ApiKey {
    created: bool,
    revoked: bool,
}

impl ApiKey {
    /// Ends the key; nothing happens where it ended before, or never was.
    pub fn revoke(&self, key: Id<kind::ApiKey>, reason: KeyEndReason) -> Vec<ApiKeyEvent> {
        if !self.created || self.revoked {
            return Vec::new();
        }
        vec![ApiKeyRevoked { key, reason }.into()]
    }
}

impl Aggregate for ApiKey {
    const STREAM_TYPE: &'static str = "identity.api_key";
    const STATE_VERSION: u32 = 1;
    type Event = ApiKeyEvent;

    fn apply(&mut self, event: &ApiKeyEvent, _recorded_at: Timestamp) {
        match event {
            ApiKeyEvent::ApiKeyCreated(_) => self.created = true,
            ApiKeyEvent::ApiKeyRevoked(_) => self.revoked = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_once() {
        let key = Id::from_uuid(Default::default());
        let mut state = ApiKey::default();
        assert!(state.revoke(key, KeyEndReason::Revoked).is_empty(), "there is none");
        state.created = true;
        let events = state.revoke(key, KeyEndReason::Revoked);
        assert_eq!(events.len(), 1);
        state.apply(&events[0], Timestamp::from_micros(0));
        assert!(state.revoke(key, KeyEndReason::UserErased).is_empty());
    }
}
