//! An operator's rules: read at the start, when they change and when they are to be, and tried by
//! hand.

use std::{fs, path::Path};

use serde_json::{Value, json};
use studio_sdk::Client;

use crate::support::{Installation, Shape, config_check, query, until};

const OPEN: &str = "package studio.access\nimport rego.v1\n";
const CLOSES_SEARCH: &str = "package studio.access
import rego.v1
denials contains \"nobody searches here\" if input.action == \"ai:search:read\"
";
const BROKEN: &str = "package studio.access\nimport rego.v1\ndenials contains ]\n";

async fn searches(client: &Client) -> bool {
    let asked =
        client.query_text::<Value>("{ search(query: \"x\") { nodes { passage } } }", json!({}));
    match asked.await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code(), Some("FORBIDDEN"), "{error}");
            false
        }
    }
}

fn put(folder: &Path, name: &str, text: &str) {
    let new = folder.join(format!(".{name}"));
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}

#[tokio::test]
async fn rules_are_taken_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "rules.rego", OPEN);
    let installation = Installation::of(Shape::Embedded)
        .with_setting("STUDIO_POLICY__BUNDLE", folder.path().to_str().unwrap())
        .with_setting("STUDIO_POLICY__WATCH_SECONDS", "0.05");
    let (server, owner) = installation.set_up().await;
    assert!(searches(&owner).await);

    // A new file is seen, a changed one, and one that is gone.
    put(folder.path(), "search.rego", CLOSES_SEARCH);
    until("the new rules", || async { (!searches(&owner).await).then_some(()) }).await;
    put(folder.path(), "search.rego", BROKEN);
    until("the refusal", || async { server.logged().contains("search.rego:3").then_some(()) })
        .await;
    assert!(!searches(&owner).await, "the old ones go on");
    server.hang_up();
    let refused = || server.logged().matches("the old ones go on").count();
    until("it to be said again", || async { (refused() == 2).then_some(()) }).await;
    fs::remove_file(folder.path().join("search.rego")).unwrap();
    until("the rules before", || async { searches(&owner).await.then_some(()) }).await;
    server.stop();

    // At the start there are no old ones.
    put(folder.path(), "search.rego", BROKEN);
    let said = installation.refused(&["serve", "--listen", "127.0.0.1:0"], &[]);
    assert!(said.contains("policy.bundle") && said.contains("search.rego:3"), "{said}");
}

#[tokio::test]
async fn sighup_reads_rules_that_are_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "rules.rego", OPEN);
    let installation = Installation::of(Shape::Embedded)
        .with_setting("STUDIO_POLICY__BUNDLE", folder.path().to_str().unwrap())
        .with_setting("STUDIO_POLICY__WATCH_SECONDS", "0");
    let (server, owner) = installation.set_up().await;
    put(folder.path(), "rules.rego", CLOSES_SEARCH);
    server.hang_up();
    until("the new rules", || async { (!searches(&owner).await).then_some(()) }).await;
    server.hang_up();
    let same = "the access policies have not changed";
    until("the same rules", || async { server.logged().contains(same).then_some(()) }).await;
    let asked = "{ policyDecision(action: \"ai:search:read\", explain: true) {
        allow scope reason votes { grants scope reason } } }";
    let decision = query(&owner, asked, json!({})).await["policyDecision"].clone();
    assert_eq!(decision["allow"], false);
    assert_eq!(decision["scope"], Value::Null);
    assert_eq!(decision["reason"], "nobody searches here");
    let against = json!({ "grants": false, "scope": null, "reason": "nobody searches here" });
    assert_eq!(decision["votes"][0], against);
    assert_eq!(decision["votes"][1]["scope"], "ORGANIZATION");
    server.stop();
}

#[test]
fn rules_are_tried_by_hand() {
    let installation = Installation::of(Shape::Embedded);
    let printed = installation.run(&["policy", "test"]);
    assert!(
        printed.contains("data.studio.access_test.test_only_an_owner_makes_owners"),
        "{printed}"
    );

    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    put(folder.path(), "search.rego", CLOSES_SEARCH);
    let failing = "package mine_test\nimport rego.v1\ntest_mine if 1 == 2\n";
    put(folder.path(), "mine_test.rego", failing);
    let said = installation.attempt(&["policy", "test", dir]).unwrap_err();
    assert!(said.contains("1 of ") && said.contains("tests failed"), "{said}");
    fs::remove_file(folder.path().join("mine_test.rego")).unwrap();
    installation.run(&["policy", "test", dir]);
    let said = installation.attempt(&["policy", "test", "--replace", dir]).unwrap_err();
    assert!(said.contains("data.studio.access.decision"), "{said}");

    let input = folder.path().join("question.json");
    let question = json!({
        "actor": { "kind": "user", "name": "", "roles": ["viewer"] },
        "action": "ai:search:read",
        "resource": { "kind": "Search", "same_tenant": true, "owner": "none", "attributes": {} },
        "context": {},
    });
    fs::write(&input, question.to_string()).unwrap();
    let input = input.to_str().unwrap();
    let eval = |more: &[&str]| -> Value {
        let arguments = [&["policy", "eval", "--input", input], more].concat();
        serde_json::from_str(&installation.run(&arguments)).unwrap()
    };
    assert_eq!(eval(&[])["allow"], true);
    assert_eq!(eval(&[dir])["reason"], "nobody searches here");
    assert_eq!(eval(&["--explain", dir])["votes"][0]["grants"], false);
    fs::write(input, "{").unwrap();
    let said = installation.attempt(&["policy", "eval", "--input", input]).unwrap_err();
    assert!(said.contains("question.json"), "{said}");
}

#[test]
fn the_check_of_a_configuration_tries_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "rules.rego", OPEN);
    let bundle = [("STUDIO_POLICY__BUNDLE", folder.path())];
    let (fine, printed) = config_check(&bundle);
    assert!(fine && printed.contains("policy.bundle"), "{printed}");
    put(folder.path(), "rules.rego", BROKEN);
    let (fine, printed) = config_check(&bundle);
    assert!(!fine && printed.contains("rules.rego:3"), "{printed}");
}
