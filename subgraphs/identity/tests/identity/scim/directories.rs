//! Connecting directories, changing and disconnecting them.

use serde_json::{Value, json};

use super::{Stage, ask, connect, connect_with};
use crate::support::{Server, fault, faults};

const UPDATE: &str = "mutation($input: UpdateDirectoryInput!) { updateDirectory(input: $input) {
    directory { version name groups { displayName role } defaultRoles } userErrors { code message path } } }";
const DISCONNECT: &str =
    "mutation($input: DisconnectDirectoryInput!) { disconnectDirectory(input: $input) {
    directory { disconnectedAt } userErrors { code message path } } }";
const DIRECTORIES: &str =
    "{ organization { directories { nodes { id name lastUsedAt disconnectedAt people } } } }";

#[tokio::test]
async fn a_directory_is_connected_used_and_disconnected() {
    let (server, owner) = Server::set_up().await;
    let made = connect_with(&server, &owner, json!({})).await;
    let directory = &made["directory"];
    assert!(made["token"].as_str().unwrap().starts_with("scm_"));
    assert_eq!(directory["endpoint"], "http://127.0.0.1:4000/scim/v2");
    assert_eq!((&directory["version"], &directory["people"]), (&json!(1), &json!(0)));
    let groups = json!([
        { "displayName": "GRC", "externalId": null, "role": "COMPLIANCE_MANAGER" },
        { "displayName": null, "externalId": "g-audit", "role": "AUDITOR" },
    ]);
    assert_eq!(directory["groups"], groups);
    assert_eq!(directory["lastUsedAt"], Value::Null);
    let token = made["token"].as_str().unwrap();
    ask(&server, token, "GET", "/Users", None).await.must(200);

    let listed = server.data(Some(&owner.access), DIRECTORIES, json!({})).await;
    let listed = &listed["organization"]["directories"]["nodes"][0];
    assert_eq!(listed["lastUsedAt"], "2026-03-01T09:00:00+00:00");
    server.clock.advance_micros(200_000_000);
    ask(&server, token, "GET", "/Users", None).await.must(200);
    let again = server.data(Some(&owner.access), DIRECTORIES, json!({})).await;
    assert_eq!(
        again["organization"]["directories"]["nodes"][0]["lastUsedAt"],
        listed["lastUsedAt"]
    );
    server.clock.advance_micros(100_000_000);
    ask(&server, token, "GET", "/Users", None).await.must(200);
    let later = server.data(Some(&owner.access), DIRECTORIES, json!({})).await;
    let later = &later["organization"]["directories"]["nodes"][0]["lastUsedAt"];
    assert_eq!(later, "2026-03-01T09:05:00+00:00");

    let input = json!({ "input": { "directoryId": directory["id"] } });
    for _ in 0..2 {
        let told = server.data(Some(&owner.access), DISCONNECT, input.clone()).await;
        let told = &told["disconnectDirectory"];
        assert!(told["directory"]["disconnectedAt"].is_string(), "{told}");
    }
    assert_eq!(ask(&server, token, "GET", "/Users", None).await.error(401), "");
    let again =
        json!({ "input": { "directoryId": directory["id"], "expectedVersion": 2, "name": "x" } });
    let told = server.data(Some(&owner.access), UPDATE, again).await;
    assert_eq!(fault(&told["updateDirectory"]), "DISCONNECTED");
    let server = server.restart().await;
    assert_eq!(ask(&server, token, "GET", "/Users", None).await.error(401), "");
}

#[tokio::test]
async fn what_is_not_right_is_said() {
    let (server, owner) = Server::set_up().await;
    for (more, code, field) in [
        (json!({ "name": " " }), "INVALID_NAME", "name"),
        (json!({ "emailDomains": [] }), "INVALID_DOMAIN", "emailDomains"),
        (json!({ "emailDomains": ["@example.org"] }), "INVALID_DOMAIN", "emailDomains"),
        (
            json!({ "groups": [{ "displayName": "x", "role": "OWNER" }] }),
            "NO_OWNER_BY_DIRECTORY",
            "groups",
        ),
        (json!({ "defaultRoles": ["OWNER"] }), "NO_OWNER_BY_DIRECTORY", "defaultRoles"),
        (json!({ "groups": [{ "role": "VIEWER" }] }), "INVALID_GROUP", "groups"),
        (
            json!({ "groups": [{ "displayName": "x", "externalId": "y", "role": "VIEWER" }] }),
            "INVALID_GROUP",
            "groups",
        ),
        (json!({ "expiresAt": "2026-03-01T09:00:00Z" }), "INVALID_EXPIRY", "expiresAt"),
    ] {
        let told = connect_with(&server, &owner, more.clone()).await;
        assert_eq!(faults(&told), [(code.to_owned(), field.to_owned())], "{more}");
        assert_eq!(told["token"], Value::Null);
    }
    for _ in 0..20 {
        connect(&server, &owner, json!({})).await;
    }
    let told = connect_with(&server, &owner, json!({})).await;
    assert_eq!(fault(&told), "TOO_MANY_DIRECTORIES");
}

