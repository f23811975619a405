//! `GET /oauth2/authorize`: what an app asks of a person, who comes here with their browser. It is checked, and
//! leads to the page, sealed; there the person signs in, is asked, and goes back. Who they are is not known
//! here: they carry no cookie, so that nobody's leave can be had by an address alone.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use studio_service::ApiError;
use url::form_urlencoded;

use super::{Refusal, Served};
use crate::{
    domain::authorization::{App, NoWayBack, Parameters, Problem},
    tokens::KnownClient,
};

/// Bytes of what is asked at most.
const LONGEST: usize = 8 * 1024;

/// What an app was registered for.
fn app(client: &KnownClient) -> App<'_> {
    App {
        redirect_uris: &client.redirect_uris,
        grant_types: &client.grant_types,
        scopes: &client.scopes,
    }
}

/// Leads to the page, back to the app, or nowhere.
pub(super) async fn authorize(
    State(served): State<Arc<Served>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let too_fast = |refused| Refusal::from(refused).into_response();
    served.core.pace.address("authorize", &headers).await.map_err(too_fast)?;
    let query = query.unwrap_or_default();
    if query.len() > LONGEST {
        return Err(nowhere(NoWayBack::Malformed));
    }
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    let parameters = Parameters::read(pairs).map_err(nowhere)?;
    let named = parameters.client().map_err(nowhere)?;
    let found = served.verifier.known_client(named).await;
    let client = found.ok_or_else(|| nowhere(NoWayBack::Client))?;
    served.core.pace.program("authorize", client.client).await.map_err(too_fast)?;
    let way = parameters.way_back(app(&client)).map_err(nowhere)?;
    let sealed = parameters.asked(app(&client)).and_then(|asked| {
        let hinted = asked.id_token_hint.as_deref().map(|hint| {
            let user = served.verifier.id_token(hint, client.client);
            let says = "id_token_hint is no ID token that this server gave to the app.";
            user.ok_or_else(|| Problem::new("invalid_request", says))
        });
        let user = hinted.transpose()?;
        served.core.seal_request(&client, &way, asked, user)
    });
    Ok(match sealed {
        Ok(sealed) => to(&format!("/#authorize={sealed}")),
        Err(Problem { code, says }) => {
            let says = describable(&says);
            let pairs = [("error", code), ("error_description", says.as_str())];
            to(&served.core.answer(&way.redirect_uri, way.state.as_deref(), &pairs))
        }
    })
}

/// With no other characters than a description may have (RFC 6749, section 4.1.2.1).
fn describable(says: &str) -> String {
    let plain = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    says.chars().map(|c| if plain(c) { c } else { '\'' }).collect()
}

fn to(address: &str) -> Response {
    match HeaderValue::try_from(address) {
        Ok(address) => {
            let headers = [
                (header::LOCATION, address),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Err(error) => ApiError::internal(error).into_response(),
    }
}

/// A page that leads nowhere (RFC 6749, section 4.1.2.1): the address of an answer is not to be trusted.
fn nowhere(why: NoWayBack) -> Response {
    studio_service::error::count_anonymous_refusal();
    let page = PAGE.replace("{why}", &why.to_string());
    let mut response = (StatusCode::BAD_REQUEST, Html(page)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Nothing of the request is in it.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>This app cannot be let in – Studio</title>
    <link rel="stylesheet" href="/assets/style.css">
  </head>
  <body>
    <main>
      <section class="card narrow">
        <h1>This app cannot be let in</h1>
        <p>{why}</p>
        <p>You were not signed in anywhere, and nothing was sent to the app. Tell whoever makes it, or whoever
          sent you here.</p>
      </section>
    </main>
  </body>
</html>
"#;
