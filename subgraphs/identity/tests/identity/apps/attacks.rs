//! Whoever wants more than was allowed, or what was allowed to others.

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use serde_json::json;
use studio_identity::TokenError;
use studio_kernel::Origin;
use tower::ServiceExt;

use super::{
    ALLOW, App, CB, VERIFIER, allow, answer, dashboard, register, server_url, shown, text,
};
use crate::support::{CREATE_USER, PASSWORD, Server, Tokens, faults};

async fn invalid_grant(server: &Server, app: &App, code: &str, changes: &[(&str, &str)]) {
    let (status, body) = app.redeem(server, code, changes).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "{changes:?}");
}

#[tokio::test]
async fn nothing_leads_to_an_address_that_was_not_registered() {
    let (server, owner) = Server::set_up().await;
    let native = ["http://127.0.0.1/cb", "org.example.app:/cb"];
    let app =
        register(&server, &owner, json!({ "redirectUris": [CB, native[0], native[1]] })).await;
    for uri in [
        "",
        "https://app.example.org",
        "https://app.example.org/cb/",
        "https://app.example.org/CB",
        "https://APP.example.org/cb",
        "https://app.example.org/cb?next=https://evil.example",
        "https://app.example.org/cb#x",
        "https://app.example.org:443/cb",
        "https://app.example.org:8443/cb",
        "https://app.example.org@evil.example/cb",
        "https://app.example.org.evil.example/cb",
        "https://evil.example/https://app.example.org/cb",
        "https://app.example.org/cb/../../evil",
        "https://app.example.org/cb%2f..",
        "http://app.example.org/cb",
        "//app.example.org/cb",
        "javascript:alert(1)//https://app.example.org/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost/cb",
        "http://127.0.0.1:4000/cb/x",
        "org.example.app:/cb2",
        "org.example.app://cb",
    ] {
        let (status, to) = app.ask(&server, &[("redirect_uri", uri)]).await;
        assert_eq!((status, to), (400, None), "{uri}");
    }
    let twice = [("redirect_uri", CB), ("redirect_uri", "https://evil.example/")];
    assert_eq!(app.ask(&server, &twice).await, (400, None));
    for id in ["", "cli_00000000000070008000000000000001", "usr_1", "'--"] {
        assert_eq!(app.ask(&server, &[("client_id", id)]).await, (400, None), "{id}");
    }
    let own = app.ask(&server, &[("redirect_uri", "http://127.0.0.1:51004/cb")]).await;
    assert_eq!(own.0, 303);
    // The page says nothing of what was asked.
    let address = "/oauth2/authorize?client_id=%3Cscript%3E&redirect_uri=https://evil.example/";
    let request = Request::get(address).body(Body::empty()).unwrap();
    let response = server.routes.clone().oneshot(request).await.unwrap();
    let page = response.into_body().collect().await.unwrap().to_bytes();
    let page = std::str::from_utf8(&page).unwrap();
    assert!(page.contains("names no app") && !page.contains("script") && !page.contains("evil"));
    let long = "x".repeat(9000);
    assert_eq!(app.ask(&server, &[("nonce", &long)]).await, (400, None));
}

#[tokio::test]
async fn what_is_wrong_is_told_to_the_app_and_says_who_tells_it() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    for (changes, code) in [
        (vec![("code_challenge", "")], "invalid_request"),
        (vec![("code_challenge_method", "")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge", VERIFIER), ("code_challenge_method", "plain")], "invalid_request"),
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("response_type", "code id_token")], "unsupported_response_type"),
        (vec![("scope", "*:*:*")], "invalid_scope"),
        (vec![("scope", "identity:*:*")], "invalid_scope"),
        (vec![("scope", "\"é\\")], "invalid_scope"),
        (vec![("request_uri", "https://evil.example/")], "request_uri_not_supported"),
        (vec![("id_token_hint", "nonsense")], "invalid_request"),
    ] {
        assert_eq!(app.error(&server, &changes).await, code, "{changes:?}");
    }
    // A client library can tell from whom an answer is (RFC 9207), also a no.
    let sealed = app.sealed(&server, &[]).await;
    let data = server.data(None, super::DECLINE, json!({ "input": { "request": sealed } })).await;
    let told = answer(&text(&data["declineApp"]["redirectTo"]));
    assert_eq!((&*told["error"], &*told["iss"]), ("access_denied", server_url()));
}

