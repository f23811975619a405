//! What is told of tokens and of the people that they are for, and how tokens are given back.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use studio_access::Resource;
use studio_kernel::Code;
use studio_service::ApiError;

use super::{Form, Refusal, Request, Served, request_id, uncached};
use crate::{
    domain::reach::{AboutScope, Reach},
    personal::sealed_from_row,
    projections::users,
    tokens::{AppClaims, KnownClient},
};

/// `POST /oauth2/revoke`: takes a token back from the program that it was given to.
pub(super) async fn revoke(
    State(served): State<Arc<Served>>,
    request: Request,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    served.core.pace.address("revoke", &headers).await?;
    let form = Form::read(&headers, &body)?;
    let client = served.client("revoke", &headers, &form).await?;
    let token = form.get("token").ok_or_else(|| Refusal::request("token is missing."))?;
    let request = request_id(request);
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
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    served.core.pace.address("introspect", &headers).await?;
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

/// `GET /oauth2/userinfo`: who the person is that an app acts for, as far as they allowed it to know; or who
/// is signed in.
pub(super) async fn userinfo(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let ours = |error: ApiError| error.into_response();
    let pace = served.core.pace.address("userinfo", &headers).await;
    pace.map_err(|refused| Refusal::from(refused).into_response())?;
    let token = bearer(&headers).ok_or_else(|| challenge(StatusCode::UNAUTHORIZED, None))?;
    let refused = |error| challenge(StatusCode::UNAUTHORIZED, Some(error));
    let (reach, actor) = match served.verifier.app_token(token).await {
        Some((claims, actor)) => (Reach::read(&claims.scope), actor),
        // Whoever is signed in may know it all of themselves.
        None => {
            let actor = served.verifier.verify_newest(token).await;
            let about = AboutScope::ALL.to_vec();
            let whole = Reach { about, scopes: Vec::new() };
            (whole, actor.map_err(|_| refused("invalid_token"))?)
        }
    };
    if !reach.tells(AboutScope::Openid) {
        return Err(challenge(StatusCode::FORBIDDEN, Some("insufficient_scope")));
    }
    let user = actor.user_id().ok_or_else(|| refused("invalid_token"))?;
    let resource = Resource::one("User", user, actor.tenant).owned_by(user);
    let policy = &served.core.policy;
    let scope = policy.require(&actor, "identity:userinfo:read", &resource);
    let tenant = scope.map_err(|denied| ours(denied.into()))?.tenant();
    let row = users::find(&served.core.store, tenant, user).await;
    let row = row.map_err(|error| ours(error.into()))?;
    let gone = || ours(ApiError::new(Code::NotFound, "That person is not here any more."));
    let row = row.ok_or_else(gone)?;
    let sealed = sealed_from_row(row.profile.as_deref().ok_or_else(gone)?);
    let sealed = sealed.map_err(|error| ours(error.into()))?;
    let opened = served.core.people.open_profile(tenant, &sealed).await;
    let profile = opened.map_err(|error| ours(error.into()))?.ok_or_else(gone)?;
    let mut told = json!({ "sub": user });
    if reach.tells(AboutScope::Profile) {
        told["name"] = profile.name.into();
    }
    if reach.tells(AboutScope::Email) {
        told["email"] = profile.email.into();
        told["email_verified"] = row.email_verified_at.is_some().into();
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(told)).into_response())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What to show, and what was wrong with what was shown (RFC 6750, section 3).
fn challenge(status: StatusCode, error: Option<&'static str>) -> Response {
    studio_service::error::count_anonymous_refusal();
    let says = match error {
        None => "Send an access token as \"Authorization: Bearer …\".",
        Some("insufficient_scope") => {
            "The person did not allow the app to know who they are: ask for openid."
        }
        Some(_) => "That is no access token that holds.",
    };
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
