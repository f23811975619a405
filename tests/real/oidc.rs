//! Signing in by a provider of identity: the built product, and `oidc-provider`, with a browser's cookies in between.

use std::collections::BTreeMap;

use reqwest::{StatusCode, Url, header};
use serde_json::{Value, json};
use studio_sdk::Client;

use crate::{
    services::variable,
    support::{EMAIL, Installation, Server, Shape, config_check, query},
};

/// What a browser does: it keeps cookies for each server, and follows redirects one at a time.
struct Browser {
    client: reqwest::Client,
    /// By host and port, then by name.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

impl Browser {
    fn new() -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { client, cookies: BTreeMap::new() }
    }

    async fn send(&mut self, method: reqwest::Method, url: &Url) -> reqwest::Response {
        let jar = self.cookies.entry(url.authority().to_owned()).or_default();
        let held: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            self.client.request(method, url.clone()).header(header::COOKIE, held.join("; "));
        let response = request.send().await.unwrap();
        for set in response.headers().get_all(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    /// Follows redirects from an address until one leads to the page, or to an address that begins so, which is
    /// not opened.
    async fn follow(&mut self, from: Url, until: &str) -> Url {
        let mut url = from;
        for _ in 0..12 {
            let response = self.send(reqwest::Method::GET, &url).await;
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "{url}");
            let to = response.headers()[header::LOCATION].to_str().unwrap();
            url = url.join(to).unwrap();
            if url.fragment().is_some() || url.as_str().starts_with(until) {
                return url;
            }
        }
        panic!("{url} leads nowhere");
    }

    async fn tokens(&mut self, server: &Server) -> (StatusCode, Value) {
        let url = Url::parse(&format!("{}/login/tokens", server.url)).unwrap();
        let response = self.send(reqwest::Method::POST, &url).await;
        (response.status(), response.json().await.unwrap())
    }
}

const NEVER: &str = "nothing:";

/// Where the provider asks somebody to sign in, as that person.
async fn begun(browser: &mut Browser, server: &Server, who: &str) -> Url {
    let begin =
        Url::parse(&format!("{}/login/oidc/work?return_to=%23%2Fscore%2Fa%2Fb", server.url));
    let mut there = browser.follow(begin.unwrap(), &variable("STUDIO_TEST_OIDC").unwrap()).await;
    there.query_pairs_mut().append_pair("login_hint", who);
    there
}

/// An installation that trusts the provider; its organization is there.
async fn trusting(issuer: &str) -> (Installation, Server) {
    let installation = Installation::of(Shape::Embedded);
    let (server, owner) = installation.set_up().await;
    let own = query(&owner, "{ organization { id } }", json!({})).await;
    let listen = server.url.strip_prefix("http://").unwrap().to_owned();
    server.stop();
    let secret = installation.path().join("client-secret");
    std::fs::write(&secret, "correct-horse\n").unwrap();
    let settings = format!(
        r#"
        public_url = "http://{listen}"
        [[oidc]]
        name = "work"
        label = "Our directory"
        issuer = "{issuer}"
        client_id = "studio"
        client_secret = {{ file = "{}" }}
        organization = {}
        scopes = ["openid", "email", "profile", "groups"]
        email_domains = ["example.org"]
        [oidc.roles]
        grc = ["compliance_manager"]
        "#,
        secret.display(),
        own["organization"]["id"],
    );
    let file = installation.path().join("studio.toml");
    std::fs::write(&file, settings).unwrap();
    let server = installation.start_at(&listen, &["--config", file.to_str().unwrap()]);
    (installation, server)
}

#[test]
fn the_check_of_the_configuration_asks_the_provider() {
    let Some(issuer) = variable("STUDIO_TEST_OIDC") else { return };
    let folder = tempfile::tempdir().unwrap();
    let check = |issuer: &str| {
        let settings = format!(
            r#"
            [[oidc]]
            name = "work"
            issuer = "{issuer}"
            client_id = "studio"
            organization = "org_00000000000070008000000000000000"
            email_domains = ["example.org"]
            default_roles = ["viewer"]
            "#,
        );
        let file = folder.path().join("studio.toml");
        std::fs::write(&file, settings).unwrap();
        config_check(&[("STUDIO_CONFIG", file.to_str().unwrap())])
    };
    let (fine, said) = check(&issuer);
    assert!(fine && said.contains("ok      oidc \"work\": "), "{said}");
    let another = format!("{issuer}/");
    for wrong in ["http://127.0.0.1:1", &another] {
        let (fine, said) = check(wrong);
        assert!(!fine && said.contains("WRONG   oidc \"work\": "), "{said}");
    }
    let (fine, said) = check("http://login.example.org");
    assert!(!fine && said.contains("oidc.0.issuer"), "{said}");
}

#[tokio::test]
async fn somebody_signs_in_by_a_provider() {
    let Some(issuer) = variable("STUDIO_TEST_OIDC") else { return };
    let (installation, server) = trusting(&issuer).await;
    let stranger = Client::new(&server.url).unwrap();
    let options = "{ signInOptions { providers { name label path } } }";
    let options = query(&stranger, options, json!({})).await;
    assert_eq!(options["signInOptions"]["providers"][0]["label"], "Our directory");

    let mut browser = Browser::new();
    let there = begun(&mut browser, &server, "alice").await;
    let page = browser.follow(there.clone(), NEVER).await;
    assert_eq!(page.as_str(), format!("{}/#signed-in=%23%2Fscore%2Fa%2Fb", server.url));
    let (status, tokens) = browser.tokens(&server).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let (again, _) = browser.tokens(&server).await;
    assert_eq!(again, StatusCode::BAD_REQUEST, "once");
    let me = as_bearer(&server, &tokens, "{ me { name email emailVerified roles } }").await;
    let alice = json!({
        "name": "Alice Liddell", "email": "alice@example.org", "emailVerified": true,
        "roles": ["COMPLIANCE_MANAGER"],
    });
    assert_eq!(me["me"], alice);

    // Who is signed in at the provider comes in at once, as the same person.
    let there = begun(&mut browser, &server, "alice").await;
    let page = browser.follow(there, NEVER).await;
    assert!(page.fragment().unwrap().starts_with("signed-in="), "{page}");
    let (_, second) = browser.tokens(&server).await;
    let ids = [&tokens, &second].map(|tokens| as_bearer(&server, tokens, "{ me { id } }"));
    let ids = futures::future::join_all(ids).await;
    assert_eq!(ids[0], ids[1]);

    let logged = server.logged();
    for secret in ["alice@example.org", "correct-horse", tokens["accessToken"].as_str().unwrap()] {
        assert!(!logged.contains(secret), "{secret} is in the log");
    }
    server.stop();
    installation.run(&["verify"]);
}

async fn as_bearer(server: &Server, tokens: &Value, asked: &str) -> Value {
    let response = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(format!("{}/graphql", server.url))
        .bearer_auth(tokens["accessToken"].as_str().unwrap())
        .json(&json!({ "query": asked }))
        .send()
        .await
        .unwrap();
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

#[tokio::test]
async fn nobody_gets_in_by_an_answer_that_was_not_theirs() {
    let Some(issuer) = variable("STUDIO_TEST_OIDC") else { return };
    let (_installation, server) = trusting(&issuer).await;
    let page = |code: &str| format!("{}/#sign-in-failed={code}", server.url);
    let callback = format!("{}/login/oidc/work/callback", server.url);
    // Alice's answer, opened in a browser that began nothing, and in one that began something else.
    let mut alice = Browser::new();
    let there = begun(&mut alice, &server, "alice").await;
    let answer = alice.follow(there, &callback).await;
    let mut victim = Browser::new();
    let led = victim.follow(answer.clone(), NEVER).await;
    assert_eq!(led.as_str(), page("STATE"));
    begun(&mut victim, &server, "alice").await;
    let led = victim.follow(answer.clone(), NEVER).await;
    assert_eq!(led.as_str(), page("STATE"));
    assert_eq!(victim.tokens(&server).await.0, StatusCode::BAD_REQUEST);

    // In Alice's own browser: as another provider's answer, and with another code.
    let with = |name: &str, value: &str| {
        let mut url = answer.clone();
        let kept: Vec<_> = answer.query_pairs().filter(|(own, _)| own != name).collect();
        url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
        url
    };
    let cookies = alice.cookies.clone();
    for (name, value, code) in [
        ("iss", "https://login.example.net", "TOKEN"),
        ("code", "another", "TOKEN"),
        ("state", "another", "STATE"),
    ] {
        alice.cookies = cookies.clone();
        let led = alice.follow(with(name, value), NEVER).await;
        assert_eq!(led.as_str(), page(code), "{name}");
    }
    // And as it is; a second time the provider refuses its code.
    alice.cookies = cookies.clone();
    let led = alice.follow(answer.clone(), NEVER).await;
    assert!(led.fragment().unwrap().starts_with("signed-in="), "{led}");
    alice.cookies = cookies;
    let led = alice.follow(answer, NEVER).await;
    assert_eq!(led.as_str(), page("TOKEN"));

    // Whom the provider does not know, and whose address it has not verified.
    for (who, code) in [("eve", "REFUSED"), ("bob", "ADDRESS")] {
        let mut browser = Browser::new();
        let there = begun(&mut browser, &server, who).await;
        let led = browser.follow(there, NEVER).await;
        assert_eq!(led.as_str(), page(code), "{who}");
    }
    for (path, code) in [
        ("/login/oidc/work?return_to=https://evil.example", "RETURN_TO"),
        ("/login/oidc/other", "NO_PROVIDER"),
    ] {
        let from = Url::parse(&format!("{}{path}", server.url)).unwrap();
        assert_eq!(Browser::new().follow(from, NEVER).await.as_str(), page(code));
    }
    // The owner goes on to sign in with the password.
    server.client().await;
    assert!(!server.logged().contains(EMAIL));
    server.stop();
}
