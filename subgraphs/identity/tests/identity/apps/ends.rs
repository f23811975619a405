//! When it ends: by the person, by an owner, with roles, with the app, with the person, and by being given
//! back; in other processes, too.

use std::time::Duration;

use serde_json::{Value, json};
use studio_identity::TokenError;
use studio_kernel::Role;

use super::{App, MINE, dashboard, register, revoke, text};
use crate::{
    api_keys::person,
    support::{Server, Tokens},
};

const GIVE: &str = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
    userErrors { code message path } } }";
const ERASE: &str =
    "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
const END_CLIENT: &str = "mutation($id: ID!) { revokeOAuthClient(input: { clientId: $id }) {
    client { id } userErrors { code message path } } }";

/// Somebody's app: its access and refresh tokens.
async fn running(server: &Server, app: &App, by: &Tokens) -> (String, String) {
    let tokens = app.let_in(server, by, &[]).await;
    (text(&tokens["access_token"]), text(&tokens["refresh_token"]))
}

/// Whether nothing is had by what an app holds any more.
async fn is_over(server: &Server, app: &App, (access, refresh): &(String, String)) {
    assert_eq!(server.verifier.verify(access), Err(TokenError::AppOver));
    let (status, body) = app.refresh(server, refresh, "").await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn a_person_ends_their_own_and_an_owner_anybodys() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    let (vera, viewer) = server.viewer(&owner).await;
    let (_, other) = person(&server, &owner, "other@example.org", &["VIEWER"]).await;
    let own = running(&server, &app, &viewer).await;
    let owners = running(&server, &app, &owner).await;
    let beside = server.beside().await;
    let elsewhere = beside.verifier.verify_newest(&own.0).await.unwrap();

    let theirs = json!({ "input": { "clientId": app.id, "userId": vera } });
    assert_eq!(server.code(Some(&other.access), super::REVOKE, theirs.clone()).await, "NOT_FOUND");
    assert!(server.verifier.verify(&own.0).is_ok());
    assert_eq!(revoke(&server, &viewer, json!({ "clientId": app.id })).await["ended"], 1);
    is_over(&server, &app, &own).await;
    assert!(server.verifier.verify(&owners.0).is_ok(), "others go on");
    let heard = async {
        while beside.verifier.still_valid(&elsewhere) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // Far longer than it may take.
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
    beside.stop().await;

    let again = running(&server, &app, &viewer).await;
    let ended = server.data(Some(&owner.access), super::REVOKE, theirs.clone()).await;
    assert_eq!(ended["revokeApp"]["ended"], 1);
    is_over(&server, &app, &again).await;
    let data = server.data(Some(&viewer.access), MINE, json!({})).await;
    assert_eq!(data["me"]["apps"], json!([]));
    // What is over does not begin again with the process.
    let server = server.restart().await;
    is_over(&server, &app, &again).await;
    assert!(server.verifier.verify(&owners.0).is_ok());
    let luigi = server.second_organization().await;
    assert_eq!(server.code(Some(&luigi.access), super::REVOKE, theirs).await, "NOT_FOUND");
}

#[tokio::test]
async fn roles_that_are_lost_and_people_who_are_erased_count_at_once() {
    let (server, owner) = Server::set_up().await;
    let app = register(&server, &owner, json!({ "scopes": ["*:*:*"] })).await;
    let (carl, admin) = person(&server, &owner, "carl@example.org", &["ADMIN"]).await;
    let tokens = app.let_in(&server, &admin, &[("scope", "*:*:*")]).await;
    let held = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let audit = "{ auditEntries { nodes { id } } }";
    server.data(Some(&held.0), audit, json!({})).await;
    let input = json!({ "input": { "userId": carl, "give": ["VIEWER"], "take": ["ADMIN"] } });
    server.data(Some(&owner.access), GIVE, input).await;
    assert_eq!(server.verifier.verify(&held.0).unwrap().roles, [Role::Viewer]);
    assert_eq!(server.code(Some(&held.0), audit, json!({})).await, "FORBIDDEN");
    let server = server.restart().await;
    assert_eq!(server.verifier.verify(&held.0).unwrap().roles, [Role::Viewer]);
    server.data(Some(&owner.access), ERASE, json!({ "id": carl })).await;
    is_over(&server, &app, &held).await;
}

#[tokio::test]
async fn an_app_ends_with_its_access_and_gives_back_what_it_has() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    let other = dashboard(&server, &owner).await;
    let (one, two) = (running(&server, &app, &owner).await, running(&server, &app, &owner).await);
    let three = running(&server, &app, &owner).await;
    let give_back = async |by: &App, token: &str| {
        by.send(&server, "/oauth2/revoke", &format!("token={token}")).await.0
    };
    // Nobody gives back what is another's.
    assert_eq!((give_back(&other, &one.0).await, give_back(&other, &one.1).await), (200, 200));
    assert!(server.verifier.verify(&one.0).is_ok());
    assert_eq!(give_back(&app, &one.0).await, 200);
    is_over(&server, &app, &one).await;
    assert_eq!(give_back(&app, &two.1).await, 200);
    is_over(&server, &app, &two).await;

    // Introspection knows both kinds, and a refresh token to its own app alone.
    let tell = async |by: &App, token: &str| {
        by.send(&server, "/oauth2/introspect", &format!("token={token}")).await.1
    };
    let (access, refresh) = &three;
    let told = tell(&other, access).await;
    assert_eq!((&told["active"], &told["client_id"]), (&json!(true), &json!(app.id)));
    assert!(text(&told["sub"]).starts_with("usr_"));
    assert_eq!(tell(&app, refresh).await["active"], true);
    assert_eq!(tell(&other, refresh).await, json!({ "active": false }));
    assert_eq!(tell(&app, &one.0).await, json!({ "active": false }));
    let luigi = server.second_organization().await;
    let theirs = dashboard(&server, &luigi).await;
    for token in [access, refresh] {
        assert_eq!(tell(&theirs, token).await, json!({ "active": false }));
    }

    server.data(Some(&owner.access), END_CLIENT, json!({ "id": app.id })).await;
    assert_eq!(server.verifier.verify(access), Err(TokenError::AppOver));
    assert_eq!(app.refresh(&server, refresh, "").await.0, 401);
    assert_eq!(app.ask(&server, &[]).await.0, 400);
    let data = server.data(Some(&owner.access), MINE, json!({})).await;
    assert_eq!(data["me"]["apps"], json!([]));
    let server = server.restart().await;
    assert_eq!(server.verifier.verify(access), Err(TokenError::AppOver));
}

