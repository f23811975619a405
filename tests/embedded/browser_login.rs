//! `studio login --browser`, driven as a browser drives it: the command waits at a port of this machine, the
//! person is asked on the page, and what comes to the port is taken only where it answers what was asked.

use reqwest::{StatusCode, Url, header, redirect::Policy};
use serde_json::{Value, json};
use studio_sdk::Client;

use crate::support::{EMAIL, Installation, PASSWORD, Server, Waiting, mutate, query, until};

const ASKED: &str = "query($request: String!) { appRequest(request: $request) {
    state command silent name answersTo scopes { scope } } }";
const ALLOW: &str = "mutation($input: AllowAppInput!) { allowApp(input: $input) {
    redirectTo userErrors { code message path } } }";
const DECLINE: &str = "mutation($input: DeclineAppInput!) { declineApp(input: $input) {
    redirectTo userErrors { code message path } } }";
const SESSIONS: &str =
    "{ me { apps { name } sessions(first: 50) { nodes { id current methods } } } }";

/// A client that goes where it is led one step at a time.
fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap()
}

async fn open(address: impl reqwest::IntoUrl) -> (StatusCode, String) {
    let response = browser().get(address).send().await.unwrap();
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    (response.status(), response.text().await.unwrap())
}

/// What the page gets.
async fn sealed(address: &Url) -> String {
    let response = browser().get(address.clone()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let to = response.headers()[header::LOCATION].to_str().unwrap();
    to.strip_prefix("/#authorize=").unwrap().to_owned()
}

async fn allowed(person: &Client, request: &str) -> String {
    let input = json!({ "request": request, "consent": true });
    let allowed = mutate(person, ALLOW, input).await;
    allowed["redirectTo"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_signs_in_at_the_command_line_by_their_browser() {
    let installation = Installation::empty().with_setting("STUDIO_LOG__FILTER", "debug");
    let (server, owner) = installation.set_up().await;
    let waiting = Waiting::start(&installation, &server.url, &[]);
    assert!(waiting.asked("redirect_uri").starts_with("http://127.0.0.1:"));
    assert_eq!(waiting.asked("code_challenge_method"), "S256");

    // The page asks, whoever is signed in; a stranger learns that they must be.
    let request = sealed(&waiting.address).await;
    let stranger = Client::new(&server.url).unwrap();
    let told = query(&stranger, ASKED, json!({ "request": request })).await["appRequest"].clone();
    assert_eq!((&told["state"], &told["answersTo"]), (&json!("SIGN_IN"), &Value::Null));
    let told = query(&owner, ASKED, json!({ "request": request })).await["appRequest"].clone();
    let waits_at = waiting.asked("redirect_uri");
    let host = waits_at.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let expected = json!({
        "state": "CONSENT", "command": true, "silent": false, "name": null, "answersTo": host,
        "scopes": [{ "scope": "openid" }],
    });
    assert_eq!(told, expected);
    // Nobody is signed in who was not asked.
    let silent = json!({ "input": { "request": request, "consent": false } });
    let told = query(&owner, ALLOW, silent).await["allowApp"].clone();
    assert_eq!(told["userErrors"][0]["code"], "CONSENT_NEEDED");

    // What does not answer what was asked is told so, and the command goes on waiting.
    let back = allowed(&owner, &request).await;
    let right: Url = back.parse().unwrap();
    for (part, other) in [
        (waiting.asked("state"), "another".to_owned()),
        ("iss=http".to_owned(), "iss=https".to_owned()),
        ("iss=".to_owned(), "x=".to_owned()),
        ("state=".to_owned(), "x=".to_owned()),
        ("code=".to_owned(), "x=".to_owned()),
        ("code=".to_owned(), "code=a&code=".to_owned()),
    ] {
        let changed = back.replacen(&part, &other, 1);
        assert_ne!(changed, back, "{part}");
        let (status, page) = open(&changed).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{changed}");
        assert!(page.contains("no answer to what the studio command asked"), "{page}");
    }
    let (status, page) = open(right.clone()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("signed in at the command line"), "{page}");
    let (well, said) = waiting.ended();
    assert!(well, "{said}");
    assert!(said.contains(&format!("as {EMAIL}")), "{said}");

    // It is a session of theirs, which does what they may do; it goes on by itself and is ended anywhere.
    let whoami = installation.run(&["whoami"]);
    assert!(whoami.contains(EMAIL) && whoami.contains("owner"), "{whoami}");
    let me = query(&owner, SESSIONS, json!({})).await["me"].clone();
    assert_eq!(me["apps"], json!([]));
    let sessions = me["sessions"]["nodes"].as_array().unwrap();
    let [of_command, of_page, _of_the_set_up] = &sessions[..] else { panic!("{me}") };
    assert_eq!((&of_command["current"], &of_page["current"]), (&json!(false), &json!(true)));
    assert_eq!(of_command["methods"], json!(["PWD"]), "as they had signed in");
    let end = "mutation($input: RevokeSessionInput!) { revokeSession(input: $input) {
        userErrors { code message path } } }";
    mutate(&owner, end, json!({ "sessionId": of_command["id"] })).await;
    let said = installation.attempt(&["whoami"]).unwrap_err();
    assert!(said.contains("sign in again"), "{said}");

    // The audit log tells of it, and the log of no secret.
    until("the audit log to tell of it", || async {
        let text = "{ auditEntries(first: 50) { nodes { action } } }";
        let entries = query(&owner, text, json!({})).await.to_string();
        entries.contains("identity.session.offered").then_some(())
    })
    .await;
    let code = right.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    assert!(!server.logged().contains(&code));
    server.stop();
}

#[tokio::test]
async fn who_says_no_or_nothing_is_not_signed_in() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let waiting = Waiting::start(&installation, &server.url, &[]);
    let request = sealed(&waiting.address).await;
    let declined = mutate(&owner, DECLINE, json!({ "request": request })).await;
    let (status, page) = open(declined["redirectTo"].as_str().unwrap()).await;
    assert!(status == StatusCode::OK && page.contains("not signed in"), "{page}");
    let (well, said) = waiting.ended();
    assert!(!well && said.contains("you said no in the browser"), "{said}");

    let waiting = Waiting::start(&installation, &server.url, &["--wait", "1"]);
    let (well, said) = waiting.ended();
    assert!(!well && said.contains("no answer came from the browser within 1 seconds"), "{said}");
    assert!(said.contains("run studio login --browser again"), "{said}");
    assert!(installation.attempt(&["whoami"]).is_err(), "nobody was signed in");
    // What goes together, and what does not.
    for wrong in
        [&["--no-open"][..], &["--browser", "--email", EMAIL], &["--browser", "--wait", "0"]]
    {
        let login = [&["login", "--server", &server.url][..], wrong].concat();
        let output = installation.command(&login).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
    server.stop();
}

/// Asks the token endpoint.
async fn exchange(server: &Server, pairs: &[(&str, &str)]) -> Value {
    let mut form = Url::parse("http://x/").unwrap();
    form.query_pairs_mut().extend_pairs(pairs);
    let sent = browser()
        .post(format!("{}/oauth2/token", server.url))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.query().unwrap().to_owned());
    sent.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_code_is_worth_a_session_once_and_to_whoever_asked_for_it() {
    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const COMMAND: &str = "cli_0000000000007000800073747564696f";
    const BACK: &str = "http://127.0.0.1:9/signed-in";
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let address = |redirect: &str, scope: &str, more: &str| -> Url {
        format!(
            "{}/oauth2/authorize?response_type=code&client_id={COMMAND}&redirect_uri={redirect}&scope={scope}\
             &state=s&code_challenge={CHALLENGE}&code_challenge_method=S256{more}",
            server.url
        )
        .parse()
        .unwrap()
    };
    // Answers go to this machine alone, and for nothing but that.
    for elsewhere in [
        "https://evil.example/signed-in",
        "http://127.0.0.1:9/other",
        "http://localhost:9/signed-in",
    ] {
        let (status, page) = open(address(elsewhere, "openid", "")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{elsewhere}: {page}");
    }
    let beyond = browser().get(address(BACK, "controls:*:read", "")).send().await.unwrap();
    let to = beyond.headers()[header::LOCATION].to_str().unwrap();
    assert!(to.starts_with(BACK) && to.contains("error=invalid_scope"), "{to}");
    // Where nothing may be asked, nothing is allowed.
    let silent = sealed(&address(BACK, "openid", "&prompt=none")).await;
    let input = json!({ "input": { "request": silent, "consent": true } });
    let told = query(&owner, ALLOW, input).await["allowApp"].clone();
    assert_eq!(told["userErrors"][0]["code"], "CONSENT_NEEDED");

    let code = async |person: &Client| {
        let request = sealed(&address(BACK, "openid", "")).await;
        let back: Url = allowed(person, &request).await.parse().unwrap();
        let again = json!({ "input": { "request": request, "consent": true } });
        let told = query(person, ALLOW, again).await["allowApp"].clone();
        assert_eq!(told["userErrors"][0]["code"], "REQUEST_OVER", "once");
        back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    };
    let first = code(&owner).await;
    let right = [
        ("grant_type", "authorization_code"),
        ("client_id", COMMAND),
        ("code", first.as_str()),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    let other = "x".repeat(43);
    for (name, value, error) in [
        ("code_verifier", other.as_str(), "invalid_grant"),
        ("redirect_uri", "http://127.0.0.1:10/signed-in", "invalid_grant"),
        ("code", "made-up", "invalid_grant"),
        ("code", "", "invalid_request"),
        ("grant_type", "refresh_token", "unauthorized_client"),
        ("grant_type", "client_credentials", "unauthorized_client"),
        ("client_secret", "x", "invalid_client"),
    ] {
        let mut pairs: Vec<_> = right.iter().copied().filter(|(own, _)| *own != name).collect();
        pairs.push((name, value));
        let told = exchange(&server, &pairs).await;
        assert_eq!(told["error"], error, "{name}={value}: {told}");
    }
    let given = exchange(&server, &right).await;
    let tokens = |given: &Value| studio_sdk::Tokens {
        access: given["access_token"].as_str().unwrap().to_owned(),
        refresh: given["refresh_token"].as_str().unwrap().to_owned(),
    };
    let command = Client::new(&server.url).unwrap();
    command.set_tokens(Some(tokens(&given)));
    command.refresh().await.unwrap();
    assert_eq!(query(&command, "{ me { email } }", json!({})).await["me"]["email"], EMAIL);
    // A second use means that somebody has a copy: it is over.
    assert_eq!(exchange(&server, &right).await["error"], "invalid_grant");
    assert!(command.refresh().await.is_err());
    until("the access token to be over", || async {
        let told = command.query_text::<Value>("{ me { email } }", json!({})).await;
        told.is_err().then_some(())
    })
    .await;

    // Whoever signs out before it is exchanged lets nobody in.
    let leaving = Client::new(&server.url).unwrap();
    leaving.log_in(EMAIL, PASSWORD).await.unwrap();
    let left = code(&leaving).await;
    leaving.log_out().await.unwrap();
    let pairs = right
        .map(|(name, value)| if name == "code" { (name, left.as_str()) } else { (name, value) });
    assert_eq!(exchange(&server, &pairs).await["error"], "invalid_grant");
    // Nor does a program let anybody in.
    let made = mutate(
        &owner,
        "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret userErrors { code message path } } }",
        json!({ "name": "all", "scopes": ["*:*:*"] }),
    )
    .await;
    let key = Client::new(&server.url).unwrap();
    key.set_tokens(Some(studio_sdk::Tokens {
        access: made["secret"].as_str().unwrap().to_owned(),
        refresh: String::new(),
    }));
    let request = sealed(&address(BACK, "openid", "")).await;
    let input = json!({ "input": { "request": request, "consent": true } });
    let refused = key.query_text::<Value>(ALLOW, input).await.unwrap_err();
    assert_eq!(refused.code(), Some("FORBIDDEN"), "{refused}");
    server.stop();
}
