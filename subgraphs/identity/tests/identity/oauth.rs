//! Programs of an organization: how they get tokens, what these open, and when they end.

use std::time::Duration;

use axum::{body::Body, http::Request};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http_body_util::BodyExt;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use studio_identity::TokenError;
use studio_kernel::{Principal, Role};
use tower::ServiceExt;

use crate::{
    api_keys::person,
    support::{CREATE_USER, PASSWORD, Server, Tokens, faults, holds},
};

const CREATE: &str =
    "mutation($input: CreateOAuthClientInput!) { createOAuthClient(input: $input) {
    client { id name roles scopes revokedAt } secret userErrors { code message path } } }";
const REVOKE: &str = "mutation($id: ID!) { revokeOAuthClient(input: { clientId: $id }) {
    client { id revokedAt } userErrors { code message path } } }";
const CLIENTS: &str = "{ organization { oauthClients { nodes { id name } } } }";
const GRANT: &str = "grant_type=client_credentials";

/// A program: its id and its secret.
async fn client(server: &Server, by: &Tokens, roles: &[&str], scopes: &[&str]) -> (String, String) {
    // Ids sort by the millisecond.
    server.clock.advance_micros(1000);
    let input = json!({ "name": "n8n", "roles": roles, "scopes": scopes });
    let data = server.data(Some(&by.access), CREATE, json!({ "input": input })).await;
    let made = &data["createOAuthClient"];
    assert_eq!(made["userErrors"], json!([]), "{made}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["client"]["id"]), text(&made["secret"]))
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// Sends a form; what comes back, with its status.
async fn send(
    server: &Server,
    path: &str,
    authorization: Option<&str>,
    form: &str,
) -> (u16, Value) {
    let mut request =
        Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let request = request.body(Body::from(form.to_owned())).unwrap();
    let response = server.routes.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status().as_u16();
    if status == 401 {
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// A token of a program.
async fn token(server: &Server, (id, secret): &(String, String)) -> String {
    let (status, body) = send(server, "/oauth2/token", Some(&basic(id, secret)), GRANT).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(600)));
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_program_signs_in_and_does_what_its_roles_and_scopes_allow() {
    let (server, owner) = Server::set_up().await;
    let program = client(&server, &owner, &["AUDITOR"], &["identity:*:read", "evidence:*:*"]).await;
    let access = token(&server, &program).await;
    let actor = server.verifier.verify(&access).unwrap();
    assert!(
        matches!(actor.principal, Principal::Client { client, .. } if client.to_string() == program.0)
    );
    assert_eq!(actor.roles, [Role::Auditor]);
    assert!(
        server.verifier.still_valid(&actor) && server.verifier.now(actor.clone()) == Some(actor)
    );
    let data = server
        .data(Some(&access), "{ organization { name } auditEntries { nodes { id } } }", json!({}))
        .await;
    assert_eq!(data["organization"]["name"], "Analytical Engines");
    assert_eq!(server.code(Some(&access), "{ me { id } }", json!({})).await, "NOT_FOUND");
    assert_eq!(server.code(Some(&access), CLIENTS, json!({})).await, "FORBIDDEN");

    // As far as was asked for within its scopes, by the form as well.
    let (id, secret) = &program;
    let form = |scope: &str| format!("{GRANT}&client_id={id}&client_secret={secret}&scope={scope}");
    let (status, body) =
        send(&server, "/oauth2/token", None, &form("evidence:run:ingest+identity:user:read")).await;
    assert_eq!((status, &body["scope"]), (200, &json!("evidence:run:ingest identity:user:read")));
    let narrow = body["access_token"].as_str().unwrap();
    server.data(Some(narrow), "{ users { nodes { id } } }", json!({})).await;
    assert_eq!(
        server.code(Some(narrow), "{ organization { name } }", json!({})).await,
        "FORBIDDEN"
    );
    for beyond in ["*:*:*", "controls:*:read", "identity:user:*", "read", "openid"] {
        let (status, body) = send(&server, "/oauth2/token", None, &form(beyond)).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_scope")), "{beyond}");
    }
    // Each sign-in is recorded, as its doing, and nothing at rest holds the secret.
    let events = server.store.read(0, 1000).await.unwrap();
    let issued: Vec<_> =
        events.iter().filter(|event| event.event_type == "identity.access_token.issued").collect();
    assert_eq!(issued.len(), 2);
    assert!(issued.iter().all(|event| event.stream_id == *id));
    server.store.shutdown().await;
    let bytes = server.bytes_at_rest();
    assert!(!holds(&bytes, secret) && !holds(&bytes, &access));
}

#[tokio::test]
async fn who_is_no_program_is_told_nothing() {
    let (server, owner) = Server::set_up().await;
    let program = client(&server, &owner, &["VIEWER"], &["*:*:read"]).await;
    let (id, secret) = &program;
    let other = client(&server, &owner, &["VIEWER"], &["*:*:read"]).await;
    let gone = client(&server, &owner, &["VIEWER"], &["*:*:read"]).await;
    server.data(Some(&owner.access), REVOKE, json!({ "id": gone.0 })).await;
    let ask = async |authorization: Option<String>, form: &str| {
        send(&server, "/oauth2/token", authorization.as_deref(), form).await
    };
    let (_, expected) = ask(Some(basic(id, "wrong")), GRANT).await;
    assert_eq!(expected["error"], "invalid_client");
    let unknown = "cli_00000000000070008000000000000001";
    for authorization in [
        Some(basic(id, &other.1)),
        Some(basic(id, "")),
        Some(basic(unknown, secret)),
        Some(basic(&gone.0, &gone.1)),
        Some(basic("", "")),
        Some(basic("usr_1", secret)),
        Some("Basic !".to_owned()),
        Some(format!("Bearer {}", owner.access)),
        None,
    ] {
        let (status, body) = ask(authorization.clone(), GRANT).await;
        assert_eq!((status, &body), (401, &expected), "{authorization:?}");
    }
    for form in [
        format!("{GRANT}&client_id={id}&client_secret={}", other.1),
        format!("{GRANT}&client_id={id}"),
    ] {
        assert_eq!(ask(None, &form).await, (401, expected.clone()), "{form}");
    }
    // What a request cannot be is said.
    let good = basic(id, secret);
    for (form, error) in [
        (String::new(), "invalid_request"),
        ("grant_type=password&username=a&password=b".to_owned(), "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x".to_owned(), "unauthorized_client"),
        (format!("{GRANT}&{GRANT}"), "invalid_request"),
        (format!("{GRANT}&scope=*:*:read&scope=*:*:read"), "invalid_request"),
        (format!("{GRANT}&client_id={id}&client_secret={secret}"), "invalid_request"),
        (format!("{GRANT}&client_id={unknown}"), "invalid_request"),
    ] {
        let (status, body) = ask(Some(good.clone()), &form).await;
        assert_eq!((status, &body["error"]), (400, &json!(error)), "{form}");
    }
    let request = Request::post("/oauth2/token")
        .header("content-type", "application/json")
        .header("authorization", &good)
        .body(Body::from("{\"grant_type\":\"client_credentials\"}"))
        .unwrap();
    assert_eq!(server.routes.clone().oneshot(request).await.unwrap().status(), 400);
}

#[tokio::test]
async fn tokens_end_with_their_program_and_are_given_back() {
    let (server, owner) = Server::set_up().await;
    let program = client(&server, &owner, &["VIEWER"], &["*:*:read"]).await;
    let other = client(&server, &owner, &["VIEWER"], &["*:*:read"]).await;
    let (one, two) = (token(&server, &program).await, token(&server, &program).await);
    let beside = server.beside().await;
    let elsewhere = beside.verifier.verify_newest(&one).await.unwrap();
    let give_back = async |by: &(String, String), token: &str| {
        let form = format!("token={token}&token_type_hint=access_token");
        send(&server, "/oauth2/revoke", Some(&basic(&by.0, &by.1)), &form).await.0
    };
    // Nobody gives back what is another's, and what is none is no error.
    assert_eq!(give_back(&other, &one).await, 200);
    assert_eq!(give_back(&program, "nonsense").await, 200);
    assert_eq!(give_back(&program, &owner.access).await, 200);
    assert!(server.verifier.verify(&one).is_ok() && server.verifier.verify(&owner.access).is_ok());
    assert_eq!(give_back(&(program.0.clone(), other.1.clone()), &one).await, 401);
    assert_eq!(give_back(&program, &one).await, 200);
    assert_eq!(give_back(&program, &one).await, 200);
    assert_eq!(server.verifier.verify(&one), Err(TokenError::ClientOver));
    assert!(server.verifier.verify(&two).is_ok());
    let heard = async {
        while beside.verifier.still_valid(&elsewhere) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // Far longer than it may take.
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
    beside.stop().await;
    let server = server.restart().await;
    assert_eq!(server.verifier.verify(&one), Err(TokenError::ClientOver));
    let actor = server.verifier.verify(&two).unwrap();
    let data = server.data(Some(&owner.access), REVOKE, json!({ "id": program.0 })).await;
    assert!(data["revokeOAuthClient"]["client"]["revokedAt"].is_string());
    assert_eq!(server.verifier.verify(&two), Err(TokenError::ClientOver));
    assert!(!server.verifier.still_valid(&actor));
    let (status, _) =
        send(&server, "/oauth2/token", Some(&basic(&program.0, &program.1)), GRANT).await;
    assert_eq!(status, 401);
    let three = token(&server, &other).await;
    server.clock.advance_micros(600_000_000);
    assert_eq!(server.verifier.verify(&three), Err(TokenError::Expired));
    server.store.rebuild("identity.oauth_clients").await.unwrap();
    let server = server.restart().await;
    token(&server, &other).await;
}

#[tokio::test]
async fn introspection_tells_of_tokens_of_the_organization_alone() {
    let (server, owner) = Server::set_up().await;
    let luigi = server.second_organization().await;
    let program = client(&server, &owner, &["VIEWER"], &["*:*:read"]).await;
    let theirs = client(&server, &luigi, &["VIEWER"], &["*:*:read"]).await;
    let access = token(&server, &program).await;
    let ask = async |by: &(String, String), token: &str| {
        let form = format!("token={token}");
        send(&server, "/oauth2/introspect", Some(&basic(&by.0, &by.1)), &form).await
    };
    let (status, told) = ask(&program, &access).await;
    assert_eq!((status, &told["active"]), (200, &json!(true)));
    assert_eq!((&told["client_id"], &told["scope"]), (&json!(program.0), &json!("*:*:read")));
    let none = (200, json!({ "active": false }));
    assert_eq!(ask(&theirs, &access).await, none);
    for other in [&owner.access, &owner.refresh, "nonsense"] {
        assert_eq!(ask(&program, other).await, none);
    }
    assert_eq!(ask(&(program.0.clone(), "wrong".to_owned()), &access).await.0, 401);
    // Nor does a token open anything of the others.
    let of_theirs = token(&server, &theirs).await;
    let data = server.data(Some(&of_theirs), "{ organization { name } }", json!({})).await;
    assert_eq!(data["organization"]["name"], "Difference Engines");
    assert_eq!(
        server.code(Some(&luigi.access), REVOKE, json!({ "id": program.0 })).await,
        "NOT_FOUND"
    );
    server.clock.advance_micros(600_000_000);
    assert_eq!(ask(&program, &access).await, none);
}

#[tokio::test]
async fn forged_tokens_of_programs_are_refused() {
    let (server, owner) = Server::set_up().await;
    let program = client(&server, &owner, &["VIEWER"], &["*:*:read"]).await;
    let other = client(&server, &owner, &["ADMIN"], &["*:*:*"]).await;
    let access = token(&server, &program).await;
    let part = |at: usize| -> Value {
        let bytes = URL_SAFE_NO_PAD.decode(access.split('.').nth(at).unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    assert_eq!(part(0)["typ"], "at+jwt");
    let claims = part(1);
    let sign = async |purpose: &str, claims: &Value| {
        let key = server.keyring.signing_key(purpose).await.unwrap();
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key.id().to_owned());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&key.pkcs8().unwrap()))
            .unwrap()
    };
    assert!(server.verifier.verify(&sign("tokens", &claims).await).is_ok());
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = json!({ "alg": "none", "kid": part(0)["kid"] });
    let unsigned = format!("{}.{}.", encode(&none), encode(&claims));
    for forged in [unsigned, sign("theirs", &claims).await] {
        assert_eq!(server.verifier.verify(&forged), Err(TokenError::Invalid));
    }
    for (claim, value) in [
        ("aud", json!("another")),
        ("iss", json!("https://evil.example")),
        ("sub", json!("usr_00000000000070008000000000000001")),
        ("jti", json!("x")),
        ("exp", Value::Null),
    ] {
        let mut changed = claims.clone();
        changed[claim] = value;
        let token = sign("tokens", &changed).await;
        assert_eq!(server.verifier.verify(&token), Err(TokenError::Invalid), "{claim}");
    }
    let mut moved = claims.clone();
    moved["org"] = json!("org_00000000000070008000000000000001");
    let moved = sign("tokens", &moved).await;
    assert_eq!(server.verifier.verify(&moved), Err(TokenError::ClientOver));
    let signature = access.rsplit('.').next().unwrap();
    let mut taken = claims;
    taken["sub"] = json!(other.0);
    let taken = format!("{}.{}.{signature}", access.split('.').next().unwrap(), encode(&taken));
    assert_eq!(server.verifier.verify(&taken), Err(TokenError::Invalid));
}

#[tokio::test]
async fn only_who_may_lets_programs_in_and_none_lets_in_others() {
    let (server, owner) = Server::set_up().await;
    let (vera, _) = server.viewer(&owner).await;
    let (_, admin) = person(&server, &owner, "admin@example.org", &["ADMIN"]).await;
    let input =
        |roles: &[&str]| json!({ "input": { "name": "x", "roles": roles, "scopes": ["*:*:*"] } });
    assert_eq!(server.code(Some(&admin.access), CREATE, input(&["OWNER"])).await, "FORBIDDEN");
    let (_, manager) = person(&server, &owner, "cm@example.org", &["COMPLIANCE_MANAGER"]).await;
    assert_eq!(server.code(Some(&manager.access), CREATE, input(&["VIEWER"])).await, "FORBIDDEN");
    let data = server
        .data(
            Some(&admin.access),
            CREATE,
            json!({ "input": { "name": "", "roles": [], "scopes": ["identity:key:create"] } }),
        )
        .await;
    let of = |code: &str, field: &str| (code.to_owned(), field.to_owned());
    assert_eq!(
        faults(&data["createOAuthClient"]),
        [of("INVALID_NAME", "name"), of("INVALID_SCOPE", "scopes"), of("NO_ROLE", "roles")]
    );
    let program = client(&server, &owner, &["OWNER"], &["*:*:*"]).await;
    let access = token(&server, &program).await;
    let user = json!({ "input": { "name": "Eve", "email": "eve@example.org", "password": PASSWORD, "roles": ["VIEWER"] } });
    let key = "mutation { createApiKey(input: { name: \"x\", scopes: [\"*:*:*\"] }) { secret } }";
    let give = "mutation($id: ID!) { changeRoles(input: { userId: $id, give: [OWNER] }) { userErrors { code } } }";
    for (query, variables) in [
        (CREATE, input(&["VIEWER"])),
        (REVOKE, json!({ "id": program.0 })),
        (CREATE_USER, user),
        (give, json!({ "id": vera })),
        (key, json!({})),
        ("mutation { logOut { userErrors { code } } }", json!({})),
        ("mutation { endOtherSessions { ended } }", json!({})),
    ] {
        assert_eq!(server.code(Some(&access), query, variables).await, "FORBIDDEN", "{query}");
    }
    let data = server.data(Some(&access), CLIENTS, json!({})).await;
    assert_eq!(
        data["organization"]["oauthClients"]["nodes"],
        json!([{ "id": program.0, "name": "n8n" }])
    );
}

#[tokio::test]
async fn where_things_are_can_be_found_out() {
    let (server, _) = Server::set_up().await;
    let request =
        Request::get("/.well-known/oauth-authorization-server").body(Body::empty()).unwrap();
    let response = server.routes.clone().oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let told: Value = serde_json::from_slice(&body).unwrap();
    let issuer = told["issuer"].as_str().unwrap();
    assert_eq!(told["token_endpoint"], format!("{issuer}/oauth2/token"));
    assert_eq!(told["jwks_uri"], format!("{issuer}/.well-known/jwks.json"));
    assert_eq!(
        told["grant_types_supported"],
        json!(["client_credentials", "authorization_code", "refresh_token"])
    );
}
