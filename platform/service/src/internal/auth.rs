//! The tokens of calls between processes: JWT (RFC 7519) signed by EdDSA (RFC 8037).

use std::{collections::BTreeMap, sync::Arc};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use studio_kernel::{Actor, Env, Origin, Timestamp, kind};
use studio_stores::keyring::{Keyring, KeyringError, SigningKey};

use super::PURPOSE;
use crate::subgraph::RequestId;

/// Seconds for which a token is valid. None is accepted that would live longer.
pub const LIFETIME: i64 = 60;
/// How far the clocks of two machines may be apart, in seconds.
const CLOCK_SKEW: i64 = 30;
/// A token holds a handful of ids and the actor's roles, of which one person has at most a hundred in
/// single projects.
const LONGEST: usize = 16 * 1024;
/// Tells these tokens from every other kind that the keyring signs (RFC 8725, section 3.11).
const TYPE: &str = "studio-internal+jwt";

/// For whom a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    /// One part of Studio asks for itself: feeds, texts, sessions.
    Service,
    /// The router passes on what a client asked, signed in or not.
    Client,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    /// The id of the request.
    jti: String,
    kind: CallerKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<Actor>,
    /// From where the client asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
}

/// A token could not be signed, which no input can cause.
#[derive(Debug, thiserror::Error)]
#[error("a token for calls between processes cannot be signed: {0}")]
pub struct SignError(String);

/// Makes tokens. Cheap to clone.
#[derive(Clone)]
pub struct InternalSigner(Arc<Signer>);

struct Signer {
    key: EncodingKey,
    key_id: String,
    issuer: String,
    env: Env,
}

impl InternalSigner {
    /// Signs with the key, as `issuer`: the role of this process, for example `router`.
    ///
    /// # Errors
    /// When the key cannot be exported to the signing library.
    pub fn new(
        key: &SigningKey,
        issuer: impl Into<String>,
        env: Env,
    ) -> Result<Self, KeyringError> {
        Ok(Self(Arc::new(Signer {
            key: EncodingKey::from_ed_der(&key.pkcs8()?),
            key_id: key.id().to_owned(),
            issuer: issuer.into(),
            env,
        })))
    }

    /// Signs with the keyring's key for calls between processes.
    ///
    /// # Errors
    /// When the keyring gives no key.
    pub async fn from_keyring(
        keyring: &Keyring,
        issuer: impl Into<String>,
        env: Env,
    ) -> Result<Self, KeyringError> {
        Self::new(&keyring.signing_key(PURPOSE).await?, issuer, env)
    }

    /// A token for a call of this process's own to the subgraph `audience`.
    ///
    /// # Errors
    /// [`SignError`] where the library refuses, which it has no reason to.
    pub fn service_token(&self, audience: &str) -> Result<String, SignError> {
        let request = self.0.env.id::<kind::Request>().to_string();
        self.sign(audience, CallerKind::Service, None, request, None)
    }

    /// A token for passing a client's request on to the subgraph `audience`; no actor where nobody
    /// is signed in.
    ///
    /// # Errors
    /// [`SignError`] where the library refuses, which it has no reason to.
    pub fn caller_token(
        &self,
        audience: &str,
        actor: Option<&Actor>,
        request_id: &str,
        origin: Option<&Origin>,
    ) -> Result<String, SignError> {
        let request = request_id.to_owned();
        self.sign(audience, CallerKind::Client, actor.cloned(), request, origin)
    }

    fn sign(
        &self,
        audience: &str,
        kind: CallerKind,
        actor: Option<Actor>,
        jti: String,
        origin: Option<&Origin>,
    ) -> Result<String, SignError> {
        let iat = seconds(self.0.env.now());
        let claims = Claims {
            iss: self.0.issuer.clone(),
            aud: audience.to_owned(),
            iat,
            exp: iat.saturating_add(LIFETIME),
            jti,
            kind,
            actor,
            origin: origin.map(ToString::to_string),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.0.key_id.clone());
        header.typ = Some(TYPE.to_owned());
        jsonwebtoken::encode(&header, &claims, &self.0.key)
            .map_err(|error| SignError(error.to_string()))
    }
}

impl std::fmt::Debug for InternalSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InternalSigner").field("issuer", &self.0.issuer).finish_non_exhaustive()
    }
}

