//! Controls, memberships, tests and dependencies.

use serde_json::{Value, json};

use super::support::{SECOND, World};

const CREATE: &str = "mutation($input: CreateControlInput!) { createControl(input: $input) {
    control { id version code title description implementation owner { id }
        requirements { nodes { code } } }
    userErrors { code path } } }";
const UPDATE: &str = "mutation($input: UpdateControlInput!) { updateControl(input: $input) {
    control { version title description implementation owner { id } } userErrors { code path } } }";

pub(super) struct Small {
    pub(super) project: String,
    pub(super) framework: String,
    pub(super) requirements: Vec<Value>,
}

/// SOC 2 without controls.
pub(super) async fn small(world: &World) -> Small {
    let project = world.project().await;
    let framework = world.builtin("soc2").await;
    world.adopt(&project, &framework, "NONE", "PLANNED").await;
    let answer = world
        .ask(
            "query($f: ID!) { framework(id: $f) { requirements(first: 100) {
                nodes { id code importance } } } }",
            json!({ "f": framework }),
        )
        .await;
    let requirements = answer["framework"]["requirements"]["nodes"].as_array().unwrap().clone();
    Small { project, framework, requirements }
}

pub(super) async fn control(
    world: &World,
    small: &Small,
    code: &str,
    requirements: &[Value],
) -> String {
    let input = json!({ "projectId": small.project, "code": code, "title": "A control",
        "implementation": "IMPLEMENTED", "requirementIds": requirements });
    let made = world.ask(CREATE, json!({ "input": input })).await;
    assert_eq!(made["createControl"]["userErrors"], json!([]));
    made["createControl"]["control"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_control_is_stated_changed_and_retired() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let user = format!("usr_{:032x}", 5);
    let requirement = &small.requirements[0];
    let input = json!({ "projectId": small.project, "code": "IAM-1", "title": "Sign-in",
        "description": "Two factors.", "ownerId": user, "requirementIds": [requirement["id"]] });
    let made = world.ask(CREATE, json!({ "input": input })).await;
    let made = &made["createControl"]["control"];
    assert_eq!(
        *made,
        json!({ "id": made["id"], "version": 1, "code": "IAM-1", "title": "Sign-in",
            "description": "Two factors.", "implementation": "PLANNED", "owner": { "id": user },
            "requirements": { "nodes": [{ "code": requirement["code"] }] } })
    );
    let id = made["id"].clone();
    let taken = world.ask(CREATE, json!({ "input": input })).await;
    assert_eq!(
        taken["createControl"]["userErrors"],
        json!([{ "code": "ALREADY_EXISTS", "path": ["input", "code"] }])
    );

    // What is left out stays as it is; null clears.
    let change = json!({ "id": id, "expectedVersion": 1, "implementation": "PARTIAL" });
    let changed = world.ask(UPDATE, json!({ "input": change })).await;
    assert_eq!(
        changed["updateControl"]["control"],
        json!({ "version": 2, "title": "Sign-in", "description": "Two factors.",
            "implementation": "PARTIAL", "owner": { "id": user } })
    );
    assert_eq!(world.code(UPDATE, json!({ "input": change })).await, "CONFLICT");
    let cleared = json!({ "id": id, "expectedVersion": 2, "ownerId": null, "description": null });
    let cleared = world.ask(UPDATE, json!({ "input": cleared })).await;
    assert_eq!(cleared["updateControl"]["control"]["owner"], Value::Null);
    assert_eq!(cleared["updateControl"]["control"]["description"], "");
    let unnamed = json!({ "id": id, "expectedVersion": 3, "title": "  " });
    let unnamed = world.ask(UPDATE, json!({ "input": unnamed })).await;
    assert_eq!(
        unnamed["updateControl"]["userErrors"],
        json!([{ "code": "INVALID", "path": ["input", "title"] }])
    );

    let retire = "mutation($id: ID!) { retireControl(input: {id: $id, expectedVersion: 3,
        reason: \"Replaced\"}) { control { retired version } userErrors { code } } }";
    let retired = world.ask(retire, json!({ "id": id })).await;
    assert_eq!(retired["retireControl"]["control"], json!({ "retired": true, "version": 4 }));
    let again = world.ask(retire, json!({ "id": id })).await;
    assert_eq!(again["retireControl"]["userErrors"], json!([{ "code": "RETIRED" }]));
    let listed = world
        .ask(
            "query($p: ID!) { live: controls(projectId: $p) { nodes { id } }
                all: controls(projectId: $p, includeRetired: true) { nodes { id } } }",
            json!({ "p": small.project }),
        )
        .await;
    assert_eq!(listed["live"]["nodes"], json!([]));
    assert_eq!(listed["all"]["nodes"], json!([{ "id": id }]));
    world.close().await;
}

