//! API keys: what is shown of them, what they may do and when they end.

mod attacks;

use std::time::Duration;

use serde_json::{Value, json};
use studio_kernel::{Principal, Role};

use crate::support::{CREATE_USER, PASSWORD, Server, Tokens, fault, faults, holds};

pub(crate) const CREATE: &str =
    "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) {
    apiKey { id name scopes createdAt expiresAt lastUsedAt revokedAt user { id } }
    secret userErrors { code message path } } }";
pub(crate) const REVOKE: &str = "mutation($id: ID!) { revokeApiKey(input: { apiKeyId: $id }) {
    apiKey { id revokedAt } userErrors { code message path } } }";
pub(crate) const MINE: &str =
    "{ me { apiKeys { nodes { id name scopes lastUsedAt revokedAt } } } }";

const DAY: i64 = 86_400_000_000;

/// A key with these scopes: its id and itself.
pub(crate) async fn key(server: &Server, by: &Tokens, scopes: &[&str]) -> (String, String) {
    // Ids sort by the millisecond.
    server.clock.advance_micros(1000);
    let input = json!({ "name": "CI", "scopes": scopes });
    let data = server.data(Some(&by.access), CREATE, json!({ "input": input })).await;
    let made = &data["createApiKey"];
    assert_eq!(made["userErrors"], json!([]), "{made}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["apiKey"]["id"]), text(&made["secret"]))
}

/// A person with these roles, signed in: their id and tokens.
pub(crate) async fn person(
    server: &Server,
    by: &Tokens,
    email: &str,
    roles: &[&str],
) -> (String, Tokens) {
    server.clock.advance_micros(1000);
    let input = json!({ "name": email, "email": email, "password": PASSWORD, "roles": roles });
    let data = server.data(Some(&by.access), CREATE_USER, json!({ "input": input })).await;
    let id = data["createUser"]["user"]["id"].as_str().unwrap().to_owned();
    (id, Tokens::of(&server.log_in(email, PASSWORD).await))
}

#[tokio::test]
async fn a_key_is_shown_once_and_acts_for_its_person() {
    let (server, owner) = Server::set_up().await;
    let input =
        json!({ "name": " Nightly scans ", "scopes": ["identity:*:read", "*:*:read", "*:*:read"] });
    let data = server.data(Some(&owner.access), CREATE, json!({ "input": input })).await;
    let made = &data["createApiKey"];
    let secret = made["secret"].as_str().unwrap();
    let id = made["apiKey"]["id"].as_str().unwrap();
    assert!(secret.starts_with(&format!("stk_{}_", &id[4..])), "{secret}");
    assert_eq!(made["apiKey"]["name"], "Nightly scans");
    assert_eq!(made["apiKey"]["scopes"], json!(["*:*:read", "identity:*:read"]));
    let (now, expires) = (server.env.now(), made["apiKey"]["expiresAt"].as_str().unwrap());
    assert_eq!(expires.parse(), Ok(now.plus_seconds(90 * 86_400)));

    let owner_id = server.data(Some(&owner.access), "{ me { id } }", json!({})).await;
    let data =
        server.data(Some(secret), "{ me { id roles } organization { name } }", json!({})).await;
    assert_eq!(data["me"], json!({ "id": owner_id["me"]["id"], "roles": ["OWNER"] }));
    let actor = server.verifier.verify(secret).unwrap();
    assert!(matches!(actor.principal, Principal::ApiKey { .. }) && actor.authn.is_none());
    assert!(server.verifier.still_valid(&actor));

    // Nobody is shown it again, and nothing at rest holds it, nor the name.
    let everything = "{ me { apiKeys { nodes { id name scopes lastUsedAt user { id } } } }
        organization { apiKeys { nodes { id } } } }";
    let data = server.data(Some(&owner.access), everything, json!({})).await;
    assert_eq!(data["me"]["apiKeys"]["nodes"][0]["id"], id);
    assert_eq!(data["organization"]["apiKeys"]["nodes"], json!([{ "id": id }]));
    let tail = &secret[secret.len() - 43..];
    assert!(!data.to_string().contains(tail));
    let audit = server.audit.read(0, 1000).await.unwrap();
    let told = serde_json::to_string(&audit.events.iter().map(|it| &it.data).collect::<Vec<_>>());
    let told = told.unwrap();
    assert!(told.contains("identity.api_key.created") && told.contains("identity:*:read"));
    for hidden in [tail, "secret_hash", "Nightly"] {
        assert!(!told.contains(hidden), "{hidden}");
    }
    server.store.shutdown().await;
    let bytes = server.bytes_at_rest();
    assert!(holds(&bytes, "identity.api_key.created"));
    assert!(!holds(&bytes, tail) && !holds(&bytes, "Nightly scans"));
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let (server, owner) = Server::set_up().await;
    let said = async |input: Value| {
        let data = server.data(Some(&owner.access), CREATE, json!({ "input": input })).await;
        assert_eq!(data["createApiKey"]["secret"], Value::Null);
        faults(&data["createApiKey"])
    };
    let of = |code: &str, field: &str| (code.to_owned(), field.to_owned());
    let read = ["*:*:read"];
    assert_eq!(
        said(json!({ "name": " ", "scopes": [], "expiresAt": "2020-01-01T00:00:00Z" })).await,
        [of("INVALID_NAME", "name"), of("NO_SCOPE", "scopes"), of("INVALID_EXPIRY", "expiresAt")]
    );
    for bad in ["", "read", "controls:control:explode", "*:*:*:*", "identity:account:update"] {
        let told = said(json!({ "name": "CI", "scopes": ["*:*:read", bad] })).await;
        assert_eq!(told, [of("INVALID_SCOPE", "scopes")], "{bad}");
    }
    let at = |micros: i64| {
        let at = server.env.now().micros() + micros;
        studio_kernel::Timestamp::from_micros(at).to_string()
    };
    for bad in [at(0), at(-1), at(365 * DAY + 1)] {
        let told = said(json!({ "name": "CI", "scopes": read, "expiresAt": bad })).await;
        assert_eq!(told, [of("INVALID_EXPIRY", "expiresAt")], "{bad}");
    }
    let input = json!({ "name": "CI", "scopes": read, "expiresAt": at(365 * DAY) });
    let data = server.data(Some(&owner.access), CREATE, json!({ "input": input })).await;
    assert_eq!(data["createApiKey"]["userErrors"], json!([]));
    for _ in 1..50 {
        key(&server, &owner, &read).await;
    }
    assert_eq!(said(json!({ "name": "CI", "scopes": read })).await, [of("TOO_MANY_KEYS", "name")]);
}

