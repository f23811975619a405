//! What a loss would take, what everything hangs on, and what nothing proves.

use serde_json::{Value, json};

use super::{
    controls::{Small, control, small},
    departures::{colleague, done},
    graph::depend,
    support::World,
};

/// A test by hand of a control, which passed.
async fn passed(world: &World, control: &str) -> Value {
    let add =
        "mutation($c: ID!) { addTest(input: { controlId: $c, title: \"Look\" }) { test { id } } }";
    let test = world.ask(add, json!({ "c": control })).await["addTest"]["test"]["id"].clone();
    let pass = "mutation($t: ID!) { recordTestResult(input: { testId: $t, outcome: PASSED }) {
        userErrors { code } } }";
    let done = world.ask(pass, json!({ "t": test })).await;
    assert_eq!(done["recordTestResult"]["userErrors"], json!([]));
    test
}

fn requirement(small: &Small, code: &str) -> Value {
    small.requirements.iter().find(|it| it["code"] == code).unwrap()["id"].clone()
}

/// A and B meet a requirement each and rest on the vault, C meets a third one and rests on it by half;
/// all is proven.
struct Vault {
    small: Small,
    a: String,
    c: String,
    vault: String,
}

async fn vault(world: &World) -> Vault {
    let small = small(world).await;
    let a = control(world, &small, "A", &[requirement(&small, "CC6.1")]).await;
    let b = control(world, &small, "B", &[requirement(&small, "CC6.2")]).await;
    let c = control(world, &small, "C", &[requirement(&small, "CC6.3")]).await;
    let middle = control(world, &small, "M", &[]).await;
    let vault = control(world, &small, "VAULT", &[]).await;
    for (from, on, strength) in [
        (&a, &vault, "FULL"),
        (&b, &middle, "FULL"),
        (&middle, &vault, "FULL"),
        (&c, &vault, "HALF"),
    ] {
        depend(world, from, on, strength).await;
    }
    for control in [&a, &b, &c, &middle, &vault] {
        passed(world, control).await;
    }
    Vault { small, a, c, vault }
}

const IMPACT: &str = "query($c: ID!) { control(id: $c) { impact {
    controls { nodes { control { code } weight before { lo hi verdict } after { lo hi verdict } loses { lo hi } } }
    requirements { nodes { requirement { code } weight before { lo } after { lo hi verdict } loses { lo hi } } }
    frameworks { nodes { before { exact { lo hi } satisfied } after { exact { lo hi } satisfied }
        loses { lo hi } } } } } }";

/// The requirements of an impact, in the order of their codes.
fn by_code(page: &Value) -> Vec<Value> {
    let mut nodes = page["nodes"].as_array().unwrap().clone();
    nodes.sort_by_key(|node| node["requirement"]["code"].as_str().unwrap().to_owned());
    nodes
}

#[tokio::test]
async fn an_impact_says_how_much_everything_would_lose() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let Vault { small, vault, .. } = vault(&world).await;
    let answer = world.ask(IMPACT, json!({ "c": vault })).await;
    let impact = &answer["control"]["impact"];
    let whole = json!({ "lo": 1.0, "hi": 1.0, "verdict": "SATISFIED" });
    let left = |value: f64| json!({ "lo": value, "hi": value, "verdict": "OTHER_THAN_SATISFIED" });
    let line = |code: &str, weight: f64| {
        json!({ "control": { "code": code }, "weight": weight, "before": whole,
            "after": left(1.0 - weight), "loses": { "lo": weight, "hi": weight } })
    };
    assert_eq!(
        impact["controls"]["nodes"],
        json!([line("A", 1.0), line("B", 1.0), line("C", 0.5), line("M", 1.0)])
    );
    let requirements = by_code(&impact["requirements"]);
    let seen: Vec<_> =
        requirements.iter().map(|it| (&it["after"]["lo"], &it["loses"]["lo"])).collect();
    let (zero, half, one) = (json!(0.0), json!(0.5), json!(1.0));
    assert_eq!(seen, [(&zero, &one), (&zero, &one), (&half, &half)]);

    // The score is what a simulation says in which the control is only planned.
    let framework = &impact["frameworks"]["nodes"][0];
    let simulate = "query($p: ID!, $c: ID!) { project(id: $p) { simulate(input: { changes: [
        { updateControl: { id: $c, implementation: PLANNED } }] }) {
            frameworks { before { exact { lo hi } satisfied } after { exact { lo hi } satisfied }
                difference { lo hi } } userErrors { message } } } }";
    let supposed = world.ask(simulate, json!({ "p": small.project, "c": vault })).await;
    let supposed = &supposed["project"]["simulate"];
    assert_eq!(supposed["userErrors"], json!([]));
    let supposed = &supposed["frameworks"][0];
    assert_eq!(
        (&framework["before"], &framework["after"]),
        (&supposed["before"], &supposed["after"])
    );
    let negative = |digits: &Value| format!("-{}", digits.as_str().unwrap());
    assert_eq!(negative(&framework["loses"]["lo"]), supposed["difference"]["lo"]);
    assert_eq!(negative(&framework["loses"]["hi"]), supposed["difference"]["hi"]);
    assert_eq!(framework["after"]["satisfied"], 0);
    world.close().await;
}