#[tokio::test]
async fn a_code_is_for_one_app_one_verifier_one_minute_and_once() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    let other = dashboard(&server, &owner).await;
    let public = register(&server, &owner, json!({ "public": true })).await;
    let code = app.code(&server, &owner, &[]).await;
    invalid_grant(&server, &other, &code, &[]).await;
    invalid_grant(&server, &public, &code, &[]).await;
    let wrong = VERIFIER.replace('d', "e");
    for changes in [
        [("code_verifier", wrong.as_str())],
        [("code_verifier", super::challenge().as_str())],
        [("code_verifier", "short")],
        [("redirect_uri", "https://app.example.org/")],
        [("code", "nonsense")],
        [("code", &code[1..])],
    ] {
        invalid_grant(&server, &app, &code, &changes).await;
    }
    let (status, body) = app.redeem(&server, &code, &[("code_verifier", "")]).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_request")));
    // Whoever has the id of an app that has a secret, and not that, is nobody.
    let posing = App { id: app.id.clone(), secret: None };
    assert_eq!(posing.redeem(&server, &code, &[]).await.0, 401);
    let posing = App { id: public.id.clone(), secret: Some(String::new()) };
    assert_eq!(posing.redeem(&server, &code, &[]).await.0, 401);

    let (status, tokens) = app.redeem(&server, &code, &[]).await;
    assert_eq!(status, 200);
    let access = text(&tokens["access_token"]);
    assert!(server.verifier.verify(&access).is_ok());
    // A second time, somebody has a copy: all that it led to is over.
    invalid_grant(&server, &other, &code, &[]).await;
    assert!(server.verifier.verify(&access).is_ok(), "another app ends nothing");
    invalid_grant(&server, &app, &code, &[]).await;
    assert_eq!(server.verifier.verify(&access), Err(TokenError::AppOver));
    let (status, _) = app.refresh(&server, &text(&tokens["refresh_token"]), "").await;
    assert_eq!(status, 400);

    let late = app.code(&server, &owner, &[]).await;
    server.clock.advance_micros(60_000_000);
    invalid_grant(&server, &app, &late, &[]).await;
}

#[tokio::test]
async fn a_code_ends_with_the_session_in_which_it_was_given() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    let (_, viewer) = server.viewer(&owner).await;
    let code = app.code(&server, &viewer, &[]).await;
    let out = "mutation { logOut { userErrors { code } } }";
    server.data(Some(&viewer.access), out, json!({})).await;
    invalid_grant(&server, &app, &code, &[]).await;
}

#[tokio::test]
async fn of_many_who_redeem_a_code_at_once_none_keeps_what_it_gave() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    let code = app.code(&server, &owner, &[]).await;
    let all = futures::future::join_all((0..4).map(|_| app.redeem(&server, &code, &[]))).await;
    let given: Vec<_> = all.iter().filter(|(status, _)| *status == 200).collect();
    assert!(given.len() <= 1, "{given:?}");
    for (_, body) in given {
        let access = text(&body["access_token"]);
        assert_eq!(server.verifier.verify(&access), Err(TokenError::AppOver));
    }
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_what_it_belongs_to() {
    let (server, owner) = Server::set_up().await;
    let app = register(&server, &owner, json!({ "public": true })).await;
    let other = register(&server, &owner, json!({ "public": true })).await;
    let tokens = app.let_in(&server, &owner, &[]).await;
    let first = text(&tokens["refresh_token"]);
    assert_eq!(other.refresh(&server, &first, "").await.0, 400, "another app's");
    let (status, next) = app.refresh(&server, &first, "").await;
    assert_eq!(status, 200);
    for scope in ["controls:control:read", "identity:*:read", "openid", "nonsense"] {
        let (status, body) = app.refresh(&server, &text(&next["refresh_token"]), scope).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_scope")), "{scope}");
    }
    let access = text(&next["access_token"]);
    assert!(server.verifier.verify(&access).is_ok());
    assert_eq!(app.refresh(&server, &first, "").await.0, 400);
    assert_eq!(server.verifier.verify(&access), Err(TokenError::AppOver));
    assert_eq!(app.refresh(&server, &text(&next["refresh_token"]), "").await.0, 400);
    // Nor is a token of one kind one of another.
    let tokens = app.let_in(&server, &owner, &[]).await;
    let refresh = text(&tokens["refresh_token"]);
    assert_eq!(crate::support::fault(&server.refresh(&refresh).await), "INVALID_REFRESH_TOKEN");
    assert_eq!(app.refresh(&server, &owner.refresh, "").await.0, 400);
    invalid_grant(&server, &app, &refresh, &[]).await;
}

#[tokio::test]
async fn what_was_asked_is_allowed_by_its_person_and_once() {
    let (server, owner) = Server::set_up().await;
    let luigi = server.second_organization().await;
    let app = dashboard(&server, &owner).await;
    let sealed = app.sealed(&server, &[]).await;
    // A stranger, a person of another organization, and whoever changes what was asked.
    let input = |request: &str| json!({ "input": { "request": request, "consent": true } });
    assert_eq!(server.code(None, ALLOW, input(&sealed)).await, "UNAUTHENTICATED");
    assert_eq!(server.code(Some(&luigi.access), ALLOW, input(&sealed)).await, "NOT_FOUND");
    let told = shown(&server, Some(&luigi), &sealed).await;
    assert_eq!((&told["state"], &told["name"]), (&json!("ELSEWHERE"), &json!(null)));
    let (body, mac) = sealed.split_once('.').unwrap();
    let other = app.sealed(&server, &[("scope", "identity:*:read")]).await;
    let (wider, _) = other.split_once('.').unwrap();
    for forged in
        ["", "x", body, &format!("{wider}.{mac}"), &format!("{body}."), &format!("{sealed}A")]
    {
        let told = faults(&allow(&server, &owner, forged, true).await);
        assert_eq!(told, [("REQUEST_OVER".to_owned(), "request".to_owned())], "{forged}");
        assert_eq!(shown(&server, Some(&owner), forged).await["state"], "OVER");
    }
    assert!(allow(&server, &owner, &sealed, true).await["redirectTo"].is_string());
    assert_eq!(faults(&allow(&server, &owner, &sealed, true).await)[0].0, "REQUEST_OVER");
    let late = app.sealed(&server, &[]).await;
    server.clock.advance_micros(600_000_000);
    let owner = Tokens::of(&server.log_in(crate::support::EMAIL, PASSWORD).await);
    assert_eq!(faults(&allow(&server, &owner, &late, true).await)[0].0, "REQUEST_OVER");
}