/// Why a call is refused. The sentence is for whoever runs the servers: clients never get here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InternalAuthError {
    /// No token came.
    #[error("this address is for Studio's own processes: the header x-studio-caller is missing")]
    Missing,
    /// It is no token of this installation.
    #[error(
        "the token in x-studio-caller is not valid: do both processes use the same keyring \
         and master key?"
    )]
    Invalid,
    /// Its time is over, or has not begun.
    #[error(
        "the token in x-studio-caller is not valid at this time: are the clocks of both machines \
         set? They may be {CLOCK_SKEW} seconds apart"
    )]
    Time,
    /// It is for another subgraph.
    #[error(
        "the token in x-studio-caller is for \"{meant}\", and this is \"{here}\": check the \
         addresses of the subgraphs in the configuration of the caller"
    )]
    Audience {
        /// Which subgraph the caller meant.
        meant: String,
        /// Which one it reached.
        here: String,
    },
    /// A client's request reached what is for Studio's own work.
    #[error("this address is for Studio's own work, not for requests of clients")]
    NotForClients,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternalCaller {
    /// For whom.
    pub kind: CallerKind,
    /// The person or program that the call is made for, if it is made for one that is signed in.
    pub actor: Option<Actor>,
    /// From where that one asks, where it is known.
    pub origin: Option<Origin>,
    /// The id of the request.
    pub request_id: RequestId,
    /// The role of the calling process.
    pub issuer: String,
}

/// Checks tokens without I/O. Cheap to clone.
#[derive(Clone)]
pub struct InternalVerifier(Arc<Verifier>);

struct Verifier {
    keys: BTreeMap<String, DecodingKey>,
    validation: Validation,
    env: Env,
}

impl InternalVerifier {
    /// Accepts tokens that one of the keys signed.
    pub fn new(keys: &[&SigningKey], env: Env) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // Compared below: with our clock, and with an error that names both sides.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let keys = keys
            .iter()
            .map(|key| (key.id().to_owned(), DecodingKey::from_ed_der(key.public_key())))
            .collect();
        Self(Arc::new(Verifier { keys, validation, env }))
    }

    /// Accepts tokens signed by the keyring's key for calls between processes.
    ///
    /// # Errors
    /// When the keyring gives no key.
    pub async fn from_keyring(keyring: &Keyring, env: Env) -> Result<Self, KeyringError> {
        Ok(Self::new(&[&keyring.signing_key(PURPOSE).await?], env))
    }

    /// Who calls the subgraph `audience`, by the token in the header.
    ///
    /// # Errors
    /// [`InternalAuthError`], with what to do about it.
    pub fn verify(
        &self,
        token: Option<&str>,
        audience: &str,
    ) -> Result<InternalCaller, InternalAuthError> {
        let token = token.ok_or(InternalAuthError::Missing)?;
        let claims = self.claims(token).ok_or(InternalAuthError::Invalid)?;
        if claims.aud != audience {
            return Err(InternalAuthError::Audience {
                meant: claims.aud.chars().take(80).collect(),
                here: audience.to_owned(),
            });
        }
        let now = seconds(self.0.env.now());
        let lives = claims.exp.saturating_sub(claims.iat);
        if !(0..=LIFETIME).contains(&lives) {
            return Err(InternalAuthError::Invalid);
        }
        if now >= claims.exp.saturating_add(CLOCK_SKEW)
            || claims.iat > now.saturating_add(CLOCK_SKEW)
        {
            return Err(InternalAuthError::Time);
        }
        Ok(InternalCaller {
            kind: claims.kind,
            actor: claims.actor,
            origin: claims.origin.and_then(|origin| origin.parse().ok()),
            request_id: RequestId(claims.jti),
            issuer: claims.iss,
        })
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.typ.as_deref() != Some(TYPE) {
            return None;
        }
        let key = self.0.keys.get(&header.kid?)?;
        let token = jsonwebtoken::decode::<Claims>(token, key, &self.0.validation).ok()?;
        // A service speaks for itself alone.
        let claims = token.claims;
        (claims.kind == CallerKind::Client || claims.actor.is_none()).then_some(claims)
    }
}

impl std::fmt::Debug for InternalVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InternalVerifier")
            .field("keys", &self.0.keys.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}
