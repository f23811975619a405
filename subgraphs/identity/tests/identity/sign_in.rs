//! Passwords and the back-off.

use serde_json::json;

use crate::support::{EMAIL, LOG_IN, PASSWORD, Server, Tokens, fault};

#[tokio::test]
async fn the_password_signs_in_and_nothing_else_does() {
    let (server, _) = Server::set_up().await;
    let payload = server.log_in(EMAIL, PASSWORD).await;
    let tokens = Tokens::of(&payload);
    assert_eq!(payload["user"]["name"], "Ada Lovelace");
    assert_eq!(payload["expiresAt"], "2026-03-01T09:10:00+00:00");
    let me = server.data(Some(&tokens.access), "{ me { name roles } }", json!({})).await;
    assert_eq!(me["me"], json!({ "name": "Ada Lovelace", "roles": ["OWNER"] }));

    Tokens::of(&server.log_in("  ADA@example.ORG ", PASSWORD).await);
    let wrong = server.log_in(EMAIL, "difference engine no 1").await;
    let unknown = server.log_in("nobody@example.org", PASSWORD).await;
    assert_eq!(fault(&wrong), "INVALID_CREDENTIALS");
    assert_eq!(wrong, unknown, "the answer must not tell whether the account exists");
    for odd in ["", "x", &"x".repeat(100_000), "a\0b"] {
        assert_eq!(fault(&server.log_in(odd, odd).await), "INVALID_CREDENTIALS");
    }
}

#[tokio::test]
async fn repeated_failures_make_the_account_wait_whether_it_exists_or_not() {
    let (server, _) = Server::set_up().await;
    for email in [EMAIL, "nobody@example.org"] {
        for _ in 0..5 {
            assert_eq!(
                fault(&server.log_in(email, "a wrong password").await),
                "INVALID_CREDENTIALS"
            );
        }
        let variables = json!({ "input": { "email": email, "password": PASSWORD } });
        assert_eq!(server.code(None, LOG_IN, variables).await, "RATE_LIMITED");
    }
    server.clock.advance_micros(12_000_000);
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    // The success has reset the count.
    assert_eq!(fault(&server.log_in(EMAIL, "a wrong password").await), "INVALID_CREDENTIALS");
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
}

#[tokio::test]
async fn guesses_at_once_are_no_way_round() {
    let (server, _) = Server::set_up().await;
    let guesses = (0..12).map(|n| {
        let password = format!("wrong password {n}");
        let variables = json!({ "input": { "email": EMAIL, "password": password } });
        server.ask(None, LOG_IN, variables)
    });
    let answers = futures::future::join_all(guesses).await;
    let tried = answers.iter().filter(|answer| answer.get("errors").is_none()).count();
    assert_eq!(tried, 5);
}

#[tokio::test]
async fn many_right_sign_ins_at_once_all_work() {
    let (server, _) = Server::set_up().await;
    let sign_ins = (0..12).map(|_| server.log_in(EMAIL, PASSWORD));
    for payload in futures::future::join_all(sign_ins).await {
        Tokens::of(&payload);
    }
}
