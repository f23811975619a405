//! What an app learns of its person: ID tokens, what is told for an access token, and what says where.

use axum::{body::Body, http::Request};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http_body_util::BodyExt;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use studio_identity::TokenError;
use tower::ServiceExt;

use super::{App, allow, dashboard, register, server_url, shown, text};
use crate::support::{EMAIL, PASSWORD, Server, Tokens, faults};

const ALL: &str = "openid profile email";

async fn get(server: &Server, path: &str, bearer: Option<&str>) -> (u16, Option<String>, Value) {
    let mut request = Request::get(path);
    if let Some(token) = bearer {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response =
        server.routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let challenge = response.headers().get("www-authenticate");
    let challenge = challenge.map(|it| it.to_str().unwrap().to_owned());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, challenge, serde_json::from_slice(&body).unwrap())
}

/// What an ID token says, checked as an app checks it: by the published keys.
async fn checked(server: &Server, app: &App, token: &str) -> Value {
    let (_, _, keys) = get(server, "/.well-known/jwks.json", None).await;
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let keys = keys["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == json!(kid)).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[&app.id]);
    validation.set_issuer(&[server_url()]);
    validation.validate_exp = false; // The time is the test's own.
    let key = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
}

#[tokio::test]
async fn an_app_learns_who_signed_in_as_far_as_it_was_allowed() {
    let (server, owner) = Server::set_up().await;
    let app = register(&server, &owner, json!({ "scopes": [] })).await;
    server.clock.advance_micros(90_000_000);
    let tokens = app.let_in(&server, &owner, &[("scope", ALL), ("nonce", "n-0S6")]).await;
    let (access, id_token) = (text(&tokens["access_token"]), text(&tokens["id_token"]));
    let claims = checked(&server, &app, &id_token).await;
    let me = server.data(Some(&owner.access), "{ me { id } }", json!({})).await;
    assert_eq!((&claims["sub"], &claims["nonce"]), (&me["me"]["id"], &json!("n-0S6")));
    assert_eq!(claims["amr"], json!(["pwd"]));
    let at = claims["iat"].as_i64().unwrap() - claims["auth_time"].as_i64().unwrap();
    assert_eq!((at, claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()), (90, 600));
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, access.as_bytes());
    assert_eq!(claims["at_hash"], json!(URL_SAFE_NO_PAD.encode(&hash.as_ref()[..32])));
    assert!(!id_token.contains("Ada"), "nothing personal is in it");

    let (status, _, told) = get(&server, "/oauth2/userinfo", Some(&access)).await;
    assert_eq!(status, 200);
    let whole = json!({ "sub": me["me"]["id"], "name": "Ada Lovelace", "email": EMAIL, "email_verified": false });
    assert_eq!(told, whole);
    // An app that may know who somebody is may do nothing else.
    assert_eq!(server.code(Some(&access), "{ me { id } }", json!({})).await, "FORBIDDEN");
    let (_, next) = app.refresh(&server, &text(&tokens["refresh_token"]), "openid").await;
    let (_, _, told) = get(&server, "/oauth2/userinfo", Some(&text(&next["access_token"]))).await;
    assert_eq!(told, json!({ "sub": me["me"]["id"] }));
    // Whoever is signed in may know it of themselves, and a program of the organization is nobody.
    assert_eq!(get(&server, "/oauth2/userinfo", Some(&owner.access)).await.2, whole);
}

#[tokio::test]
async fn nobody_else_is_told_who_somebody_is() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    let tokens = app.let_in(&server, &owner, &[]).await;
    let access = text(&tokens["access_token"]);
    let (status, challenge, body) = get(&server, "/oauth2/userinfo", Some(&access)).await;
    assert_eq!((status, &body["error"]), (403, &json!("insufficient_scope")));
    assert!(challenge.unwrap().starts_with("Bearer"));
    let tokens = app.let_in(&server, &owner, &[("scope", "openid")]).await;
    let (access, id_token) = (text(&tokens["access_token"]), text(&tokens["id_token"]));
    for token in [None, Some("nonsense"), Some(id_token.as_str()), Some(access.as_str())] {
        if token == Some(access.as_str()) {
            super::revoke(&server, &owner, json!({ "clientId": app.id })).await;
        }
        let (status, challenge, _) = get(&server, "/oauth2/userinfo", token).await;
        assert_eq!(status, 401, "{token:?}");
        assert!(challenge.unwrap().starts_with("Bearer"));
    }
    // An ID token lets nobody in.
    assert_eq!(server.verifier.verify(&id_token), Err(TokenError::Invalid));
}

