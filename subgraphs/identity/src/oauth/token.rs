//! `POST /oauth2/token`.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::json;
use studio_kernel::{ActionScope, published::identity::GrantType};

use super::{Form, Refusal, Served, uncached};
use crate::{
    commands::{self, AppIssued, CodeShown, NotIssued},
    domain::{
        command::COMMAND,
        reach::{AboutScope, Reach},
    },
    tokens::KnownClient,
};

impl From<NotIssued> for Refusal {
    fn from(why: NotIssued) -> Self {
        match why {
            NotIssued::Over => {
                let says = "That code or token works no more, or was not given to this app for what it \
                            sends with it: ask the person again, at the authorization endpoint.";
                Self::Error { code: "invalid_grant", says: says.to_owned() }
            }
            NotIssued::Beyond => {
                let says = "The person did not allow all of that scope.".to_owned();
                Self::Error { code: "invalid_scope", says }
            }
            NotIssued::Failed(failure) => failure.into(),
        }
    }
}

/// Gives a program a token, by one of its grants.
pub(super) async fn token(
    State(served): State<Arc<Served>>,
    request: commands::Request,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    served.core.pace.address("token", request.origin()).await?;
    let form = Form::read(&headers, &body)?;
    let grant = form.get("grant_type").ok_or_else(|| {
        Refusal::request(
            "grant_type is missing: send client_credentials, authorization_code or refresh_token.",
        )
    })?;
    let Some(grant) = GrantType::parse(grant) else {
        let says = "client_credentials, authorization_code and refresh_token are given here.";
        return Err(Refusal::Error { code: "unsupported_grant_type", says: says.to_owned() });
    };
    if let (named, secret) = served.shown(&headers, &form)?
        && named == COMMAND
    {
        served.core.pace.named("token", COMMAND).await?;
        if secret.is_some() {
            return Err(Refusal::Client);
        }
        return match grant {
            GrantType::AuthorizationCode => to_command(&served, &form, request).await,
            GrantType::ClientCredentials | GrantType::RefreshToken => {
                let says = "The command gets a session by authorization_code, and goes on with it by the \
                            mutation refresh.";
                Err(Refusal::Error { code: "unauthorized_client", says: says.to_owned() })
            }
        };
    }
    let client = served.client("token", &headers, &form).await?;
    if !client.gets(grant) {
        let says = format!("The program was not registered for {}.", grant.as_str());
        return Err(Refusal::Error { code: "unauthorized_client", says });
    }
    match grant {
        GrantType::ClientCredentials => by_itself(&served, &client, &form, request).await,
        GrantType::AuthorizationCode => by_code(&served, &client, &form, request).await,
        GrantType::RefreshToken => again(&served, &client, &form, request).await,
    }
}

async fn by_itself(
    served: &Served,
    client: &KnownClient,
    form: &Form,
    request: commands::Request,
) -> Result<Response, Refusal> {
    let scopes = asked_scopes(client, form.get("scope"))?;
    let issued = served.core.issue_to_client(client, &scopes, request).await?;
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

async fn by_code(
    served: &Served,
    client: &KnownClient,
    form: &Form,
    request: commands::Request,
) -> Result<Response, Refusal> {
    let issued = served.core.redeem_code(client, shown(form)?, request).await?;
    Ok(given(served, issued))
}

/// A code, and what goes with it.
fn shown(form: &Form) -> Result<CodeShown<'_>, Refusal> {
    let wanted = |name: &'static str| {
        form.get(name).ok_or_else(|| Refusal::request(format!("{name} is missing.")))
    };
    Ok(CodeShown {
        code: wanted("code")?,
        redirect_uri: wanted("redirect_uri")?,
        verifier: wanted("code_verifier")?,
    })
}

/// A session for the command, in the form of tokens. Its refresh token is one of sessions.
async fn to_command(
    served: &Served,
    form: &Form,
    request: commands::Request,
) -> Result<Response, Refusal> {
    let signed_in = served.core.take_up_session(shown(form)?, request).await?;
    let body = json!({
        "access_token": signed_in.access.token,
        "token_type": "Bearer",
        "expires_in": served.core.issuer.seconds(),
        "scope": AboutScope::Openid.as_str(),
        "refresh_token": signed_in.refresh.as_str(),
    });
    Ok(uncached(StatusCode::OK, &body))
}

async fn again(
    served: &Served,
    client: &KnownClient,
    form: &Form,
    request: commands::Request,
) -> Result<Response, Refusal> {
    let token =
        form.get("refresh_token").ok_or_else(|| Refusal::request("refresh_token is missing."))?;
    let asked = form.get("scope").map(narrower).transpose()?;
    let issued = served.core.refresh_app(client, token, asked, request).await?;
    Ok(given(served, issued))
}

/// How far an access token shall go that goes less far.
fn narrower(text: &str) -> Result<Reach, Refusal> {
    let words = || text.split(' ').filter(|word| !word.is_empty());
    let odd = words()
        .find(|word| AboutScope::parse(word).is_none() && word.parse::<ActionScope>().is_err());
    if odd.is_some() || words().next().is_none() {
        let says = "That scope does not read: ask for some of those that were allowed.".to_owned();
        return Err(Refusal::Error { code: "invalid_scope", says });
    }
    Ok(Reach::read(text))
}

fn given(served: &Served, issued: AppIssued) -> Response {
    let mut body = json!({
        "access_token": issued.access.token,
        "token_type": "Bearer",
        "expires_in": served.core.issuer.seconds(),
        "scope": issued.reach.to_string(),
    });
    if let Some(refresh) = issued.refresh {
        body["refresh_token"] = refresh.as_str().into();
    }
    if let Some(id_token) = issued.id_token {
        body["id_token"] = id_token.into();
    }
    uncached(StatusCode::OK, &body)
}
