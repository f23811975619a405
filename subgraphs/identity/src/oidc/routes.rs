//! The way of a browser through a sign-in by a provider, which a program can go as well: `GET
//! /login/oidc/{name}` leads to the provider, which leads back to the callback, which leads to the page; the page
//! gets its tokens by `POST /login/tokens`. No token is ever in an address.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use studio_kernel::Code;
use studio_service::{ApiError, rest::Path};

use super::{
    Refused, Ticket,
    provider::{Answer, is_code},
};
use crate::commands::{self, Core, LoggedIn};

/// Bytes of the place where a person goes on, at most.
const LONGEST_PLACE: usize = 512;

/// The routes.
pub(crate) fn routes(core: Arc<Core>) -> Router {
    Router::new()
        .route("/login/oidc/{name}", get(begin))
        .route("/login/oidc/{name}/callback", get(callback))
        .route("/login/tokens", post(tokens))
        .with_state(core)
}

/// The value of a parameter, which may be there once.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(own, _)| own == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value.into_owned()),
        _ => None,
    }
}

/// A place of the page, as the address says it after its `#`; everything else is no place to go on at.
fn place(given: Option<String>) -> Result<String, Refused> {
    let given = given.unwrap_or_default();
    let fine = given.is_empty()
        || given.starts_with("#/")
            && given.len() <= LONGEST_PLACE
            && given.bytes().all(|one| one.is_ascii_graphic() && !b"\"<>\\".contains(&one));
    if fine { Ok(given) } else { Err(Refused::ReturnTo) }
}

/// To somewhere, with these cookies.
fn to(address: &str, cookies: impl IntoIterator<Item = String>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    match HeaderValue::try_from(address) {
        Ok(address) => headers.insert(header::LOCATION, address),
        Err(error) => return ApiError::internal(error).into_response(),
    };
    finish(&mut response, cookies);
    response
}

fn finish(response: &mut Response, cookies: impl IntoIterator<Item = String>) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Made of letters, digits and a few signs.
    for cookie in cookies.into_iter().filter_map(|it| HeaderValue::try_from(it).ok()) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// To the page, which says what went wrong.
fn failed(name: &str, refused: &Refused, cookies: impl IntoIterator<Item = String>) -> Response {
    let code = refused.code();
    // The name may be anything that a stranger wrote.
    let provider = if matches!(refused, Refused::NoProvider) { "" } else { name };
    tracing::warn!(provider, code, %refused, "nobody was signed in by a provider");
    studio_service::error::count_anonymous_refusal();
    to(&format!("/#sign-in-failed={code}"), cookies)
}

async fn begin(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let begun = async {
        let provider = core.oidc.of(&name)?;
        let place = place(parameter(&query, "return_to"))?;
        let sent = core.cookies.begin(&name, place, &core.env).ok_or(Refused::ReturnTo)?;
        let address = provider.address(&sent.state, &sent.nonce, &sent.challenge).await?;
        Ok::<_, Refused>((address, sent.cookie))
    };
    match begun.await {
        Ok((address, cookie)) => to(&address, [cookie]),
        Err(refused) => failed(&name, &refused, []),
    }
}

async fn callback(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    request: commands::Request,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    match taken_back(&core, &name, &query, request, &headers).await {
        Ok((place, ticket)) => {
            let place: String = url::form_urlencoded::byte_serialize(place.as_bytes()).collect();
            to(&format!("/#signed-in={place}"), [core.cookies.forget(&name), ticket])
        }
        Err(Refused::NoProvider) => failed(&name, &Refused::NoProvider, []),
        // What was begun in this browser goes on where somebody else's answer was put into it.
        Err(Refused::State) => failed(&name, &Refused::State, []),
        Err(refused) => failed(&name, &refused, [core.cookies.forget(&name)]),
    }
}

/// Where the person goes on, and the cookie by which they get their tokens.
async fn taken_back(
    core: &Core,
    name: &str,
    query: &str,
    request: commands::Request,
    headers: &HeaderMap,
) -> Result<(String, String), Refused> {
    let provider = core.oidc.of(name)?;
    let state = parameter(query, "state").unwrap_or_default();
    let back = core.cookies.back(headers, name, &state, core.env.now()).ok_or(Refused::State)?;
    if let Some(error) = parameter(query, "error") {
        let error = if is_code(&error) { error } else { "without a reason".to_owned() };
        return Err(Refused::Provider(error));
    }
    let code = parameter(query, "code").ok_or(Refused::State)?;
    let issuer = parameter(query, "iss");
    let vouched = provider
        .exchange(Answer {
            code: &code,
            issuer: issuer.as_deref(),
            verifier: &back.verifier,
            nonce: &back.nonce,
        })
        .await?;
    let methods = vouched.methods.clone();
    let settings = provider.settings();
    let user = core.admit(settings, vouched, request).await?;
    let now = core.env.now();
    let ticket = Ticket::new(settings.organization, user, &back.begun, methods, now);
    let ticket = core.cookies.ticket(&ticket).ok_or(Refused::State)?;
    Ok((back.begun.return_to, ticket))
}

/// Gives whoever was vouched for in this browser their tokens, once.
async fn tokens(
    State(core): State<Arc<Core>>,
    request: commands::Request,
    headers: HeaderMap,
) -> Response {
    // A browser says where a request comes from; the cookie does not come from elsewhere anyway.
    let elsewhere =
        headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() != b"same-origin");
    let ticket = core.cookies.presented(&headers, core.env.now()).filter(|_| !elsewhere);
    let Some(ticket) = ticket else { return no_ticket().into_response() };
    let mut response = match core.enter(&ticket, request).await {
        Ok(Some(LoggedIn::SignedIn(signed_in))) => Json(json!({
            "accessToken": signed_in.access.token,
            "refreshToken": *signed_in.refresh,
            "expiresAt": signed_in.access.expires_at,
            "challenge": null,
        }))
        .into_response(),
        Ok(Some(LoggedIn::Challenged { challenge, passkey_options })) => Json(json!({
            "accessToken": null,
            "refreshToken": null,
            "expiresAt": null,
            "challenge": *challenge,
            "passkeyOptions": passkey_options,
        }))
        .into_response(),
        Ok(None) => no_ticket().into_response(),
        Err(error) => error.into_response(),
    };
    finish(&mut response, [core.cookies.forget_ticket()]);
    response
}

fn no_ticket() -> ApiError {
    ApiError::new(
        Code::BadRequest,
        "No provider has vouched for anybody in this browser within the last minute: begin with GET \
         /login/oidc/<name>.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        for fine in ["", "#/", "#/score/prj_1/frw_1?asOf=2026-01-01T00:00:00Z"] {
            assert_eq!(place(Some(fine.to_owned())).unwrap(), fine);
        }
        assert_eq!(place(None).unwrap(), "");
        let long = format!("#/{}", "x".repeat(LONGEST_PLACE));
        for elsewhere in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/graphql",
            "javascript:alert(1)",
            "#x",
            "#/a b",
            "#/a\r\nSet-Cookie: x=y",
            "#/<script>",
            "#/ü",
            &long,
        ] {
            assert!(
                matches!(place(Some(elsewhere.to_owned())), Err(Refused::ReturnTo)),
                "{elsewhere}"
            );
        }
    }

    #[test]
    fn a_parameter_that_comes_twice_is_none() {
        assert_eq!(parameter("code=a%20b&state=c", "code"), Some("a b".to_owned()));
        assert_eq!(parameter("code=a&code=b", "code"), None);
        assert_eq!(parameter("xcode=a", "code"), None);
    }
}
