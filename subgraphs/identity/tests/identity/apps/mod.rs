//! Apps that act for people: how they ask, what people allow them, and when it ends.

mod attacks;
mod elsewhere;
mod ends;
mod openid;

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use axum::{
    body::Body,
    http::{Request, header},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use studio_kernel::{Principal, Role};
use tower::ServiceExt;
use url::{Url, form_urlencoded};

use crate::support::{Server, Tokens, faults, holds};

const CREATE: &str =
    "mutation($input: CreateOAuthClientInput!) { createOAuthClient(input: $input) {
    client { id name grantTypes redirectUris public createdBy { name } } secret
    userErrors { code message path } } }";
const ALLOW: &str = "mutation($input: AllowAppInput!) { allowApp(input: $input) {
    redirectTo userErrors { code message path } } }";
const DECLINE: &str = "mutation($input: DeclineAppInput!) { declineApp(input: $input) {
    redirectTo userErrors { code message path } } }";
const REQUEST: &str = "query($request: String!) { appRequest(request: $request) {
    state silent loginHint name registeredBy answersTo organization { name }
    scopes { scope meanings } } }";
const MINE: &str = "{ me { apps { clientId name scopes allowedAt usedAt } } }";
const REVOKE: &str = "mutation($input: RevokeAppInput!) { revokeApp(input: $input) {
    ended userErrors { code message path } } }";
const CB: &str = "https://app.example.org/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// An app as it was registered.
#[derive(Clone)]
pub(crate) struct App {
    id: String,
    secret: Option<String>,
}

/// What a form or an address has.
type Pairs<'a> = Vec<(&'a str, &'a str)>;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

fn changed<'a>(right: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> String {
    let kept = right.iter().filter(|(name, _)| changes.iter().all(|(own, _)| own != name));
    let all: Pairs<'_> = kept.chain(changes).copied().collect();
    form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish()
}

/// Registers an app with some settings otherwise than usual.
async fn register(server: &Server, by: &Tokens, changes: Value) -> App {
    // Ids sort by the millisecond.
    server.clock.advance_micros(1000);
    let mut input = json!({
        "name": "Dashboard", "roles": [], "scopes": ["identity:*:read", "controls:*:*"],
        "grantTypes": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"], "redirectUris": [CB],
    });
    input.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let data = server.data(Some(&by.access), CREATE, json!({ "input": input })).await;
    let made = &data["createOAuthClient"];
    assert_eq!(made["userErrors"], json!([]), "{made}");
    App { id: text(&made["client"]["id"]), secret: made["secret"].as_str().map(str::to_owned) }
}

pub(crate) async fn dashboard(server: &Server, by: &Tokens) -> App {
    register(server, by, json!({})).await
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()))
}

