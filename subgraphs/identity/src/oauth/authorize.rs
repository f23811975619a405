//! `GET /oauth2/authorize`: what an app asks of a person, who comes here with their browser. It is checked, and
//! leads to the page, sealed; there the person signs in, is asked, and goes back. Who they are is not known
//! here: they carry no cookie, so that nobody's leave can be had by an address alone.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use studio_service::ApiError;
use url::form_urlencoded;

use super::{Refusal, Served};
use crate::{
    commands,
    domain::{
        authorization::{App, NoWayBack, Parameters, Problem},
        command::{self, COMMAND},
    },
    pace::TooFast,
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

/// Why a browser is not led anywhere.
enum Stays {
    /// The address of an answer is not to be trusted (RFC 6749, section 4.1.2.1).
    Nowhere(NoWayBack),
    /// Too much was asked.
    TooFast(TooFast),
}

impl From<NoWayBack> for Stays {
    fn from(why: NoWayBack) -> Self {
        Self::Nowhere(why)
    }
}

impl From<TooFast> for Stays {
    fn from(why: TooFast) -> Self {
        Self::TooFast(why)
    }
}

impl IntoResponse for Stays {
    fn into_response(self) -> Response {
        match self {
            Self::Nowhere(why) => nowhere(why),
            Self::TooFast(why) => Refusal::from(why).into_response(),
        }
    }
}

/// Leads to the page, back to the app, or nowhere.
pub(super) async fn authorize(
    State(served): State<Arc<Served>>,
    request: commands::Request,
    RawQuery(query): RawQuery,
) -> Response {
    match led(&served, &query.unwrap_or_default(), &request).await {
        Ok(address) => to(&address),
        Err(stays) => stays.into_response(),
    }
}

/// Where a request leads.
async fn led(served: &Served, query: &str, request: &commands::Request) -> Result<String, Stays> {
    served.core.pace.address("authorize", request.origin()).await?;
    if query.len() > LONGEST {
        return Err(NoWayBack::Malformed.into());
    }
    let parameters = Parameters::read(form_urlencoded::parse(query.as_bytes()).into_owned())?;
    let named = parameters.client()?;
    let known = match named == COMMAND {
        true => None,
        false => Some(served.verifier.known_client(named).await.ok_or(NoWayBack::Client)?),
    };
    served.core.pace.named("authorize", named).await?;
    let app = match &known {
        Some(client) => app(client),
        None => command::app(),
    };
    let way = parameters.way_back(app)?;
    let sealed = parameters.asked(app).and_then(|asked| {
        let hinted = asked.id_token_hint.as_deref().map(|hint| {
            let user = served.verifier.id_token(hint, named);
            let says = "id_token_hint is no ID token that this server gave to the app.";
            user.ok_or_else(|| Problem::new("invalid_request", says))
        });
        let user = hinted.transpose()?;
        let tenant = known.as_ref().map(|client| client.tenant);
        served.core.seal_request((named, tenant), &way, asked, user)
    });
    Ok(match sealed {
        Ok(sealed) => format!("/#authorize={sealed}"),
        Err(Problem { code, says }) => {
            let says = describable(&says);
            let pairs = [("error", code), ("error_description", says.as_str())];
            served.core.answer(&way.redirect_uri, way.state.as_deref(), &pairs)
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

/// A page that leads nowhere.
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
