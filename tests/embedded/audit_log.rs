//! The audit log of a running server: what people did, in whichever part, what they were refused and
//! what they took with them; printed by `studio audit export`, and proven like any other event.

use serde_json::{Value, json};
use studio_sdk::{Client, Upload};

use crate::support::{EMAIL, Installation, PASSWORD, create_project, mutate, query, until};

const ENTRIES: &str = "query($filter: AuditFilter) { auditEntries(filter: $filter, first: 100) {
    nodes { id log position action outcome times actor target targetKind request
        details { name value } } } }";

async fn entries(client: &Client, filter: Value) -> Vec<Value> {
    let data = query(client, ENTRIES, json!({ "filter": filter })).await;
    data["auditEntries"]["nodes"].as_array().unwrap().clone()
}

/// The newest entry that fits, once there is one.
async fn entry(client: &Client, filter: Value) -> Value {
    until("an entry of the audit log", || async {
        entries(client, filter.clone()).await.into_iter().next()
    })
    .await
}

fn detail<'a>(entry: &'a Value, name: &str) -> &'a str {
    let details = entry["details"].as_array().unwrap().iter();
    let mut found = details.filter(|detail| detail["name"] == name);
    found.next().unwrap_or_else(|| panic!("no {name} in {entry}"))["value"].as_str().unwrap()
}

#[tokio::test]
async fn what_people_do_is_told_and_exported_and_proven() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let project = create_project(&owner, "A name that is nobody's business").await;
    let created = entry(&owner, json!({ "action": "controls.project.created" })).await;
    assert_eq!((&created["log"], &created["target"]), (&json!("controls"), &json!(project)));
    assert!(created["request"].as_str().unwrap().starts_with("req_"));

    let text = b"Whoever leaves loses every access on the same day.".to_vec();
    let uploaded =
        owner.upload_document(&project, "secret-name.md", "text/markdown", Upload::Bytes(text));
    let document = uploaded.await.unwrap()["document"]["id"].as_str().unwrap().to_owned();
    let stored = entry(&owner, json!({ "action": "documents.version.stored" })).await;
    assert_eq!(stored["target"], document.as_str());
    let sha256 = detail(&stored, "sha256").to_owned();

    // Somebody who may only read takes the document along, and tries what they may not.
    let input = json!({ "name": "Vera", "email": "vera@example.org", "password": PASSWORD,
        "roles": ["VIEWER"] });
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) {
        user { id } userErrors { code message path } } }";
    let vera = mutate(&owner, create, input).await["user"]["id"].as_str().unwrap().to_owned();
    let viewer = Client::new(&server.url).unwrap();
    viewer.log_in("vera@example.org", PASSWORD).await.unwrap();
    let content = format!("{}/v1/documents/{document}/versions/1/content", server.url);
    let http = reqwest::Client::new();
    let access = viewer.tokens().unwrap().access;
    let got = http.get(content).bearer_auth(access).send().await.unwrap();
    assert_eq!(got.status(), 200);
    let exported = entry(&owner, json!({ "action": "access.content." })).await;
    assert_eq!((&exported["actor"], &exported["target"]), (&json!(vera), &json!(document)));
    assert_eq!(detail(&exported, "sha256"), sha256);
    let refused = viewer.query_text::<Value>(ENTRIES, json!({})).await.unwrap_err();
    assert_eq!(refused.code(), Some("FORBIDDEN"));
    let denied = entry(&owner, json!({ "outcome": "DENIED", "actor": vera })).await;
    assert_eq!(detail(&denied, "denied"), "\"identity:audit:read\"");
    assert!(viewer.log_in(EMAIL, "not at all the right one").await.is_err());
    let failed = entry(&owner, json!({ "outcome": "FAILED" })).await;
    assert_eq!(failed["action"], "identity.sign_in.failed");

    // On the command line it is the same, line by line.
    let login = ["login", "--server", &server.url, "--email", EMAIL];
    installation.run_with_password(&login, PASSWORD);
    entry(&owner, json!({ "action": "identity.session.started" })).await;
    let printed = installation.run(&["audit", "export", "--actor", &vera]);
    let lines: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = entries(&owner, json!({ "actor": vera })).await;
    let ids = |entries: &[Value]| -> Vec<Value> {
        entries.iter().map(|entry| entry["id"].clone()).collect()
    };
    assert_eq!(ids(&lines), ids(&told));
    let export = ["audit", "export", "--format", "ocsf"];
    let ocsf = installation.run(&export);
    let events: Vec<Value> = ocsf.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |id: &Value| events.iter().find(|event| event["metadata"]["uid"] == *id).unwrap();
    assert_eq!(of(&failed["id"])["type_uid"], 300_201);
    assert_eq!(of(&denied["id"])["status_id"], 2);
    assert_eq!(of(&created["id"])["class_uid"], 6003);
    for secret in ["nobody's business", "secret-name", "Vera", "vera@example.org", "not at all"] {
        assert!(!ocsf.contains(secret) && !printed.contains(secret), "{secret}");
    }
    let wrong = installation.refused(&["audit", "export", "--action", "%"], &[]);
    assert!(wrong.contains("lower-case letters"), "{wrong}");

    // Each is an event that can be proven.
    let shelf = tempfile::tempdir().unwrap();
    let id = denied["id"].as_str().unwrap();
    let out = shelf.path().to_str().unwrap();
    let prove = ["audit", "inclusion", "--log", "identity", "--event", id, "--out", out];
    let key = installation.run(&["audit", "key"]).lines().next().unwrap().to_owned();
    let proof = installation.run(&prove);
    let verified = installation.run(&["audit", "verify", "--key", &key, proof.trim()]);
    assert!(verified.contains(id), "{verified}");

    // A restart adds nothing and loses nothing.
    let before = entries(&owner, json!({ "actor": vera })).await;
    server.stop();
    let server = installation.start();
    let owner = Client::new(&server.url).unwrap();
    owner.log_in(EMAIL, PASSWORD).await.unwrap();
    entry(&owner, json!({ "action": "controls.project.created" })).await;
    assert_eq!(ids(&entries(&owner, json!({ "actor": vera })).await), ids(&before));
}