#[tokio::test]
async fn keys_are_their_persons_own_but_for_who_runs_the_organization() {
    let (server, owner) = Server::set_up().await;
    let (admin_id, admin) = person(&server, &owner, "admin@example.org", &["ADMIN"]).await;
    let (_, vera) = person(&server, &owner, "vera@example.org", &["VIEWER"]).await;
    let (of_admin, _) = key(&server, &admin, &["*:*:read"]).await;
    let (of_vera, text) = key(&server, &vera, &["*:*:read"]).await;
    let all = "{ organization { apiKeys { nodes { id } } } }";
    let listed = async |who: &str| {
        let data = server.data(Some(who), all, json!({})).await;
        data["organization"]["apiKeys"]["nodes"].clone()
    };
    let both = json!([{ "id": of_vera }, { "id": of_admin }]);
    assert_eq!(listed(&owner.access).await, both);
    assert_eq!(listed(&admin.access).await, both);
    assert_eq!(listed(&vera.access).await, json!([{ "id": of_vera }]));
    assert_eq!(listed(&text).await, json!([{ "id": of_vera }]), "by the key too");
    let theirs = "query($id: ID!) { user(id: $id) { apiKeys { nodes { id } } } }";
    let code = server.code(Some(&vera.access), theirs, json!({ "id": admin_id })).await;
    assert_eq!(code, "FORBIDDEN");
    let code = server.code(Some(&vera.access), REVOKE, json!({ "id": of_admin })).await;
    assert_eq!(code, "NOT_FOUND");
    let page = "query($after: String) { organization { apiKeys(first: 1, after: $after) {
        nodes { id } pageInfo { endCursor } } } }";
    let first = server.data(Some(&owner.access), page, json!({})).await;
    let after = &first["organization"]["apiKeys"]["pageInfo"]["endCursor"];
    let second = server.data(Some(&owner.access), page, json!({ "after": after })).await;
    assert_eq!(second["organization"]["apiKeys"]["nodes"], json!([{ "id": of_admin }]));

    let data = server.data(Some(&admin.access), REVOKE, json!({ "id": of_vera })).await;
    assert!(data["revokeApiKey"]["apiKey"]["revokedAt"].is_string());
    assert!(server.verifier.verify(&text).is_err());
}