#[tokio::test]
async fn what_makes_up_for_a_failure_takes_its_credit_along() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let Vault { a, c, .. } = vault(&world).await;
    // A's test fails, and is excepted, because C makes up for it.
    let tests = "query($c: ID!) { control(id: $c) { tests { nodes { id } } } }";
    let tests = world.ask(tests, json!({ "c": a })).await;
    let test = tests["control"]["tests"]["nodes"][0]["id"].clone();
    let fail = "mutation($t: ID!) { recordTestResult(input: { testId: $t, outcome: FAILED }) {
        userErrors { code } } }";
    world.clock.advance_micros(1_000_000);
    world.ask(fail, json!({ "t": test })).await;
    let project = "query($c: ID!) { control(id: $c) { project { id } } }";
    let project = world.ask(project, json!({ "c": a })).await["control"]["project"]["id"].clone();
    let until = world.now().plus_days(30).to_string();
    let input = json!({ "projectId": project, "testId": test, "compensatingControlId": c,
        "reason": "C catches it.", "expiresAt": until });
    let owner = world.owner.clone();
    let exception = done(&world, &owner, "proposeException", input).await;
    let approval = json!({ "id": exception["id"], "expectedVersion": 1 });
    done(&world, &colleague(&world), "approveException", approval).await;
    let answer = world.ask(IMPACT, json!({ "c": c })).await;
    let impact = &answer["control"]["impact"];
    // Nothing rests on C, and yet A is worth nothing without it.
    let reached = &impact["controls"]["nodes"];
    assert_eq!(reached.as_array().unwrap().len(), 1, "{reached}");
    assert_eq!((&reached[0]["control"]["code"], &reached[0]["weight"]), (&json!("A"), &json!(0.0)));
    assert_eq!(reached[0]["loses"], json!({ "lo": 1.0, "hi": 1.0 }));
    let requirements = by_code(&impact["requirements"]);
    let seen: Vec<_> = requirements
        .iter()
        .map(|it| (&it["requirement"]["code"], &it["weight"], &it["after"]["lo"]))
        .collect();
    let (zero, one) = (json!(0.0), json!(1.0));
    assert_eq!(seen, [(&json!("CC6.1"), &zero, &zero), (&json!("CC6.3"), &one, &zero)]);
    world.close().await;
}

const POINTS: &str = "query($p: ID!, $f: ID!, $least: Int! = 2, $after: String) { project(id: $p) {
    singlePointsOfFailure(frameworkId: $f, atLeast: $least, after: $after, first: 1) { truncated
        pageInfo { hasNextPage endCursor }
        nodes { control { id code } requirementCount loses { lo hi } requirements { nodes { requirement { code }
            path { ... on Control { code } ... on Requirement { label } } } } } } } }";

