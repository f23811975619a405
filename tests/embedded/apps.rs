//! Apps that act for people, over real sockets: the way of a browser, what a token opens and when it stops,
//! what a browser is kept from, and what one address may ask.

use reqwest::{StatusCode, header, redirect::Policy};
use serde_json::{Value, json};
use studio_sdk::{Client, Tokens};

use crate::{
    policy::websocket::{Connection, ME},
    support::{EMAIL, Installation, PASSWORD, create_project, mutate, query, until},
};

const CB: &str = "https://app.example.org/cb";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CREATE: &str =
    "mutation($input: CreateOAuthClientInput!) { createOAuthClient(input: $input) {
    client { id } secret userErrors { code message path } } }";
const ALLOW: &str = "mutation($input: AllowAppInput!) { allowApp(input: $input) {
    redirectTo userErrors { code message path } } }";
const REVOKE: &str = "mutation($input: RevokeAppInput!) { revokeApp(input: $input) {
    ended userErrors { code message path } } }";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// A client that goes where it is led one step at a time.
fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap()
}

/// An app that keeps no secret: its id.
async fn app(owner: &Client, scopes: &[&str]) -> String {
    let input = json!({
        "name": "Dashboard", "roles": [], "scopes": scopes, "redirectUris": [CB], "public": true,
        "grantTypes": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"],
    });
    text(&mutate(owner, CREATE, input).await["client"]["id"])
}

/// Where a browser is led that an app sends.
async fn asked(url: &str, app: &str, scope: &str) -> reqwest::Response {
    let address = format!(
        "{url}/oauth2/authorize?response_type=code&client_id={app}&redirect_uri={CB}&scope={scope}\
         &state=s&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    browser().get(address).send().await.unwrap()
}

/// What the page gets.
async fn sealed(url: &str, app: &str, scope: &str) -> String {
    let response = asked(url, app, scope).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers().get(header::SET_COOKIE), None, "nobody is known by a cookie");
    let to = response.headers()[header::LOCATION].to_str().unwrap();
    to.strip_prefix("/#authorize=").unwrap().to_owned()
}

