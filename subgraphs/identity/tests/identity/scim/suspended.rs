//! Who is not active may do nothing, and has everything again once they are.

use serde_json::{Value, json};
use studio_identity::TokenError;

use super::{Stage, USER};
use crate::{
    apps,
    support::{LOG_IN, PASSWORD, Tokens, fault},
};

const KEY: &str =
    "mutation { createApiKey(input: { name: \"CI\", scopes: [\"*:*:read\"] }) { secret } }";

async fn set_active(stage: &Stage, id: &str, active: Value) -> Value {
    let operation = json!([{ "op": "replace", "path": "active", "value": active }]);
    stage.patch(&format!("/Users/{id}"), operation).await.must(200)
}

#[tokio::test]
async fn a_suspension_ends_everything_and_is_taken_back_whole() {
    let stage = Stage::set().await;
    let (server, owner) = (&stage.server, &stage.owner);
    let (charles, tokens) = server.viewer(owner).await;
    let key = server.data(Some(&tokens.access), KEY, json!({})).await;
    let key = key["createApiKey"]["secret"].as_str().unwrap().to_owned();
    stage.ask("POST", "/Users", Some(json!({ "userName": "charles@example.org" }))).await.must(201);
    let beside = server.beside().await;
    assert!(beside.verifier.verify_newest(&key).await.is_ok());

    assert_eq!(set_active(&stage, &charles, json!("False")).await["active"], false);
    assert_eq!(server.verifier.verify(&tokens.access), Err(TokenError::SessionOver));
    assert_eq!(server.verifier.verify(&key), Err(TokenError::Key));
    // Another process hears of it, whichever way.
    let position = server.store.head();
    let actor = beside.verifier.verify(&tokens.access);
    if let Ok(actor) = actor {
        assert_eq!(beside.verifier.as_of(actor, position).await, None);
    }
    let data = json!({ "input": { "email": "charles@example.org", "password": PASSWORD } });
    let right = server.data(None, LOG_IN, data).await["logIn"].clone();
    let wrong = server.log_in("charles@example.org", "not the password").await;
    assert_eq!(right, wrong, "the words of a wrong password");
    assert_eq!(fault(&server.refresh(&tokens.refresh).await), "INVALID_REFRESH_TOKEN");
    let person = stage.person(&charles).await;
    assert!(person["suspendedAt"].is_string());
    assert_eq!(person["roles"], json!(["VIEWER"]), "the roles stay");
    // A change of roles meanwhile does not let them in.
    let change = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) { userErrors { code message path } } }";
    stage.mutate(change, "changeRoles", json!({ "userId": charles, "give": ["AUDITOR"] })).await;
    assert_eq!(server.verifier.verify(&key), Err(TokenError::Key));

    // A server that starts now knows it, too.
    beside.stop().await;
    let beside = server.beside().await;
    assert_eq!(beside.verifier.verify_newest(&key).await, Err(TokenError::Key));
    assert_eq!(beside.verifier.verify_newest(&tokens.access).await, Err(TokenError::SessionOver));

    assert_eq!(set_active(&stage, &charles, json!(true)).await["active"], true);
    assert_eq!(
        server.verifier.verify(&tokens.access),
        Err(TokenError::SessionOver),
        "that is over"
    );
    let actor = server.verifier.verify(&key).unwrap();
    assert_eq!(actor.roles.len(), 2, "what they may do by now");
    Tokens::of(&server.log_in("charles@example.org", PASSWORD).await);
}

#[tokio::test]
async fn no_mail_lets_a_suspended_person_in() {
    let stage = Stage::set().await;
    let (charles, _) = stage.server.viewer(&stage.owner).await;
    stage
        .ask("POST", "/Users", Some(json!({ "userName": "charles@example.org", "active": false })))
        .await
        .must(201);
    assert!(stage.person(&charles).await["suspendedAt"].is_string());
    let ask = "mutation($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) {
        userErrors { code message path } } }";
    stage.server.data(None, ask, json!({ "input": { "email": "charles@example.org" } })).await;
    // Somebody else's mail comes behind it.
    let owner = json!({ "input": { "email": crate::support::EMAIL } });
    stage.server.data(None, ask, owner).await;
    let mails = stage.server.mails.sent(1).await;
    let to: Vec<_> = mails.iter().map(|mail| mail.address.as_str()).collect();
    assert_eq!(to, [crate::support::EMAIL]);
}

