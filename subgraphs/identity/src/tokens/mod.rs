//! What proves who asks: short access tokens (JWT, RFC 7519, signed by EdDSA, RFC 8037), refresh tokens
//! that renew them, the API keys of programs, what apps get, and the tokens of directories.

mod access;
mod api_key;
mod app;
mod challenge;
mod checked;
pub(crate) mod directory;
mod follow;
mod keys;
mod known_roles;
mod live;
mod live_clients;
mod live_grants;
mod live_keys;
mod live_organizations;
mod mailed;
mod passkey;
mod refresh;
mod remember;
mod remote;
mod remote_clients;
mod remote_grants;
mod remote_keys;
mod remote_pages;
mod verifier;

pub(crate) use access::{AccessToken, AppClaims, ClientClaims, IssueError, Issuer};
pub(crate) use api_key::{NewSecret, is_right, write as write_api_key};
pub(crate) use app::{AppTokens, Requests, SealedRequest, challenge_of};
pub(crate) use challenge::{Challenge, Challenges, FirstFactor};
pub(crate) use follow::follow;
pub(crate) use keys::{Lifetimes, TokenKeys, keep_renewed};
pub(crate) use live::LiveSessions;
pub(crate) use live_clients::KnownClient;
pub(crate) use live_grants::{KnownGrant, MARGIN};
pub(crate) use live_keys::{KnownKey, Use};
pub(crate) use mailed::{MailedToken, MailedTokens};
pub(crate) use passkey::{PASSKEY_SECONDS, PasskeyChallenges};
pub(crate) use refresh::{RefreshToken, RefreshTokens};
pub(crate) use remember::remember;
pub(crate) use remote::internal_routes;
pub use remote::{RemoteError, RemoteVerifier};
pub(crate) use remote_clients::known as known_client;
pub(crate) use remote_grants::known as known_grant;
pub(crate) use remote_keys::{keep_uses, known as known_key};
pub use verifier::{TokenError, TokenVerifier, Verified};

use aws_lc_rs::digest;

/// SHA-256, 64 lower-case hexadecimal digits. Enough for a token of 256 random bits, which nobody
/// can guess; passwords are hashed otherwise.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let hash = digest::digest(&digest::SHA256, bytes);
    hash.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
