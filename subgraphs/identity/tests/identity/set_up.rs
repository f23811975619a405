//! The set-up: one token, one use, one organization.

use serde_json::json;

use crate::support::{EMAIL, PASSWORD, Server, Tokens, fault, faults, holds};

#[tokio::test]
async fn the_token_makes_one_organization_and_signs_its_owner_in() {
    let server = Server::new().await;
    let token = server.identity.setup_token().unwrap();
    assert_eq!(fault(&server.set_up_with("made-up").await), "INVALID_TOKEN");

    let payload = server.set_up_with(&token).await;
    assert_eq!(payload["organization"]["name"], "Analytical Engines");
    assert_eq!(payload["user"]["email"], EMAIL);
    assert_eq!(payload["user"]["roles"], json!(["OWNER"]));
    let tokens = Tokens::of(&payload);
    let query = "{ me { id name } organization { id } }";
    let me = server.data(Some(&tokens.access), query, json!({})).await;
    assert_eq!(me["me"]["id"], payload["user"]["id"]);
    assert_eq!(me["organization"]["id"], payload["organization"]["id"]);

    assert_eq!(fault(&server.set_up_with(&token).await), "ALREADY_SET_UP");
    let server = server.restart().await;
    assert_eq!(server.identity.setup_token(), None);
    assert_eq!(fault(&server.set_up_with(&token).await), "ALREADY_SET_UP");
}

/// What `setUpState` says to somebody who is not signed in.
async fn state(server: &Server, token: Option<&str>) -> String {
    let query = "query($token: String) { setUpState(token: $token) }";
    let data = server.data(None, query, json!({ "token": token })).await;
    data["setUpState"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn whoever_asks_is_told_whether_a_token_still_works() {
    let server = Server::new().await;
    let token = server.identity.setup_token().unwrap();
    let before = server.store.head();
    assert_eq!(state(&server, None).await, "OPEN");
    assert_eq!(state(&server, Some(&token)).await, "OPEN");
    for other in ["", "made-up", &token[1..]] {
        assert_eq!(state(&server, Some(other)).await, "WRONG_TOKEN");
    }
    assert_eq!(server.store.head(), before, "asking is no fact");
    Tokens::of(&server.set_up_with(&token).await);
    // From now on nobody learns which token it was.
    for token in [None, Some(token.as_str()), Some("made-up")] {
        assert_eq!(state(&server, token).await, "DONE");
    }
}

#[tokio::test]
async fn a_restart_offers_the_same_set_up() {
    let server = Server::new().await;
    let token = server.identity.setup_token().unwrap();
    let head = server.store.head();
    let server = server.restart().await;
    assert_eq!(server.identity.setup_token().unwrap(), token);
    assert_eq!(server.store.head(), head, "nothing new is offered");
    // Another installation's token is another one.
    let other = Server::new().await.identity.setup_token().unwrap();
    assert_ne!(other, token);
    assert_eq!(fault(&server.set_up_with(&other).await), "INVALID_TOKEN");
    Tokens::of(&server.set_up_with(&token).await);
}

#[tokio::test]
async fn every_fault_of_the_input_is_named_and_nothing_is_recorded() {
    let server = Server::new().await;
    let token = server.identity.setup_token().unwrap();
    let before = server.store.head();
    let payload = server
        .set_up_input(json!({
            "token": token, "organizationName": " ", "ownerName": "a\nb", "ownerEmail": "nobody",
            "password": "short",
        }))
        .await;
    let expected = [
        ("INVALID_NAME", "organizationName"),
        ("INVALID_NAME", "ownerName"),
        ("INVALID_EMAIL", "ownerEmail"),
        ("WEAK_PASSWORD", "password"),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(code, field)| (code.to_string(), field.to_string())).collect();
    assert_eq!(faults(&payload), expected);
    assert_eq!(payload["accessToken"], json!(null));
    assert_eq!(server.store.head(), before);
    // The token was not used up.
    Tokens::of(&server.set_up_with(&token).await);
}

#[tokio::test]
async fn two_at_once_make_one_organization() {
    let server = Server::new().await;
    let token = server.identity.setup_token().unwrap();
    let (one, two) = tokio::join!(server.set_up_with(&token), server.set_up_with(&token));
    let won = [&one, &two].iter().filter(|payload| payload["accessToken"].is_string()).count();
    assert_eq!(won, 1, "{one} {two}");
    let lost = if one["accessToken"].is_string() { two } else { one };
    assert_eq!(fault(&lost), "ALREADY_SET_UP");
}

#[tokio::test]
async fn processes_that_start_together_offer_one_set_up() {
    let one = Server::new().await;
    let two = one.beside().await;
    let token = one.identity.setup_token().unwrap();
    assert_eq!(two.identity.setup_token().unwrap(), token);
    Tokens::of(&two.set_up_with(&token).await);
    assert_eq!(fault(&one.set_up_with(&token).await), "ALREADY_SET_UP");
}

#[tokio::test]
async fn nothing_secret_or_personal_lies_in_the_database() {
    let (server, tokens) = {
        let server = Server::new().await;
        let token = server.identity.setup_token().unwrap();
        let tokens = Tokens::of(&server.set_up_with(&token).await);
        assert!(!holds(&server.bytes_at_rest(), &token), "the set-up token");
        (server, tokens)
    };
    let bytes = server.bytes_at_rest();
    // What is not personal is there, so the search finds what it looks for.
    assert!(holds(&bytes, "Analytical Engines"));
    for secret in ["Ada Lovelace", EMAIL, "ada@example.org", PASSWORD, "$argon2id$"] {
        assert!(!holds(&bytes, secret), "{secret}");
    }
    assert!(!holds(&bytes, &tokens.refresh) && !holds(&bytes, &tokens.access));
}
