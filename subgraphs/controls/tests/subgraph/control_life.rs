//! Controls that are reviewed, retired and taken back; and lists of controls that filter and sort.

use serde_json::{Value, json};
use studio_kernel::{Env, ManualClock};

use super::{
    controls::{Small, control, small},
    support::{NOW, World, postgres_url, results, summary},
};

const DAY: i64 = 86_400 * 1_000_000;

async fn mutate(world: &World, name: &str, input: Value) -> Value {
    let of = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let text = format!(
        "mutation($input: {of}!) {{ it: {name}(input: $input) {{ control {{ id version retired implementation scope
            reviewEveryDays reviewedAt reviewedBy {{ id }} reviewNote nextReviewAt reviewOverdue }}
            userErrors {{ code path }} }} }}"
    );
    world.ask(&text, json!({ "input": input })).await["it"].clone()
}

#[tokio::test]
async fn a_control_is_reviewed_at_its_cadence() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let of = control(&world, &small, "IAM-1", &[]).await;
    let wrong = json!({ "id": of, "expectedVersion": 1, "reviewEveryDays": 0 });
    let wrong = mutate(&world, "updateControl", wrong).await;
    assert_eq!(
        wrong["userErrors"],
        json!([{ "code": "INVALID", "path": ["input", "reviewEveryDays"] }])
    );
    let stated = json!({ "id": of, "expectedVersion": 1, "reviewEveryDays": 90, "scope": "All of production." });
    let stated = mutate(&world, "updateControl", stated).await["control"].clone();
    assert_eq!((&stated["scope"], &stated["version"]), (&json!("All of production."), &json!(2)));
    assert_eq!((&stated["reviewedAt"], &stated["reviewOverdue"]), (&json!(null), &json!(false)));
    let due = async |before: &str| {
        let text = "query($p: ID!, $before: DateTime!) { project(id: $p) {
            controls(filter: { reviewDueBefore: $before }) { nodes { id } } } }";
        let answer = world.ask(text, json!({ "p": small.project, "before": before })).await;
        answer["project"]["controls"]["nodes"].clone()
    };
    assert_eq!(due(&world.now().plus_days(89).to_string()).await, json!([]));
    assert_eq!(due(&world.now().plus_days(91).to_string()).await, json!([{ "id": of }]));
    let worth = "query($c: ID!) { control(id: $c) { reviewOverdue score { lo hi } } }";
    let before = world.ask(worth, json!({ "c": of })).await["control"]["score"].clone();
    world.clock.advance_micros(91 * DAY);
    let late = world.ask(worth, json!({ "c": of })).await["control"].clone();
    assert_eq!(late, json!({ "reviewOverdue": true, "score": before }), "it moves no score");

    let review = json!({ "id": of, "expectedVersion": 2, "note": "As it should be." });
    let reviewed = mutate(&world, "reviewControl", review.clone()).await["control"].clone();
    let by = world.owner.user_id().unwrap().to_string();
    assert_eq!(reviewed["reviewedBy"]["id"], by);
    assert_eq!(reviewed["reviewNote"], "As it should be.");
    assert_eq!((&reviewed["reviewOverdue"], &reviewed["version"]), (&json!(false), &json!(2)));
    assert_eq!(due(&world.now().plus_days(89).to_string()).await, json!([]));
    // Another cadence counts from the last review.
    let often = json!({ "id": of, "expectedVersion": 2, "reviewEveryDays": 1 });
    let often = mutate(&world, "updateControl", often).await["control"].clone();
    let at = |value: &Value| value.as_str().unwrap().parse::<studio_kernel::Timestamp>().unwrap();
    assert_eq!(at(&often["nextReviewAt"]), at(&reviewed["reviewedAt"]).plus_days(1));
    let text = "mutation($input: ReviewControlInput!) { reviewControl(input: $input) { userErrors { code } } }";
    assert_eq!(world.code(text, json!({ "input": review })).await, "CONFLICT");
    let never = json!({ "id": of, "expectedVersion": 3, "reviewEveryDays": null, "scope": null });
    let never = mutate(&world, "updateControl", never).await["control"].clone();
    assert_eq!((&never["nextReviewAt"], &never["scope"]), (&json!(null), &json!("")));
    world.close().await;
}

