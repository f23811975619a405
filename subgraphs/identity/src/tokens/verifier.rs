//! Access tokens as they are checked: by the router's embedder now, by other processes later.

use std::{collections::BTreeMap, sync::Arc};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use studio_kernel::{Actor, Code, Env, Principal, Timestamp};
use studio_stores::keyring::SigningKey;

use super::{
    access::{AUDIENCE, Claims},
    live::LiveSessions,
};

/// A token of ours has a few hundred bytes.
const LONGEST: usize = 8 * 1024;
/// How far the clocks of two servers may be apart before a fresh token is refused, in seconds.
const CLOCK_SKEW: i64 = 5;

/// Why a token is refused. The client learns what to do, and not which check it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token of this server: malformed, changed, signed by another key or otherwise than
    /// by EdDSA, or meant for another server.
    #[error("That access token is not valid here: sign in again.")]
    Invalid,
    /// Its time is over.
    #[error("That access token has expired: get a new one by refresh.")]
    Expired,
    /// Its session was ended.
    #[error("That session is over: sign in again.")]
    SessionOver,
}

impl TokenError {
    /// Always `UNAUTHENTICATED`.
    pub const fn code(self) -> Code {
        Code::Unauthenticated
    }
}

/// A token that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who asks.
    pub actor: Actor,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// Checks access tokens without I/O. Cheap to clone.
#[derive(Clone)]
pub struct TokenVerifier(Arc<Inner>);

struct Inner {
    keys: BTreeMap<String, DecodingKey>,
    validation: Validation,
    sessions: Arc<LiveSessions>,
    env: Env,
}

impl TokenVerifier {
    /// Accepts tokens of that issuer (the server's public address) signed by one of the keys.
    pub fn new(keys: &[&SigningKey], issuer: &str, sessions: Arc<LiveSessions>, env: Env) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // The library reads the system's clock; `check` compares with ours.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let keys = keys
            .iter()
            .map(|key| (key.id().to_owned(), DecodingKey::from_ed_der(key.public_key())))
            .collect();
        Self(Arc::new(Inner { keys, validation, sessions, env }))
    }

    /// Who the token (without `Bearer`) says is asking.
    ///
    /// # Errors
    /// [`TokenError`], for the client as it is.
    pub fn verify(&self, token: &str) -> Result<Actor, TokenError> {
        self.check(token).map(|verified| verified.actor)
    }

    /// As [`TokenVerifier::verify`], and until when.
    ///
    /// # Errors
    /// [`TokenError`], for the client as it is.
    pub fn check(&self, token: &str) -> Result<Verified, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let key = header.kid.and_then(|kid| self.0.keys.get(&kid)).ok_or(TokenError::Invalid)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.0.validation)
            .map_err(|_| TokenError::Invalid)?
            .claims;
        let now = self.0.env.now();
        let instant = |seconds| Timestamp::from_micros(0).plus_seconds(seconds);
        if now >= instant(claims.exp) {
            return Err(TokenError::Expired);
        }
        if now.plus_seconds(CLOCK_SKEW) < instant(claims.nbf) {
            return Err(TokenError::Invalid);
        }
        if !self.0.sessions.is_live(claims.sid, now) {
            return Err(TokenError::SessionOver);
        }
        Ok(Verified {
            actor: Actor::user(claims.org, claims.sub, claims.sid, claims.roles),
            expires_at: instant(claims.exp),
        })
    }

    /// Whether an actor who was verified once may still act: the session was not ended and has not
    /// run out. For long-lived subscriptions, before each event. The access token itself may have
    /// expired meanwhile: the session is what counts.
    pub fn still_valid(&self, actor: &Actor) -> bool {
        match &actor.principal {
            Principal::User { session, .. } => self.0.sessions.is_live(*session, self.0.env.now()),
            Principal::System { .. } => true,
        }
    }
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("keys", &self.0.keys.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
