//! An app of others, by a client library that is much used, and a person with a browser who is asked, says no,
//! says yes, and ends it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use studio_sdk::Client;

use crate::{
    services::variable,
    support::{Installation, Server, mutate},
    webdriver::Browser,
};

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "a long enough password";

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The app, which ends with the test.
struct App(Child);

impl App {
    /// Starts it, and waits until it has found out about the server.
    fn start(modules: &str, issuer: &str, id: &str, secret: &str, port: u16) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/openid_client.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .args([modules, issuer, id, secret, &port.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "what it says of itself stands above");
        Self(child)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A server with an organization: its address, and its owner.
async fn set_up(installation: &Installation, url: &str) -> (Server, Client) {
    let server = installation.start_at(url.strip_prefix("http://").unwrap(), &[]);
    let line = server.wait_for_line("#setup=");
    let token = line.split("#setup=").nth(1).unwrap().trim();
    let owner = Client::new(url).unwrap();
    let made = "mutation($input: SetUpInput!) { setUp(input: $input) { accessToken userErrors { code message path } } }";
    let input = json!({
        "token": token, "organizationName": "Example", "ownerName": "Ada Lovelace",
        "ownerEmail": EMAIL, "password": PASSWORD,
    });
    mutate(&owner, made, input).await;
    owner.log_in(EMAIL, PASSWORD).await.unwrap();
    (server, owner)
}

async fn shows(browser: &Browser, words: &str) -> String {
    browser.wait_for_text(words, |text| text.contains(words).then(|| text.to_owned())).await
}

#[tokio::test]
async fn a_person_lets_an_app_in_with_a_browser() {
    let Some(modules) = variable("STUDIO_TEST_OPENID_CLIENT") else { return };
    let Some(browser) = Browser::start().await else { return };
    let url = format!("http://127.0.0.1:{}", free_port());
    let installation = Installation::empty().with_setting("STUDIO_PUBLIC_URL", &url);
    let (_server, owner) = set_up(&installation, &url).await;
    let create = "mutation($input: CreateOAuthClientInput!) { createOAuthClient(input: $input) {
        client { id } secret userErrors { code message path } } }";
    let input = json!({
        "name": "Dashboard", "roles": [], "scopes": ["controls:*:read"],
        "grantTypes": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"],
        "redirectUris": ["http://127.0.0.1/cb"],
    });
    let made = mutate(&owner, create, input).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (id, secret) = (text(&made["client"]["id"]), text(&made["secret"]));
    let port = free_port();
    let _app = App::start(&modules, &url, &id, &secret, port);
    let start = |more: &str| {
        let scope = "openid%20profile%20email%20controls:project:read";
        format!("http://127.0.0.1:{port}/start?scope={scope}{more}")
    };

    // Nobody is signed in: nothing is asked where nothing may be, and else that first.
    browser.open(&start("&prompt=none")).await;
    shows(&browser, "failed login_required").await;
    browser.open(&start("&login_hint=ada@example.org")).await;
    shows(&browser, "An app wants to act for you").await;
    let hint = browser.script("return document.querySelector('input[type=email]').value").await;
    assert_eq!(hint, EMAIL);
    browser.type_into("input[autocomplete=current-password]", PASSWORD).await;
    browser.click("main form button[type=submit]").await;
    let asked = shows(&browser, "Let Dashboard act for you?").await;
    for words in
        ["Example", "registered by Ada Lovelace", "know what you are called", "see projects"]
    {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    assert!(asked.contains(&format!("127.0.0.1:{port}")), "where the answer goes: {asked}");
    browser.click("main button.deny").await;
    shows(&browser, "failed access_denied").await;

    // Asked again, they say yes; the library checks what it gets, and gives it back.
    browser.open(&start("")).await;
    shows(&browser, "Let Dashboard act for you?").await;
    browser.click("main form button[type=submit]").await;
    let told = shows(&browser, "done ").await;
    let told: Value = serde_json::from_str(told.split_once(' ').unwrap().1.trim()).unwrap();
    let expected = json!({
        "name": "Ada Lovelace", "email": EMAIL, "amr": ["pwd"], "during": true, "after": false,
        "scope": "openid profile email controls:project:read",
    });
    assert_eq!(told, expected);

    // Whatever answers at a port of this machine is asked about every time.
    browser.open(&start("&keep=1")).await;
    shows(&browser, "Let Dashboard act for you?").await;
    browser.click("main form button[type=submit]").await;
    shows(&browser, "done ").await;
    browser.open(&start("&prompt=none")).await;
    shows(&browser, "failed consent_required").await;
    // A fresh sign-in, where the app wants one.
    browser.open(&start("&prompt=login")).await;
    shows(&browser, "sign in anew").await;
    browser.type_into("input[autocomplete=username]", EMAIL).await;
    browser.type_into("input[autocomplete=current-password]", PASSWORD).await;
    browser.click("main form button[type=submit]").await;
    shows(&browser, "Let Dashboard act for you?").await;
    browser.click("main button.deny").await;
    shows(&browser, "failed access_denied").await;

    // On the page of the account it is seen and ended.
    browser.open(&format!("{url}/#/account")).await;
    let account = shows(&browser, "What you have allowed to act for you").await;
    assert!(
        account.contains("Dashboard") && account.contains("controls:project:read"),
        "{account}"
    );
    browser.click("main .apps button").await;
    shows(&browser, "You have allowed none").await;

    // An app that there is not gets nobody anywhere.
    browser.open(&format!("{url}/oauth2/authorize?client_id=cli_1")).await;
    shows(&browser, "This app cannot be let in").await;
}
