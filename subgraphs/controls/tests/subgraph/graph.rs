//! The questions that go from one thing to the next, as GraphQL asks them.

use std::sync::Arc;

use serde_json::{Value, json};
use studio_kernel::{Id, ManualClock, Role, kind, published::evidence::EvidenceRejected};
use studio_stores::graph::{Batch, Change, Edge, Graph, Link, Mark, PetGraph, State};

use super::{
    controls::{Small, control, small},
    support::{NOW, World, code, evidence_id, member, results, summary},
};

const DEPEND: &str = "mutation($a: ID!, $b: ID!, $s: DependencyStrength!) { addDependency(input: {
    controlId: $a, dependsOnId: $b, strength: $s}) { userErrors { code path } } }";
const UNDEPEND: &str = "mutation($a: ID!, $b: ID!) { removeDependency(input: {controlId: $a,
    dependsOnId: $b}) { userErrors { code } } }";

pub(super) async fn depend(world: &World, a: &str, b: &str, strength: &str) {
    let made = world.ask(DEPEND, json!({ "a": a, "b": b, "s": strength })).await;
    assert_eq!(made["addDependency"]["userErrors"], json!([]));
}

/// A, which covers CC6.1, rests on B, B on C, and C on A again.
async fn circle(world: &World, small: &Small) -> [String; 3] {
    let requirement = small.requirements.iter().find(|r| r["code"] == "CC6.1").unwrap();
    let a = control(world, small, "A", &[requirement["id"].clone()]).await;
    let b = control(world, small, "B", &[]).await;
    let c = control(world, small, "C", &[]).await;
    depend(world, &a, &b, "HALF").await;
    depend(world, &b, &c, "WEAK").await;
    depend(world, &c, &a, "FULL").await;
    [a, b, c]
}

async fn reach(world: &World, control: &str, arguments: &str) -> Value {
    let query = format!(
        "query($c: ID!) {{ control(id: $c) {{
            allDependencies{arguments} {{ truncated pageInfo {{ hasNextPage endCursor }}
                nodes {{ control {{ code }} weight path {{ code }} }} }}
            allDependents {{ nodes {{ control {{ code }} weight }} }}
            dependencyCycles {{ controls {{ code }} }} }} }}"
    );
    world.ask(&query, json!({ "c": control })).await["control"].clone()
}

#[tokio::test]
async fn dependencies_are_followed_to_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let [a, b, c] = circle(&world, &small).await;
    let seen = reach(&world, &a, "").await;
    assert_eq!(
        seen["allDependencies"]["nodes"],
        json!([
            { "control": { "code": "B" }, "weight": 0.5, "path": [{ "code": "A" }, { "code": "B" }] },
            { "control": { "code": "C" }, "weight": 0.15,
                "path": [{ "code": "A" }, { "code": "B" }, { "code": "C" }] },
        ])
    );
    assert_eq!(
        seen["allDependents"]["nodes"],
        json!([{ "control": { "code": "B" }, "weight": 0.3 }, { "control": { "code": "C" }, "weight": 1.0 }])
    );
    assert_eq!(
        seen["dependencyCycles"],
        json!([{ "controls": [{ "code": "A" }, { "code": "B" }, { "code": "C" }] }])
    );
    // A page at a time, and one dependency far.
    let first = reach(&world, &a, "(first: 1)").await["allDependencies"].clone();
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let cursor = first["pageInfo"]["endCursor"].as_str().unwrap();
    let rest = reach(&world, &a, &format!("(first: 1, after: \"{cursor}\")")).await;
    assert_eq!(rest["allDependencies"]["nodes"][0]["control"]["code"], "C");
    assert_eq!(rest["allDependencies"]["pageInfo"]["hasNextPage"], false);
    let near = reach(&world, &a, "(depth: 1)").await;
    assert_eq!(near["allDependencies"]["nodes"].as_array().unwrap().len(), 1);
    for bad in ["(depth: 0)", "(depth: 17)", "(first: 0)"] {
        let query =
            format!("{{ control(id: \"{a}\") {{ allDependencies{bad} {{ truncated }} }} }}");
        assert_eq!(world.code(&query, json!({})).await, "BAD_REQUEST", "{bad}");
    }

    let cut = world.ask(UNDEPEND, json!({ "a": b, "b": c })).await;
    assert_eq!(cut["removeDependency"]["userErrors"], json!([]));
    let seen = reach(&world, &a, "").await;
    assert_eq!(seen["allDependencies"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(seen["dependencyCycles"], json!([]));
    world.close().await;
}

const IMPACT: &str = "query($c: ID!) { control(id: $c) { impact {
    controls { nodes { control { code } weight } }
    requirements { truncated nodes { requirement { code } weight
        path { __typename ... on Control { code } ... on Requirement { label } } } }
    frameworks { nodes { framework { family } weight path { __typename } } } } } }";

