//! Sessions: rotation, reuse, ends.

use serde_json::{Value, json};
use studio_identity::TokenError;

use crate::support::{EMAIL, PASSWORD, Server, Tokens, fault};

const LOG_OUT: &str = "mutation { logOut { userErrors { code } } }";
const SESSIONS: &str = "{ me { sessions { nodes { id current endedAt expiresAt } } } }";

fn sessions(data: &Value) -> &Vec<Value> {
    data["me"]["sessions"]["nodes"].as_array().unwrap()
}

#[tokio::test]
async fn a_refresh_token_works_once_and_a_second_use_ends_the_session() {
    let (server, first) = Server::set_up().await;
    let elsewhere = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    let second = Tokens::of(&server.refresh(&first.refresh).await);
    assert_ne!(first.refresh, second.refresh);
    let third = Tokens::of(&server.refresh(&second.refresh).await);
    assert!(server.verifier.verify(&first.access).is_ok(), "an access token lives out its time");

    assert_eq!(fault(&server.refresh(&first.refresh).await), "INVALID_REFRESH_TOKEN");
    for tokens in [&first, &second, &third] {
        assert_eq!(server.verifier.verify(&tokens.access), Err(TokenError::SessionOver));
        assert_eq!(fault(&server.refresh(&tokens.refresh).await), "INVALID_REFRESH_TOKEN");
    }
    assert!(server.verifier.verify(&elsewhere.access).is_ok(), "other sessions go on");
}

#[tokio::test]
async fn two_uses_at_once_leave_nobody_signed_in() {
    let (server, tokens) = Server::set_up().await;
    let (one, two) = tokio::join!(server.refresh(&tokens.refresh), server.refresh(&tokens.refresh));
    let won = [&one, &two].iter().filter(|payload| payload["accessToken"].is_string()).count();
    assert!(won <= 1);
    assert_eq!(server.verifier.verify(&tokens.access), Err(TokenError::SessionOver));
}