#[tokio::test]
async fn a_second_factor_does_not_let_a_suspended_person_in() {
    let stage = Stage::set().await;
    let (charles, tokens) = stage.server.viewer(&stage.owner).await;
    let app = crate::factors::App::enrol(&stage.server, &tokens).await;
    stage.ask("POST", "/Users", Some(json!({ "userName": "charles@example.org" }))).await.must(201);
    // The first step is taken, and then they are suspended.
    let challenged = stage.server.log_in("charles@example.org", PASSWORD).await;
    let challenge = challenged["challenge"].clone();
    assert!(challenge.is_string(), "{challenged}");
    set_active(&stage, &charles, json!(false)).await;
    let complete = "mutation($input: CompleteLogInInput!) { completeLogIn(input: $input) {
        accessToken userErrors { code message path } } }";
    let code = app.shows(&stage.server, 0);
    let input = json!({ "input": { "challenge": challenge, "code": code } });
    let told = stage.server.data(None, complete, input).await;
    assert_eq!(fault(&told["completeLogIn"]), "INVALID_CHALLENGE");
}

#[tokio::test]
async fn an_owner_or_an_admin_lets_somebody_in_again() {
    let stage = Stage::set().await;
    let body = json!({ "schemas": [USER], "userName": "amy@example.org", "active": false });
    let ada =
        stage.ask("POST", "/Users", Some(body)).await.must(201)["id"].as_str().unwrap().to_owned();
    assert!(stage.person(&ada).await["suspendedAt"].is_string());
    let (_, viewer) = stage.server.viewer(&stage.owner).await;
    let again = "mutation($input: ReactivateUserInput!) { reactivateUser(input: $input) {
        user { suspendedAt } userErrors { code message path } } }";
    let input = json!({ "input": { "userId": ada } });
    assert_eq!(stage.server.code(Some(&viewer.access), again, input).await, "FORBIDDEN");
    for _ in 0..2 {
        let told = stage.mutate(again, "reactivateUser", json!({ "userId": ada })).await;
        assert_eq!(told, json!({ "user": { "suspendedAt": null }, "userErrors": [] }));
    }
    assert_eq!(stage.get(&format!("/Users/{ada}")).await.must(200)["active"], true);
    let nobody = json!({ "input": { "userId": "usr_00000000000070008000000000000001" } });
    assert_eq!(stage.server.code(Some(&stage.owner.access), again, nobody).await, "NOT_FOUND");
}

#[tokio::test]
async fn apps_do_nothing_for_somebody_who_is_suspended() {
    let stage = Stage::set().await;
    let (server, owner) = (&stage.server, &stage.owner);
    let app = apps::dashboard(server, owner).await;
    let (charles, tokens) = server.viewer(owner).await;
    stage.ask("POST", "/Users", Some(json!({ "userName": "charles@example.org" }))).await.must(201);
    let given = app.let_in(server, &tokens, &[]).await;
    let [access, refresh] = ["access_token", "refresh_token"].map(|it| given[it].as_str().unwrap());
    assert!(server.verifier.verify(access).is_ok());

    set_active(&stage, &charles, json!(false)).await;
    assert_eq!(server.verifier.verify(access), Err(TokenError::AppOver));
    let (status, body) = app.refresh(server, refresh, "").await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));

    set_active(&stage, &charles, json!(true)).await;
    assert!(server.verifier.verify(access).is_ok());
    assert_eq!(app.refresh(server, refresh, "").await.0, 200, "the token was not used up");
}
