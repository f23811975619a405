//! What must not be possible with a key, or without one.

use std::time::Duration;

use serde_json::{Value, json};
use studio_identity::TokenError;
use studio_kernel::{Env, Id, Role, kind};

use super::{CREATE, REVOKE, key, person};
use crate::support::{CREATE_USER, EMAIL, PASSWORD, Server, Tokens};

const ERASE: &str =
    "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
const CHANGE: &str = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
    userErrors { code message path } } }";

#[tokio::test]
async fn what_is_not_the_key_is_refused_in_the_same_words() {
    let (server, owner) = Server::set_up().await;
    let (_, text) = key(&server, &owner, &["*:*:read"]).await;
    let (_, other) = key(&server, &owner, &["*:*:read"]).await;
    let (revoked, gone) = key(&server, &owner, &["*:*:read"]).await;
    server.data(Some(&owner.access), REVOKE, json!({ "id": revoked })).await;
    let secret_of = |text: &str| text[37..].to_owned();
    let unknown: Id<kind::ApiKey> = Env::system().id();
    let mut wrong = vec![
        ("revoked", gone),
        ("another key's secret", format!("{}{}", &text[..37], secret_of(&other))),
        ("an unknown id", format!("stk_{}_{}", unknown.uuid().simple(), secret_of(&text))),
        ("the hash", format!("{}{}", &text[..37], "0".repeat(43))),
        ("no secret", text[..37].to_owned()),
        ("only the prefix", "stk_".to_owned()),
        ("longer", format!("{text}A")),
        ("a null", format!("{}\0", &text[..text.len() - 1])),
        ("huge", format!("stk_{}", "a".repeat(100_000))),
    ];
    wrong.extend((5..text.len()).map(|cut| ("truncated", text[..cut].to_owned())));
    for (name, text) in wrong {
        assert_eq!(server.verifier.verify(&text), Err(TokenError::Key), "{name}");
        assert_eq!(server.verifier.verify_newest(&text).await, Err(TokenError::Key), "{name}");
    }
    // One character changed, wherever it is.
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'b' { b'c' } else { b'b' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(server.verifier.verify(&changed).is_err(), "{at}");
    }
    assert!(server.verifier.verify(&text).is_ok());
    // Nor does it work where a password, an access token or a refresh token is wanted.
    let payload = server.log_in(EMAIL, &text).await;
    assert_eq!(payload["userErrors"][0]["code"], "INVALID_CREDENTIALS");
    let payload = server.refresh(&text).await;
    assert_eq!(payload["userErrors"][0]["code"], "INVALID_REFRESH_TOKEN");
}