#[tokio::test]
async fn no_app_lets_in_others_or_makes_itself_stronger() {
    let (server, owner) = Server::set_up().await;
    let app = register(&server, &owner, json!({ "scopes": ["*:*:*"] })).await;
    let tokens = app.let_in(&server, &owner, &[("scope", "*:*:*")]).await;
    let access = text(&tokens["access_token"]);
    let sealed = app.sealed(&server, &[]).await;
    let user = json!({ "input": { "name": "Eve", "email": "eve@example.org", "password": PASSWORD, "roles": ["VIEWER"] } });
    let key = "mutation { createApiKey(input: { name: \"x\", scopes: [\"*:*:*\"] }) { secret } }";
    for (query, variables) in [
        (ALLOW, json!({ "input": { "request": sealed, "consent": true } })),
        (super::REVOKE, json!({ "input": { "clientId": app.id } })),
        (CREATE_USER, user),
        (key, json!({})),
        ("mutation { logOut { userErrors { code } } }", json!({})),
        ("mutation { endOtherSessions { ended } }", json!({})),
        ("{ me { sessions { nodes { id } } } }", json!({})),
        ("mutation { requestEmailVerification { userErrors { code } } }", json!({})),
    ] {
        let code = server.code(Some(&access), query, variables).await;
        assert!(["FORBIDDEN", "UNAUTHENTICATED"].contains(&code.as_str()), "{query}: {code}");
    }
    assert_eq!(
        shown(&server, Some(&Tokens { access, refresh: String::new() }), &sealed).await["state"],
        "SIGN_IN"
    );
}

#[tokio::test]
async fn a_program_that_signs_in_by_itself_asks_nobody() {
    let (server, owner) = Server::set_up().await;
    let program = json!({
        "roles": ["VIEWER"], "grantTypes": ["CLIENT_CREDENTIALS"], "redirectUris": [],
    });
    let program = register(&server, &owner, program).await;
    assert_eq!(program.ask(&server, &[]).await, (400, None));
    let app = dashboard(&server, &owner).await;
    let form = "grant_type=client_credentials";
    let (status, body) = app.send(&server, "/oauth2/token", form).await;
    assert_eq!((status, &body["error"]), (400, &json!("unauthorized_client")));
    assert_eq!(program.send(&server, "/oauth2/token", form).await.0, 200);
    // An app without a secret may be anybody, and learns nothing of tokens.
    let public = register(&server, &owner, json!({ "public": true })).await;
    assert_eq!(public.send(&server, "/oauth2/introspect", "token=x").await.0, 401);
}

#[tokio::test]
async fn one_program_and_one_address_ask_so_often_and_no_more() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    let other = dashboard(&server, &owner).await;
    let form = "grant_type=refresh_token&refresh_token=x";
    for _ in 0..120 {
        assert_eq!(app.send(&server, "/oauth2/token", form).await.0, 400);
    }
    let (status, body) = app.send(&server, "/oauth2/token", form).await;
    assert_eq!((status, &body["error"]), (429, &json!("slow_down")));
    assert_eq!(other.send(&server, "/oauth2/token", form).await.0, 400, "another does not wait");
    assert_eq!(app.ask(&server, &[]).await.0, 303, "nor does another endpoint");
    // Whoever knows an id and no secret uses nothing up.
    let posing = App { id: other.id.clone(), secret: Some("wrong".to_owned()) };
    for _ in 0..130 {
        assert_eq!(posing.send(&server, "/oauth2/token", form).await.0, 401);
    }
    assert_eq!(other.send(&server, "/oauth2/token", form).await.0, 400);
    server.clock.advance_micros(1_000_000);
    assert_eq!(app.send(&server, "/oauth2/token", form).await.0, 400);

    // From one network.
    let ask = async |path: &str, from: &str| {
        let origin: Origin = from.parse().unwrap();
        let request = Request::get(path).extension(origin).body(Body::empty()).unwrap();
        server.routes.clone().oneshot(request).await.unwrap()
    };
    for _ in 0..300 {
        assert_eq!(ask("/oauth2/authorize", "192.0.2.7").await.status(), 400);
    }
    let response = ask("/oauth2/authorize", "192.0.2.7").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    assert_eq!(ask("/oauth2/authorize", "192.0.2.8").await.status(), 400);
}
