//! OAuth 2.0 for programs of an organization and for apps that act for people. The token endpoint with the
//! grants of client credentials, authorization code and refresh token (RFC 6749, sections 4.4, 4.1 and 6; PKCE
//! by RFC 7636), the way of a browser to the consent of its person, revocation (RFC 7009), introspection (RFC
//! 7662), what an app may learn of its person (OpenID Connect Core 1.0, section 5.3), and the metadata that
//! names them (RFC 8414). Whether a client is unknown, has no access any more or gave another secret is told by
//! nothing.

mod authorize;
mod metadata;
mod tell;
mod token;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Query},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use studio_kernel::{Id, kind};
use studio_service::ApiError;
use zeroize::Zeroizing;

use crate::{
    commands::{Core, Failure},
    pace::TooFast,
    tokens::{KnownClient, TokenVerifier},
};

/// Bytes of a form at most: a token and some names.
const MOST_BODY: usize = 16 * 1024;

/// What the endpoints need.
struct Served {
    core: Arc<Core>,
    verifier: TokenVerifier,
}

/// `GET /oauth2/authorize`, `POST /oauth2/token`, `/oauth2/revoke` and `/oauth2/introspect`,
/// `GET /oauth2/userinfo`, and what says where they are.
pub(crate) fn routes(core: Arc<Core>, verifier: TokenVerifier) -> Router {
    Router::new()
        .route("/oauth2/authorize", get(authorize::authorize))
        .route("/oauth2/token", post(token::token))
        .route("/oauth2/revoke", post(tell::revoke))
        .route("/oauth2/introspect", post(tell::introspect))
        .route("/oauth2/userinfo", get(tell::userinfo).post(tell::userinfo))
        .route("/.well-known/oauth-authorization-server", get(metadata::server))
        .route("/.well-known/openid-configuration", get(metadata::provider))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .with_state(Arc::new(Served { core, verifier }))
}

/// Why nothing was done (RFC 6749, section 5.2).
enum Refusal {
    Error {
        code: &'static str,
        says: String,
    },
    Client,
    /// Too much was asked; after that many seconds it may be again.
    Slow(u64),
    Ours(ApiError),
}

impl Refusal {
    fn request(says: impl Into<String>) -> Self {
        Self::Error { code: "invalid_request", says: says.into() }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Ours(match failure {
            Failure::Api(error) => error,
            Failure::Input(faults) => ApiError::internal(format!("{faults:?}")),
        })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Error { code, says } => {
                let body = json!({ "error": code, "error_description": says });
                uncached(StatusCode::BAD_REQUEST, &body)
            }
            Self::Client => {
                let body = json!({
                    "error": "invalid_client",
                    "error_description": "No program with access has that id and secret.",
                });
                let mut response = uncached(StatusCode::UNAUTHORIZED, &body);
                let scheme = HeaderValue::from_static("Basic realm=\"studio\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
                response
            }
            Self::Slow(seconds) => {
                let says = format!("Too many requests: try again in {seconds} seconds.");
                let body = json!({ "error": "slow_down", "error_description": says });
                let mut response = uncached(StatusCode::TOO_MANY_REQUESTS, &body);
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                response
            }
            Self::Ours(error) => error.into_response(),
        }
    }
}

impl From<TooFast> for Refusal {
    fn from(refused: TooFast) -> Self {
        match refused {
            TooFast::Wait(seconds) => Self::Slow(seconds),
            TooFast::Ours(error) => Self::Ours(error),
        }
    }
}

/// An answer that nobody keeps (RFC 6749, section 5.1).
fn uncached(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (status, headers, Json(body)).into_response()
}

/// The parameters of a form. None may come twice (RFC 6749, section 3.2).
struct Form(BTreeMap<String, Zeroizing<String>>);

impl Form {
    fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, Refusal> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refusal::request(
                "Send a form: Content-Type: application/x-www-form-urlencoded.",
            ));
        }
        let odd = || Refusal::request("The form does not read.");
        let text = std::str::from_utf8(body).map_err(|_| odd())?;
        // The query of an address has the same form.
        let address: Uri = format!("/?{text}").parse().map_err(|_| odd())?;
        let Query(pairs) =
            Query::<Vec<(String, String)>>::try_from_uri(&address).map_err(|_| odd())?;
        let mut read = BTreeMap::new();
        for (name, value) in pairs {
            let value = Zeroizing::new(value);
            if !value.is_empty() && read.insert(name, value).is_some() {
                return Err(Refusal::request("A parameter comes twice."));
            }
        }
        Ok(Self(read))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }
}

impl Served {
    /// The program that asks an endpoint: by its secret, in HTTP Basic or in the form (RFC 6749, section
    /// 2.3.1), and not in both; or by its id alone, where it can keep no secret.
    async fn client(
        &self,
        of: &str,
        headers: &HeaderMap,
        form: &Form,
    ) -> Result<Arc<KnownClient>, Refusal> {
        let found = match self.shown(headers, form)? {
            (client, Some(secret)) => self.verifier.client(client, &secret).await,
            (client, None) => {
                let known = self.verifier.known_client(client).await;
                known.filter(|known| !known.is_confidential())
            }
        };
        let Some(found) = found else {
            tracing::info!("a program failed to sign in");
            studio_service::error::count_anonymous_refusal();
            return Err(Refusal::Client);
        };
        match found.is_confidential() {
            true => self.core.pace.proven(of, found.client).await?,
            false => self.core.pace.named(of, found.client).await?,
        }
        Ok(found)
    }

    /// The id of a program, and its secret if it shows one.
    fn shown(&self, headers: &HeaderMap, form: &Form) -> Result<Shown, Refusal> {
        let secret = form.get("client_secret");
        let (id, secret) = match headers.get(header::AUTHORIZATION) {
            Some(_) if secret.is_some() => {
                return Err(Refusal::request(
                    "Send the secret in Authorization or in the form, and not in both.",
                ));
            }
            Some(value) => {
                let (id, secret) = basic(value).ok_or(Refusal::Client)?;
                (id, Some(secret))
            }
            None => {
                let id = form.get("client_id").ok_or(Refusal::Client)?;
                (Zeroizing::new(id.to_owned()), secret.map(|it| Zeroizing::new(it.to_owned())))
            }
        };
        if form.get("client_id").is_some_and(|named| named != id.as_str()) {
            return Err(Refusal::request("client_id is another one than in Authorization."));
        }
        Ok((id.parse().map_err(|_| Refusal::Client)?, secret))
    }
}

/// Which program, and the secret that it shows.
type Shown = (Id<kind::OAuthClient>, Option<Zeroizing<String>>);

/// Id and secret of HTTP Basic (RFC 7617).
fn basic(value: &HeaderValue) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(())?;
    let bytes = Zeroizing::new(STANDARD.decode(rest.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((Zeroizing::new(id.to_owned()), Zeroizing::new(secret.to_owned())))
}
