//! The audit log: what is in it, for whom, and that it is there once.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};
use studio_events::{EventFeed, FeedError, FeedPage};
use studio_kernel::published::CloudEvent;
use tokio::sync::watch;

use crate::support::{EMAIL, PASSWORD, Server, Tokens};

const ENTRIES: &str = "query($filter: AuditFilter, $first: Int, $after: String) {
    auditEntries(filter: $filter, first: $first, after: $after) {
        nodes { id log position recordedAt action outcome times actor user { name } session roles
            targetKind target request cause details { name value } }
        pageInfo { hasNextPage endCursor } } }";

/// How long an entry is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The entries that fit, newest first.
async fn entries(server: &Server, who: &Tokens, filter: Value) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "filter": filter, "first": 100, "after": after });
        let data = server.data(Some(&who.access), ENTRIES, variables).await;
        let page = &data["auditEntries"];
        all.extend(page["nodes"].as_array().unwrap().clone());
        if page["pageInfo"]["hasNextPage"] == false {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// The same, once there are so many.
async fn so_many(server: &Server, who: &Tokens, filter: Value, count: usize) -> Vec<Value> {
    let wait = async {
        loop {
            let found = entries(server, who, filter.clone()).await;
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap()
}

/// Waits until the audit log holds all that is recorded now.
async fn caught_up(server: &Server, who: &Tokens) {
    let head = server.store.head().to_string();
    let wait = async {
        loop {
            let newest = entries(server, who, json!({ "log": "identity" })).await;
            if newest.iter().any(|entry| entry["position"] == head.as_str()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

fn detail(entry: &Value, name: &str) -> Value {
    let details = entry["details"].as_array().unwrap();
    let found = details.iter().find(|detail| detail["name"] == name);
    found.map_or(Value::Null, |it| serde_json::from_str(it["value"].as_str().unwrap()).unwrap())
}

#[tokio::test]
async fn it_says_who_did_what_to_whom() {
    let (server, ada) = Server::set_up().await;
    let (charles, _) = server.viewer(&ada).await;
    let give = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
        userErrors { code } } }";
    let input = json!({ "input": { "userId": charles, "give": ["CONTRIBUTOR"], "take": [] } });
    server.data(Some(&ada.access), give, input).await;

    let changed = so_many(&server, &ada, json!({ "action": "identity.user.roles_" }), 1).await;
    let entry = &changed[0];
    assert_eq!(changed.len(), 1);
    assert_eq!(entry["action"], "identity.user.roles_changed");
    assert_eq!((&entry["log"], &entry["outcome"]), (&json!("identity"), &json!("SUCCEEDED")));
    assert_eq!(
        (&entry["target"], &entry["targetKind"]),
        (&json!(charles), &json!("identity.user"))
    );
    assert_eq!(entry["user"]["name"], "Ada Lovelace");
    assert_eq!(entry["roles"], json!(["OWNER"]));
    assert_eq!(entry["times"], 1);
    assert!(entry["session"].as_str().unwrap().starts_with("ses_"));
    assert_eq!(detail(entry, "roles"), json!(["contributor", "viewer"]));
    // Its event is where it says.
    let position: i64 = entry["position"].as_str().unwrap().parse().unwrap();
    let event = server.store.read(position - 1, 1).await.unwrap().remove(0);
    assert_eq!(event.event_id.to_string(), entry["id"].as_str().unwrap());

    // All of it together holds nothing that is sealed.
    let all = serde_json::to_string(&entries(&server, &ada, json!({})).await).unwrap();
    for secret in ["charles@example.org", EMAIL, "$argon2", "tokenHash", "token_hash", "ciphertext"]
    {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn filters_narrow_and_are_no_patterns() {
    let (server, ada) = Server::set_up().await;
    let (charles, _) = server.viewer(&ada).await;
    caught_up(&server, &ada).await;
    let all = entries(&server, &ada, json!({})).await;
    let me = server.data(Some(&ada.access), "{ me { id } }", json!({})).await;
    let me = me["me"]["id"].as_str().unwrap().to_owned();
    let instants: Vec<&str> = all.iter().map(|e| e["recordedAt"].as_str().unwrap()).collect();
    assert!(instants.windows(2).all(|pair| pair[0] >= pair[1]), "newest first: {instants:?}");

    let by = |name: &str, value: &str| all.iter().filter(|e| e[name] == value).count();
    let found = async |filter: Value| entries(&server, &ada, filter).await.len();
    assert_eq!(found(json!({ "actor": me })).await, by("actor", &me));
    assert_eq!(found(json!({ "target": charles })).await, by("target", &charles));
    assert!(by("actor", &me) > 0 && by("target", &charles) > 0);
    assert_eq!(found(json!({ "log": "identity" })).await, all.len());
    assert_eq!(found(json!({ "outcome": "DENIED" })).await, 0);
    let begins = |prefix: &str| {
        all.iter().filter(|e| e["action"].as_str().unwrap().starts_with(prefix)).count()
    };
    assert_eq!(found(json!({ "action": "identity.session." })).await, begins("identity.session."));
    // `_` is no other letter, and nothing else is a pattern or ends a text.
    assert_eq!(found(json!({ "action": "identity_" })).await, 0);
    for odd in ["' OR '1'='1", "%", "usr_%", "\"; DROP TABLE identity_audit_entries; --"] {
        assert_eq!(found(json!({ "actor": odd })).await, 0, "{odd}");
        assert_eq!(found(json!({ "target": odd })).await, 0, "{odd}");
        assert_eq!(found(json!({ "log": odd })).await, 0, "{odd}");
    }
    assert_eq!(found(json!({})).await, all.len());

    let newest = instants[0];
    let before = entries(&server, &ada, json!({ "to": newest })).await;
    let from = entries(&server, &ada, json!({ "from": newest })).await;
    assert_eq!(before.len() + from.len(), all.len());
    assert!(from.iter().all(|entry| entry["recordedAt"] == newest));

    for bad in [
        json!({ "action": "identity.%" }),
        json!({ "action": "Identity" }),
        json!({ "actor": "x".repeat(256) }),
        json!({ "target": "\u{0}" }),
        json!({ "from": "yesterday" }),
    ] {
        let variables = json!({ "filter": bad });
        assert_eq!(
            server.code(Some(&ada.access), ENTRIES, variables).await,
            "BAD_REQUEST",
            "{bad}"
        );
    }
    for bad in [json!({ "first": 101 }), json!({ "first": 0 }), json!({ "after": "MTIz" })] {
        let code = server.code(Some(&ada.access), ENTRIES, bad.clone()).await;
        assert_eq!(code, "BAD_REQUEST", "{bad}");
    }
    // Page by page it is the same.
    let (mut paged, mut after) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "first": 2, "after": after });
        let data = server.data(Some(&ada.access), ENTRIES, variables).await;
        paged.extend(data["auditEntries"]["nodes"].as_array().unwrap().clone());
        after = data["auditEntries"]["pageInfo"]["endCursor"].clone();
        if data["auditEntries"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn nobody_sees_the_entries_of_another_organization() {
    let (server, ada) = Server::set_up().await;
    let luigi = server.second_organization().await;
    caught_up(&server, &luigi).await;
    let of_ada = entries(&server, &ada, json!({})).await;
    let of_luigi = entries(&server, &luigi, json!({})).await;
    assert!(!of_ada.is_empty() && !of_luigi.is_empty());
    assert!(of_ada.iter().all(|entry| of_luigi.iter().all(|other| other["id"] != entry["id"])));
    let tenants: std::collections::BTreeSet<_> =
        server.store.read(0, 1_000).await.unwrap().into_iter().map(|it| it.tenant).collect();
    assert_eq!(tenants.len(), 2, "and there is nothing of anybody else");
    assert_eq!(of_ada.len() + of_luigi.len(), usize::try_from(server.store.head()).unwrap());
    // Nor by what they name, and a cursor leads nowhere else.
    let theirs = of_ada[0]["target"].clone();
    assert!(entries(&server, &luigi, json!({ "target": theirs })).await.is_empty());
    let page = json!({ "first": 1 });
    let data = server.data(Some(&ada.access), ENTRIES, page).await;
    let cursor = data["auditEntries"]["pageInfo"]["endCursor"].clone();
    let data = server.data(Some(&luigi.access), ENTRIES, json!({ "after": cursor })).await;
    for entry in data["auditEntries"]["nodes"].as_array().unwrap() {
        assert!(of_luigi.contains(entry));
    }
}

#[tokio::test]
async fn refusals_and_sign_ins_in_vain_are_in_it() {
    let (server, ada) = Server::set_up().await;
    let (charles, viewer) = server.viewer(&ada).await;
    assert_eq!(server.code(Some(&viewer.access), ENTRIES, json!({})).await, "FORBIDDEN");
    let denied = so_many(&server, &ada, json!({ "outcome": "DENIED" }), 1).await;
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0]["action"], "access.action.denied");
    assert_eq!(denied[0]["actor"], charles.as_str());
    assert_eq!(denied[0]["targetKind"], "AuditEntry");
    assert_eq!(denied[0]["roles"], json!(["VIEWER"]));
    assert_eq!(detail(&denied[0], "denied"), "identity:audit:read");

    // Many more within the minute are one entry at its end.
    for _ in 0..50 {
        assert_eq!(server.code(Some(&viewer.access), ENTRIES, json!({})).await, "FORBIDDEN");
    }
    server.clock.advance_micros(61_000_000);
    let denied = so_many(&server, &ada, json!({ "outcome": "DENIED" }), 2).await;
    assert_eq!((denied.len(), &denied[0]["times"]), (2, &json!(50)));

    let wrong = server.log_in(EMAIL, "not the password at all").await;
    assert_eq!(wrong["userErrors"][0]["code"], "INVALID_CREDENTIALS");
    let unknown = server.log_in("nobody@example.org", PASSWORD).await;
    assert_eq!(unknown["userErrors"][0]["code"], "INVALID_CREDENTIALS");
    let failed = so_many(&server, &ada, json!({ "outcome": "FAILED" }), 1).await;
    assert_eq!(failed.len(), 1, "an address that nobody has is of no organization");
    assert_eq!(failed[0]["action"], "identity.sign_in.failed");
    assert_eq!(failed[0]["targetKind"], "identity.user");
    assert_eq!(failed[0]["user"], Value::Null, "nobody knows who it was");
    assert_eq!(detail(&failed[0], "with"), "password");
    let text = serde_json::to_string(&failed).unwrap();
    assert!(!text.contains("not the password") && !text.contains(EMAIL));
}

#[tokio::test]
async fn a_restart_and_a_second_process_make_no_entry_twice() {
    let (server, ada) = Server::set_up().await;
    server.viewer(&ada).await;
    caught_up(&server, &ada).await;
    let before = entries(&server, &ada, json!({})).await;
    // Another process that takes the whole log in again.
    let beside = server.beside().await;
    let from_the_start = Arc::new(Repeated(server.audit.clone()));
    tokio::spawn(beside.identity.keep_audit_log(vec![from_the_start]));
    server.create_user(&ada, "Luigi Menabrea", "luigi@example.org").await;
    caught_up(&server, &ada).await;
    beside.stop().await;
    let server = server.restart().await;
    server.create_user(&ada, "Mary Somerville", "mary@example.org").await;
    caught_up(&server, &ada).await;
    let after = entries(&server, &ada, json!({})).await;
    assert_eq!(after.len(), usize::try_from(server.store.head()).unwrap());
    assert_eq!(after[after.len() - before.len()..], before);
}

/// A feed that tells everything again whenever it is asked for the first time after something new.
struct Repeated(Arc<dyn EventFeed>);

#[async_trait]
impl EventFeed for Repeated {
    fn source(&self) -> &str {
        self.0.source()
    }

    async fn read(&self, after: i64, limit: usize) -> Result<FeedPage, FeedError> {
        let page = self.0.read(after, limit).await?;
        let again: Vec<CloudEvent> = self.0.read(0, limit).await?.events;
        let known = again.into_iter().filter(|event| event.position <= after);
        Ok(FeedPage { events: known.chain(page.events).collect(), scanned_to: page.scanned_to })
    }

    fn wake(&self) -> watch::Receiver<i64> {
        self.0.wake()
    }

    async fn head(&self) -> Result<i64, FeedError> {
        self.0.head().await
    }
}

#[tokio::test]
async fn postgres_keeps_the_same_audit_log() {
    let Some(server) = Server::on_postgres().await else { return };
    let token = server.identity.setup_token().unwrap();
    let ada = Tokens::of(&server.set_up_with(&token).await);
    server.viewer(&ada).await;
    caught_up(&server, &ada).await;
    let all = entries(&server, &ada, json!({})).await;
    assert_eq!(all.len(), usize::try_from(server.store.head()).unwrap());
    assert_eq!(entries(&server, &ada, json!({ "action": "identity_" })).await.len(), 0);
    let created = entries(&server, &ada, json!({ "action": "identity.user.created" })).await;
    assert_eq!(created.len(), 2);
    server.stop().await;
}