#[tokio::test]
async fn an_unknown_requirement_or_control_is_a_user_error_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let known = control(&world, &small, "C-1", &[]).await;
    world.settled(&small.project, &small.framework).await;
    let head = world.last().await;
    let unknown = json!(format!("rqm_{:032x}", 9));
    let input = json!({ "projectId": small.project, "code": "C-2", "title": "t",
        "requirementIds": [unknown] });
    let refused = world.ask(CREATE, json!({ "input": input })).await;
    assert_eq!(refused["createControl"]["userErrors"][0]["code"], "NOT_FOUND");
    let map = "mutation($input: MapRequirementInput!) { mapRequirement(input: $input) {
        requirement { id } userErrors { code message path } } }";
    for (requirement, control, share, code, field) in [
        (&unknown, json!(known), 1.0, "NOT_FOUND", "requirementId"),
        (
            &small.requirements[0]["id"],
            json!(format!("ctl_{:032x}", 9)),
            1.0,
            "NOT_FOUND",
            "controlId",
        ),
        (&small.requirements[0]["id"], json!(known), 0.0, "INVALID", "share"),
        (&small.requirements[0]["id"], json!(known), -1.0, "INVALID", "share"),
    ] {
        let input = json!({ "projectId": small.project, "requirementId": requirement,
            "controlId": control, "share": share });
        let answer = world.ask(map, json!({ "input": input })).await;
        let error = &answer["mapRequirement"]["userErrors"][0];
        assert_eq!((&error["code"], &error["path"][1]), (&json!(code), &json!(field)), "{input}");
    }
    assert_eq!(world.last().await, head);
    world.close().await;
}

#[tokio::test]
async fn manual_tests_dependencies_and_groups_move_the_score() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let requirement = small.requirements.iter().find(|r| r["importance"] == "NORMAL").unwrap();
    let a = control(&world, &small, "A", &[requirement["id"].clone()]).await;
    let b = control(&world, &small, "B", &[]).await;
    let add_test = "mutation($c: ID!) { addTest(input: {controlId: $c, title: \"Look\"}) {
        test { id weight key validityDays check } userErrors { message } } }";
    let record = "mutation($t: ID!, $o: TestOutcome!) { recordTestResult(input: {
        testId: $t, outcome: $o}) { test { id } userErrors { code } } }";
    let mut tests = Vec::new();
    for control in [&a, &b] {
        let made = world.ask(add_test, json!({ "c": control })).await;
        let test = made["addTest"]["test"].clone();
        assert_eq!((&test["weight"], &test["validityDays"]), (&json!(1), &json!(30)));
        world.ask(record, json!({ "t": test["id"], "o": "PASSED" })).await;
        tests.push(test["id"].clone());
    }
    let line = async |world: &World| {
        let answer = world
            .ask(
                "query($p: ID!, $f: ID!, $r: ID!) { project(id: $p) { score(frameworkId: $f) {
                    satisfied contributions(requirementId: $r) { nodes { share anyOf
                        requirement { lo hi verdict weight pointsLost }
                        control { lo control { code } limitedBy { control { code } strength }
                            tests { population passed summaries { ageDays evidence { version } } }
                        } } } } } }",
                json!({ "p": small.project, "f": small.framework, "r": requirement["id"] }),
            )
            .await;
        answer["project"]["score"].clone()
    };
    let proven = line(&world).await;
    assert_eq!(proven["satisfied"], 1);
    let node = &proven["contributions"]["nodes"][0];
    assert_eq!(node["requirement"]["verdict"], "SATISFIED");
    assert_eq!(node["control"]["tests"][0]["population"], 1);
    assert_eq!(
        node["control"]["tests"][0]["summaries"],
        json!([{ "ageDays": 0, "evidence": null }])
    );

    // A rests on B, and B fails: half of the loss travels.
    let depend = "mutation($a: ID!, $b: ID!, $s: DependencyStrength!) { addDependency(input: {
        controlId: $a, dependsOnId: $b, strength: $s}) {
            dependency { id strength dependsOn { code } } control { dependencies { id } }
            userErrors { code path } } }";
    let made = world.ask(depend, json!({ "a": a, "b": b, "s": "HALF" })).await;
    assert_eq!(made["addDependency"]["dependency"]["dependsOn"]["code"], "B");
    world.ask(record, json!({ "t": tests[1], "o": "FAILED" })).await;
    let limited = line(&world).await;
    let node = &limited["contributions"]["nodes"][0];
    assert_eq!(node["control"]["lo"], 0.5);
    assert_eq!(
        node["control"]["limitedBy"],
        json!([{ "control": { "code": "A" }, "strength": "HALF" },
            { "control": { "code": "B" }, "strength": null }])
    );
    let itself = world.ask(depend, json!({ "a": a, "b": a, "s": "FULL" })).await;
    assert_eq!(itself["addDependency"]["userErrors"][0]["code"], "INVALID");
    let again = world.ask(depend, json!({ "a": a, "b": b, "s": "HALF" })).await;
    assert_eq!(again["addDependency"]["userErrors"][0]["code"], "ALREADY_EXISTS");

    let undepend = "mutation($a: ID!, $b: ID!) { removeDependency(input: {controlId: $a,
        dependsOnId: $b}) { control { score { lo hi decided verdict } } userErrors { code } } }";
    let free = world.ask(undepend, json!({ "a": a, "b": b })).await;
    assert_eq!(
        free["removeDependency"]["control"]["score"],
        json!({ "lo": 1.0, "hi": 1.0, "decided": 1.0, "verdict": "SATISFIED" })
    );
    let gone = world.ask(undepend, json!({ "a": a, "b": b })).await;
    assert_eq!(gone["removeDependency"]["userErrors"], json!([{ "code": "NOT_THERE" }]));

    // An any-of group of A and B counts as its best.
    let map = "mutation($input: MapRequirementInput!) { mapRequirement(input: $input) {
        requirement { members(projectId: $project) { share anyOf control { code } } }
        userErrors { code } } }"
        .replace("($input: MapRequirementInput!)", "($input: MapRequirementInput!, $project: ID!)");
    let other = &small.requirements.iter().find(|r| r["id"] != requirement["id"]).unwrap()["id"];
    for control in [&a, &b] {
        let input = json!({ "projectId": small.project, "requirementId": other,
            "controlId": control, "anyOf": "either" });
        world.ask(&map, json!({ "input": input, "project": small.project })).await;
    }
    assert_eq!(line(&world).await["satisfied"], 2);
    let unmap = "mutation($p: ID!, $r: ID!, $c: ID!) { unmapRequirement(input: {projectId: $p,
        requirementId: $r, controlId: $c}) { userErrors { code } requirement {
            members(projectId: $p) { anyOf control { code } } } } }";
    let left = world.ask(unmap, json!({ "p": small.project, "r": other, "c": a })).await;
    assert_eq!(
        left["unmapRequirement"]["requirement"]["members"],
        json!([{ "anyOf": "either", "control": { "code": "B" } }])
    );
    assert_eq!(line(&world).await["satisfied"], 1);
    world.close().await;
}