impl App {
    /// What a browser gets that the app leads to the server: the status, and where it leads.
    async fn ask(&self, server: &Server, changes: &[(&str, &str)]) -> (u16, Option<String>) {
        let challenge = challenge();
        let right = [
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", CB),
            ("scope", "identity:user:read"),
            ("state", "st&te"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let address = format!("/oauth2/authorize?{}", changed(&right, changes));
        let request = Request::get(address).body(Body::empty()).unwrap();
        let response = server.routes.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-store");
        let to = response.headers().get(header::LOCATION);
        (response.status().as_u16(), to.map(|to| to.to_str().unwrap().to_owned()))
    }

    /// What the page gets of a request that is right.
    async fn sealed(&self, server: &Server, changes: &[(&str, &str)]) -> String {
        let (status, to) = self.ask(server, changes).await;
        let to = to.unwrap_or_else(|| panic!("{status}"));
        assert_eq!(status, 303);
        to.strip_prefix("/#authorize=").unwrap_or_else(|| panic!("{to}")).to_owned()
    }

    /// What the app is told of a request that is wrong.
    async fn error(&self, server: &Server, changes: &[(&str, &str)]) -> String {
        let (_, to) = self.ask(server, changes).await;
        let told = answer(&to.unwrap());
        assert_eq!(told["iss"], server_url(), "{told:?}");
        told["error"].clone()
    }

    /// A code for what somebody allows, who is asked.
    async fn code(&self, server: &Server, by: &Tokens, changes: &[(&str, &str)]) -> String {
        let sealed = self.sealed(server, changes).await;
        let told = answer(&text(&allow(server, by, &sealed, true).await["redirectTo"]));
        assert_eq!((&*told["state"], told["iss"].as_str()), ("st&te", server_url()));
        told["code"].clone()
    }

    /// Sends a form to an endpoint, as the app.
    async fn send(&self, server: &Server, path: &str, form: &str) -> (u16, Value) {
        let mut request =
            Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        let mut form = form.to_owned();
        match &self.secret {
            Some(secret) => {
                let shown = STANDARD.encode(format!("{}:{secret}", self.id));
                request = request.header("authorization", format!("Basic {shown}"));
            }
            None => form.push_str(&format!("&client_id={}", self.id)),
        }
        let request = request.body(Body::from(form)).unwrap();
        let response = server.routes.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-store");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// Exchanges a code, with some of the form otherwise.
    async fn redeem(&self, server: &Server, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let right = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CB),
            ("code_verifier", VERIFIER),
        ];
        self.send(server, "/oauth2/token", &changed(&right, changes)).await
    }

    pub(crate) async fn refresh(&self, server: &Server, token: &str, scope: &str) -> (u16, Value) {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        self.send(server, "/oauth2/token", &changed(&form, &[])).await
    }

    /// The tokens that an app gets that somebody lets in.
    pub(crate) async fn let_in(
        &self,
        server: &Server,
        by: &Tokens,
        changes: &[(&str, &str)],
    ) -> Value {
        let code = self.code(server, by, changes).await;
        let same = changes.iter().filter(|(name, _)| *name == "redirect_uri").copied();
        let (status, body) = self.redeem(server, &code, &same.collect::<Vec<_>>()).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

fn server_url() -> &'static str {
    "http://127.0.0.1:4000"
}

/// What an app finds in the address that it is led back to.
fn answer(address: &str) -> BTreeMap<String, String> {
    Url::parse(address).unwrap().query_pairs().into_owned().collect()
}

async fn allow(server: &Server, by: &Tokens, sealed: &str, consent: bool) -> Value {
    let input = json!({ "input": { "request": sealed, "consent": consent } });
    server.data(Some(&by.access), ALLOW, input).await["allowApp"].clone()
}

async fn shown(server: &Server, by: Option<&Tokens>, sealed: &str) -> Value {
    let variables = json!({ "request": sealed });
    let token = by.map(|by| by.access.as_str());
    server.data(token, REQUEST, variables).await["appRequest"].clone()
}

async fn revoke(server: &Server, by: &Tokens, input: Value) -> Value {
    server.data(Some(&by.access), REVOKE, json!({ "input": input })).await["revokeApp"].clone()
}

#[tokio::test]
async fn an_app_does_what_its_person_may_as_far_as_they_allowed() {
    let (server, owner) = Server::set_up().await;
    let (vera, viewer) = server.viewer(&owner).await;
    let app = dashboard(&server, &owner).await;

    // Whoever is not signed in learns that they must, and nothing of the app.
    let sealed = app.sealed(&server, &[("login_hint", "charles@example.org")]).await;
    let told = shown(&server, None, &sealed).await;
    assert_eq!((&told["state"], &told["name"]), (&json!("SIGN_IN"), &Value::Null));
    assert_eq!((&told["loginHint"], &told["scopes"]), (&json!("charles@example.org"), &json!([])));
    let told = shown(&server, Some(&viewer), &sealed).await;
    assert_eq!(told["state"], "CONSENT");
    assert_eq!(
        (&told["name"], &told["registeredBy"]),
        (&json!("Dashboard"), &json!("Ada Lovelace"))
    );
    assert_eq!(told["organization"]["name"], "Analytical Engines");
    assert_eq!(told["answersTo"], "app.example.org");
    let see = json!([{ "scope": "identity:user:read", "meanings": ["see the people of the organization"] }]);
    assert_eq!(told["scopes"], see);

    let tokens = app.let_in(&server, &viewer, &[]).await;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!((&tokens["scope"], tokens.get("id_token")), (&json!("identity:user:read"), None));
    let access = text(&tokens["access_token"]);
    let actor = server.verifier.verify(&access).unwrap();
    assert!(matches!(actor.principal, Principal::App { user, client, .. }
            if user.to_string() == vera && client.to_string() == app.id));
    assert_eq!(actor.roles, [Role::Viewer]);
    let data = server.data(Some(&access), "{ me { id } }", json!({})).await;
    assert_eq!(data["me"]["id"], json!(vera));
    assert_eq!(
        server.code(Some(&access), "{ organization { name } }", json!({})).await,
        "FORBIDDEN",
        "they may, and did not allow it"
    );

    // It is theirs to see, and what the app does is on record as what it is.
    let data = server.data(Some(&viewer.access), MINE, json!({})).await;
    let listed = &data["me"]["apps"][0];
    assert_eq!((&listed["clientId"], &listed["name"]), (&json!(app.id), &json!("Dashboard")));
    assert_eq!(listed["scopes"], json!(["identity:user:read"]));
    assert!(listed["usedAt"].is_string());
    let grants = "{ organization { oauthClients { nodes { id grants { nodes { id user { id } scopes } } } } } }";
    let data = server.data(Some(&owner.access), grants, json!({})).await;
    let grant = &data["organization"]["oauthClients"]["nodes"][0]["grants"]["nodes"][0];
    assert_eq!(
        (&grant["user"]["id"], &grant["scopes"]),
        (&json!(vera), &json!(["identity:user:read"]))
    );

    // The next token, once, and narrower if the app likes.
    let refresh = text(&tokens["refresh_token"]);
    let (status, next) = app.refresh(&server, &refresh, "").await;
    assert_eq!((status, &next["scope"]), (200, &json!("identity:user:read")));
    assert!(server.verifier.verify(&text(&next["access_token"])).is_ok());
    server.store.shutdown().await;
    let bytes = server.bytes_at_rest();
    for secret in [&access, &refresh, &text(&next["refresh_token"]), app.secret.as_ref().unwrap()] {
        assert!(!holds(&bytes, secret));
    }
}

#[tokio::test]
async fn what_was_allowed_is_remembered_where_nobody_can_have_taken_the_apps_place() {
    let (server, owner) = Server::set_up().await;
    let own = "http://127.0.0.1:8400/cb";
    let app =
        register(&server, &owner, json!({ "redirectUris": [CB, "http://127.0.0.1/cb"] })).await;
    let state = async |changes: &[(&str, &str)]| {
        let sealed = app.sealed(&server, changes).await;
        (shown(&server, Some(&owner), &sealed).await["state"].clone(), sealed)
    };
    let (first, sealed) = state(&[]).await;
    assert_eq!(first, "CONSENT");
    let refused = allow(&server, &owner, &sealed, false).await;
    assert_eq!(faults(&refused), [("CONSENT_NEEDED".to_owned(), "consent".to_owned())]);
    app.let_in(&server, &owner, &[]).await;

    let (again, sealed) = state(&[]).await;
    assert_eq!(again, "READY");
    assert!(allow(&server, &owner, &sealed, false).await["redirectTo"].is_string());
    assert_eq!(state(&[("prompt", "none")]).await.0, "READY");
    // More than before, another address, or because the app says so.
    for changes in [
        [("scope", "identity:user:read controls:control:read")],
        [("prompt", "consent")],
        [("redirect_uri", own)],
    ] {
        let (told, sealed) = state(&changes).await;
        assert_eq!(told, "CONSENT", "{changes:?}");
        let refused = allow(&server, &owner, &sealed, false).await;
        assert_eq!(faults(&refused)[0].0, "CONSENT_NEEDED", "{changes:?}");
    }
    // Where nothing is to be asked, nobody says yes either.
    let silent = [("prompt", "none"), ("scope", "controls:control:read")];
    let sealed = app.sealed(&server, &silent).await;
    assert_eq!(shown(&server, Some(&owner), &sealed).await["silent"], true);
    assert_eq!(faults(&allow(&server, &owner, &sealed, true).await)[0].0, "CONSENT_NEEDED");
    let input = json!({ "input": { "request": sealed, "reason": "CONSENT_REQUIRED" } });
    let told = server.data(None, DECLINE, input).await;
    let told = answer(&text(&told["declineApp"]["redirectTo"]));
    assert_eq!((&*told["error"], &*told["state"]), ("consent_required", "st&te"));

    // Remembered after the tokens have run out, and until it is ended.
    server.clock.advance_micros(30 * 86_400_000_000);
    let owner = Tokens::of(&server.log_in(crate::support::EMAIL, crate::support::PASSWORD).await);
    let sealed = app.sealed(&server, &[]).await;
    assert_eq!(shown(&server, Some(&owner), &sealed).await["state"], "READY");
    assert_eq!(revoke(&server, &owner, json!({ "clientId": app.id })).await["ended"], 2);
    assert_eq!(shown(&server, Some(&owner), &sealed).await["state"], "CONSENT");
    server.store.rebuild("identity.app_grants").await.unwrap();
    assert_eq!(shown(&server, Some(&owner), &sealed).await["state"], "CONSENT");
}

#[tokio::test]
async fn an_app_says_how_fresh_the_sign_in_must_be() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    server.clock.advance_micros(300_000_000);
    let state =
        async |by: &Tokens, sealed: &str| shown(&server, Some(by), sealed).await["state"].clone();
    let fresh = app.sealed(&server, &[("max_age", "600")]).await;
    assert_eq!(state(&owner, &fresh).await, "CONSENT");
    for changes in [[("max_age", "299")], [("max_age", "0")], [("prompt", "login")]] {
        let sealed = app.sealed(&server, &changes).await;
        assert_eq!(state(&owner, &sealed).await, "SIGN_IN", "{changes:?}");
        let refused = allow(&server, &owner, &sealed, true).await;
        assert_eq!(faults(&refused), [("SIGN_IN_AGAIN".to_owned(), "request".to_owned())]);
        server.clock.advance_micros(1_000_000);
        let anew = server.log_in(crate::support::EMAIL, crate::support::PASSWORD).await;
        assert_eq!(state(&Tokens::of(&anew), &sealed).await, "CONSENT", "{changes:?}");
    }
    server.clock.advance_micros(600_000_000);
    let late = server.log_in(crate::support::EMAIL, crate::support::PASSWORD).await;
    assert_eq!(state(&Tokens::of(&late), &fresh).await, "OVER");
}

#[tokio::test]
async fn only_what_goes_together_is_registered() {
    let (server, owner) = Server::set_up().await;
    let right = json!({
        "name": "x", "roles": [], "scopes": [], "grantTypes": ["AUTHORIZATION_CODE"],
        "redirectUris": [CB],
    });
    let try_with = async |changes: Value| {
        let mut input = right.clone();
        input.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let data = server.data(Some(&owner.access), CREATE, json!({ "input": input })).await;
        data["createOAuthClient"].clone()
    };
    let made = try_with(json!({ "public": true })).await;
    assert_eq!((&made["secret"], &made["client"]["public"]), (&Value::Null, &json!(true)));
    assert_eq!(made["client"]["createdBy"]["name"], "Ada Lovelace");
    assert_eq!(made["client"]["grantTypes"], json!(["AUTHORIZATION_CODE"]));
    assert_eq!(made["client"]["redirectUris"], json!([CB]));
    let many: Vec<_> = (0..11).map(|n| format!("{CB}{n}")).collect();
    for (changes, code, field) in [
        (json!({ "grantTypes": [] }), "INVALID_GRANT_TYPES", "grantTypes"),
        (
            json!({ "grantTypes": ["REFRESH_TOKEN"], "redirectUris": [] }),
            "INVALID_GRANT_TYPES",
            "grantTypes",
        ),
        (json!({ "redirectUris": [] }), "INVALID_REDIRECT_URI", "redirectUris"),
        (json!({ "redirectUris": many }), "INVALID_REDIRECT_URI", "redirectUris"),
        (
            json!({ "redirectUris": ["http://app.example.org/cb"] }),
            "INVALID_REDIRECT_URI",
            "redirectUris",
        ),
        (
            json!({ "redirectUris": ["https://*.example.org/"] }),
            "INVALID_REDIRECT_URI",
            "redirectUris",
        ),
        (
            json!({ "redirectUris": ["javascript:alert(1)"] }),
            "INVALID_REDIRECT_URI",
            "redirectUris",
        ),
        (json!({ "roles": ["VIEWER"] }), "ROLES_OF_ITS_OWN", "roles"),
        (json!({ "scopes": ["identity:key:create"] }), "INVALID_SCOPE", "scopes"),
        (
            json!({ "grantTypes": ["CLIENT_CREDENTIALS", "AUTHORIZATION_CODE"], "public": true,
                "roles": ["VIEWER"], "scopes": ["*:*:read"] }),
            "INVALID_GRANT_TYPES",
            "grantTypes",
        ),
    ] {
        let told = faults(&try_with(changes.clone()).await);
        assert!(told.contains(&(code.to_owned(), field.to_owned())), "{changes}: {told:?}");
    }
}