#[tokio::test]
async fn an_impact_is_shown_with_the_way_it_takes() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let [a, b, c] = circle(&world, &small).await;
    let answer = world.ask(IMPACT, json!({ "c": c })).await;
    let impact = &answer["control"]["impact"];
    assert_eq!(
        impact["controls"]["nodes"],
        json!([{ "control": { "code": "A" }, "weight": 0.15 }, { "control": { "code": "B" }, "weight": 0.3 }])
    );
    let requirement = &impact["requirements"]["nodes"][0];
    assert_eq!(requirement["requirement"]["code"], "CC6.1");
    assert_eq!(requirement["weight"], 0.15);
    assert_eq!(
        requirement["path"],
        json!([
            { "__typename": "Control", "code": "C" },
            { "__typename": "Control", "code": "B" },
            { "__typename": "Control", "code": "A" },
            { "__typename": "Requirement", "label": requirement["path"][3]["label"] },
        ])
    );
    let framework = &impact["frameworks"]["nodes"][0];
    assert_eq!(
        (&framework["framework"]["family"], &framework["weight"]),
        (&json!("soc2"), &json!(0.15))
    );
    assert_eq!(framework["path"].as_array().unwrap().len(), 5);

    // What is retired is reached by nothing.
    let retire = "mutation($id: ID!) { retireControl(input: {id: $id, expectedVersion: 1,
        reason: \"Replaced\"}) { userErrors { code } } }";
    world.ask(retire, json!({ "id": b })).await;
    let answer = world.ask(IMPACT, json!({ "c": c })).await;
    assert_eq!(answer["control"]["impact"]["requirements"]["nodes"], json!([]));
    let answer = world.ask(IMPACT, json!({ "c": a })).await;
    assert_eq!(answer["control"]["impact"]["requirements"]["nodes"][0]["weight"], 1.0);
    world.close().await;
}

const COVERAGE: &str = "query($f: ID!, $p: ID!) { framework(id: $f) { requirements(first: 100) {
    nodes { code coveragePaths(projectId: $p) { truncated nodes { through { code } weight
        control { code } test { check } evidence { id } evidenceVersion } } } } } }";
const BEHIND: &str = "query($p: ID!, $f: ID!) { project(id: $p) { behindScore(frameworkId: $f) {
    truncated nodes { user { id } weight controls owned recorded uploaded } } } }";

async fn coverage(world: &World, small: &Small) -> Value {
    let variables = json!({ "f": small.framework, "p": small.project });
    let answer = world.ask(COVERAGE, variables).await;
    let requirements = answer["framework"]["requirements"]["nodes"].as_array().unwrap().clone();
    let of = requirements.iter().find(|requirement| requirement["code"] == "CC6.1").unwrap();
    of["coveragePaths"]["nodes"].clone()
}

#[tokio::test]
async fn evidence_is_found_behind_a_requirement_and_people_behind_a_score() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let [a, ..] = circle(&world, &small).await;
    let owner = "mutation($input: UpdateControlInput!) { updateControl(input: $input) {
        control { version } userErrors { code } } }";
    let bob = format!("usr_{:032x}", 77);
    world.ask(owner, json!({ "input": { "id": a, "expectedVersion": 1, "ownerId": bob } })).await;
    let path = |test: Value, version: Value| {
        let evidence = version.as_i64().map(|_| json!({ "id": evidence_id().to_string() }));
        json!({ "through": [], "weight": 1.0, "control": { "code": "A" }, "test": test,
            "evidence": evidence, "evidenceVersion": version })
    };
    assert_eq!(coverage(&world, &small).await, json!([path(Value::Null, Value::Null)]));

    let scanned = results(&small.project, 1, vec![summary("iam_mfa", 3, 1, world.now())]);
    world.matched(world.publish(&scanned).await).await;
    let tested = json!({ "check": "iam_mfa" });
    assert_eq!(coverage(&world, &small).await, json!([path(tested.clone(), json!(1))]));

    // Two of its three places move on to version 2: both versions count until the third does.
    let place = |region: &str| {
        let mut summary = summary("iam_mfa", 3, 1, world.now());
        summary.region = region.to_owned();
        summary
    };
    let scanned = results(&small.project, 2, vec![place("eu-north-1"), place("us-east-1")]);
    world.matched(world.publish(&scanned).await).await;
    let both = json!([path(tested.clone(), json!(1)), path(tested.clone(), json!(2))]);
    assert_eq!(coverage(&world, &small).await, both);
    let scanned = results(&small.project, 3, vec![place("eu-west-1"), place("eu-north-1")]);
    world.matched(world.publish(&scanned).await).await;
    let both = json!([path(tested.clone(), json!(2)), path(tested.clone(), json!(3))]);
    assert_eq!(coverage(&world, &small).await, both);

    let variables = json!({ "p": small.project, "f": small.framework });
    let answer = world.ask(BEHIND, variables.clone()).await;
    let people = answer["project"]["behindScore"]["nodes"].clone();
    let uploader = world.owner.user_id().unwrap().to_string();
    let weight = people[0]["weight"].as_f64().unwrap();
    assert!(weight > 0.0 && weight < 0.1, "one of SOC 2's requirements: {weight}");
    let person = |id: &str, owned: u32, uploaded: u32| {
        json!({ "user": { "id": id }, "weight": weight, "controls": 1, "owned": owned,
            "recorded": 0, "uploaded": uploaded })
    };
    assert_eq!(people, json!([person(&uploader, 0, 2), person(&bob, 1, 0)]));

    // Rejected evidence proves nothing, and its uploader stands behind the rest.
    let rejection = EvidenceRejected {
        evidence: evidence_id(),
        evidence_version: 3,
        reason: "Wrong account".to_owned(),
        project: None,
    };
    let position = world.publish(&rejection).await;
    let mut wake = world.store.wake();
    while !world
        .recorded("controls.evidence.discounted")
        .await
        .iter()
        .any(|event| event["source_position"] == position)
    {
        wake.changed().await.unwrap();
    }
    assert_eq!(coverage(&world, &small).await, json!([path(tested, json!(2))]));
    let answer = world.ask(BEHIND, variables).await;
    assert_eq!(answer["project"]["behindScore"]["nodes"][0]["uploaded"], 1);
    world.close().await;
}