#[tokio::test]
async fn a_result_from_the_future_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let a = control(&world, &small, "A", &[]).await;
    let add_test = "mutation($c: ID!) { addTest(input: {controlId: $c, title: \"Look\"}) {
        test { id } userErrors { message } } }";
    let test = world.ask(add_test, json!({ "c": a })).await["addTest"]["test"]["id"].clone();
    let record = "mutation($t: ID!, $from: DateTime, $to: DateTime) { recordTestResult(input: {
        testId: $t, outcome: PASSED, effectiveFrom: $from, effectiveTo: $to}) {
            test { id } userErrors { code path message } } }";
    let head = world.last().await;
    for minutes in [11, 60 * 24 * 365] {
        let from = world.now().plus_seconds(60 * minutes);
        let answer = world.ask(record, json!({ "t": test, "from": from })).await;
        let payload = &answer["recordTestResult"];
        assert_eq!(payload["test"], json!(null));
        let error = &payload["userErrors"][0];
        assert_eq!(
            (&error["code"], &error["path"][1]),
            (&json!("INVALID"), &json!("effectiveFrom"))
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("clock") && message.contains(&from.to_string()), "{message}");
    }
    assert_eq!(world.last().await, head, "nothing is recorded of what is refused");

    // A clock that is a little ahead is none from the future, and neither is an end that is: a pass
    // grows old from its recording at the latest.
    let soon = world.now().plus_seconds(60 * 9);
    let later = world.now().plus_days(400);
    let answer = world.ask(record, json!({ "t": test, "from": soon, "to": later })).await;
    assert_eq!(answer["recordTestResult"]["userErrors"], json!([]));
    world.clock.advance_micros(39 * 86_400 * SECOND);
    let score = "query($c: ID!) { control(id: $c) { score { lo decided } } }";
    let faded = world.ask(score, json!({ "c": a })).await["control"]["score"].clone();
    assert_eq!(faded, json!({ "lo": 0.0, "decided": 0.0 }));
    world.close().await;
}