#[tokio::test]
async fn a_use_is_written_down_now_and_then() {
    let (server, owner) = Server::set_up().await;
    let (_, text) = key(&server, &owner, &["*:*:read"]).await;
    let head = server.store.head();
    let last = async || {
        let data = server.data(Some(&owner.access), MINE, json!({})).await;
        data["me"]["apiKeys"]["nodes"][0]["lastUsedAt"].clone()
    };
    assert_eq!(last().await, Value::Null);
    let first = server.env.now();
    let written = async |at: studio_kernel::Timestamp| {
        let wait = async {
            while last().await.as_str().and_then(|it| it.parse().ok()) != Some(at) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap();
    };
    server.verifier.verify(&text).unwrap();
    written(first).await;
    // So soon again it is not, and then it is.
    server.clock.advance_micros(200_000_000);
    server.verifier.verify(&text).unwrap();
    server.clock.advance_micros(100_000_000);
    server.verifier.verify(&text).unwrap();
    written(server.env.now()).await;
    assert_eq!(server.store.head(), head, "no use is an event");
    let server = server.restart().await;
    let data = server.data(Some(&owner.access), MINE, json!({})).await;
    assert!(data["me"]["apiKeys"]["nodes"][0]["lastUsedAt"].is_string());
}

#[tokio::test]
async fn a_key_holds_after_a_start_and_read_models_are_built_anew() {
    let (server, owner) = Server::set_up().await;
    let (_, vera) = person(&server, &owner, "vera@example.org", &["VIEWER"]).await;
    let (_, text) = key(&server, &vera, &["controls:*:read", "*:*:update"]).await;
    let (revoked, gone) = key(&server, &vera, &["*:*:read"]).await;
    server.data(Some(&vera.access), REVOKE, json!({ "id": revoked })).await;
    // Its person is not signed in, and is known all the same.
    let log_out = "mutation { logOut { userErrors { code } } }";
    server.data(Some(&vera.access), log_out, json!({})).await;
    let before = server.verifier.verify(&text).unwrap();
    let server = server.restart().await;
    let actor = server.verifier.verify(&text).unwrap();
    assert_eq!(actor, before);
    assert_eq!(actor.roles, [Role::Viewer]);
    assert!(server.verifier.verify(&gone).is_err());
    server.store.rebuild("identity.api_keys").await.unwrap();
    let data = server
        .data(
            Some(&owner.access),
            "{ organization { apiKeys { nodes { name scopes revokedAt } } } }",
            json!({}),
        )
        .await;
    let keys = data["organization"]["apiKeys"]["nodes"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys[0]["revokedAt"].is_string() && keys[1]["revokedAt"].is_null());
    assert_eq!(keys[1]["scopes"], json!(["*:*:update", "controls:*:read"]));
}

#[tokio::test]
async fn what_a_program_does_stands_in_the_audit_log() {
    let (server, owner) = Server::set_up().await;
    let (id, text) = key(&server, &owner, &["*:*:read"]).await;
    let log_out = "mutation { logOut { userErrors { code } } }";
    assert_eq!(server.code(Some(&text), log_out, json!({})).await, "FORBIDDEN");
    let query = "{ auditEntries(filter: { outcome: DENIED }) { nodes {
        actor credential session user { name } details { name value } } } }";
    let wait = async {
        loop {
            let data = server.data(Some(&owner.access), query, json!({})).await;
            if let Some(entry) = data["auditEntries"]["nodes"].get(0) {
                return entry.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let entry = tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap();
    assert_eq!((&entry["credential"], &entry["session"]), (&json!(id), &Value::Null));
    assert_eq!(entry["user"]["name"], "Ada Lovelace");
    assert_eq!(entry["details"][0]["value"], "\"identity:session:revoke\"");
    // A key that may not read the log does not.
    let (_, narrow) = key(&server, &owner, &["controls:*:read"]).await;
    assert_eq!(server.code(Some(&narrow), query, json!({})).await, "FORBIDDEN");
}

#[tokio::test]
async fn a_stranger_makes_no_key() {
    let (server, owner) = Server::set_up().await;
    let input = json!({ "input": { "name": "CI", "scopes": ["nothing"] } });
    let data = server.data(Some(&owner.access), CREATE, input.clone()).await;
    assert_eq!(fault(&data["createApiKey"]), "INVALID_SCOPE");
    assert_eq!(server.code(None, CREATE, input).await, "UNAUTHENTICATED");
}