/// What an app gets that a person lets in.
async fn let_in(person: &Client, app: &str, scope: &str) -> Value {
    let request = sealed(person.url(), app, scope).await;
    let allowed = mutate(person, ALLOW, json!({ "request": request, "consent": true })).await;
    let to = reqwest::Url::parse(&text(&allowed["redirectTo"])).unwrap();
    assert!(to.as_str().starts_with(CB), "{to}");
    let told = |name: &str| to.query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned();
    let about = browser().get(format!("{}/.well-known/openid-configuration", person.url()));
    let about: Value = about.send().await.unwrap().json().await.unwrap();
    assert_eq!((told("state"), told("iss")), ("s".to_owned(), text(&about["issuer"])));
    let code = told("code");
    let form = format!(
        "grant_type=authorization_code&client_id={app}&code={code}&redirect_uri={CB}&code_verifier={VERIFIER}"
    );
    let sent = browser()
        .post(format!("{}/oauth2/token", person.url()))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form);
    sent.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn an_app_opens_what_was_allowed_at_every_door_until_it_is_ended() {
    let installation = Installation::empty().with_setting("STUDIO_LOG__FILTER", "debug");
    let (server, owner) = installation.set_up().await;
    let project = create_project(&owner, "Production").await;
    let scopes = ["controls:project:read", "documents:document:read", "identity:user:read"];
    let app = app(&owner, &scopes).await;
    let given = let_in(&owner, &app, "openid email controls:project:read identity:user:read").await;
    let (access, refresh) = (text(&given["access_token"]), text(&given["refresh_token"]));
    let program = Client::new(&server.url).unwrap();
    program.set_tokens(Some(Tokens { access: access.clone(), refresh: String::new() }));

    // GraphQL, REST, and what is told of its person.
    let data = query(&program, "{ projects { nodes { id } } me { email } }", json!({})).await;
    assert_eq!(
        (&data["projects"]["nodes"][0]["id"], &data["me"]["email"]),
        (&json!(project), &json!(EMAIL))
    );
    let get = async |path: &str| {
        let asked = browser().get(format!("{}{path}", server.url)).bearer_auth(&access);
        asked.send().await.unwrap()
    };
    let document = "/v1/documents/doc_00000000000070008000000000000001";
    assert_eq!(get(document).await.status(), StatusCode::FORBIDDEN, "it was not asked for");
    let told: Value = get("/oauth2/userinfo").await.json().await.unwrap();
    assert_eq!((&told["email"], told.get("name")), (&json!(EMAIL), None));

    // A WebSocket, which does not outlive it.
    let mut connection = Connection::open(&program).await;
    assert_eq!(connection.code(ME).await, None);
    let ended = mutate(&owner, REVOKE, json!({ "clientId": app })).await;
    assert_eq!(ended["ended"], 1);
    let connection = tokio::sync::Mutex::new(connection);
    until("the app to be over", || async {
        let told = connection.lock().await.code(ME).await;
        (told.as_deref() == Some("UNAUTHENTICATED")).then_some(())
    })
    .await;
    for path in ["/oauth2/userinfo", document] {
        until("nothing to be told", || async {
            (get(path).await.status() == StatusCode::UNAUTHORIZED).then_some(())
        })
        .await;
    }

    // What the audit log tells names the app's doing as what it was.
    until("the audit log to tell of it", || async {
        let entries =
            query(&owner, "{ auditEntries(first: 50) { nodes { action credential } } }", json!({}))
                .await;
        let entries = entries["auditEntries"]["nodes"].as_array().unwrap().clone();
        let by_app = entries.iter().any(|entry| {
            entry["action"] == "identity.app_grant.redeemed"
                && entry["credential"].as_str().is_some_and(|it| it.starts_with("grt_"))
        });
        by_app.then_some(())
    })
    .await;
    let logged = server.logged();
    for secret in [&access, &refresh, &VERIFIER.to_owned()] {
        assert!(!logged.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn no_page_of_others_gets_a_yes_out_of_a_browser() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let app = app(&owner, &["controls:project:read"]).await;
    // Wherever a browser is led, nothing can be laid over it.
    let wrong = browser().get(format!("{}/oauth2/authorize?client_id=x", server.url));
    for response in [wrong.send().await.unwrap(), asked(&server.url, &app, "openid").await] {
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-frame-options"), "DENY");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
    }
    // A browser carries nothing by itself that says yes: not with any cookie, from any site.
    let request = sealed(&server.url, &app, "controls:project:read").await;
    let asked = json!({ "query": ALLOW, "variables": { "input": { "request": request, "consent": true } } });
    for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        let sent = browser()
            .post(format!("{}/graphql", server.url))
            .header(header::CONTENT_TYPE, kind)
            .header(header::COOKIE, "studio-ticket=x; __Host-studio-ticket=x")
            .header(header::ORIGIN, "https://evil.example")
            .body(asked.to_string());
        let told = sent.send().await.unwrap();
        assert_eq!(told.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN), None, "{kind}");
        let told = told.text().await.unwrap();
        assert!(!told.contains("redirectTo\":\""), "{kind}: {told}");
    }
    let data = query(&owner, "{ me { apps { name } } }", json!({})).await;
    assert_eq!(data["me"]["apps"], json!([]));
    // Nor does one person's yes do for another: the app gets what is theirs.
    let email = "vera@example.org";
    let user = json!({ "name": "Vera", "email": email, "password": PASSWORD, "roles": ["VIEWER"] });
    let add = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { code message path } } }";
    mutate(&owner, add, user).await;
    let vera = Client::new(&server.url).unwrap();
    vera.log_in(email, PASSWORD).await.unwrap();
    let given = let_in(&vera, &app, "openid email controls:project:read").await;
    let told = browser()
        .get(format!("{}/oauth2/userinfo", server.url))
        .bearer_auth(text(&given["access_token"]));
    let told: Value = told.send().await.unwrap().json().await.unwrap();
    assert_eq!(told["email"], email);
}

#[tokio::test]
async fn one_address_asks_so_often_and_no_more_whatever_it_says_it_is() {
    let installation =
        Installation::empty().with_setting("STUDIO_TRUSTED_PROXIES", "[\"127.0.0.1\"]");
    let server = installation.start();
    let http = browser();
    let ask = async |number: usize| {
        // Only what the proxy added counts, whatever the client had written before it.
        let asked = http
            .get(format!("{}/oauth2/authorize", server.url))
            .header("x-studio-address", format!("192.0.2.{}", number % 200))
            .header("x-forwarded-for", format!("198.51.100.{}, 203.0.113.7", number % 200));
        asked.send().await.unwrap()
    };
    let mut refused = None;
    for number in 0..400 {
        let response = ask(number).await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(response);
            break;
        }
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
    let refused = refused.expect("the address has asked too often");
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"], "slow_down");
    // Whoever asks from elsewhere does not wait.
    let asked = http
        .get(format!("{}/oauth2/authorize", server.url))
        .header("x-forwarded-for", "198.51.100.1");
    assert_eq!(asked.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}