#[tokio::test]
async fn what_everything_hangs_on_is_found_with_what_it_would_take() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let Vault { small, a, vault, .. } = vault(&world).await;
    let variables = json!({ "p": small.project, "f": small.framework });
    let answer = world.ask(POINTS, variables.clone()).await;
    let points = &answer["project"]["singlePointsOfFailure"];
    assert_eq!(points["pageInfo"]["hasNextPage"], false, "M has but one requirement: {points}");
    let point = &points["nodes"][0];
    assert_eq!((&point["control"]["id"], &point["requirementCount"]), (&json!(vault), &json!(2)));
    let ways = by_code(&point["requirements"]);
    let labels: Vec<_> = ways.iter().map(|way| way["requirement"]["code"].clone()).collect();
    assert_eq!(labels, [json!("CC6.1"), json!("CC6.2")], "C keeps half of CC6.3");
    let codes: Vec<_> =
        ways[1]["path"].as_array().unwrap().iter().map(|it| it["code"].clone()).collect();
    assert_eq!(codes, [json!("VAULT"), json!("M"), json!("B"), Value::Null]);
    let impact = world.ask(IMPACT, json!({ "c": vault })).await;
    assert_eq!(point["loses"], impact["control"]["impact"]["frameworks"]["nodes"][0]["loses"]);

    // With one requirement each, those that take the most come first.
    let mut seen = Vec::new();
    let mut variables =
        json!({ "p": small.project, "f": small.framework, "least": 1, "after": null });
    loop {
        let answer = world.ask(POINTS, variables.clone()).await;
        let page = &answer["project"]["singlePointsOfFailure"];
        let point = &page["nodes"][0];
        seen.push((
            point["control"]["code"].clone(),
            point["loses"]["lo"].as_str().unwrap().parse::<f64>().unwrap(),
        ));
        variables["after"] = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
    }
    assert_eq!((&seen[0].0, seen.len()), (&json!("VAULT"), 5), "{seen:?}");
    assert!(seen.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{seen:?}");
    variables["least"] = json!(0);
    assert_eq!(world.code(POINTS, variables).await, "BAD_REQUEST");

    // A second control meets CC6.1: neither it nor the vault takes all of it any more.
    let other = control(&world, &small, "OTHER", &[requirement(&small, "CC6.1")]).await;
    let variables = json!({ "p": small.project, "f": small.framework });
    let answer = world.ask(POINTS, variables.clone()).await;
    assert_eq!(answer["project"]["singlePointsOfFailure"]["nodes"], json!([]));
    // Once it rests on A it takes nothing off it.
    depend(&world, &other, &a, "FULL").await;
    let answer = world.ask(POINTS, variables).await;
    assert_eq!(answer["project"]["singlePointsOfFailure"]["nodes"][0]["requirementCount"], 2);
    world.close().await;
}

#[tokio::test]
async fn whoever_closes_a_circle_is_told_which() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let Vault { small, c, vault, .. } = vault(&world).await;
    let text = "mutation($a: ID!, $b: ID!) { addDependency(input: { controlId: $a, dependsOnId: $b,
        strength: WEAK }) { closesCycle { controls { code } } userErrors { code } } }";
    let cycles = "query($p: ID!) { project(id: $p) { dependencyCycles { truncated nodes {
        controls { code } } } } }";
    let of = json!({ "p": small.project });
    let before = world.ask(cycles, of.clone()).await["project"]["dependencyCycles"].clone();
    assert_eq!(before, json!({ "truncated": false, "nodes": [] }));
    let last = control(&world, &small, "LAST", &[]).await;
    let open = world.ask(text, json!({ "a": vault, "b": last })).await;
    assert_eq!(open["addDependency"], json!({ "closesCycle": null, "userErrors": [] }));
    let closed = world.ask(text, json!({ "a": last, "b": c })).await;
    let circle = json!([{ "code": "LAST" }, { "code": "C" }, { "code": "VAULT" }]);
    assert_eq!(closed["addDependency"]["closesCycle"], json!({ "controls": circle }));
    let after = world.ask(cycles, of).await["project"]["dependencyCycles"]["nodes"].clone();
    let circle = json!([{ "code": "C" }, { "code": "VAULT" }, { "code": "LAST" }]);
    assert_eq!(after, json!([{ "controls": circle }]), "one way round, from the smallest id");
    let refused = world.ask(text, json!({ "a": last, "b": last })).await;
    assert_eq!(refused["addDependency"]["closesCycle"], Value::Null);
    assert_ne!(refused["addDependency"]["userErrors"], json!([]));
    world.close().await;
}