#[tokio::test]
async fn a_token_may_run_out() {
    let until = json!({ "expiresAt": "2026-03-01T10:00:00Z" });
    let stage = Stage::with(until).await;
    stage.get("/Users").await.must(200);
    stage.server.clock.advance_micros(3_600_000_000 - 1);
    stage.get("/Users").await.must(200);
    stage.server.clock.advance_micros(1);
    assert_eq!(stage.get("/Users").await.error(401), "");
}

#[tokio::test]
async fn other_groups_give_other_roles_at_once() {
    let stage = Stage::set().await;
    let (ada, bob) = (stage.add("amy").await, stage.add("bob").await);
    stage.group("GRC", &[&ada]).await;
    stage.group("Readers", &[&ada, &bob]).await;
    assert_eq!(stage.roles(&ada).await, json!(["COMPLIANCE_MANAGER"]));
    assert_eq!(stage.roles(&bob).await, json!([]));

    let input = json!({
        "directoryId": stage.directory, "expectedVersion": 1,
        "groups": [{ "displayName": "readers", "role": "VIEWER" }],
    });
    let told = stage.mutate(UPDATE, "updateDirectory", input.clone()).await;
    assert_eq!(told["userErrors"], json!([]));
    assert_eq!(told["directory"]["version"], 2);
    assert_eq!(told["directory"]["name"], "Entra ID", "what is left out stays");
    assert_eq!(stage.roles(&ada).await, json!(["VIEWER"]), "GRC gives nothing any more");
    assert_eq!(stage.roles(&bob).await, json!(["VIEWER"]));

    // Who has not seen that does not overwrite it.
    let variables = json!({ "input": input });
    let stale = stage.server.code(Some(&stage.owner.access), UPDATE, variables).await;
    assert_eq!(stale, "CONFLICT");
    let input = json!({ "directoryId": stage.directory, "expectedVersion": 2, "groups": [],
        "defaultRoles": ["CONTRIBUTOR"] });
    stage.mutate(UPDATE, "updateDirectory", input).await;
    assert_eq!(stage.roles(&bob).await, json!(["CONTRIBUTOR"]));
    let owner =
        json!({ "directoryId": stage.directory, "expectedVersion": 3, "defaultRoles": ["OWNER"] });
    let told = stage.mutate(UPDATE, "updateDirectory", owner).await;
    assert_eq!(fault(&told), "NO_OWNER_BY_DIRECTORY");
    // A rebuild says the same.
    for name in ["directories", "directory_people", "directory_groups", "users"] {
        stage.server.store.rebuild(&format!("identity.{name}")).await.unwrap();
    }
    assert_eq!(stage.roles(&bob).await, json!(["CONTRIBUTOR"]));
    assert_eq!(stage.get("/Users").await.must(200)["totalResults"], 2);
    assert_eq!(stage.get("/Groups").await.must(200)["totalResults"], 2);
}

#[tokio::test]
async fn programs_and_others_connect_none() {
    let stage = Stage::set().await;
    let (_, viewer) = stage.server.viewer(&stage.owner).await;
    let input = json!({ "input": { "name": "x", "emailDomains": ["example.org"] } });
    let connect =
        "mutation($input: ConnectDirectoryInput!) { connectDirectory(input: $input) { token } }";
    assert_eq!(stage.server.code(Some(&viewer.access), connect, input.clone()).await, "FORBIDDEN");
    let asked = "{ organization { directories { nodes { id } } } }";
    assert_eq!(stage.server.code(Some(&viewer.access), asked, json!({})).await, "FORBIDDEN");
    let key = "mutation { createApiKey(input: { name: \"x\", scopes: [\"*:*:*\"] }) { secret } }";
    let key = stage.server.data(Some(&stage.owner.access), key, json!({})).await;
    let key = key["createApiKey"]["secret"].as_str().unwrap();
    assert_eq!(stage.server.code(Some(key), connect, input).await, "FORBIDDEN");
    let rival = stage.server.second_organization().await;
    let input = json!({ "input": { "directoryId": stage.directory } });
    assert_eq!(stage.server.code(Some(&rival.access), DISCONNECT, input).await, "NOT_FOUND");
    let data = stage.server.data(Some(&rival.access), asked, json!({})).await;
    assert_eq!(data["organization"]["directories"]["nodes"], json!([]));
}
