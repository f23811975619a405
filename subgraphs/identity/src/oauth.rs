//! OAuth 2.0 for programs of an organization: the token endpoint with the grant of client credentials (RFC
//! 6749, section 4.4), revocation (RFC 7009), introspection (RFC 7662), and the metadata that names them (RFC
//! 8414). Whether a client is unknown, has no access any more or gave another secret is told by nothing.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use studio_kernel::ActionScope;
use studio_service::ApiError;
use zeroize::Zeroizing;

use crate::{
    commands::{self, Core, Failure},
    tokens::{KnownClient, TokenVerifier},
};

/// Bytes of a form at most: a token and some names.
const MOST_BODY: usize = 16 * 1024;

/// What the endpoints need.
struct Served {
    core: Arc<Core>,
    verifier: TokenVerifier,
}

/// `POST /oauth2/token`, `/oauth2/revoke` and `/oauth2/introspect`, and
/// `GET /.well-known/oauth-authorization-server`.
pub(crate) fn routes(core: Arc<Core>, verifier: TokenVerifier) -> Router {
    Router::new()
        .route("/oauth2/token", post(token))
        .route("/oauth2/revoke", post(revoke))
        .route("/oauth2/introspect", post(introspect))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .with_state(Arc::new(Served { core, verifier }))
}

/// Why nothing was done (RFC 6749, section 5.2).
enum Refusal {
    Error { code: &'static str, says: String },
    Client,
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
            Self::Ours(error) => error.into_response(),
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
    /// The program that asks, by HTTP Basic or by the form (RFC 6749, section 2.3.1), and not by both.
    async fn client(&self, headers: &HeaderMap, form: &Form) -> Result<Arc<KnownClient>, Refusal> {
        let secret = form.get("client_secret");
        let (id, secret) = match headers.get(header::AUTHORIZATION) {
            Some(_) if secret.is_some() => {
                return Err(Refusal::request(
                    "Send the secret in Authorization or in the form, and not in both.",
                ));
            }
            Some(value) => basic(value).ok_or(Refusal::Client)?,
            None => {
                let id = form.get("client_id").ok_or(Refusal::Client)?;
                let secret = secret.ok_or(Refusal::Client)?;
                (Zeroizing::new(id.to_owned()), Zeroizing::new(secret.to_owned()))
            }
        };
        if form.get("client_id").is_some_and(|named| named != id.as_str()) {
            return Err(Refusal::request("client_id is another one than in Authorization."));
        }
        let client = id.parse().map_err(|_| Refusal::Client)?;
        let found = self.verifier.client(client, &secret).await;
        if found.is_none() {
            tracing::info!("a program failed to sign in");
            studio_service::error::count_anonymous_refusal();
        }
        found.ok_or(Refusal::Client)
    }
}

/// Id and secret of HTTP Basic (RFC 7617).
fn basic(value: &HeaderValue) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(())?;
    let bytes = Zeroizing::new(STANDARD.decode(rest.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((Zeroizing::new(id.to_owned()), Zeroizing::new(secret.to_owned())))
}

async fn token(
    State(served): State<Arc<Served>>,
    request: commands::Request,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = Form::read(&headers, &body)?;
    let grant = form.get("grant_type").ok_or_else(|| {
        Refusal::request("grant_type is missing: send grant_type=client_credentials.")
    })?;
    if grant != "client_credentials" {
        let says = "Only grant_type=client_credentials is given here.".to_owned();
        return Err(Refusal::Error { code: "unsupported_grant_type", says });
    }
    let client = served.client(&headers, &form).await?;
    let scopes = asked_scopes(&client, form.get("scope"))?;
    let issued = served.core.issue_to_client(&client, &scopes, request).await?;
    let access = issued.ok_or(Refusal::Client)?;
    let scope = scopes.iter().map(ActionScope::as_str).collect::<Vec<_>>().join(" ");
    let body = json!({
        "access_token": access.token,
        "token_type": "Bearer",
        "expires_in": served.core.issuer.seconds(),
        "scope": scope,
    });
    Ok(uncached(StatusCode::OK, &body))
}

/// How far the token shall go: as far as the program may, or as it asks for within that.
fn asked_scopes(client: &KnownClient, asked: Option<&str>) -> Result<Vec<ActionScope>, Refusal> {
    let Some(asked) = asked else { return Ok(client.scopes.clone()) };
    let invalid = |says: String| Refusal::Error { code: "invalid_scope", says };
    let mut scopes = Vec::new();
    for text in asked.split(' ').filter(|text| !text.is_empty()) {
        let scope: ActionScope = text.parse().map_err(|error| invalid(format!("{error}.")))?;
        // A pattern within a pattern reads as an action does.
        if !client.scopes.iter().any(|given| given.covers(scope.as_str())) {
            return Err(invalid(format!("{scope} is not within the scopes of the program.")));
        }
        scopes.push(scope);
    }
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() || scopes.len() > 20 {
        return Err(invalid("Ask for 1 to 20 scopes, separated by spaces.".to_owned()));
    }
    Ok(scopes)
}

async fn revoke(
    State(served): State<Arc<Served>>,
    request: commands::Request,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = Form::read(&headers, &body)?;
    let client = served.client(&headers, &form).await?;
    let token = form.get("token").ok_or_else(|| Refusal::request("token is missing."))?;
    // What is no token any more needs no revoking (RFC 7009, section 2.2); one of another program is
    // none here.
    if let Some(claims) =
        served.verifier.client_token(token).filter(|claims| claims.sub == client.client)
    {
        served.core.revoke_token(&client, &claims, request).await?;
    }
    Ok(uncached(StatusCode::OK, &json!({})))
}

async fn introspect(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = Form::read(&headers, &body)?;
    let client = served.client(&headers, &form).await?;
    let token = form.get("token").ok_or_else(|| Refusal::request("token is missing."))?;
    // Of another organization, or of a person: nothing that this program learns of.
    let claims = served.verifier.client_token(token).filter(|claims| claims.org == client.tenant);
    let body = match claims {
        None => json!({ "active": false }),
        Some(claims) => json!({
            "active": true,
            "scope": claims.scope,
            "client_id": claims.client_id,
            "token_type": "Bearer",
            "exp": claims.exp,
            "iat": claims.iat,
            "nbf": claims.nbf,
            "sub": claims.sub,
            "aud": claims.aud,
            "iss": claims.iss,
            "jti": claims.jti,
        }),
    };
    Ok(uncached(StatusCode::OK, &body))
}

async fn metadata(State(served): State<Arc<Served>>) -> Response {
    let issuer = served.core.issuer.issuer();
    let ways = ["client_secret_basic", "client_secret_post"];
    let body = json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "revocation_endpoint": format!("{issuer}/oauth2/revoke"),
        "introspection_endpoint": format!("{issuer}/oauth2/introspect"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ways,
        "revocation_endpoint_auth_methods_supported": ways,
        "introspection_endpoint_auth_methods_supported": ways,
    });
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(body)).into_response()
}
