//! The page on tests as code, done: its rule with its cases becomes a test, evidence is handed in, and the
//! score says what it rests on.

use std::{fs, path::Path};

use serde_json::{Value, json};
use studio_sdk::Client;

use crate::support::{Installation, create_project, import_builtin, mutate, query, until};

const ADD: &str = "mutation($input: AddCodeTestInput!) { addCodeTest(input: $input) {
    test { id } userErrors { code message path } } }";

/// The first block of the page in that language.
fn block(language: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tests-as-code.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, block) = page.split_once(&format!("```{language}\n")).unwrap();
    block.split("```").next().unwrap().to_owned()
}

/// The cases as GraphQL takes them: their evidence as text.
fn cases() -> Value {
    let mut cases: Value = serde_json::from_str(&block("json")).unwrap();
    for case in cases.as_array_mut().unwrap() {
        case["input"] = case["input"].to_string().into();
    }
    cases
}

/// The test as the score of its framework explains it.
async fn explained(client: &Client, project: &str, framework: &str, control: &str) -> Value {
    let text = "query($p: ID!, $f: ID!, $c: ID!) { project(id: $p) { score(frameworkId: $f) {
        contributions(first: 1, controlId: $c) { nodes { control { lo hi tests { passed failed unknown
            summaries { ruleVersion evidence { version sha256 } } } } } } } } }";
    let variables = json!({ "p": project, "f": framework, "c": control });
    let mut data = query(client, text, variables).await;
    data["project"]["score"]["contributions"]["nodes"][0]["control"].take()
}

#[tokio::test]
async fn the_page_is_true() {
    let installation = Installation::empty();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (rule, written) = (file("people.rego", &block("rego")), file("cases.json", &block("json")));
    let held = installation.run(&["rule", "test", &rule, "--cases", &written]);
    assert!(held.contains("2 cases hold."), "{held}");
    let strict = block("rego").replace("not user.left", "true");
    let strict = file("strict.rego", &strict);
    let said = installation.attempt(&["rule", "test", &strict, "--cases", &written]).unwrap_err();
    assert!(said.contains("1 faults"), "{said}");

    let (server, client) = installation.set_up().await;
    let project = create_project(&client, "Shop").await;
    let framework = import_builtin(&client, "soc2-2017").await;
    crate::support::adopt(&client, &project, &framework).await;
    let controls = query(
        &client,
        "query($p: ID!) { controls(projectId: $p, first: 1) { nodes { id } } }",
        json!({ "p": project }),
    )
    .await;
    let control = controls["controls"]["nodes"][0]["id"].as_str().unwrap().to_owned();
    let input = json!({ "controlId": control, "title": "Everybody has a second factor",
        "evidenceName": "people", "rule": block("rego"), "cases": cases(), "validityDays": 7 });
    let added = mutate(&client, ADD, input).await;
    assert_eq!(added["userErrors"], json!([]));
    let test = added["test"]["id"].as_str().unwrap().to_owned();

    let people = json!({ "users": [
        { "name": "ada", "second_factor": true }, { "name": "grace" },
        { "name": "joan", "left": true }, { "name": "backup", "machine": true },
    ] });
    let evidence = studio_sdk::Upload::Bytes(people.to_string().into_bytes());
    let answer = client.hand_in(&project, "people", None, evidence).await.unwrap();
    assert!(answer.created);
    let told = until("the score to rest on the evidence", || async {
        let told = explained(&client, &project, &framework, &control).await;
        (told["tests"][0]["summaries"] != json!([])).then_some(told)
    })
    .await;
    let counted = &told["tests"][0];
    assert_eq!(
        (&counted["passed"], &counted["failed"], &counted["unknown"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let sha256 = &answer.run["evidence"]["sha256"];
    assert_eq!(
        counted["summaries"],
        json!([{ "ruleVersion": 1, "evidence": { "version": 1, "sha256": sha256 } }])
    );

    // The failure can be excepted by name, and the federated test says what the rule said.
    let said = query(
        &client,
        "query($c: ID!) { control(id: $c) { evidence { nodes { id source } } tests { nodes { id
            evaluation { evidenceVersion error results(outcome: FAILED) { nodes { resource message } } } } } } }",
        json!({ "c": control }),
    )
    .await;
    let evaluation = &said["control"]["tests"]["nodes"][0]["evaluation"];
    assert_eq!(evaluation["error"], Value::Null);
    assert_eq!(
        evaluation["results"]["nodes"],
        json!([{ "resource": "grace", "message": "no second factor" }])
    );
    assert_eq!(said["control"]["evidence"]["nodes"][0]["source"], "json/people");

    // Another version, to which machines are no mystery, looks at the same evidence.
    let second = block("rego").replace("\"outcome\": \"UNKNOWN\"", "\"outcome\": \"PASSED\"");
    let mut cases = cases();
    cases[1]["expected"] = json!([{ "resource": "backup", "outcome": "PASSED" }]);
    let input = json!({ "testId": test, "expectedVersion": 1, "rule": second, "cases": cases });
    let text = "mutation($input: ChangeTestRuleInput!) { changeTestRule(input: $input) {
        test { rule { version } } userErrors { code message path } } }";
    let changed = mutate(&client, text, input).await;
    assert_eq!(changed["test"]["rule"]["version"], 2, "{changed}");
    let told = until("the second version to count", || async {
        let told = explained(&client, &project, &framework, &control).await;
        (told["tests"][0]["summaries"][0]["ruleVersion"] == 2).then_some(told)
    })
    .await;
    assert_eq!((&told["tests"][0]["passed"], &told["tests"][0]["unknown"]), (&json!(2), &json!(0)));
    assert_eq!(told["tests"][0]["summaries"][0]["evidence"]["version"], 1);
    server.stop();

    // All of it is there after a start.
    let server = installation.start();
    let client = server.client().await;
    let again = explained(&client, &project, &framework, &control).await;
    assert_eq!(again["tests"], told["tests"]);
    server.stop();
}