#[tokio::test]
async fn a_retired_control_comes_back_as_planned_with_the_tests_that_it_missed() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let framework = world.builtin("soc2").await;
    world.adopt(&project, &framework, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let text = "query($p: ID!, $t: String) { project(id: $p) { controls(filter: { text: $t }) { nodes { id } } } }";
    let found = world.ask(text, json!({ "p": project, "t": "cc6.1" })).await;
    let of = found["project"]["controls"]["nodes"][0]["id"].clone();
    let early = json!({ "id": of, "expectedVersion": 1, "reason": "x" });
    let early = mutate(&world, "reinstateControl", early).await;
    assert_eq!(early["userErrors"], json!([{ "code": "NOT_RETIRED", "path": ["input", "id"] }]));
    mutate(&world, "retireControl", json!({ "id": of, "expectedVersion": 1, "reason": "x" })).await;
    let scanned = results(&project, 1, vec![summary("root_mfa", 3, 0, world.now())]);
    world.matched(world.publish(&scanned).await).await;
    let shown =
        "query($c: ID!) { control(id: $c) { retired implementation requirements { nodes { id } }
        tests { nodes { check } } score { lo hi } } }";
    let gone = world.ask(shown, json!({ "c": of })).await["control"].clone();
    assert_eq!((&gone["tests"]["nodes"], &gone["score"]["lo"]), (&json!([]), &json!(0.0)));
    let unsaid = json!({ "id": of, "expectedVersion": 2, "reason": "" });
    let unsaid = mutate(&world, "reinstateControl", unsaid).await;
    assert_eq!(unsaid["userErrors"], json!([{ "code": "INVALID", "path": ["input", "reason"] }]));
    let back = json!({ "id": of, "expectedVersion": 2, "reason": "We still do it." });
    let back = mutate(&world, "reinstateControl", back).await["control"].clone();
    assert_eq!(
        (&back["retired"], &back["implementation"], &back["version"]),
        (&json!(false), &json!("PLANNED"), &json!(3))
    );
    let change = json!({ "id": of, "expectedVersion": 3, "implementation": "IMPLEMENTED" });
    mutate(&world, "updateControl", change).await;
    let there = world.ask(shown, json!({ "c": of })).await["control"].clone();
    assert_eq!(there["tests"]["nodes"], json!([{ "check": "root_mfa" }]));
    assert_eq!(there["score"], json!({ "lo": 1.0, "hi": 1.0 }));
    world.close().await;
}

async fn stated(world: &World, small: &Small, code: &str, title: &str) -> Value {
    let text = "mutation($input: CreateControlInput!) { createControl(input: $input) { control { id } userErrors { code } } }";
    let input = json!({ "projectId": small.project, "code": code, "title": title });
    world.ask(text, json!({ "input": input })).await["createControl"]["control"]["id"].clone()
}

