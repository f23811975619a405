//! What must not work.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use super::{
    Sent, Stage, ask, begin, callback,
    provider::{CLIENT, Key, Provider, token},
    tokens,
};

#[tokio::test]
async fn an_answer_that_this_browser_did_not_begin_is_refused() {
    let stage = Stage::set().await;
    let mine = begin(&stage.server, "work", "").await.unwrap();
    // Somebody else began it, and wants me to be signed in as them.
    let theirs = begin(&stage.server, "work", "").await.unwrap();
    assert_ne!(mine.state, theirs.state);
    assert_ne!(mine.nonce, theirs.nonce);
    let id_token = stage.key.sign(&stage.claims(&theirs, json!({})));
    stage.provider.grant("their code", &theirs.challenge, id_token);
    let (name, value) = mine.cookie.split_once('=').unwrap();
    let (text, mac) = value.split_once('.').unwrap();
    let tampered = format!("{name}={}A.{mac}", &text[..text.len() - 1]);
    for (cookie, state) in [
        (mine.cookie.as_str(), theirs.state.as_str()),
        ("", &theirs.state),
        ("studio-oidc-work=", &theirs.state),
        (&tampered, &mine.state),
        (&mine.cookie, ""),
        (&mine.cookie, &mine.state[1..]),
    ] {
        let query = [("code", "their code"), ("state", state)];
        let refused = callback(&stage.server, cookie, "work", &query).await;
        assert_eq!(refused.err().as_deref(), Some("STATE"), "{state}");
    }
    assert_eq!(stage.provider.exchanges(), 0, "no code goes anywhere");
    // Their code in my sign-in: PKCE holds it.
    let query = [("code", "their code"), ("state", mine.state.as_str())];
    let refused = callback(&stage.server, &mine.cookie, "work", &query).await;
    assert_eq!(refused.err().as_deref(), Some("TOKEN"));
    // Twice the same parameter.
    let query = [("code", "a"), ("state", mine.state.as_str()), ("state", "x")];
    let refused = callback(&stage.server, &mine.cookie, "work", &query).await;
    assert_eq!(refused.err().as_deref(), Some("STATE"));
    // Too late.
    stage.server.clock.advance_micros(600_000_000);
    let query = [("code", "a"), ("state", mine.state.as_str())];
    let refused = callback(&stage.server, &mine.cookie, "work", &query).await;
    assert_eq!(refused.err().as_deref(), Some("STATE"));
}

