//! Pure decisions and state: organizations, people, their teams, sessions, keys and apps, and the set-up. No async, no
//! database, no keys: what is encrypted passes through as it is.

pub mod api_key;
pub mod app_grant;
pub mod authorization;
pub mod command;
pub mod directory;
pub mod directory_group;
pub mod factor;
pub mod input;
pub mod invitation;
pub mod login;
pub mod mailed;
pub mod oauth_client;
pub mod organization;
pub mod passkey;
pub mod project_roles;
pub mod provisioned;
pub mod reach;
pub mod redirect_uri;
pub mod review;
pub mod scopes;
pub mod session;
pub mod set_up;
pub mod team;
pub mod team_roles;
pub mod user;

use serde::{Deserialize, Serialize};

/// A value that was sealed with the key of a person before it came here, as JSON. The domain
/// carries it from the command to the event and never looks inside.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedValue(pub serde_json::Value);

impl std::fmt::Debug for SealedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedValue(..)")
    }
}
