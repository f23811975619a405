//! Choosing and changing passwords.

use serde_json::{Value, json};
use studio_identity::TokenError;

use crate::support::{EMAIL, LOG_IN, PASSWORD, Server, Tokens, fault, faults, holds};

const CHANGE: &str = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) {
    userErrors { code message path } } }";
const NEW: &str = "two walnuts per tide";

async fn change(server: &Server, tokens: &Tokens, current: &str, new: &str) -> Value {
    let input = json!({ "currentPassword": current, "newPassword": new });
    let data = server.data(Some(&tokens.access), CHANGE, json!({ "input": input })).await;
    data["changePassword"].clone()
}

#[tokio::test]
async fn a_new_password_takes_the_place_of_the_old_one_and_ends_the_other_sessions() {
    let (server, tokens) = Server::set_up().await;
    let (_, viewer) = server.viewer(&tokens).await;
    let elsewhere = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    assert_eq!(change(&server, &tokens, PASSWORD, NEW).await["userErrors"], json!([]));

    assert!(server.verifier.verify(&tokens.access).is_ok(), "the session that asked goes on");
    assert_eq!(server.verifier.verify(&elsewhere.access), Err(TokenError::SessionOver));
    assert_eq!(fault(&server.refresh(&elsewhere.refresh).await), "INVALID_REFRESH_TOKEN");
    assert!(server.verifier.verify(&viewer.access).is_ok(), "and so do those of others");
    assert_eq!(fault(&server.log_in(EMAIL, PASSWORD).await), "INVALID_CREDENTIALS");
    Tokens::of(&server.log_in(EMAIL, NEW).await);

    // As the log has it: a read model built anew knows the same, and nothing lies open.
    server.store.rebuild("identity.users").await.unwrap();
    let server = server.restart().await;
    Tokens::of(&server.log_in(EMAIL, NEW).await);
    assert_eq!(fault(&server.log_in(EMAIL, PASSWORD).await), "INVALID_CREDENTIALS");
    let bytes = server.bytes_at_rest();
    assert!(holds(&bytes, "identity.user.password_changed"));
    assert!(!holds(&bytes, NEW) && !holds(&bytes, "$argon2id$"));
}

#[tokio::test]
async fn it_needs_the_current_password_and_a_better_one() {
    let (server, tokens) = Server::set_up().await;
    let before = server.changes().await;
    let refused = [
        ("a wrong password", NEW, "INVALID_CREDENTIALS", "currentPassword"),
        (PASSWORD, PASSWORD, "SAME_PASSWORD", "newPassword"),
        (PASSWORD, "too short", "WEAK_PASSWORD", "newPassword"),
        // Known of whoever chooses: the name, the address, the organization.
        (PASSWORD, "lovelace lovelace", "WEAK_PASSWORD", "newPassword"),
        (PASSWORD, "Analytical1815", "WEAK_PASSWORD", "newPassword"),
    ];
    for (current, new, code, field) in refused {
        let payload = change(&server, &tokens, current, new).await;
        assert_eq!(faults(&payload), [(code.to_owned(), field.to_owned())], "{new}");
        assert!(!payload.to_string().contains(new), "no password in a message: {payload}");
    }
    assert_eq!(server.changes().await, before, "a refusal records nothing");
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
}

#[tokio::test]
async fn guessing_by_it_is_held_back_together_with_signing_in() {
    let (server, tokens) = Server::set_up().await;
    for _ in 0..4 {
        let payload = change(&server, &tokens, "a wrong password", NEW).await;
        assert_eq!(fault(&payload), "INVALID_CREDENTIALS");
    }
    assert_eq!(fault(&server.log_in(EMAIL, "a wrong password").await), "INVALID_CREDENTIALS");
    let input = json!({ "input": { "currentPassword": PASSWORD, "newPassword": NEW } });
    assert_eq!(server.code(Some(&tokens.access), CHANGE, input).await, "RATE_LIMITED");
    let input = json!({ "input": { "email": EMAIL, "password": PASSWORD } });
    assert_eq!(server.code(None, LOG_IN, input).await, "RATE_LIMITED");
}

#[tokio::test]
async fn a_breached_password_is_refused_wherever_one_is_chosen() {
    // SHA-1 of "two walnuts per tide".
    let list = "E836CC6FD40C39D7518E215DE23041E247D4F915:3\r\n";
    let server = Server::with_breached_passwords(list).await;
    let token = server.identity.setup_token().unwrap();
    let input = json!({
        "token": token, "organizationName": "Analytical Engines", "ownerName": "Ada Lovelace",
        "ownerEmail": EMAIL, "password": NEW,
    });
    assert_eq!(fault(&server.set_up_input(input).await), "BREACHED_PASSWORD");
    let tokens = Tokens::of(&server.set_up_with(&token).await);
    assert_eq!(fault(&change(&server, &tokens, PASSWORD, NEW).await), "BREACHED_PASSWORD");
    let other = change(&server, &tokens, PASSWORD, "three walnuts per tide").await;
    assert_eq!(other["userErrors"], json!([]));
}

#[tokio::test]
async fn nobody_changes_anybody_elses() {
    let (server, owner) = Server::set_up().await;
    let (id, _) = server.viewer(&owner).await;
    // There is no field for whom it is about; one that is made up is refused.
    let input = json!({ "currentPassword": PASSWORD, "newPassword": NEW, "userId": id });
    let answer = server.ask(Some(&owner.access), CHANGE, json!({ "input": input })).await;
    assert!(answer["errors"].is_array(), "{answer}");
    Tokens::of(&server.log_in("charles@example.org", PASSWORD).await);
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
}
