//! Tests as code: a rule is held against its cases, kept in versions, and its results count as any
//! check's, with the version that gave them.

use serde_json::{Value, json};
use studio_kernel::{
    Timestamp,
    published::controls::{CheckResultsMatched, ControlTestRuleSet, rule_check},
};

use super::{
    controls::{Small, control, small},
    support::{World, results, summary},
};

const ADD: &str = "mutation($input: AddCodeTestInput!) { addCodeTest(input: $input) {
    test { id check title weight key validityDays rule { version evidenceName source
        cases { name input expected { resource outcome } } writtenBy { id } } }
    userErrors { code message path } } }";
const CHANGE: &str = "mutation($input: ChangeTestRuleInput!) { changeTestRule(input: $input) {
    test { rule { version source } ruleVersions(first: 10) { nodes { version source } } }
    userErrors { code message path } } }";

const RULE: &str = "package studio.test
results contains {\"resource\": id, \"outcome\": \"PASSED\"} if some id in input.locked
results contains {\"resource\": id, \"outcome\": \"FAILED\"} if some id in input.open
";

fn cases() -> Value {
    json!([
        { "name": "locked", "input": "{\"locked\": [\"a\"]}",
          "expected": [{ "resource": "a", "outcome": "PASSED" }] },
        { "name": "open", "input": "{\"open\": [\"b\"]}",
          "expected": [{ "resource": "b", "outcome": "FAILED" }] },
    ])
}

fn input(control: &str) -> Value {
    json!({ "controlId": control, "title": "Doors are locked", "evidenceName": "doors", "rule": RULE,
        "cases": cases(), "weight": 3, "key": true, "validityDays": 7 })
}

async fn add(world: &World, control: &str) -> String {
    let added = world.ask(ADD, json!({ "input": input(control) })).await;
    assert_eq!(added["addCodeTest"]["userErrors"], json!([]));
    added["addCodeTest"]["test"]["id"].as_str().unwrap().to_owned()
}

async fn start(directory: &tempfile::TempDir) -> (World, Small, String) {
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let first = [small.requirements[0]["id"].clone()];
    let control = control(&world, &small, "DOORS", &first).await;
    (world, small, control)
}

#[tokio::test]
async fn a_rule_is_added_changed_and_kept_in_versions() {
    let directory = tempfile::tempdir().unwrap();
    let (world, _, control) = start(&directory).await;
    let added = world.ask(ADD, json!({ "input": input(&control) })).await;
    let test = &added["addCodeTest"]["test"];
    let id = test["id"].as_str().unwrap();
    assert_eq!(test["check"], format!("rule/{id}"));
    assert_eq!((&test["weight"], &test["validityDays"]), (&json!(3), &json!(7)));
    let rule = &test["rule"];
    assert_eq!((&rule["version"], &rule["evidenceName"]), (&json!(1), &json!("doors")));
    assert_eq!((&rule["source"], &rule["cases"]), (&json!(RULE), &cases()));
    assert_eq!(rule["writtenBy"]["id"], world.owner.user_id().unwrap().to_string());

    let second = RULE.replace("studio.test\n", "studio.test\n# Doors.\n");
    let change = |expected: u32| json!({ "testId": id, "expectedVersion": expected, "rule": second, "cases": cases() });
    let changed = world.ask(CHANGE, json!({ "input": change(1) })).await;
    assert_eq!(changed["changeTestRule"]["userErrors"], json!([]));
    let versions = &changed["changeTestRule"]["test"]["ruleVersions"]["nodes"];
    assert_eq!(
        *versions,
        json!([{ "version": 1, "source": RULE }, { "version": 2, "source": second }])
    );
    assert_eq!(world.code(CHANGE, json!({ "input": change(1) })).await, "CONFLICT");

    // The other subgraphs learn the rule and not its cases.
    let told = world.recorded("controls.test.rule_changed").await;
    assert_eq!((told.len(), &told[1]["version"]), (2, &json!(2)));
    let published: ControlTestRuleSet = serde_json::from_value(told[1].clone()).unwrap();
    assert!(serde_json::to_value(&published).unwrap().get("cases").is_none());
    assert_eq!(published.source, second);
    world.close().await;
}

#[tokio::test]
async fn a_rule_that_does_not_hold_its_cases_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (world, _, control) = start(&directory).await;
    let refused = |change: Value| {
        let mut input = input(&control);
        for (name, value) in change.as_object().unwrap() {
            input[name] = value.clone();
        }
        let world = &world;
        async move {
            let answer = world.ask(ADD, json!({ "input": input })).await;
            assert_eq!(answer["addCodeTest"]["test"], Value::Null);
            answer["addCodeTest"]["userErrors"].as_array().unwrap().clone()
        }
    };
    let mut wrong = cases();
    wrong[1]["expected"][0]["outcome"] = json!("PASSED");
    wrong[0]["input"] = json!("{\"locked\": [\"z\"]}");
    let errors = refused(json!({ "cases": wrong })).await;
    let told: Vec<_> = errors.iter().map(|it| (&it["code"], &it["path"])).collect();
    assert_eq!(
        told,
        [
            (&json!("INVALID_CASES"), &json!(["input", "cases"])),
            (&json!("CASE_FAILED"), &json!(["input", "cases", "0"])),
            (&json!("CASE_FAILED"), &json!(["input", "cases", "1"])),
        ]
    );
    let message = errors[2]["message"].as_str().unwrap();
    assert!(message.contains("\"open\"") && message.contains("expected \"b\" PASSED"), "{message}");
    assert!(message.contains("the rule said \"b\" FAILED"), "{message}");

    for (change, code, about) in [
        (json!({ "cases": [] }), "INVALID_CASES", "at least one that passes"),
        (json!({ "rule": "package studio.test\n\nresults contains [" }), "INVALID_RULE", "rule:3:"),
        (json!({ "rule": "package other\nresults := []" }), "INVALID_RULE", "package studio.test"),
        (json!({ "evidenceName": "Doors" }), "INVALID", "a-z"),
        (json!({ "title": "" }), "INVALID", "Title"),
        (json!({ "weight": 0 }), "INVALID", "weight"),
    ] {
        let errors = refused(change.clone()).await;
        let message = errors[0]["message"].as_str().unwrap();
        assert_eq!(errors[0]["code"], code, "{change}: {message}");
        assert!(message.contains(about), "{change}: {message}");
    }

    // Nobody else names the check of a rule, and a test of another kind has no rule.
    let text =
        "mutation($input: AddTestInput!) { addTest(input: $input) { test { id rule { version } }
        userErrors { code path } } }";
    let forged = json!({ "controlId": control, "title": "Mine", "check": "rule/tst_1" });
    let forged = world.ask(text, json!({ "input": forged })).await;
    assert_eq!(
        forged["addTest"]["userErrors"],
        json!([{ "code": "INVALID", "path": ["input", "check"] }])
    );
    let manual = json!({ "controlId": control, "title": "By hand" });
    let manual = world.ask(text, json!({ "input": manual })).await;
    let manual = &manual["addTest"]["test"];
    assert_eq!(manual["rule"], Value::Null);
    let change =
        json!({ "testId": manual["id"], "expectedVersion": 1, "rule": RULE, "cases": cases() });
    let changed = world.ask(CHANGE, json!({ "input": change })).await;
    assert_eq!(changed["changeTestRule"]["userErrors"][0]["code"], "NO_RULE");
    assert!(world.recorded("controls.test.rule_changed").await.is_empty());
    world.close().await;
}

