//! Access tokens as they are made.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use studio_kernel::{
    ActionScope, Actor, Authn, AuthnMethod, Env, Id, Principal, Role, TenantId, Timestamp, kind,
};
use studio_stores::keyring::SigningKey;

use super::{KnownClient, TokenKeys};
use crate::domain::{app_grant::AppAllowed, reach::Reach};

/// The audience of every access token.
pub(super) const AUDIENCE: &str = "studio";

/// What an access token says (RFC 7519, section 4.1, RFC 9068 in spirit).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: Id<kind::User>,
    pub(super) org: TenantId,
    pub(super) sid: Id<kind::Session>,
    pub(super) roles: Vec<Role>,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    pub(super) jti: String,
    /// When the person signed in (OpenID Connect Core 1.0, section 2), in seconds; tokens of before
    /// do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) auth_time: Option<i64>,
    /// By what (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) amr: Vec<AuthnMethod>,
}

/// What the access token of a program says (RFC 9068, section 2.2).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClientClaims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: Id<kind::OAuthClient>,
    pub(crate) client_id: Id<kind::OAuthClient>,
    pub(crate) org: TenantId,
    /// Scopes, separated by spaces (RFC 8693, section 4.2).
    pub(crate) scope: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) jti: Id<kind::AccessToken>,
}

/// What the access token of an app says that acts for a person (RFC 9068, section 2.2).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AppClaims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: Id<kind::User>,
    pub(crate) client_id: Id<kind::OAuthClient>,
    pub(crate) org: TenantId,
    /// What the person allowed, by which the token was made.
    pub(crate) grant: Id<kind::AppGrant>,
    /// Scopes, separated by spaces (RFC 8693, section 4.2).
    pub(crate) scope: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) jti: Id<kind::AccessToken>,
}

/// What an ID token says (OpenID Connect Core 1.0, section 2).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IdClaims {
    pub(crate) iss: String,
    /// The app.
    pub(crate) aud: Id<kind::OAuthClient>,
    pub(crate) sub: Id<kind::User>,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
    /// When the person signed in, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth_time: Option<i64>,
    /// By what (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) amr: Vec<AuthnMethod>,
    /// The left half of the SHA-512 of the access token, in base64url.
    pub(crate) at_hash: String,
}

/// What any access token says: which kind it is follows from what it names.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum AnyClaims {
    Session(Claims),
    Client(ClientClaims),
    App(AppClaims),
}

impl AnyClaims {
    /// From when, and until when it holds.
    pub(super) fn span(&self) -> (i64, i64) {
        match self {
            Self::Session(claims) => (claims.nbf, claims.exp),
            Self::Client(claims) => (claims.nbf, claims.exp),
            Self::App(claims) => (claims.nbf, claims.exp),
        }
    }
}

impl Claims {
    /// How and when the person signed in.
    pub(super) fn authn(&self) -> Option<Authn> {
        let at = Timestamp::from_micros(0).plus_seconds(self.auth_time?);
        Some(Authn::new(at, self.amr.clone()))
    }
}

/// An access token and when it ends.
pub(crate) struct AccessToken {
    /// The token, for `Authorization: Bearer`.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token could not be signed, which no input can cause.
#[derive(Debug, thiserror::Error)]
#[error("the access token cannot be signed: {0}")]
pub(crate) struct IssueError(String);

/// Makes access tokens.
pub(crate) struct Issuer {
    keys: Arc<TokenKeys>,
    issuer: String,
    seconds: i64,
    env: Env,
}

impl Issuer {
    /// Signs with the key whose turn it is; `issuer` is the server's public address, and tokens live
    /// for `seconds`.
    pub(crate) fn new(keys: Arc<TokenKeys>, issuer: String, seconds: i64, env: Env) -> Self {
        Self { keys, issuer, seconds, env }
    }

    /// A token for a person in a session.
    ///
    /// # Errors
    /// [`IssueError`] for an actor that is no person, or when signing fails.
    pub(crate) fn issue(&self, actor: &Actor) -> Result<AccessToken, IssueError> {
        let Principal::User { user, session } = actor.principal else {
            return Err(IssueError("only people have sessions".to_owned()));
        };
        let now = self.env.now().micros().div_euclid(1_000_000);
        let exp = now.saturating_add(self.seconds);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            org: actor.tenant,
            sid: session,
            roles: actor.roles.clone(),
            iat: now,
            nbf: now,
            exp,
            jti: self.env.uuid().simple().to_string(),
            auth_time: actor.authn.as_ref().map(|authn| authn.at.micros().div_euclid(1_000_000)),
            amr: actor.authn.as_ref().map(|authn| authn.methods.clone()).unwrap_or_default(),
        };
        self.sign(&claims, None, exp)
    }

