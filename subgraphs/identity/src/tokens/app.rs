//! What apps get besides access tokens: codes and refresh tokens, each kind with a key of its own; and the
//! requests of apps as they go through the browser of the person: sealed, so that what was checked is what
//! the person allows.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use studio_kernel::{Env, Id, TenantId, Timestamp, kind};
use studio_stores::keyring::{IndexKey, Keyring, KeyringError};

use super::RefreshTokens;
use crate::domain::reach::Reach;

/// Seconds within which a person answers a request.
const REQUEST_SECONDS: i64 = 600;
/// Bytes of a sealed request at most.
const LONGEST: usize = 16 * 1024;

/// The challenge of PKCE that a verifier answers (RFC 7636, section 4.6); `None` for what is no verifier.
pub(crate) fn challenge_of(verifier: &str) -> Option<String> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let right = (43..=128).contains(&verifier.len()) && verifier.bytes().all(letter);
    right.then(|| URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes())))
}

/// Makes and checks codes and refresh tokens.
pub(crate) struct AppTokens {
    /// Codes: what they belong to is what was allowed, and their number 0.
    pub(crate) codes: RefreshTokens,
    /// Refresh tokens of apps.
    pub(crate) refresh: RefreshTokens,
}

impl AppTokens {
    /// With the keys that tell our own from others.
    pub(crate) async fn open(keyring: &Keyring, env: &Env) -> Result<Self, KeyringError> {
        Ok(Self {
            codes: RefreshTokens::new(keyring.index_key("app_code").await?, env.clone()),
            refresh: RefreshTokens::new(keyring.index_key("app_refresh").await?, env.clone()),
        })
    }
}

/// What an app asks of a person, as it was checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SealedRequest {
    /// The app's organization; `None` for the command, which belongs to none.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) client: Id<kind::OAuthClient>,
    /// What will be allowed: as that can begin once only, so can the request be allowed. For the command it
    /// is the session.
    pub(crate) grant: Id<kind::AppGrant>,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) reach: Reach,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    /// Nothing is to be asked.
    pub(crate) silent: bool,
    /// The person is to be asked, whatever they allowed before.
    pub(crate) ask: bool,
    /// The sign-in must not be older than that.
    pub(crate) signed_in_since: Option<Timestamp>,
    pub(crate) login_hint: Option<String>,
    /// Who must be signed in.
    pub(crate) user: Option<Id<kind::User>>,
    /// When it was asked.
    pub(crate) at: Timestamp,
}

/// Seals and opens requests.
pub(crate) struct Requests {
    key: IndexKey,
    env: Env,
}

impl Requests {
    /// With the key that tells our own from others.
    pub(crate) fn new(key: IndexKey, env: Env) -> Self {
        Self { key, env }
    }

    /// The request as text for the address of the page; `None` where it is too long for one.
    pub(crate) fn seal(&self, request: &SealedRequest) -> Option<String> {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(request).ok()?);
        let text = format!("{body}.{}", URL_SAFE_NO_PAD.encode(self.key.mac(body.as_bytes())));
        (text.len() <= LONGEST).then_some(text)
    }

    /// Reads what the page sent; `None` for whatever this server never sealed or sealed too long ago.
    pub(crate) fn open(&self, text: &str) -> Option<SealedRequest> {
        if text.len() > LONGEST {
            return None;
        }
        let (body, mac) = text.split_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let expected = self.key.mac(body.as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(&mac, &expected).ok()?;
        let request: SealedRequest =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        (self.env.now() < request.at.plus_seconds(REQUEST_SECONDS)).then_some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge_of(verifier).as_deref(), Some(challenge));
        for bad in ["", "short", &"x".repeat(129), &format!("{verifier} "), &"ü".repeat(43)] {
            assert_eq!(challenge_of(bad), None, "{bad}");
        }
    }
}
