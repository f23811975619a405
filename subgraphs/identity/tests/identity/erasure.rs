//! Erasure: what identifies a person is gone for good, and the log still verifies.

use std::time::Duration;

use serde_json::{Value, json};
use studio_events::{Append, Expected, Metadata, StreamAppend};
use studio_identity::{
    TokenError,
    domain::user::{User, UserErased},
};
use studio_kernel::{Id, TenantId, kind};
use studio_stores::keyring::Sealed;

use crate::support::{PASSWORD, Server, Tokens, fault};

const ERASE: &str = "mutation($id: ID!) { eraseUser(input: { userId: $id }) {
    user { id name email erasedAt } userErrors { code message path } } }";

/// The sealed profile of the person, as the log holds it.
async fn sealed_profile(server: &Server, user: &str) -> (TenantId, Sealed) {
    let events = server.store.read(0, 1000).await.unwrap();
    let created = events
        .iter()
        .find(|event| event.stream_id == user && event.event_type == "identity.user.created")
        .unwrap();
    let payload: Value = serde_json::from_str(&created.payload).unwrap();
    (created.tenant, serde_json::from_value(payload["profile"].clone()).unwrap())
}

#[tokio::test]
async fn an_erased_person_cannot_be_read_again_and_the_chain_verifies() {
    let (server, owner) = Server::set_up().await;
    let (id, viewer) = server.viewer(&owner).await;
    let (tenant, sealed) = sealed_profile(&server, &id).await;
    assert!(server.keyring.open_person(tenant, &sealed).await.unwrap().is_some());
    let before = server.store.read(0, 1000).await.unwrap();

    let data = server.data(Some(&owner.access), ERASE, json!({ "id": id })).await;
    let erased = &data["eraseUser"]["user"];
    assert_eq!((&erased["name"], &erased["email"]), (&json!(null), &json!(null)));
    assert!(erased["erasedAt"].is_string());

    assert_eq!(server.verifier.verify(&viewer.access), Err(TokenError::SessionOver));
    assert_eq!(fault(&server.refresh(&viewer.refresh).await), "INVALID_REFRESH_TOKEN");
    let as_unknown = server.log_in("charles@example.org", PASSWORD).await;
    assert_eq!(fault(&as_unknown), "INVALID_CREDENTIALS");

    let server = server.restart().await;
    // The events are what they were, byte for byte, and open no more.
    let after = server.store.read(0, 1000).await.unwrap();
    assert_eq!(before[..], after[..before.len()]);
    let (tenant, sealed) = sealed_profile(&server, &id).await;
    assert!(server.keyring.open_person(tenant, &sealed).await.unwrap().is_none());
    server.store.verify().await.unwrap();

    // A read model built anew from the log knows no more than the old one.
    server.store.rebuild("identity.users").await.unwrap();
    let query =
        "query($id: ID!) { user(id: $id) { name email erasedAt } users { nodes { name } } }";
    let data = server.data(Some(&owner.access), query, json!({ "id": id })).await;
    assert_eq!(data["user"]["name"], Value::Null);
    assert!(data["user"]["erasedAt"].is_string());
    assert_eq!(data["users"]["nodes"], json!([{ "name": "Ada Lovelace" }]));

    // Erasing again changes nothing, and the address is free for somebody else.
    let before = server.changes().await;
    let data = server.data(Some(&owner.access), ERASE, json!({ "id": id })).await;
    assert_eq!(data["eraseUser"]["userErrors"], json!([]));
    assert_eq!(server.changes().await, before);
    let payload = server.create_user(&owner, "Another Charles", "charles@example.org").await;
    assert_eq!(payload["userErrors"], json!([]));
    Tokens::of(&server.log_in("charles@example.org", PASSWORD).await);
    server.store.verify().await.unwrap();
}

#[tokio::test]
async fn an_erasure_that_was_cut_short_is_completed_at_the_next_start() {
    let (server, owner) = Server::set_up().await;
    let (id, viewer) = server.viewer(&owner).await;
    let (tenant, sealed) = sealed_profile(&server, &id).await;
    // The event alone, as a crash before the key is destroyed leaves it.
    let user: Id<kind::User> = id.parse().unwrap();
    let events = vec![UserErased { user }.into()];
    let stream = StreamAppend::of::<User>(id.clone(), Expected::Any, events).unwrap();
    let append = Append::new(tenant, Metadata::system("identity.test"), vec![stream]);
    server.store.append(append).await.unwrap();
    assert!(server.keyring.open_person(tenant, &sealed).await.unwrap().is_some());

    let server = server.restart().await;
    let erased = async {
        while server.keyring.open_person(tenant, &sealed).await.unwrap().is_some()
            || server.verifier.verify(&viewer.access) != Err(TokenError::SessionOver)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), erased).await.unwrap();
}

#[tokio::test]
async fn a_log_restored_without_its_keys_brings_nobody_back() {
    let (server, owner) = Server::set_up().await;
    let (id, _) = server.viewer(&owner).await;
    // A copy of the log from before the erasure: a backup.
    let backup = std::fs::read_dir(server.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
        .collect::<Vec<_>>();
    server.data(Some(&owner.access), ERASE, json!({ "id": id })).await;
    let folder = server.folder.clone();
    let clock = server.clock.clone();
    server.stop().await;
    for (path, bytes) in backup {
        std::fs::write(path, bytes).unwrap();
    }
    let server = Server::resume(folder, clock).await;
    let query = "query($id: ID!) { user(id: $id) { id name email } }";
    let data = server.data(Some(&owner.access), query, json!({ "id": id })).await;
    assert_eq!(data["user"], json!({ "id": id, "name": null, "email": null }));
    let payload = server.log_in("charles@example.org", PASSWORD).await;
    assert_eq!(fault(&payload), "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn the_last_owner_stays() {
    let (server, owner) = Server::set_up().await;
    let me = server.data(Some(&owner.access), "{ me { id } }", json!({})).await;
    let id = me["me"]["id"].clone();
    let data = server.data(Some(&owner.access), ERASE, json!({ "id": id })).await;
    assert_eq!(fault(&data["eraseUser"]), "LAST_OWNER");
    assert!(server.verifier.verify(&owner.access).is_ok());
}