#[tokio::test]
async fn nobody_follows_the_graph_of_another_organization() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    circle(&world, &small).await;
    let stranger = member(2, Role::Owner);
    let own = "mutation { importFramework(input: {builtin: \"soc2\"}) { framework {
        requirements(first: 100) { nodes { id code } } } } }";
    let made = world.ask_as(Some(&stranger), own, json!({})).await.data.into_json().unwrap();
    let requirements = &made["importFramework"]["framework"]["requirements"]["nodes"];
    assert!(requirements.as_array().unwrap().len() > 10);
    let framework = "query($p: ID!) { frameworks { nodes { requirements(first: 100) { nodes {
        coveragePaths(projectId: $p) { nodes { weight } } } } } } }";
    let seen = world.ask_as(Some(&stranger), framework, json!({ "p": small.project })).await;
    let seen = seen.data.into_json().unwrap();
    let nodes = seen["frameworks"]["nodes"][0]["requirements"]["nodes"].as_array().unwrap().clone();
    assert!(nodes.iter().all(|node| node["coveragePaths"]["nodes"] == json!([])));

    // Somebody without a role is refused at the first step.
    let mut nobody = world.owner.clone();
    nobody.roles.clear();
    let variables = json!({ "p": small.project, "f": small.framework });
    let refused = world.ask_as(Some(&nobody), BEHIND, variables).await;
    assert_eq!(code(&refused), "FORBIDDEN");
    world.close().await;
}

/// A graph that says that it is at this mark, with a dependency that nobody ever stated.
async fn stale(mark: Mark, control: Id<kind::Control>) -> Arc<PetGraph> {
    let graph = PetGraph::new();
    let rumour: Id<kind::Control> = format!("ctl_{:032x}", 9).parse().unwrap();
    let strength = studio_stores::graph::Weight::ONE;
    let edge = Edge::new(control, Link::DependsOn { strength }, rumour).unwrap();
    let changes = vec![(super::support::owner().tenant, Change::Edge(edge))];
    graph.apply(&Batch { after: None, mark, changes }).await.unwrap();
    Arc::new(graph)
}

#[tokio::test]
async fn a_graph_of_another_log_or_version_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let [a, b, _] = circle(&world, &small).await;
    let expected = reach(&world, &a, "").await;
    let there = world.store.read(4, 1).await.unwrap()[0].clone();
    world.close().await;

    let control = b.parse().unwrap();
    let fits = Mark { version: 2, position: there.position, hash: there.hash };
    let marks = [
        Mark { version: 0, ..fits.clone() },
        Mark { hash: [5; 32], ..fits.clone() },
        Mark { position: 1_000_000, ..fits.clone() },
    ];
    for mark in marks {
        let graph = stale(mark.clone(), control).await;
        let clock = ManualClock::at(NOW.parse().unwrap());
        let world = World::open_with(directory.path(), clock, graph.clone()).await;
        assert_eq!(reach(&world, &a, "").await, expected, "{mark:?}");
        let State::At(now) = graph.state().await.unwrap() else { panic!("it was fed") };
        assert_eq!(now.version, 2);
        world.close().await;
    }
    // Where the mark fits, it goes on from there: what is in the graph stays.
    let graph = stale(fits, control).await;
    let clock = ManualClock::at(NOW.parse().unwrap());
    let world = World::open_with(directory.path(), clock, graph).await;
    let query = "query($c: ID!) { control(id: $c) { allDependencies { nodes { weight } } } }";
    let kept = world.ask(query, json!({ "c": b })).await;
    assert_eq!(kept["control"]["allDependencies"]["nodes"].as_array().unwrap().len(), 3);
    world.close().await;
}