/// Every page of a list of controls, two at a time, by their codes.
async fn pages(world: &World, project: &str, arguments: &str) -> Vec<String> {
    let text = format!(
        "query($p: ID!, $a: String) {{ project(id: $p) {{ controls(first: 2, after: $a, {arguments}) {{
            nodes {{ code }} pageInfo {{ endCursor hasNextPage }} }} }} }}"
    );
    let (mut codes, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer = world.ask(&text, json!({ "p": project, "a": after })).await;
        let page = &answer["project"]["controls"];
        let nodes = page["nodes"].as_array().unwrap().iter();
        codes.extend(nodes.map(|node| node["code"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return codes;
        }
    }
}

/// The same on each database, which sort texts differently by themselves.
async fn lists(world: World) {
    let small = small(&world).await;
    let mut ids = Vec::new();
    for (code, title) in [
        ("AC-10", "b 50% off"),
        ("ac-2", "Änderungen"),
        ("B-1", "a_b"),
        ("AC-9", "ÄNDERUNGEN"),
        ("Ä-1", "zebra"),
    ] {
        ids.push(stated(&world, &small, code, title).await);
    }
    let project = small.project.clone();
    let of = async |arguments: &str| pages(&world, &project, arguments).await;
    assert_eq!(of("sort: { by: CODE }").await, ["ac-2", "AC-9", "AC-10", "B-1", "Ä-1"]);
    assert_eq!(
        of("sort: { by: CODE, direction: DESC }").await,
        ["Ä-1", "B-1", "AC-10", "AC-9", "ac-2"]
    );
    assert_eq!(of("sort: { by: TITLE }").await, ["B-1", "AC-10", "Ä-1", "ac-2", "AC-9"]);
    assert_eq!(
        of("sort: { by: TITLE, direction: DESC }").await,
        ["AC-9", "ac-2", "Ä-1", "AC-10", "B-1"]
    );
    assert_eq!(
        of("sort: { by: CREATED_AT, direction: DESC }").await,
        ["Ä-1", "AC-9", "B-1", "ac-2", "AC-10"]
    );
    let change = "mutation($c: ID!) { updateControl(input: { id: $c, expectedVersion: 1, implementation: PARTIAL }) { userErrors { code } } }";
    world.ask(change, json!({ "c": ids[1] })).await;
    assert_eq!(of("sort: { by: UPDATED_AT }").await, ["AC-10", "B-1", "AC-9", "Ä-1", "ac-2"]);
    assert_eq!(of("includeRetired: false").await, ["AC-10", "ac-2", "B-1", "AC-9", "Ä-1"]);

    assert_eq!(of("filter: { text: \"änder\" }, sort: { by: CODE }").await, ["ac-2", "AC-9"]);
    assert_eq!(
        of("filter: { text: \"Ac-\" }, sort: { by: CODE }").await,
        ["ac-2", "AC-9", "AC-10"]
    );
    assert_eq!(of("filter: { text: \"50%\" }").await, ["AC-10"]);
    assert_eq!(of("filter: { text: \"a_\" }").await, ["B-1"], "it is no pattern");
    assert_eq!(of("filter: { text: \"!\" }").await, [""; 0]);
    assert_eq!(of("filter: { implementation: PARTIAL }").await, ["ac-2"]);
    let test =
        "mutation($c: ID!) { addTest(input: { controlId: $c, title: \"Look\" }) { test { id } } }";
    let test = world.ask(test, json!({ "c": ids[2] })).await["addTest"]["test"]["id"].clone();
    assert_eq!(of("filter: { tested: true }").await, ["B-1"]);
    assert_eq!(
        of("filter: { tested: false, text: \"AC\" }, sort: { by: CODE }").await,
        ["ac-2", "AC-9", "AC-10"]
    );
    let retire = "mutation($t: ID!) { retireTest(input: { id: $t, expectedVersion: 1, reason: \"x\" }) { userErrors { code } } }";
    world.ask(retire, json!({ "t": test })).await;
    assert_eq!(of("filter: { tested: true }").await, [""; 0]);
    let requirement = small.requirements[0]["id"].as_str().unwrap();
    let map = "mutation($p: ID!, $r: ID!, $c: ID!) { mapRequirement(input: { projectId: $p, requirementId: $r, controlId: $c }) { userErrors { code } } }";
    world.ask(map, json!({ "p": project, "r": requirement, "c": ids[3] })).await;
    assert_eq!(of(&format!("filter: {{ requirementId: \"{requirement}\" }}")).await, ["AC-9"]);
    let user = format!("usr_{:032x}", 5);
    let own = "mutation($c: ID!, $u: ID!) { updateControl(input: { id: $c, expectedVersion: 1, ownerId: $u }) { userErrors { code } } }";
    world.ask(own, json!({ "c": ids[4], "u": user })).await;
    assert_eq!(of(&format!("filter: {{ ownerId: \"{user}\" }}")).await, ["Ä-1"]);
    let retire = "mutation($c: ID!) { retireControl(input: { id: $c, expectedVersion: 1, reason: \"x\" }) { userErrors { code } } }";
    world.ask(retire, json!({ "c": ids[0] })).await;
    assert_eq!(of("filter: { retired: true }").await, ["AC-10"]);
    assert_eq!(
        of("includeRetired: true, filter: { retired: false, text: \"ac\" }").await,
        ["ac-2", "AC-9"]
    );

    // A cursor is of one order.
    let first = "query($p: ID!) { controls(projectId: $p, first: 1, sort: { by: CODE }) { pageInfo { endCursor } } }";
    let cursor =
        world.ask(first, json!({ "p": project })).await["controls"]["pageInfo"]["endCursor"]
            .clone();
    for other in
        ["sort: { by: TITLE }", "sort: { by: CODE, direction: DESC }", "includeRetired: true"]
    {
        let text = format!(
            "query($p: ID!, $a: String) {{ controls(projectId: $p, after: $a, {other}) {{ nodes {{ id }} }} }}"
        );
        assert_eq!(
            world.code(&text, json!({ "p": project, "a": cursor })).await,
            "BAD_REQUEST",
            "{other}"
        );
    }
    let endless = format!(
        "{{ controls(projectId: \"{project}\", filter: {{ text: \"{}\" }}) {{ nodes {{ id }} }} }}",
        "x".repeat(201)
    );
    assert_eq!(world.code(&endless, json!({})).await, "BAD_REQUEST");
    world.close().await;
}

#[tokio::test]
async fn controls_are_found_sorted_and_paged_by_the_database() {
    let directory = tempfile::tempdir().unwrap();
    lists(World::open(directory.path()).await).await;
}

#[tokio::test]
async fn the_same_on_postgres() {
    if postgres_url().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let prefix = format!("lists_{}", Env::system().uuid().simple());
    let clock = ManualClock::at(NOW.parse().unwrap());
    lists(World::open_replica(directory.path(), clock, &prefix).await).await;
}