#[tokio::test]
async fn nothing_is_used_twice() {
    let stage = Stage::set().await;
    let sent = begin(&stage.server, "work", "").await.unwrap();
    let id_token = stage.key.sign(&stage.claims(&sent, json!({})));
    stage.provider.grant("a code", &sent.challenge, id_token.clone());
    let query = [("code", "a code"), ("state", sent.state.as_str())];
    let back = callback(&stage.server, &sent.cookie, "work", &query).await.unwrap();
    let again = callback(&stage.server, &sent.cookie, "work", &query).await;
    assert_eq!(again.err().as_deref(), Some("TOKEN"), "the code");
    let (first, told) = tokens(&stage.server, &back.ticket).await;
    assert_eq!(first, StatusCode::OK, "{told}");
    assert_eq!(tokens(&stage.server, &back.ticket).await.0, StatusCode::BAD_REQUEST, "the ticket");
    // A provider that takes the code twice: it is the same session, which has begun.
    stage.provider.grant("a code", &sent.challenge, id_token);
    let back = callback(&stage.server, &sent.cookie, "work", &query).await.unwrap();
    assert_eq!(tokens(&stage.server, &back.ticket).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn tokens_are_given_to_the_page_alone_and_soon() {
    let stage = Stage::set().await;
    let ticket = async || {
        let sent = begin(&stage.server, "work", "").await.unwrap();
        let id_token = stage.key.sign(&stage.claims(&sent, json!({})));
        stage.provider.grant("a code", &sent.challenge, id_token);
        let query = [("code", "a code"), ("state", sent.state.as_str())];
        callback(&stage.server, &sent.cookie, "work", &query).await.unwrap().ticket
    };
    let one = ticket().await;
    let request = Request::post("/login/tokens")
        .header(header::COOKIE, &one)
        .header("sec-fetch-site", "cross-site")
        .body(Body::empty())
        .unwrap();
    assert_eq!(ask(&stage.server, request).await.0, StatusCode::BAD_REQUEST);
    for wrong in ["", "studio-ticket=x", "studio-ticket=x.y", &one.replace('.', "A.")] {
        assert_eq!(tokens(&stage.server, wrong).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
    // What was begun is no ticket, though the same key has signed it.
    let sent = begin(&stage.server, "work", "").await.unwrap();
    let value = sent.cookie.split_once('=').unwrap().1;
    let forged = format!("studio-ticket={value}");
    assert_eq!(tokens(&stage.server, &forged).await.0, StatusCode::BAD_REQUEST);
    let late = ticket().await;
    stage.server.clock.advance_micros(60_000_000);
    assert_eq!(tokens(&stage.server, &late).await.0, StatusCode::BAD_REQUEST);
}

/// The tokens that a provider must not get through with, each with what is wrong with it.
fn wrong_tokens(stage: &Stage, sent: &Sent) -> Vec<(&'static str, String)> {
    let with = |more: Value| stage.key.sign(&stage.claims(sent, more));
    let claims = stage.claims(sent, json!({}));
    let now = stage.server.env.now().micros() / 1_000_000;
    let stranger = Key::new("first");
    let public = serde_json::to_vec(&stage.key.jwk()).unwrap();
    let mut cut = with(json!({}));
    cut.truncate(cut.rfind('.').unwrap() + 1);
    vec![
        ("another nonce", with(json!({ "nonce": "x" }))),
        ("no nonce", with(json!({ "nonce": null }))),
        ("another issuer", with(json!({ "iss": "https://login.example.net" }))),
        ("no issuer", with(json!({ "iss": null }))),
        ("another audience", with(json!({ "aud": "other" }))),
        ("several audiences", with(json!({ "aud": [CLIENT, "other"] }))),
        ("made for another", with(json!({ "aud": [CLIENT, "other"], "azp": "other" }))),
        ("made for another alone", with(json!({ "azp": "other" }))),
        ("over", with(json!({ "exp": now - 61 }))),
        ("without an end", with(json!({ "exp": null }))),
        ("made long ago", with(json!({ "iat": now - 601 }))),
        ("made in the future", with(json!({ "iat": now + 61 }))),
        ("of nobody", with(json!({ "sub": "" }))),
        ("signed by a stranger", stranger.sign(&claims)),
        ("not signed", token(&json!({ "alg": "none" }), &claims, None)),
        ("signed by nothing", token(&json!({ "alg": "None", "kid": "first" }), &claims, None)),
        ("its signature cut off", cut),
        (
            "signed by the public key",
            token(&json!({ "alg": "HS256", "kid": "first" }), &claims, Some(&public)),
        ),
        (
            "signed by the client's secret",
            token(&json!({ "alg": "HS256" }), &claims, Some(super::SECRET.as_bytes())),
        ),
        ("no token", "x".to_owned()),
        ("too long", "x".repeat(70_000)),
    ]
}

#[tokio::test]
async fn a_token_that_does_not_hold_lets_nobody_in() {
    let stage = Stage::set().await;
    let before = stage.server.changes().await;
    let count = {
        let sent = begin(&stage.server, "work", "").await.unwrap();
        wrong_tokens(&stage, &sent).len()
    };
    for index in 0..count {
        let sent = begin(&stage.server, "work", "").await.unwrap();
        let (what, id_token) = wrong_tokens(&stage, &sent).swap_remove(index);
        let refused = stage.come_back(&sent, id_token).await;
        assert_eq!(refused.unwrap_err(), "TOKEN", "{what}");
    }
    assert_eq!(stage.server.changes().await, before, "nobody was added, and nothing begun");
    stage.sign_in(json!({ "aud": [CLIENT], "azp": CLIENT })).await.unwrap();
}

#[tokio::test]
async fn keys_are_read_again_for_a_new_one_and_not_for_each_that_is_made_up() {
    let stage = Stage::set().await;
    stage.sign_in(json!({})).await.unwrap();
    assert_eq!(stage.provider.key_reads(), 1);
    for number in 0..10 {
        let sent = begin(&stage.server, "work", "").await.unwrap();
        let made_up = Key::new(&format!("made up {number}"));
        let id_token = made_up.sign(&stage.claims(&sent, json!({})));
        assert_eq!(stage.come_back(&sent, id_token).await.unwrap_err(), "TOKEN");
    }
    assert_eq!(stage.provider.key_reads(), 1);
    // The provider changes its key: after a minute the new one is known, and the former is not.
    let second = Key::new("second");
    stage.provider.publish(vec![second.jwk()]);
    stage.server.clock.advance_micros(61_000_000);
    let sent = begin(&stage.server, "work", "").await.unwrap();
    let id_token = second.sign(&stage.claims(&sent, json!({})));
    stage.come_back(&sent, id_token).await.unwrap();
    assert_eq!(stage.provider.key_reads(), 2);
    assert_eq!(stage.sign_in(json!({})).await.unwrap_err(), "TOKEN");
    // A shared secret among the keys makes no signature by it right.
    let oct = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256" });
    stage.provider.publish(vec![oct]);
    stage.server.clock.advance_micros(61_000_000);
    let sent = begin(&stage.server, "work", "").await.unwrap();
    let claims = stage.claims(&sent, json!({}));
    let forged = token(&json!({ "alg": "HS256", "kid": "shared" }), &claims, Some(b"secret"));
    assert_eq!(stage.come_back(&sent, forged).await.unwrap_err(), "TOKEN");
}

#[tokio::test]
async fn one_provider_does_not_speak_for_another() {
    let stage = Stage::set().await;
    let evil_key = Key::new("evil");
    let evil = Provider::start(&evil_key).await;
    let (work, other) = (
        stage.settings("work", stage.provider.issuer(), json!({})),
        stage.settings("evil", evil.issuer(), json!({})),
    );
    let stage = stage.trusting(&json!([work, other])).await;
    // Begun with the one, answered by the other.
    let sent = begin(&stage.server, "evil", "").await.unwrap();
    let query = [("code", "a"), ("state", sent.state.as_str())];
    for cookie in [sent.cookie.clone(), sent.cookie.replace("studio-oidc-evil", "studio-oidc-work")]
    {
        let refused = callback(&stage.server, &cookie, "work", &query).await;
        assert_eq!(refused.err().as_deref(), Some("STATE"));
    }
    // An answer that says it is the other's: the code goes nowhere.
    let sent = begin(&stage.server, "work", "").await.unwrap();
    let query = [("code", "a"), ("state", sent.state.as_str()), ("iss", evil.issuer())];
    let refused = callback(&stage.server, &sent.cookie, "work", &query).await;
    assert_eq!(refused.err().as_deref(), Some("TOKEN"));
    assert_eq!((stage.provider.exchanges(), evil.exchanges()), (0, 0));
    // One that has to say whose it is, and does not.
    stage.provider.lie(|lies| {
        let name = "authorization_response_iss_parameter_supported";
        lies.metadata.insert(name, json!(true));
    });
    stage.server.clock.advance_micros(3_600_000_000);
    assert_eq!(stage.sign_in(json!({})).await.unwrap_err(), "TOKEN");
    // A token of the one, in the other's name, signed by the other.
    let sent = begin(&stage.server, "evil", "").await.unwrap();
    let forged = evil_key.sign(&stage.claims(&sent, json!({})));
    evil.grant("a", &sent.challenge, forged);
    let query = [("code", "a"), ("state", sent.state.as_str())];
    let refused = callback(&stage.server, &sent.cookie, "evil", &query).await;
    assert_eq!(refused.err().as_deref(), Some("TOKEN"));
    // What the one calls somebody is nobody for the other.
    let claims = json!({ "iss": evil.issuer(), "email": "x@example.org" });
    let sent = begin(&stage.server, "evil", "").await.unwrap();
    evil.grant("b", &sent.challenge, evil_key.sign(&stage.claims(&sent, claims)));
    let query = [("code", "b"), ("state", sent.state.as_str())];
    callback(&stage.server, &sent.cookie, "evil", &query).await.unwrap();
}

#[tokio::test]
async fn a_provider_that_does_not_keep_to_the_rules_is_not_asked() {
    let stage = Stage::set().await;
    for (name, value) in [
        ("issuer", json!("https://login.example.net")),
        ("issuer", json!(format!("{}/", stage.provider.issuer()))),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("authorization_endpoint", json!("not an address")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("token_endpoint", json!(7)),
        ("padding", json!("x".repeat(300_000))),
    ] {
        stage.provider.lie(|lies| {
            lies.metadata.clear();
            lies.metadata.insert(name, value.clone());
        });
        let refused = begin(&stage.server, "work", "").await;
        assert_eq!(refused.err().as_deref(), Some("UNAVAILABLE"), "{name}");
        stage.server.clock.advance_micros(3_600_000_000);
    }
    stage.provider.lie(|lies| lies.metadata.clear());
    let sent = begin(&stage.server, "work", "").await.unwrap();
    assert!(sent.address.as_str().contains("/authorize?tenant=1&"), "{}", sent.address);
    // It says no.
    for (error, code) in [("access_denied", "REFUSED"), ("<script>", "REFUSED")] {
        let query = [("error", error), ("state", sent.state.as_str())];
        let refused = callback(&stage.server, &sent.cookie, "work", &query).await;
        assert_eq!(refused.err().as_deref(), Some(code));
    }
    let query = [("error", "access_denied"), ("state", "x")];
    let refused = callback(&stage.server, &sent.cookie, "work", &query).await;
    assert_eq!(refused.err().as_deref(), Some("STATE"));
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let stage = Stage::set().await;
    for elsewhere in
        ["https://evil.example", "//evil.example", "%2F%2Fevil.example", "/graphql", "%23x"]
    {
        let refused = begin(&stage.server, "work", &format!("?return_to={elsewhere}")).await;
        assert_eq!(refused.err().as_deref(), Some("RETURN_TO"), "{elsewhere}");
    }
    let sent =
        begin(&stage.server, "work", "?return_to=%23%2Fscore%2Fprj_1%2Ffrw_1").await.unwrap();
    let id_token = stage.key.sign(&stage.claims(&sent, json!({})));
    stage.provider.grant("a code", &sent.challenge, id_token);
    let query = [("code", "a code"), ("state", sent.state.as_str())];
    let back = callback(&stage.server, &sent.cookie, "work", &query).await.unwrap();
    assert_eq!(back.place, "%23%2Fscore%2Fprj_1%2Ffrw_1");
    for name in ["other", "..%2Fwork", "work%0d%0aX:%20y"] {
        let refused = begin(&stage.server, name, "").await;
        assert_eq!(refused.err().as_deref(), Some("NO_PROVIDER"), "{name}");
    }
}
