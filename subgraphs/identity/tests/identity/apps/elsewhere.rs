//! Tokens of apps in a process that checks them away from identity, over real sockets.

use std::time::Duration;

use serde_json::json;
use studio_identity::TokenError;

use super::{dashboard, revoke, text};
use crate::{
    remote::{connect, serve},
    support::Server,
};

const LOG_OUT: &str = "mutation { logOut { userErrors { code } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_knows_what_apps_may_and_hears_when_it_ends() {
    let (server, owner) = Server::set_up().await;
    let (_, vera) = server.viewer(&owner).await;
    let app = dashboard(&server, &owner).await;
    let before = app.let_in(&server, &vera, &[]).await;
    let access = text(&before["access_token"]);
    server.data(Some(&vera.access), LOG_OUT, json!({})).await;
    let (url, _serving) = serve(&server).await;
    let remote = connect(&server, &[&url]).await.unwrap();
    let verifier = remote.verifier();
    // Of somebody who is not signed in, from before it connected.
    assert_eq!(verifier.verify(&access).unwrap(), server.verifier.verify(&access).unwrap());
    for _ in 0..10 {
        let app = dashboard(&server, &owner).await;
        let new = text(&app.let_in(&server, &owner, &[]).await["access_token"]);
        let actor = verifier.verify_newest(&new).await.unwrap();
        assert_eq!(actor, server.verifier.verify(&new).unwrap());
        assert!(verifier.still_valid(&actor));
        assert_eq!(revoke(&server, &owner, json!({ "clientId": app.id })).await["ended"], 1);
        let refused = async {
            while verifier.still_valid(&actor) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Far longer than it may take.
        tokio::time::timeout(Duration::from_secs(30), refused).await.unwrap();
        assert_eq!(verifier.verify_newest(&new).await, Err(TokenError::AppOver));
    }
    // What was refreshed meanwhile goes on, though it had run out as far as was known.
    server.clock.advance_micros(13 * 86_400_000_000);
    let (status, next) = app.refresh(&server, &text(&before["refresh_token"]), "").await;
    assert_eq!(status, 200, "{next}");
    server.clock.advance_micros(2 * 86_400_000_000);
    let (status, next) = app.refresh(&server, &text(&next["refresh_token"]), "").await;
    assert_eq!(status, 200, "{next}");
    assert!(verifier.verify_newest(&text(&next["access_token"])).await.is_ok());
    let grants = format!("{url}/internal/grants");
    assert_eq!(reqwest::get(&grants).await.unwrap().status(), 401);
}
