//! Checking access tokens in another process, over real sockets.

use std::time::Duration;

use serde_json::json;
use studio_identity::{RemoteError, RemoteVerifier, TokenError};
use studio_service::{
    Config,
    internal::{CallError, HEADER, InternalClient, InternalSigner, Options},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::api_keys::{MINE, REVOKE, key};
use crate::scim;
use crate::support::{EMAIL, PASSWORD, Server, Tokens};

const LOG_OUT: &str = "mutation { logOut { userErrors { code } } }";

/// Serves what identity has for the others.
pub(crate) async fn serve(server: &Server) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = server.internal.clone();
    (url, tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }))
}

async fn client(server: &Server, urls: &[&str]) -> InternalClient {
    let signer = InternalSigner::from_keyring(&server.keyring, "router", server.env.clone()).await;
    InternalClient::new("identity", urls, signer.unwrap(), Options::default()).unwrap()
}

pub(crate) async fn connect(server: &Server, urls: &[&str]) -> Result<RemoteVerifier, RemoteError> {
    let issuer = Config::default().public_url();
    RemoteVerifier::connect(client(server, urls).await, &issuer, server.env.clone()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_what_identity_says() {
    let (server, before) = Server::set_up().await;
    let over = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    server.data(Some(&over.access), LOG_OUT, json!({})).await;
    let (url, _serving) = serve(&server).await;
    let remote = connect(&server, &[&url]).await.unwrap();
    let verifier = remote.verifier();

    // What was there before it connected.
    assert_eq!(verifier.verify(&before.access), server.verifier.verify(&before.access));
    assert!(verifier.verify(&before.access).is_ok());
    assert_eq!(verifier.verify(&over.access), Err(TokenError::SessionOver));
    assert_eq!(verifier.verify("nonsense"), Err(TokenError::Invalid));

    // A change of roles, after it connected and before another does.
    let (id, viewer) = server.viewer(&before).await;
    let roles = async |give: &str| {
        let change = format!(
            "mutation($id: ID!) {{ changeRoles(input: {{ userId: $id, give: [{give}] }}) {{
                userErrors {{ code }} }} }}"
        );
        server.data(Some(&before.access), &change, json!({ "id": id })).await;
        server.verifier.verify(&viewer.access).unwrap()
    };
    assert!(verifier.verify_newest(&viewer.access).await.is_ok());
    let admin = roles("ADMIN").await;
    let heard = verifier.as_of(admin.clone(), server.store.head()).await.unwrap();
    assert_eq!(verifier.verify(&viewer.access), Ok(admin.clone()));
    assert_eq!(heard, admin);
    let later = connect(&server, &[&url]).await.unwrap();
    assert_eq!(later.verifier().verify(&viewer.access), Ok(admin));

    // A session that was started a moment ago is known at once, whoever started it.
    for _ in 0..20 {
        let new = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
        let actor = verifier.verify_newest(&new.access).await.unwrap();
        assert_eq!(actor, server.verifier.verify(&new.access).unwrap());
        assert!(verifier.still_valid(&actor));

        server.data(Some(&new.access), LOG_OUT, json!({})).await;
        let refused = async {
            while verifier.still_valid(&actor) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Far longer than it may take.
        tokio::time::timeout(Duration::from_secs(30), refused).await.unwrap();
        assert_eq!(verifier.verify_newest(&new.access).await, Err(TokenError::SessionOver));
    }
    server.clock.advance_micros(600_000_000);
    assert_eq!(verifier.verify_newest(&before.access).await, Err(TokenError::Expired));
    // A refreshed session goes on; its old access token has run out.
    let refreshed = Tokens::of(&server.refresh(&before.refresh).await);
    verifier.verify_newest(&refreshed.access).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_knows_the_keys_of_programs_and_tells_when_they_are_used() {
    let (server, owner) = Server::set_up().await;
    let (_, vera) = server.viewer(&owner).await;
    let (_, before) = key(&server, &vera, &["*:*:read"]).await;
    server.data(Some(&vera.access), LOG_OUT, json!({})).await;
    let (url, _serving) = serve(&server).await;
    let remote = connect(&server, &[&url]).await.unwrap();
    let verifier = remote.verifier();
    // Of somebody who is not signed in, from before it connected.
    assert_eq!(verifier.verify(&before).unwrap(), server.verifier.verify(&before).unwrap());
    for _ in 0..20 {
        let (id, new) = key(&server, &owner, &["controls:*:read"]).await;
        let actor = verifier.verify_newest(&new).await.unwrap();
        assert_eq!(actor, server.verifier.verify(&new).unwrap());
        assert!(verifier.still_valid(&actor));
        server.data(Some(&owner.access), REVOKE, json!({ "id": id })).await;
        let refused = async {
            while verifier.still_valid(&actor) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), refused).await.unwrap();
        assert_eq!(verifier.verify_newest(&new).await, Err(TokenError::Key));
    }
    // Only this process has seen it, and identity learns of it.
    let (_, used) = key(&server, &owner, &["*:*:read"]).await;
    verifier.verify_newest(&used).await.unwrap();
    let told = async {
        loop {
            let data = server.data(Some(&owner.access), MINE, json!({})).await;
            if data["me"]["apiKeys"]["nodes"][0]["lastUsedAt"].is_string() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
    let later = connect(&server, &[&url]).await.unwrap();
    assert!(later.verifier().verify(&used).is_ok());
    let keys = format!("{url}/internal/keys");
    assert_eq!(reqwest::get(&keys).await.unwrap().status(), 401);
    let uses = reqwest::Client::new().post(format!("{keys}/uses")).body("[]").send().await.unwrap();
    assert_eq!(uses.status(), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_knows_who_is_suspended() {
    let (server, owner) = Server::set_up().await;
    let (_, token) = scim::connect(&server, &owner, json!({})).await;
    let (id, vera) = server.viewer(&owner).await;
    let (_, program) = key(&server, &vera, &["*:*:read"]).await;
    let body = json!({ "userName": "charles@example.org" });
    scim::ask(&server, &token, "POST", "/Users", Some(body)).await.must(201);
    let (url, _serving) = serve(&server).await;
    let remote = connect(&server, &[&url]).await.unwrap();
    let verifier = remote.verifier();
    let people = [
        verifier.verify_newest(&vera.access).await.unwrap(),
        verifier.verify_newest(&program).await.unwrap(),
    ];
    let active = async |active: bool| {
        let body = json!({ "schemas": [scim::PATCH],
            "Operations": [{ "op": "replace", "path": "active", "value": active }] });
        let path = format!("/Users/{id}");
        scim::ask(&server, &token, "PATCH", &path, Some(body)).await.must(200);
        server.store.head()
    };
    let head = active(false).await;
    for actor in people {
        assert_eq!(verifier.as_of(actor.clone(), head).await, None);
        assert!(!verifier.still_valid(&actor));
    }
    assert_eq!(verifier.verify(&program), Err(TokenError::Key));
    assert_eq!(verifier.verify(&vera.access), Err(TokenError::SessionOver));
    // One that connects now has heard of it, too.
    let later = connect(&server, &[&url]).await.unwrap().verifier();
    assert_eq!(later.verify(&program), Err(TokenError::Key));
    let head = active(true).await;
    let owner = server.verifier.verify(&owner.access).unwrap();
    verifier.as_of(owner, head).await.unwrap();
    assert!(verifier.verify(&program).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_holds_while_identity_is_away() {
    let (server, tokens) = Server::set_up().await;
    let (first, serving) = serve(&server).await;
    let (second, _serving) = serve(&server).await;
    let remote = connect(&server, &[&first, &second]).await.unwrap();
    let verifier = remote.verifier();
    // One replica of two is enough.
    serving.abort();
    let new = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    verifier.verify_newest(&new.access).await.unwrap();

    let (only, serving) = serve(&server).await;
    let remote = connect(&server, &[&only]).await.unwrap();
    let verifier = remote.verifier();
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    assert!(verifier.verify_newest(&tokens.access).await.is_ok());
    let late = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    assert_eq!(verifier.verify_newest(&late.access).await, Err(TokenError::SessionOver));
}

#[tokio::test]
async fn an_identity_that_is_not_there_is_named() {
    let (server, _) = Server::set_up().await;
    let (url, serving) = serve(&server).await;
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    let error = connect(&server, &[&url]).await.unwrap_err();
    assert!(matches!(error, RemoteError::Call(CallError::Unreachable { .. })), "{error}");
    let said = error.to_string();
    assert!(said.contains("identity cannot be reached") && said.contains(&url), "{said}");
}

#[tokio::test]
async fn sessions_are_told_to_studio_alone_and_hold_ids_alone() {
    let (server, tokens) = Server::set_up().await;
    let (url, _serving) = serve(&server).await;
    let sessions = format!("{url}/internal/sessions");
    let feed = format!("{url}/internal/feed?after=0&limit=1000");
    for address in [&sessions, &feed] {
        assert_eq!(reqwest::get(address).await.unwrap().status(), 401);
    }
    let signer = InternalSigner::from_keyring(&server.keyring, "router", server.env.clone()).await;
    let token = signer.unwrap().service_token("identity").unwrap();
    for (address, fields) in [(&sessions, "expiresAt"), (&feed, "expires_at")] {
        let asked = reqwest::Client::new().get(address).header(HEADER, &token);
        let text = asked.send().await.unwrap().text().await.unwrap();
        assert!(text.contains("ses_") && text.contains(fields), "{text}");
        for secret in ["token", "Ada", &tokens.refresh] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
