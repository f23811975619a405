//! What is told of tokens and of the people that they are for, and how tokens are given back.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use studio_access::Resource;
use studio_kernel::Code;
use studio_service::ApiError;

use super::{Form, Refusal, Served, uncached};
use crate::{
    commands,
    domain::reach::{AboutScope, Reach},
    personal::sealed_from_row,
    projections::users,
    tokens::{AppClaims, KnownClient},
};

/// `POST /oauth2/revoke`: takes a token back from the program that it was given to.
pub(super) async fn revoke(
    State(served): State<Arc<Served>>,
    request: commands::Request,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    served.core.pace.address("revoke", request.origin()).await?;
    let form = Form::read(&headers, &body)?;
    let client = served.client("revoke", &headers, &form).await?;
    let token = form.get("token").ok_or_else(|| Refusal::request("token is missing."))?;
    // What is no token any more needs no revoking (RFC 7009, section 2.2); one of another program is
    // none here.
    if let Some(claims) =
        served.verifier.client_token(token).filter(|claims| claims.sub == client.client)
    {
        served.core.revoke_token(&client, &claims, request).await?;
    } else if let Some((claims, _)) = served.verifier.app_token(token).await {
        // With one token of an app goes all that the person allowed with it.
        if claims.client_id == client.client {
            served.core.give_back(claims.org, claims.grant, request).await?;
        }
    } else if let Some((allowed, _)) = served.core.held_by_app(&client, token).await? {
        served.core.give_back(client.tenant, allowed.grant, request).await?;
    }
    Ok(uncached(StatusCode::OK, &json!({})))
}

/// `POST /oauth2/introspect`: what a token says, if it holds.
pub(super) async fn introspect(
    State(served): State<Arc<Served>>,
    request: commands::Request,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    served.core.pace.address("introspect", request.origin()).await?;
    let form = Form::read(&headers, &body)?;
    let client = served.client("introspect", &headers, &form).await?;
    // Whoever names an app without a secret may be anybody (RFC 7662, section 2.1).
    if !client.is_confidential() {
        return Err(Refusal::Client);
    }
    let token = form.get("token").ok_or_else(|| Refusal::request("token is missing."))?;
    let told = told(&served, &client, token).await?;
    Ok(uncached(StatusCode::OK, &told.unwrap_or_else(|| json!({ "active": false }))))
}

async fn told(
    served: &Served,
    client: &KnownClient,
    token: &str,
) -> Result<Option<Value>, Refusal> {
    // Of another organization, or of a person's own session: nothing that this program learns of.
    if let Some(claims) = served.verifier.client_token(token) {
        return Ok((claims.org == client.tenant).then(|| {
            json!({
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
            })
        }));
    }
    if let Some((claims, _)) = served.verifier.app_token(token).await {
        return Ok((claims.org == client.tenant).then(|| of_app(&claims)));
    }
    // Of its own refresh tokens alone.
    let held = served.core.held_by_app(client, token).await?;
    Ok(held.map(|(allowed, until)| {
        json!({
            "active": true,
            "scope": allowed.reach.to_string(),
            "client_id": allowed.client,
            "exp": until.micros().div_euclid(1_000_000),
            "sub": allowed.user,
            "iss": served.core.issuer.issuer(),
        })
    }))
}

fn of_app(claims: &AppClaims) -> Value {
    json!({
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
    })
}

/// Why nothing is told of a person.
enum Untold {
    /// No token was shown (RFC 6750, section 3.1).
    NoToken,
    /// What was shown is no token that holds.
    NoSuchToken,
    /// The person did not allow it.
    NotAllowed,
    Refused(Refusal),
}

impl From<ApiError> for Untold {
    fn from(error: ApiError) -> Self {
        Self::Refused(Refusal::Ours(error))
    }
}

impl IntoResponse for Untold {
    fn into_response(self) -> Response {
        match self {
            Self::NoToken => {
                let says = "Send an access token as \"Authorization: Bearer …\".";
                challenge(StatusCode::UNAUTHORIZED, None, says)
            }
            Self::NoSuchToken => {
                let says = "That is no access token that holds.";
                challenge(StatusCode::UNAUTHORIZED, Some("invalid_token"), says)
            }
            Self::NotAllowed => {
                let says = "The person did not allow the app to know who they are: ask for openid.";
                challenge(StatusCode::FORBIDDEN, Some("insufficient_scope"), says)
            }
            Self::Refused(refusal) => refusal.into_response(),
        }
    }
}

/// `GET /oauth2/userinfo`: who the person is that an app acts for, as far as they allowed it to know; or who
/// is signed in.
pub(super) async fn userinfo(
    State(served): State<Arc<Served>>,
    request: commands::Request,
    headers: HeaderMap,
) -> Response {
    match about(&served, &request, &headers).await {
        Ok(told) => uncached(StatusCode::OK, &told),
        Err(untold) => untold.into_response(),
    }
}

async fn about(
    served: &Served,
    request: &commands::Request,
    headers: &HeaderMap,
) -> Result<Value, Untold> {
    let pace = served.core.pace.address("userinfo", request.origin()).await;
    pace.map_err(|refused| Untold::Refused(refused.into()))?;
    let token = bearer(headers).ok_or(Untold::NoToken)?;
    let (reach, actor) = match served.verifier.app_token(token).await {
        Some((claims, actor)) => (Reach::read(&claims.scope), actor),
        // Whoever is signed in may know it all of themselves.
        None => {
            let actor = served.verifier.verify_newest(token).await;
            let whole = Reach { about: AboutScope::ALL.to_vec(), scopes: Vec::new() };
            (whole, actor.map_err(|_| Untold::NoSuchToken)?)
        }
    };
    if !reach.tells(AboutScope::Openid) {
        return Err(Untold::NotAllowed);
    }
    let user = actor.user_id().ok_or(Untold::NoSuchToken)?;
    let resource = Resource::one("User", user, actor.tenant).owned_by(user);
    let scope = served.core.policy.require(&actor, "identity:userinfo:read", &resource);
    let tenant = scope.map_err(ApiError::from)?.tenant();
    let gone = || ApiError::new(Code::NotFound, "That person is not here any more.");
    let row = users::find(&served.core.store, tenant, user).await.map_err(ApiError::from)?;
    let row = row.ok_or_else(gone)?;
    let sealed = sealed_from_row(row.profile.as_deref().ok_or_else(gone)?);
    let sealed = sealed.map_err(ApiError::from)?;
    let opened = served.core.people.open_profile(tenant, &sealed).await;
    let profile = opened.map_err(ApiError::from)?.ok_or_else(gone)?;
    let mut told = json!({ "sub": user });
    if reach.tells(AboutScope::Profile) {
        told["name"] = profile.name.into();
    }
    if reach.tells(AboutScope::Email) {
        told["email"] = profile.email.into();
        told["email_verified"] = row.email_verified_at.is_some().into();
    }
    Ok(told)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What to show, and what was wrong with what was shown (RFC 6750, section 3).
fn challenge(status: StatusCode, error: Option<&str>, says: &str) -> Response {
    studio_service::error::count_anonymous_refusal();
    let body = json!({ "error": error.unwrap_or("invalid_request"), "error_description": says });
    let mut response = uncached(status, &body);
    let value = match error {
        None => "Bearer realm=\"studio\"".to_owned(),
        Some(error) => format!("Bearer realm=\"studio\", error=\"{error}\""),
    };
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
