//! Access tokens that must not hold, and the keys by which anybody can check the others.

use axum::{body::Body, http::Request};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http_body_util::BodyExt;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use studio_identity::TokenError;
use studio_stores::keyring::SigningKey;
use tower::ServiceExt;

use crate::support::{Server, Tokens};

fn part(token: &str, at: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Signs claims with a key, as the server itself would.
fn sign(key: &SigningKey, kid: &str, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(kid.to_owned());
    let key = EncodingKey::from_ed_der(&key.pkcs8().unwrap());
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

#[tokio::test]
async fn the_token_says_what_it_should() {
    let (server, tokens) = Server::set_up().await;
    let header = part(&tokens.access, 0);
    assert_eq!(header["alg"], "EdDSA");
    let claims = part(&tokens.access, 1);
    for claim in ["iss", "aud", "sub", "org", "sid", "roles", "iat", "nbf", "exp", "jti"] {
        assert!(!claims[claim].is_null(), "{claim}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    let verified = server.verifier.check(&tokens.access).unwrap();
    assert_eq!(verified.expires_at, server.env.now().plus_seconds(600));
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let (server, tokens) = Server::set_up().await;
    let claims = part(&tokens.access, 1);
    let ours = server.keyring.signing_key("tokens").await.unwrap();
    let theirs = server.keyring.signing_key("theirs").await.unwrap();
    let kid = ours.id();
    // The forge works: with the right key and claims the token holds.
    assert!(server.verifier.verify(&sign(&ours, kid, &claims)).is_ok());

    let signature = tokens.access.rsplit('.').next().unwrap();
    let none = json!({ "alg": "none", "typ": "JWT", "kid": kid });
    let hs = {
        // The public key as the secret of a symmetric algorithm (CVE-2015-9235 and its kin).
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(kid.to_owned());
        let secret = EncodingKey::from_secret(ours.public_key());
        jsonwebtoken::encode(&header, &claims, &secret).unwrap()
    };
    let mut promoted = claims.clone();
    promoted["roles"] = json!(["owner", "owner"]);
    let mut moved = claims.clone();
    moved["org"] = json!("org_00000000000070008000000000000001");
    let mut forged = vec![
        ("empty", String::new()),
        ("no token", "Bearer".into()),
        ("alg none, no signature", format!("{}.{}.", encode(&none), encode(&claims))),
        ("alg none, old signature", format!("{}.{}.{signature}", encode(&none), encode(&claims))),
        ("HS256 with the public key", hs),
        ("another key", sign(&theirs, kid, &claims)),
        ("another key under its own id", sign(&theirs, theirs.id(), &claims)),
        ("an unknown key id", sign(&ours, "unknown", &claims)),
        ("no signature", tokens.access.trim_end_matches(signature).to_owned()),
        ("too long", format!("{}{}", tokens.access, "A".repeat(10_000))),
    ];
    for (name, changed) in [("other roles", &promoted), ("another organization", &moved)] {
        let header = tokens.access.split('.').next().unwrap();
        forged.push((name, format!("{header}.{}.{signature}", encode(changed))));
    }
    for (claim, value) in [
        ("aud", json!("another")),
        ("aud", json!(null)),
        ("iss", json!("https://evil.example")),
        ("iss", json!(null)),
        ("nbf", json!(claims["nbf"].as_i64().unwrap() + 60)),
        ("exp", json!(null)),
        ("exp", json!("never")),
        ("sub", json!("usr_1")),
        ("sid", json!(null)),
        ("org", json!(null)),
        ("roles", json!(["emperor"])),
    ] {
        let mut changed = claims.clone();
        match value {
            Value::Null => drop(changed.as_object_mut().unwrap().remove(claim)),
            value => changed[claim] = value,
        }
        forged.push((claim, sign(&ours, kid, &changed)));
    }
    for (name, token) in forged {
        assert_eq!(server.verifier.verify(&token), Err(TokenError::Invalid), "{name}");
    }
    let mut stranger = claims.clone();
    stranger["sid"] = json!("ses_00000000000070008000000000000001");
    let token = sign(&ours, kid, &stranger);
    assert_eq!(server.verifier.verify(&token), Err(TokenError::SessionOver));
}

#[tokio::test]
async fn a_token_from_before_says_nothing_of_the_sign_in_and_holds() {
    let (server, tokens) = Server::set_up().await;
    let ours = server.keyring.signing_key("tokens").await.unwrap();
    let mut claims = part(&tokens.access, 1);
    assert_eq!((&claims["auth_time"], &claims["amr"]), (&claims["iat"], &json!(["pwd"])));
    for claim in ["auth_time", "amr"] {
        claims.as_object_mut().unwrap().remove(claim).unwrap();
    }
    let actor = server.verifier.verify(&sign(&ours, ours.id(), &claims)).unwrap();
    assert_eq!(actor.authn, None);
    assert_eq!(actor.user_id(), server.verifier.verify(&tokens.access).unwrap().user_id());
}

#[tokio::test]
async fn every_changed_character_is_noticed() {
    let (server, tokens) = Server::set_up().await;
    for at in 0..tokens.access.len() {
        let mut text: Vec<char> = tokens.access.chars().collect();
        // Half the alphabet away: a change that the unused low bits of base64 cannot hide.
        text[at] = match text[at] {
            'a'..='z' => 'A',
            _ => 'z',
        };
        let text: String = text.into_iter().collect();
        assert_eq!(server.verifier.verify(&text), Err(TokenError::Invalid), "{at}: {text}");
    }
}

/// The ids of the published keys, and of the one that signs.
async fn key_ids(server: &Server, tokens: &Tokens) -> (Vec<String>, String) {
    let request = Request::get("/.well-known/jwks.json").body(Body::empty()).unwrap();
    let response = server.routes.clone().oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let jwks: Value = serde_json::from_slice(&body).unwrap();
    let ids = jwks["keys"].as_array().unwrap().iter();
    let ids = ids.map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
    (ids, part(&tokens.access, 0)["kid"].as_str().unwrap().to_owned())
}

const MINUTE: i64 = 60_000_000;

#[tokio::test]
async fn another_key_takes_over_and_nobody_is_signed_out() {
    let (server, first) = Server::set_up().await;
    let beside = server.beside().await;
    server.clock.advance_micros(MINUTE);
    server.keyring.add_signing_key("tokens").await.unwrap();
    server.identity.renew_token_keys().await.unwrap();

    // Published, so that everybody knows it before it signs.
    server.clock.advance_micros(14 * MINUTE);
    server.identity.renew_token_keys().await.unwrap();
    let before = Tokens::of(&server.refresh(&first.refresh).await);
    let (published, old) = key_ids(&server, &before).await;
    assert_eq!(published.len(), 2);
    assert_eq!(published[0], old, "the former one signs");

    server.clock.advance_micros(MINUTE);
    server.identity.renew_token_keys().await.unwrap();
    let after = Tokens::of(&server.refresh(&before.refresh).await);
    let (both, new) = key_ids(&server, &after).await;
    assert_eq!((&both, &new), (&published, &published[1]), "both verify, the new one signs");
    beside.identity.renew_token_keys().await.unwrap();
    for process in [&server, &beside] {
        assert!(process.verifier.verify(&before.access).is_ok());
        assert!(process.verifier.verify(&after.access).is_ok());
    }

    // For as long as a token of the former key can live, and a little longer.
    server.clock.advance_micros(15 * MINUTE);
    let server = server.restart().await;
    let last = Tokens::of(&server.refresh(&after.refresh).await);
    assert_eq!(key_ids(&server, &last).await, (vec![new.clone()], new));
    assert!(server.verifier.verify(&last.access).is_ok());
}

#[tokio::test]
async fn keys_are_renewed_by_themselves() {
    let (server, tokens) = Server::set_up().await;
    let days = 86_400_000_000;
    server.clock.advance_micros(90 * days - 1);
    server.identity.renew_token_keys().await.unwrap();
    assert_eq!(key_ids(&server, &tokens).await.0.len(), 1);
    server.clock.advance_micros(1);
    let beside = server.beside().await;
    let (one, two) =
        tokio::join!(server.identity.renew_token_keys(), beside.identity.renew_token_keys());
    one.and(two).unwrap();
    let published = key_ids(&server, &tokens).await.0;
    assert_eq!(published.len(), 2, "two processes make one");
    beside.identity.renew_token_keys().await.unwrap();
    assert_eq!(key_ids(&beside, &tokens).await.0, published);
}

#[tokio::test]
async fn a_key_that_somebody_may_have_is_refused_at_once_and_sessions_go_on() {
    let (server, tokens) = Server::set_up().await;
    let stolen = server.keyring.signing_key("tokens").await.unwrap();
    let claims = part(&tokens.access, 1);
    server.keyring.add_signing_key("tokens").await.unwrap();
    server.keyring.destroy_former_signing_keys("tokens").await.unwrap();
    server.identity.renew_token_keys().await.unwrap();
    assert_eq!(server.verifier.verify(&tokens.access), Err(TokenError::Invalid));
    let forged = sign(&stolen, stolen.id(), &claims);
    assert_eq!(server.verifier.verify(&forged), Err(TokenError::Invalid));
    let renewed = Tokens::of(&server.refresh(&tokens.refresh).await);
    assert!(server.verifier.verify(&renewed.access).is_ok());
    let server = server.restart().await;
    assert!(server.verifier.verify(&renewed.access).is_ok());
}

#[tokio::test]
async fn an_expired_token_says_so() {
    let (server, tokens) = Server::set_up().await;
    server.clock.advance_micros(599_999_999);
    assert!(server.verifier.verify(&tokens.access).is_ok());
    server.clock.advance_micros(1);
    assert_eq!(server.verifier.verify(&tokens.access), Err(TokenError::Expired));
    Tokens::of(&server.refresh(&tokens.refresh).await);
}

#[tokio::test]
async fn the_published_keys_verify_the_tokens() {
    let (server, tokens) = Server::set_up().await;
    let request = Request::get("/.well-known/jwks.json").body(Body::empty()).unwrap();
    let response = server.routes.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/jwk-set+json");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let jwks: Value = serde_json::from_slice(&body).unwrap();
    let jwk = &jwks["keys"][0];
    assert_eq!(jwk["kid"], part(&tokens.access, 0)["kid"]);
    assert!(jwk.get("d").is_none(), "no private key");
    let key = DecodingKey::from_ed_components(jwk["x"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["studio"]);
    // The test's clock is not the system's.
    validation.validate_exp = false;
    let verified = jsonwebtoken::decode::<Value>(&tokens.access, &key, &validation);
    assert!(verified.is_ok(), "{verified:?}");
}