    /// A token for a program, which goes that far.
    ///
    /// # Errors
    /// [`IssueError`] when signing fails.
    pub(crate) fn issue_to_client(
        &self,
        client: &KnownClient,
        token: Id<kind::AccessToken>,
        scopes: &[ActionScope],
    ) -> Result<AccessToken, IssueError> {
        let now = self.env.now().micros().div_euclid(1_000_000);
        let exp = now.saturating_add(self.seconds);
        let claims = ClientClaims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: client.client,
            client_id: client.client,
            org: client.tenant,
            scope: scopes.iter().map(ActionScope::as_str).collect::<Vec<_>>().join(" "),
            iat: now,
            nbf: now,
            exp,
            jti: token,
        };
        self.sign(&claims, Some("at+jwt"), exp)
    }

    /// A token for an app that acts for a person, which goes that far.
    ///
    /// # Errors
    /// [`IssueError`] when signing fails.
    pub(crate) fn issue_to_app(
        &self,
        allowed: &AppAllowed,
        tenant: TenantId,
        token: Id<kind::AccessToken>,
        reach: &Reach,
    ) -> Result<AccessToken, IssueError> {
        let now = self.env.now().micros().div_euclid(1_000_000);
        let exp = now.saturating_add(self.seconds);
        let claims = AppClaims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: allowed.user,
            client_id: allowed.client,
            org: tenant,
            grant: allowed.grant,
            scope: reach.to_string(),
            iat: now,
            nbf: now,
            exp,
            jti: token,
        };
        self.sign(&claims, Some("at+jwt"), exp)
    }

    /// An ID token for an app, beside an access token: who signed in, when and by what. Its audience is the
    /// app, so it opens nothing here.
    ///
    /// # Errors
    /// [`IssueError`] when signing fails.
    pub(crate) fn issue_id_token(
        &self,
        allowed: &AppAllowed,
        access: &AccessToken,
    ) -> Result<String, IssueError> {
        let now = self.env.now().micros().div_euclid(1_000_000);
        let exp = now.saturating_add(self.seconds);
        // Ed25519 hashes by SHA-512 (RFC 8032, section 5.1).
        let hash = digest::digest(&digest::SHA512, access.token.as_bytes());
        let authn = allowed.authn.as_ref();
        let claims = IdClaims {
            iss: self.issuer.clone(),
            aud: allowed.client,
            sub: allowed.user,
            iat: now,
            exp,
            nonce: allowed.nonce.clone(),
            auth_time: authn.map(|authn| authn.at.micros().div_euclid(1_000_000)),
            amr: authn.map(|authn| authn.methods.clone()).unwrap_or_default(),
            at_hash: URL_SAFE_NO_PAD.encode(&hash.as_ref()[..32]),
        };
        self.sign(&claims, None, exp).map(|signed| signed.token)
    }

    /// Seconds for which a token holds.
    pub(crate) fn seconds(&self) -> i64 {
        self.seconds
    }

    /// The public address of the server.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    fn sign(
        &self,
        claims: &impl Serialize,
        kind: Option<&str>,
        exp: i64,
    ) -> Result<AccessToken, IssueError> {
        let mut header = Header::new(Algorithm::EdDSA);
        let keys = self.keys.current();
        header.kid = Some(keys.signing_id.clone());
        if let Some(kind) = kind {
            header.typ = Some(kind.to_owned());
        }
        let token = jsonwebtoken::encode(&header, claims, &keys.signing)
            .map_err(|error| IssueError(error.to_string()))?;
        Ok(AccessToken { token, expires_at: Timestamp::from_micros(0).plus_seconds(exp) })
    }
}

/// The public keys as a JWK set (RFC 7517, RFC 8037), for whoever verifies tokens elsewhere.
pub(super) fn jwks(keys: &[&SigningKey]) -> Value {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": key.id(),
                "x": URL_SAFE_NO_PAD.encode(key.public_key()),
            })
        })
        .collect();
    json!({ "keys": keys })
}
