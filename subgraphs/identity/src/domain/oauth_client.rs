//! A program of the organization: one that signs in by itself (OAuth 2.0 client credentials, RFC 6749,
//! section 4.4), with the access tokens that it got, or an app that acts for people who allow it to
//! (section 4.1).

use serde::{Deserialize, Serialize};
pub use studio_kernel::published::identity::{AccessTokenRevoked, GrantType, OAuthClientRevoked};
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
    /// SHA-256 of its secret, 64 lower-case hexadecimal digits; empty for an app that can keep none.
    pub secret_hash: String,
    /// How it gets tokens, sorted. Programs from before this was said sign in by themselves.
    #[serde(default = "GrantType::before", skip_serializing_if = "GrantType::is_before")]
    pub grant_types: Vec<GrantType>,
    /// Where an app gets its answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
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
        let OAuthClientCreated { client, roles, scopes, secret_hash, .. } = created;
        let OAuthClientCreated { grant_types, redirect_uris, .. } = created;
        Self { client, roles, scopes, secret_hash, grant_types, redirect_uris }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_written_before_signs_in_by_itself() {
        let written = r#"{"client":"cli_00000000000070008000000000000001","name":"n8n","roles":["viewer"],
            "scopes":["*:*:read"],"secret_hash":"00"}"#;
        let created: OAuthClientCreated = serde_json::from_str(written).unwrap();
        assert_eq!(created.grant_types, [GrantType::ClientCredentials]);
        let again = serde_json::to_string(&created).unwrap();
        assert!(!again.contains("grant_types") && !again.contains("redirect_uris"), "{again}");
    }
}