#[tokio::test]
async fn coverage_follows_mappings_and_gaps_are_what_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let (owner, other) = (world.owner.clone(), colleague(&world));
    let source = requirement(&small, "CC6.1");
    let tested = control(&world, &small, "A", std::slice::from_ref(&source)).await;
    passed(&world, &tested).await;
    control(&world, &small, "B", &[requirement(&small, "CC6.2")]).await;
    let unproven = control(&world, &small, "C", &[requirement(&small, "CC6.3")]).await;
    let add =
        "mutation($c: ID!) { addTest(input: { controlId: $c, title: \"Look\" }) { test { id } } }";
    world.ask(add, json!({ "c": unproven })).await;
    let iso = world.builtin("iso27001").await;
    world.adopt(&small.project, &iso, "NONE", "PLANNED").await;
    let text = "query($f: ID!) { framework(id: $f) { requirements(first: 2) { nodes { id } } } }";
    let theirs = world.ask(text, json!({ "f": iso })).await;
    let target = theirs["framework"]["requirements"]["nodes"][0]["id"].clone();

    let text = "query($p: ID!, $t: ID!) {
        _entities(representations: [{ __typename: \"Requirement\", id: $t }]) { ... on Requirement {
            coveragePaths(projectId: $p) { nodes { weight through { id } control { code } test { title } } } } } }";
    let paths = async || {
        let answer = world.ask(text, json!({ "p": small.project, "t": target })).await;
        answer["_entities"][0]["coveragePaths"]["nodes"].clone()
    };
    let gaps = async |framework: &str| {
        let text = "query($p: ID!, $f: ID!) { project(id: $p) { coverageGaps(frameworkId: $f, first: 100) {
            truncated nodes { reason requirement { id code } } } } }";
        let answer = world.ask(text, json!({ "p": small.project, "f": framework })).await;
        let gaps = answer["project"]["coverageGaps"].clone();
        assert_eq!(gaps["truncated"], false);
        gaps["nodes"].as_array().unwrap().clone()
    };
    let reason = |gaps: &[Value], id: &Value| {
        gaps.iter().find(|gap| gap["requirement"]["id"] == *id).map(|gap| gap["reason"].clone())
    };
    let ours = gaps(&small.framework).await;
    assert_eq!(ours.len(), small.requirements.len() - 1);
    assert_eq!(reason(&ours, &source), None);
    assert_eq!(reason(&ours, &requirement(&small, "CC6.2")), Some(json!("NO_TEST")));
    assert_eq!(reason(&ours, &requirement(&small, "CC6.3")), Some(json!("NO_EVIDENCE")));
    assert_eq!(reason(&ours, &requirement(&small, "CC6.6")), Some(json!("NO_CONTROL")));
    assert_eq!(reason(&gaps(&iso).await, &target), Some(json!("NO_CONTROL")));
    assert_eq!(paths().await, json!([]));

    let input = json!({ "projectId": small.project, "sourceRequirementId": source,
        "targetRequirementId": target, "relation": "SUBSET", "strength": 6, "rationale": "Both ask it." });
    let mapping = done(&world, &owner, "proposeMapping", input).await;
    assert_eq!(paths().await, json!([]), "nobody approved it yet");
    let approval = json!({ "id": mapping["id"], "expectedVersion": 1 });
    done(&world, &other, "approveMapping", approval).await;
    let way = json!([{ "weight": 0.6, "through": [{ "id": source }], "control": { "code": "A" },
        "test": { "title": "Look" } }]);
    assert_eq!(paths().await, way);
    assert_eq!(reason(&gaps(&iso).await, &target), None);

    // What does not apply is no gap, and carries nothing.
    let input =
        json!({ "projectId": small.project, "requirementId": source, "reason": "No access." });
    let declared = done(&world, &owner, "markNotApplicable", input).await;
    let approval = json!({ "id": declared["id"], "expectedVersion": 1 });
    done(&world, &other, "approveNotApplicable", approval).await;
    assert_eq!(paths().await, json!([]));
    assert_eq!(reason(&gaps(&iso).await, &target), Some(json!("NO_CONTROL")));
    assert_eq!(reason(&gaps(&small.framework).await, &source), None);
    let back = json!({ "id": declared["id"], "expectedVersion": 2, "reason": "It does." });
    done(&world, &owner, "withdrawNotApplicable", back).await;
    assert_eq!(paths().await, way);

    let back = json!({ "id": mapping["id"], "expectedVersion": 2, "reason": "We read it again." });
    done(&world, &owner, "withdrawMapping", back).await;
    assert_eq!(paths().await, json!([]));
    assert_eq!(reason(&gaps(&iso).await, &target), Some(json!("NO_CONTROL")));
    world.close().await;
}