#[tokio::test]
async fn a_key_ends_at_its_time_and_at_once_where_it_is_revoked() {
    let (server, owner) = Server::set_up().await;
    let (_, text) = key(&server, &owner, &["*:*:read"]).await;
    let days = 90 * 86_400_000_000;
    server.clock.advance_micros(days - 1);
    let actor = server.verifier.verify(&text).unwrap();
    assert!(server.verifier.still_valid(&actor));
    server.clock.advance_micros(1);
    assert_eq!(server.verifier.verify(&text), Err(TokenError::Key));
    assert!(!server.verifier.still_valid(&actor), "what it began does not go on");
    assert_eq!(server.verifier.now(actor), None);

    let owner = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    let (id, text) = key(&server, &owner, &["*:*:read"]).await;
    let other = server.beside().await;
    let actor = other.verifier.verify_newest(&text).await.unwrap();
    server.data(Some(&owner.access), REVOKE, json!({ "id": id })).await;
    assert_eq!(server.verifier.verify(&text), Err(TokenError::Key));
    let heard = async {
        while other.verifier.still_valid(&actor) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // Far longer than it may take.
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
    assert_eq!(other.verifier.verify(&text), Err(TokenError::Key));
    // Once more changes nothing.
    let head = server.store.head();
    server.data(Some(&owner.access), REVOKE, json!({ "id": id })).await;
    assert_eq!(server.store.head(), head);
}

#[tokio::test]
async fn no_key_makes_itself_stronger() {
    let (server, owner) = Server::set_up().await;
    let (vera_id, vera) = person(&server, &owner, "vera@example.org", &["VIEWER"]).await;
    let (id, text) = key(&server, &owner, &["*:*:*", "identity:*:*", "identity:user:*"]).await;
    let (of_vera, _) = key(&server, &vera, &["*:*:read"]).await;
    let sessions = "{ me { sessions { nodes { id } } } }";
    let data = server.data(Some(&owner.access), sessions, json!({})).await;
    let session = data["me"]["sessions"]["nodes"][0]["id"].clone();
    let head = server.store.head();
    let new = json!({ "input": { "name": "Eve", "email": "eve@example.org", "password": PASSWORD,
        "roles": ["OWNER"] } });
    for (query, variables) in [
        (CREATE, json!({ "input": { "name": "more", "scopes": ["*:*:*"] } })),
        (REVOKE, json!({ "id": id })),
        (REVOKE, json!({ "id": of_vera })),
        (CREATE_USER, new),
        (CHANGE, json!({ "input": { "userId": vera_id, "give": ["OWNER"] } })),
        (ERASE, json!({ "id": vera_id })),
        (
            "mutation($id: ID!) { revokeSession(input: { sessionId: $id }) { userErrors { code } } }",
            json!({ "id": session }),
        ),
        ("mutation { endOtherSessions { ended userErrors { code } } }", json!({})),
        ("mutation { logOut { userErrors { code } } }", json!({})),
        (
            "mutation($p: String!) { changePassword(input: { currentPassword: $p, newPassword: \"another engine no 3\" }) { userErrors { code } } }",
            json!({ "p": PASSWORD }),
        ),
        (
            "mutation($p: String!) { beginTotp(input: { password: $p }) { secret userErrors { code } } }",
            json!({ "p": PASSWORD }),
        ),
        (
            "mutation { confirmTotp(input: { code: \"123456\" }) { userErrors { code } } }",
            json!({}),
        ),
        (
            "mutation($p: String!) { renewRecoveryCodes(input: { password: $p, code: \"123456\" }) { userErrors { code } } }",
            json!({ "p": PASSWORD }),
        ),
        (
            "mutation($p: String!) { removeTotp(input: { password: $p, code: \"123456\" }) { userErrors { code } } }",
            json!({ "p": PASSWORD }),
        ),
        (sessions, json!({})),
        ("{ me { secondFactor { confirmedAt } } }", json!({})),
    ] {
        assert_eq!(server.code(Some(&text), query, variables).await, "FORBIDDEN", "{query}");
    }
    // Nothing was recorded but that it was refused.
    let events = server.store.read(head, 1000).await.unwrap();
    let others: Vec<_> =
        events.iter().filter(|event| event.event_type != "access.action.denied").collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(server.verifier.verify(&owner.access).is_ok() && server.verifier.verify(&text).is_ok());
}

#[tokio::test]
async fn scopes_hold_back_and_give_nothing() {
    let (server, owner) = Server::set_up().await;
    let (_, vera) = person(&server, &owner, "vera@example.org", &["VIEWER"]).await;
    let audit = "{ auditEntries { nodes { id } } }";
    let (_, of_vera) = key(&server, &vera, &["*:*:*", "identity:audit:read"]).await;
    assert_eq!(server.code(Some(&of_vera), audit, json!({})).await, "FORBIDDEN");
    let (_, narrow) = key(&server, &owner, &["identity:user:read", "controls:*:*"]).await;
    server.data(Some(&narrow), "{ users { nodes { id } } me { id } }", json!({})).await;
    for beyond in [audit, "{ organization { name } }", "{ me { apiKeys { nodes { id } } } }"] {
        assert_eq!(server.code(Some(&narrow), beyond, json!({})).await, "FORBIDDEN", "{beyond}");
    }
    // The decision is told as it is for the key.
    let decision = "query($a: String!) { policyDecision(action: $a) { allow reason } }";
    let (_, asks) = key(&server, &owner, &["identity:policy:read", "ai:search:read"]).await;
    let told = async |action: &str| {
        let data = server.data(Some(&asks), decision, json!({ "a": action })).await;
        data["policyDecision"]["allow"].clone()
    };
    assert_eq!(told("ai:search:read").await, true);
    assert_eq!(told("ai:answer:read").await, false);
    assert_eq!(told("identity:key:create").await, false);
}

#[tokio::test]
async fn a_key_loses_what_its_person_loses() {
    let (server, owner) = Server::set_up().await;
    let (id, ada) = person(&server, &owner, "admin@example.org", &["ADMIN"]).await;
    let (_, text) = key(&server, &ada, &["*:*:*"]).await;
    let other = server.beside().await;
    let audit = "{ auditEntries { nodes { id } } }";
    server.data(Some(&text), audit, json!({})).await;
    let begun = server.verifier.verify(&text).unwrap();
    let elsewhere = other.verifier.verify(&text).unwrap();
    let input = json!({ "input": { "userId": id, "give": ["VIEWER"], "take": ["ADMIN"] } });
    let data = server.data(Some(&owner.access), CHANGE, input).await;
    assert_eq!(data["changeRoles"]["userErrors"], json!([]));
    assert_eq!(server.code(Some(&text), audit, json!({})).await, "FORBIDDEN");
    assert!(!server.verifier.still_valid(&begun), "a subscription is begun anew");
    assert_eq!(server.verifier.now(begun.clone()).unwrap().roles, [Role::Viewer]);
    assert_eq!(server.verifier.now(begun.clone()).unwrap().scopes, begun.scopes);
    let heard = async {
        while other.verifier.still_valid(&elsewhere) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
    assert_eq!(other.verifier.verify(&text).unwrap().roles, [Role::Viewer]);
}

#[tokio::test]
async fn the_keys_of_an_erased_person_are_dead() {
    let (server, owner) = Server::set_up().await;
    let (id, vera) = person(&server, &owner, "vera@example.org", &["VIEWER"]).await;
    let (key_id, text) = key(&server, &vera, &["*:*:read"]).await;
    let other = server.beside().await;
    let elsewhere = other.verifier.verify(&text).unwrap();
    let actor = server.verifier.verify(&text).unwrap();
    server.data(Some(&owner.access), ERASE, json!({ "id": id })).await;
    assert_eq!(server.verifier.verify(&text), Err(TokenError::Key));
    assert!(!server.verifier.still_valid(&actor));
    let heard = async {
        while other.verifier.still_valid(&elsewhere) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
    // What it was called is gone with its person, and that it was there is not.
    let server = server.restart().await;
    assert_eq!(server.verifier.verify(&text), Err(TokenError::Key));
    let query = "{ organization { apiKeys { nodes { id name revokedAt user { name } } } } }";
    let data = server.data(Some(&owner.access), query, json!({})).await;
    let left = &data["organization"]["apiKeys"]["nodes"][0];
    assert_eq!((&left["id"], &left["name"]), (&json!(key_id), &Value::Null));
    assert!(left["revokedAt"].is_string() && left["user"]["name"].is_null());
}

#[tokio::test]
async fn a_key_reaches_nothing_of_another_organization() {
    let (server, owner) = Server::set_up().await;
    let luigi = server.second_organization().await;
    let (id, text) = key(&server, &owner, &["*:*:*"]).await;
    let (theirs, of_luigi) = key(&server, &luigi, &["*:*:*"]).await;
    let mine =
        server.data(Some(&owner.access), "{ me { id } organization { id } }", json!({})).await;
    let data = server
        .data(Some(&of_luigi), "{ organization { id name } users { nodes { id } } }", json!({}))
        .await;
    assert_eq!(data["organization"]["name"], "Difference Engines");
    assert!(!data.to_string().contains(mine["me"]["id"].as_str().unwrap()));
    let user = "query($id: ID!) { user(id: $id) { id } }";
    let data = server.data(Some(&of_luigi), user, json!({ "id": mine["me"]["id"] })).await;
    assert_eq!(data["user"], Value::Null);
    // Nor does anybody see or revoke a key of the others.
    assert_eq!(server.code(Some(&luigi.access), REVOKE, json!({ "id": id })).await, "NOT_FOUND");
    assert_eq!(server.code(Some(&of_luigi), REVOKE, json!({ "id": id })).await, "NOT_FOUND");
    let entities = "query($id: ID!) { _entities(representations: [{ __typename: \"ApiKey\", id: $id }]) { __typename } }";
    let data = server.data(Some(&luigi.access), entities, json!({ "id": id })).await;
    assert_eq!(data["_entities"], json!([null]));
    let data = server
        .data(Some(&owner.access), "{ organization { apiKeys { nodes { id } } } }", json!({}))
        .await;
    assert_eq!(data["organization"]["apiKeys"]["nodes"], json!([{ "id": id }]));
    assert!(server.verifier.verify(&text).is_ok() && theirs != id);
}

/// Whoever is made less while a key of theirs is made gets one with the roles of then at most.
#[tokio::test]
async fn a_key_that_is_made_beside_a_change_of_roles_has_the_new_ones() {
    let (server, owner) = Server::set_up().await;
    let (id, admin) = person(&server, &owner, "admin@example.org", &["ADMIN"]).await;
    let take = json!({ "input": { "userId": id, "give": ["VIEWER"], "take": ["ADMIN"] } });
    let make = json!({ "input": { "name": "CI", "scopes": ["*:*:*"] } });
    let (made, changed) = tokio::join!(
        server.data(Some(&admin.access), CREATE, make),
        server.data(Some(&owner.access), CHANGE, take),
    );
    assert_eq!(changed["changeRoles"]["userErrors"], json!([]));
    let text = made["createApiKey"]["secret"].as_str().unwrap();
    let server = server.restart().await;
    assert_eq!(server.verifier.verify(text).unwrap().roles, [Role::Viewer]);
}