#[tokio::test]
async fn a_hint_says_who_must_be_signed_in_and_is_not_made_up() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    let other = dashboard(&server, &owner).await;
    let (_, viewer) = server.viewer(&owner).await;
    let tokens = app.let_in(&server, &owner, &[("scope", "openid")]).await;
    let id_token = text(&tokens["id_token"]);
    let sealed = app.sealed(&server, &[("id_token_hint", &id_token), ("scope", "openid")]).await;
    assert_eq!(shown(&server, Some(&owner), &sealed).await["state"], "READY");
    assert_eq!(shown(&server, Some(&viewer), &sealed).await["state"], "SIGN_IN");
    assert_eq!(faults(&allow(&server, &viewer, &sealed, true).await)[0].0, "SIGN_IN_AGAIN");
    // Also when it has run out; but no other token, of no other app, and none without a signature.
    server.clock.advance_micros(700_000_000);
    let owner = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    app.sealed(&server, &[("id_token_hint", &id_token)]).await;
    let part = |at: usize| -> Value {
        let bytes = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(at).unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = json!({ "alg": "none", "kid": part(0)["kid"] });
    let unsigned = format!("{}.{}.", encode(&none), encode(&part(1)));
    let symmetric = {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = part(0)["kid"].as_str().map(str::to_owned);
        let (_, _, keys) = get(&server, "/.well-known/jwks.json", None).await;
        let public = keys["keys"][0]["x"].as_str().unwrap().as_bytes().to_vec();
        jsonwebtoken::encode(&header, &part(1), &EncodingKey::from_secret(&public)).unwrap()
    };
    let access = text(&tokens["access_token"]);
    for hint in [&unsigned, &symmetric, &access, &owner.access, &id_token[1..].to_owned()] {
        let told = app.error(&server, &[("id_token_hint", hint)]).await;
        assert_eq!(told, "invalid_request", "{hint}");
    }
    assert_eq!(other.error(&server, &[("id_token_hint", &id_token)]).await, "invalid_request");
}

#[tokio::test]
async fn what_is_said_of_the_server_is_true() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    let (_, _, told) = get(&server, "/.well-known/openid-configuration", None).await;
    assert_eq!(told["issuer"], server_url());
    let path = |name: &str| text(&told[name]).strip_prefix(server_url()).unwrap().to_owned();
    assert_eq!(get(&server, &path("jwks_uri"), None).await.0, 200);
    assert_eq!(get(&server, &path("userinfo_endpoint"), None).await.0, 401);
    assert_eq!(path("authorization_endpoint"), "/oauth2/authorize");
    for name in ["token_endpoint", "revocation_endpoint", "introspection_endpoint"] {
        assert_eq!(app.send(&server, &path(name), "x=y").await.0, 400, "{name}");
    }
    assert_eq!(told["id_token_signing_alg_values_supported"], json!(["EdDSA"]));
    assert_eq!(told["subject_types_supported"], json!(["public"]));
    for value in told["prompt_values_supported"].as_array().unwrap() {
        app.sealed(&server, &[("prompt", value.as_str().unwrap())]).await;
    }
    app.sealed(&server, &[("scope", ALL), ("response_mode", "query")]).await;
    let (_, _, plain) = get(&server, "/.well-known/oauth-authorization-server", None).await;
    for (name, value) in plain.as_object().unwrap() {
        assert_eq!(&told[name], value, "both say the same");
    }
}