#[tokio::test]
async fn made_up_refresh_tokens_end_no_session() {
    let (server, tokens) = Server::set_up().await;
    let good = tokens.refresh.clone();
    let mut made_up = vec![String::new(), "x".into(), "A".repeat(good.len()), good.clone() + "A"];
    made_up.extend((0..good.len()).step_by(7).map(|at| {
        let mut text: Vec<char> = good.chars().collect();
        text[at] = if text[at] == 'A' { 'B' } else { 'A' };
        text.into_iter().collect::<String>()
    }));
    made_up.push(good[1..].to_owned());
    made_up.push(tokens.access.clone());
    for token in made_up {
        assert_eq!(fault(&server.refresh(&token).await), "INVALID_REFRESH_TOKEN", "{token}");
    }
    Tokens::of(&server.refresh(&good).await);
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_refreshed_in_time() {
    let (server, tokens) = Server::set_up().await;
    let day = 86_400_000_000;
    server.clock.advance_micros(13 * day);
    let tokens = Tokens::of(&server.refresh(&tokens.refresh).await);
    server.clock.advance_micros(13 * day);
    let tokens = Tokens::of(&server.refresh(&tokens.refresh).await);
    let actor = server.verifier.verify(&tokens.access).unwrap();
    server.clock.advance_micros(14 * day);
    assert!(!server.verifier.still_valid(&actor));
    assert_eq!(fault(&server.refresh(&tokens.refresh).await), "INVALID_REFRESH_TOKEN");
}

#[tokio::test]
async fn signing_out_takes_effect_at_once_and_for_good() {
    let (server, tokens) = Server::set_up().await;
    let elsewhere = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    let actor = server.verifier.verify(&tokens.access).unwrap();
    assert!(server.verifier.still_valid(&actor));
    let payload = server.data(Some(&tokens.access), LOG_OUT, json!({})).await;
    assert_eq!(payload["logOut"]["userErrors"], json!([]));
    assert!(!server.verifier.still_valid(&actor));
    assert_eq!(server.verifier.verify(&tokens.access), Err(TokenError::SessionOver));
    assert_eq!(fault(&server.refresh(&tokens.refresh).await), "INVALID_REFRESH_TOKEN");

    let server = server.restart().await;
    assert_eq!(server.verifier.verify(&tokens.access), Err(TokenError::SessionOver));
    assert!(server.verifier.verify(&elsewhere.access).is_ok(), "a restart signs nobody out");
    Tokens::of(&server.refresh(&elsewhere.refresh).await);
}

#[tokio::test]
async fn another_process_notices_sign_ins_and_sign_outs() {
    let (one, tokens) = Server::set_up().await;
    let two = one.beside().await;
    assert!(two.verifier.verify(&tokens.access).is_ok());
    let fresh = Tokens::of(&one.log_in(EMAIL, PASSWORD).await);
    until(&two, || two.verifier.verify(&fresh.access).is_ok()).await;
    one.data(Some(&tokens.access), LOG_OUT, json!({})).await;
    until(&two, || two.verifier.verify(&tokens.access) == Err(TokenError::SessionOver)).await;
    assert!(two.verifier.verify(&fresh.access).is_ok());
}

/// Waits until the other process's log shows it.
async fn until(server: &Server, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            server.store.nudge();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.unwrap();
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions() {
    let (server, owner) = Server::set_up().await;
    let (viewer_id, viewer) = server.viewer(&owner).await;
    // Ids sort by the millisecond.
    server.clock.advance_micros(1000);
    let second = Tokens::of(&server.log_in("charles@example.org", PASSWORD).await);
    let data = server.data(Some(&viewer.access), SESSIONS, json!({})).await;
    let listed = sessions(&data);
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["current"], false, "newest first");
    assert_eq!(listed[1]["current"], true);

    let revoke = "mutation($id: ID!) { revokeSession(input: { sessionId: $id }) {
        session { id endedAt } userErrors { code } } }";
    let other = listed[0]["id"].clone();
    let payload = server.data(Some(&viewer.access), revoke, json!({ "id": other })).await;
    assert!(payload["revokeSession"]["session"]["endedAt"].is_string());
    assert_eq!(server.verifier.verify(&second.access), Err(TokenError::SessionOver));

    // A viewer reaches nobody else's session; an owner does.
    let data = server.data(Some(&owner.access), SESSIONS, json!({})).await;
    let owners = sessions(&data)[0]["id"].clone();
    let code = server.code(Some(&viewer.access), revoke, json!({ "id": owners })).await;
    assert_eq!(code, "NOT_FOUND");
    let query = "query($id: ID!) { user(id: $id) { sessions { nodes { id } } } }";
    let data = server.data(Some(&owner.access), query, json!({ "id": viewer_id })).await;
    let of_viewer = data["user"]["sessions"]["nodes"].as_array().unwrap();
    assert_eq!(of_viewer.len(), 1);
    server.data(Some(&owner.access), revoke, json!({ "id": of_viewer[0]["id"] })).await;
    assert_eq!(server.verifier.verify(&viewer.access), Err(TokenError::SessionOver));
}

#[tokio::test]
async fn people_end_all_their_other_sessions_and_nobody_elses() {
    let (server, owner) = Server::set_up().await;
    let (_, viewer) = server.viewer(&owner).await;
    let mut elsewhere = Vec::new();
    for _ in 0..3 {
        elsewhere.push(Tokens::of(&server.log_in(EMAIL, PASSWORD).await));
    }
    let end = "mutation { endOtherSessions { ended userErrors { code } } }";
    let ended = server.data(Some(&owner.access), end, json!({})).await;
    assert_eq!(ended["endOtherSessions"], json!({ "ended": 3, "userErrors": [] }));
    for tokens in &elsewhere {
        assert_eq!(server.verifier.verify(&tokens.access), Err(TokenError::SessionOver));
    }
    assert!(server.verifier.verify(&owner.access).is_ok());
    assert!(server.verifier.verify(&viewer.access).is_ok());
    let again = server.data(Some(&owner.access), end, json!({})).await;
    assert_eq!(again["endOtherSessions"]["ended"], 0);
}