#[tokio::test]
async fn its_results_count_for_its_control_alone_and_say_which_version_gave_them() {
    let directory = tempfile::tempdir().unwrap();
    let (world, small, control) = start(&directory).await;
    let test = add(&world, &control).await;
    let first = [small.requirements[0]["id"].clone()];
    let other = super::controls::control(&world, &small, "OTHER", &first).await;
    let day: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let said = |version: u32, passed: u32, failed: u32| {
        let mut said = summary(&rule_check(test.parse().unwrap()), passed, failed, day);
        said.account = "doors".to_owned();
        said.region = "global".to_owned();
        // The requirements that this summary names lead nowhere.
        said.rule_version = Some(version);
        results(&small.project, 1, vec![said])
    };
    let position = world.publish(&said(1, 3, 1)).await;
    let matched: CheckResultsMatched = world.matched(position).await;
    assert_eq!((matched.tests_added, matched.summaries_recorded), (0, 1));
    let tests = "query($c: ID!) { control(id: $c) { tests { nodes { id } } } }";
    let told = world.ask(tests, json!({ "c": other })).await;
    assert_eq!(told["control"]["tests"]["nodes"], json!([]), "a rule is of one test");

    let explained = |when: String| {
        let text = format!(
            "query($p: ID!, $f: ID!, $c: ID!) {{ project(id: $p) {{ score(frameworkId: $f {when}) {{
                contributions(first: 100, controlId: $c) {{ nodes {{ control {{ tests {{
                    passed failed summaries {{ account ruleVersion freshness effectiveFrom
                        evidence {{ version sha256 }} }} }} }} }} }} }} }} }}"
        );
        let variables = json!({ "p": small.project, "f": small.framework, "c": control });
        let world = &world;
        async move {
            let mut told = world.ask(&text, variables).await;
            told["project"]["score"]["contributions"]["nodes"][0]["control"]["tests"][0].take()
        }
    };
    let before = explained(String::new()).await;
    assert_eq!((&before["passed"], &before["failed"]), (&json!(3), &json!(1)));
    assert_eq!(before["summaries"][0]["ruleVersion"], 1);
    assert_eq!(before["summaries"][0]["evidence"]["version"], 1);
    let then = world.now();

    let position = world.publish(&said(2, 4, 0)).await;
    world.matched(position).await;
    let after = explained(String::new()).await;
    assert_eq!((&after["passed"], &after["failed"]), (&json!(4), &json!(0)));
    assert_eq!(after["summaries"][0]["ruleVersion"], 2);
    let dates = |of: &Value| of["summaries"][0]["effectiveFrom"].clone();
    assert_eq!(dates(&before), dates(&after), "no fresher for another rule");
    let replayed = explained(format!(", asOf: \"{then}\"")).await;
    assert_eq!(replayed, before, "an old score still says which version it rests on");
    world.close().await;
}
