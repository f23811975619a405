//! A program of the organization that signs in by itself (OAuth 2.0 client credentials, RFC 6749, section
//! 4.4), and the access tokens that it got.

use serde::{Deserialize, Serialize};
pub use studio_kernel::published::identity::{AccessTokenRevoked, OAuthClientRevoked};
use studio_kernel::{
    ActionScope, Aggregate, Id, Role, Timestamp, event, events, kind, published::identity,
};

/// A program was given access.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OAuthClientCreated {
    /// The program.
    pub client: Id<kind::OAuthClient>,
    /// What people call it.
    pub name: String,
    /// What it may do, sorted.
    pub roles: Vec<Role>,
    /// How far it may go within that, sorted.
    pub scopes: Vec<ActionScope>,
    /// SHA-256 of its secret, 64 lower-case hexadecimal digits.
    pub secret_hash: String,
}
event!(OAuthClientCreated, "identity.oauth_client.created", 1);

/// A program signed in: it got an access token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessTokenIssued {
    /// The program.
    pub client: Id<kind::OAuthClient>,
    /// The token.
    pub token: Id<kind::AccessToken>,
    /// How far it goes.
    pub scopes: Vec<ActionScope>,
    /// When it runs out.
    pub expires_at: Timestamp,
}
event!(AccessTokenIssued, "identity.access_token.issued", 1);

events! {
    /// What happens to a program.
    pub enum OAuthClientEvent {
        OAuthClientCreated,
        AccessTokenIssued,
        AccessTokenRevoked,
        OAuthClientRevoked,
    }
}

impl From<OAuthClientCreated> for identity::OAuthClientCreated {
    fn from(created: OAuthClientCreated) -> Self {
        let OAuthClientCreated { client, roles, scopes, secret_hash, name: _ } = created;
        Self { client, roles, scopes, secret_hash }
    }
}

/// The state of a program.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct OAuthClient {
    created: bool,
    revoked: bool,
}

impl OAuthClient {
    /// Takes its access away; nothing happens where it has none.
    pub fn revoke(&self, client: Id<kind::OAuthClient>) -> Vec<OAuthClientEvent> {
        if !self.created || self.revoked {
            return Vec::new();
        }
        vec![OAuthClientRevoked { client }.into()]
    }
}

impl Aggregate for OAuthClient {
    const STREAM_TYPE: &'static str = "identity.oauth_client";
    const STATE_VERSION: u32 = 1;
    type Event = OAuthClientEvent;

    fn apply(&mut self, event: &OAuthClientEvent, _recorded_at: Timestamp) {
        match event {
            OAuthClientEvent::OAuthClientCreated(_) => self.created = true,
            OAuthClientEvent::OAuthClientRevoked(_) => self.revoked = true,
            OAuthClientEvent::AccessTokenIssued(_) | OAuthClientEvent::AccessTokenRevoked(_) => {}
        }
    }
}
