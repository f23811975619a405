//! Who sees and may do what.

use futures::StreamExt;
use serde_json::json;
use studio_kernel::Role;

use super::support::{World, code, member, results, summary};

#[tokio::test]
async fn organizations_never_see_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let soc2 = world.builtin("soc2").await;
    world.adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let results = results(&project, 1, vec![summary("root_mfa", 1, 0, world.now())]);
    world.matched(world.publish(&results).await).await;
    let ids = world
        .ask(
            "query($p: ID!, $f: ID!) { controls(projectId: $p, first: 1) { nodes { id } }
                framework(id: $f) { requirements(first: 1) { nodes { id } } } }",
            json!({ "p": project, "f": soc2 }),
        )
        .await;
    let control = &ids["controls"]["nodes"][0]["id"];
    let requirement = &ids["framework"]["requirements"]["nodes"][0]["id"];
    let test = world.recorded("controls.test.added").await[0]["test"].clone();
    let stranger = member(2, Role::Owner);
    let variables = json!({ "p": project, "f": soc2, "c": control, "r": requirement, "t": test });

    let seen = world
        .ask_as(
            Some(&stranger),
            "query($p: ID!, $f: ID!, $c: ID!) { projects { nodes { id } } project(id: $p) { id }
                frameworks { nodes { id } } framework(id: $f) { id } control(id: $c) { id } }",
            variables.clone(),
        )
        .await;
    assert!(seen.is_ok(), "{:?}", seen.errors);
    assert_eq!(
        seen.data.into_json().unwrap(),
        json!({ "projects": { "nodes": [] }, "project": null, "frameworks": { "nodes": [] },
            "framework": null, "control": null })
    );
    let list = "query($p: ID!) { controls(projectId: $p) { nodes { id } } }";
    let refused = world.ask_as(Some(&stranger), list, json!({ "p": project })).await;
    assert_eq!(code(&refused), "NOT_FOUND");
    let representations = json!({ "r": [
        { "__typename": "Project", "id": project }, { "__typename": "Framework", "id": soc2 },
        { "__typename": "Control", "id": control }, { "__typename": "Requirement", "id": requirement },
        { "__typename": "ControlTest", "id": test }, { "__typename": "Control", "id": "nonsense" },
        { "__typename": "Organization", "id": world.owner.tenant.to_string() },
    ] });
    let entities = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }";
    let theirs = world.ask_as(Some(&stranger), entities, representations.clone()).await;
    let all = theirs.data.into_json().unwrap()["_entities"].clone();
    assert_eq!(all, json!([null, null, null, null, null, null, null]));
    let own = world.ask(entities, representations).await;
    let kinds: Vec<_> =
        own["_entities"].as_array().unwrap().iter().map(|e| &e["__typename"]).collect();
    let expected = [
        json!("Project"),
        json!("Framework"),
        json!("Control"),
        json!("Requirement"),
        json!("ControlTest"),
        json!(null),
        json!("Organization"),
    ];
    assert_eq!(kinds, expected.iter().collect::<Vec<_>>());

    world.settled(&project, &soc2).await;
    let head = world.last().await;
    for mutation in [
        "mutation($p: ID!, $f: ID!) { m: adoptFramework(input: {projectId: $p, frameworkId: $f}) {
            userErrors { code } } }",
        "mutation($p: ID!) { m: createControl(input: {projectId: $p, code: \"X\", title: \"X\"}) {
            userErrors { code } } }",
        "mutation($c: ID!) { m: updateControl(input: {id: $c, expectedVersion: 1, title: \"X\"}) {
            userErrors { code } } }",
        "mutation($c: ID!) { m: retireControl(input: {id: $c, expectedVersion: 1, reason: \"X\"}) {
            userErrors { code } } }",
        "mutation($p: ID!, $c: ID!, $r: ID!) { m: mapRequirement(input: {projectId: $p,
            requirementId: $r, controlId: $c}) { userErrors { code } } }",
        "mutation($p: ID!, $c: ID!, $r: ID!) { m: unmapRequirement(input: {projectId: $p,
            requirementId: $r, controlId: $c}) { userErrors { code } } }",
        "mutation($c: ID!) { m: addTest(input: {controlId: $c, title: \"X\"}) {
            userErrors { code } } }",
        "mutation($t: ID!) { m: recordTestResult(input: {testId: $t, outcome: PASSED}) {
            userErrors { code } } }",
        "mutation($c: ID!) { m: addDependency(input: {controlId: $c, dependsOnId: $c}) {
            userErrors { code } } }",
        "mutation($c: ID!) { m: removeDependency(input: {controlId: $c, dependsOnId: $c}) {
            userErrors { code } } }",
    ] {
        let answer = world.ask_as(Some(&stranger), mutation, variables.clone()).await;
        assert!(answer.is_ok(), "{mutation} {:?}", answer.errors);
        let errors = answer.data.into_json().unwrap()["m"]["userErrors"].clone();
        assert_eq!(errors, json!([{ "code": "NOT_FOUND" }]), "{mutation}");
    }
    assert_eq!(world.last().await, head);
    let mut changes = world.subscribe(&stranger, &project, None);
    assert_eq!(code(&changes.next().await.unwrap()), "NOT_FOUND");
    world.close().await;
}

#[tokio::test]
async fn a_viewer_sees_and_changes_nothing_and_a_stranger_is_asked_to_sign_in() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let soc2 = world.builtin("soc2").await;
    world.adopt(&project, &soc2, "NONE", "PLANNED").await;
    let viewer = member(1, Role::Viewer);
    let variables = json!({ "p": project, "f": soc2 });
    let query =
        "query($p: ID!, $f: ID!) { project(id: $p) { name score(frameworkId: $f) { lo } } }";
    let seen = world.ask_as(Some(&viewer), query, variables.clone()).await;
    assert!(seen.is_ok(), "{:?}", seen.errors);
    let mut changes = world.subscribe(&viewer, &project, None);
    assert!(changes.next().await.unwrap().is_ok());
    world.settled(&project, &soc2).await;
    let head = world.last().await;
    for mutation in [
        "mutation { createProject(input: {name: \"X\"}) { project { id } } }",
        "mutation { importFramework(input: {builtin: \"soc2\"}) { imported } }",
        "mutation($p: ID!, $f: ID!) { adoptFramework(input: {projectId: $p, frameworkId: $f}) {
            controlsCreated } }",
        "mutation($p: ID!) { createControl(input: {projectId: $p, code: \"X\", title: \"X\"}) {
            control { id } } }",
    ] {
        let refused = world.ask_as(Some(&viewer), mutation, variables.clone()).await;
        assert_eq!(code(&refused), "FORBIDDEN", "{mutation}");
        let unknown = world.ask_as(None, mutation, variables.clone()).await;
        assert_eq!(code(&unknown), "UNAUTHENTICATED", "{mutation}");
    }
    assert_eq!(world.last().await, head);
    for query in [
        query,
        "query { projects { nodes { id } } }",
        "query { frameworks { nodes { id } } }",
        "query { builtinFrameworks { id } }",
        "query($p: ID!) { controls(projectId: $p) { nodes { id } } }",
        "query($p: ID!) { _entities(representations: [{ __typename: \"Project\", id: $p }]) {
            __typename } }",
    ] {
        let unknown = world.ask_as(None, query, variables.clone()).await;
        assert_eq!(code(&unknown), "UNAUTHENTICATED", "{query}");
    }
    world.close().await;
}