#[tokio::test]
async fn an_app_that_gets_no_refresh_token_is_done_with_its_access_token() {
    let (server, owner) = Server::set_up().await;
    let app = register(&server, &owner, json!({ "grantTypes": ["AUTHORIZATION_CODE"] })).await;
    let tokens = app.let_in(&server, &owner, &[]).await;
    assert_eq!(tokens.get("refresh_token"), None);
    let access = text(&tokens["access_token"]);
    server.clock.advance_micros(599_000_000);
    let actor = server.verifier.verify(&access).unwrap();
    server.clock.advance_micros(1_000_000);
    assert_eq!(server.verifier.verify(&access), Err(TokenError::Expired));
    assert!(!server.verifier.still_valid(&actor));
    let form = "grant_type=refresh_token&refresh_token=x";
    let (status, body) = app.send(&server, "/oauth2/token", form).await;
    assert_eq!((status, &body["error"]), (400, &json!("unauthorized_client")));
}

#[tokio::test]
async fn the_oldest_makes_room_where_one_app_is_allowed_too_often() {
    let (server, owner) = Server::set_up().await;
    let app = dashboard(&server, &owner).await;
    let mut all = Vec::new();
    for _ in 0..21 {
        // Ids sort by the millisecond.
        server.clock.advance_micros(1000);
        all.push(running(&server, &app, &owner).await);
    }
    is_over(&server, &app, &all[0]).await;
    let rest: Vec<Value> =
        all[1..].iter().map(|(access, _)| server.verifier.verify(access).is_ok().into()).collect();
    assert_eq!(rest, vec![json!(true); 20]);
}
