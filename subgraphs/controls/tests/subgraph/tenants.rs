//! Who sees and may do what.

use futures::StreamExt;
use serde_json::json;
use studio_kernel::{Actor, Id, ProjectRoles, Role, kind};

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
        "mutation($t: ID!) { m: changeTest(input: {id: $t, expectedVersion: 1, title: \"X\"}) {
            userErrors { code } } }",
        "mutation($t: ID!) { m: retireTest(input: {id: $t, expectedVersion: 1, reason: \"X\"}) {
            userErrors { code } } }",
        "mutation($c: ID!) { m: reviewControl(input: {id: $c, expectedVersion: 1}) {
            userErrors { code } } }",
        "mutation($c: ID!) { m: reinstateControl(input: {id: $c, expectedVersion: 1, reason: \"X\"}) {
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

/// Two projects with the same in each, and somebody who is an auditor or a manager of the first.
#[tokio::test]
async fn a_role_in_one_project_shows_nothing_of_another() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let soc2 = world.builtin("soc2").await;
    let mut things = Vec::new();
    for name in ["Audited", "Hidden"] {
        let made =
            "mutation($n: String!) { createProject(input: { name: $n }) { project { id } } }";
        let made = world.ask(made, json!({ "n": name })).await;
        let project = made["createProject"]["project"]["id"].as_str().unwrap().to_owned();
        world.adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
        let text = "query($p: ID!) { controls(projectId: $p, first: 2) { nodes { id } } }";
        let controls = world.ask(text, json!({ "p": project })).await;
        let of = |n: usize| controls["controls"]["nodes"][n]["id"].clone();
        let text = "mutation($c: ID!, $d: ID!) {
            addTest(input: { controlId: $c, title: \"Look\" }) { test { id } }
            addDependency(input: { controlId: $c, dependsOnId: $d, strength: FULL }) { dependency { id } } }";
        let made = world.ask(text, json!({ "c": of(0), "d": of(1) })).await;
        things.push(json!({ "p": project, "f": soc2, "c": of(0), "d": of(1),
            "t": made["addTest"]["test"]["id"],
            "x": made["addDependency"]["dependency"]["id"] }));
    }
    let nothing = "00000000000070008000000000000000";
    things.push(json!({ "p": format!("prj_{nothing}"), "f": soc2, "c": format!("ctl_{nothing}"),
        "d": format!("ctl_{nothing}"), "t": format!("tst_{nothing}"), "x": format!("dep_{nothing}") }));
    let here: Id<kind::Project> = things[0]["p"].as_str().unwrap().parse().unwrap();
    let of = |role| {
        let there = vec![ProjectRoles { project: here, roles: vec![role] }];
        Actor { roles: vec![], ..member(1, Role::Viewer) }.in_projects(there)
    };

    let auditor = of(Role::Auditor);
    let text = "query($p: ID!, $f: ID!, $c: ID!, $t: ID!, $x: ID!) {
        project(id: $p) { name scores { headline } behindScore(frameworkId: $f) { nodes { weight } }
            singlePointsOfFailure(frameworkId: $f) { nodes { requirementCount } }
            coverageGaps(frameworkId: $f) { nodes { reason } } dependencyCycles { truncated } }
        control(id: $c) { code allDependencies { nodes { weight } } impact { controls { nodes { weight } } }
            score { verdict } tests { nodes { id } } }
        framework(id: $f) { projects { nodes { name } } requirements(first: 1) { nodes { code } } }
        _entities(representations: [
            { __typename: \"Project\", id: $p }, { __typename: \"Control\", id: $c },
            { __typename: \"ControlTest\", id: $t }, { __typename: \"ControlDependency\", id: $x }
        ]) { __typename } }";
    let mut seen = Vec::new();
    for things in &things {
        let answer = world.ask_as(Some(&auditor), text, things.clone()).await;
        assert!(answer.is_ok(), "{:?}", answer.errors);
        let mut codes = Vec::new();
        for text in [
            "query($p: ID!) { controls(projectId: $p) { nodes { id } } }",
            "query($p: ID!, $f: ID!) { framework(id: $f) { requirements(first: 1) { nodes { members(projectId: $p) { share } } } } }",
            "query($p: ID!, $f: ID!) { framework(id: $f) { requirements(first: 1) { nodes { coveragePaths(projectId: $p) { nodes { weight } } } } } }",
        ] {
            let answer = world.ask_as(Some(&auditor), text, things.clone()).await;
            codes.push(answer.errors.first().map(|_| code(&answer)));
        }
        let mut told = world.subscribe(&auditor, things["p"].as_str().unwrap(), None);
        let first = told.next().await.unwrap();
        codes.push(first.errors.first().map(|_| code(&first)));
        seen.push((answer.data.into_json().unwrap(), codes));
    }
    assert_eq!(seen[0].0["project"]["name"], "Audited");
    assert_eq!(seen[0].0["framework"]["projects"]["nodes"], json!([{ "name": "Audited" }]));
    assert_eq!(seen[0].0["control"]["allDependencies"]["nodes"].as_array().unwrap().len(), 1);
    assert!(seen[0].0["_entities"].as_array().unwrap().iter().all(|entity| !entity.is_null()));
    assert!(seen[0].1.iter().all(Option::is_none), "{:?}", seen[0].1);
    assert_eq!(seen[1], seen[2], "what is elsewhere looks like what is nowhere");
    assert_eq!(seen[1].0["_entities"], json!([null, null, null, null]));
    assert_eq!((&seen[1].0["project"], &seen[1].0["control"]), (&json!(null), &json!(null)));
    assert!(seen[1].1.iter().all(|code| code.as_deref() == Some("NOT_FOUND")), "{:?}", seen[1].1);

    // Whoever may change things here changes nothing there, and learns of nothing there.
    let manager = of(Role::ComplianceManager);
    let changes = [
        "mutation($p: ID!) { createControl(input: { projectId: $p, code: \"NEW\", title: \"x\" }) { userErrors { code } } }",
        "mutation($c: ID!) { updateControl(input: { id: $c, expectedVersion: 1, title: \"x\" }) { userErrors { code } } }",
        "mutation($c: ID!) { addTest(input: { controlId: $c, title: \"More\" }) { userErrors { code } } }",
        "mutation($t: ID!) { recordTestResult(input: { testId: $t, outcome: PASSED }) { userErrors { code } } }",
        "mutation($c: ID!, $d: ID!) { removeDependency(input: { controlId: $c, dependsOnId: $d }) { userErrors { code } } }",
    ];
    let told = |answer: &async_graphql::Response| {
        let words = answer.errors.first().map(|error| {
            let words =
                error.message.split(' ').filter(|word| word.as_bytes().get(3) != Some(&b'_'));
            words.collect::<Vec<_>>().join(" ")
        });
        (words, answer.data.clone().into_json().unwrap())
    };
    for text in changes {
        let elsewhere = world.ask_as(Some(&manager), text, things[1].clone()).await;
        let nowhere = world.ask_as(Some(&manager), text, things[2].clone()).await;
        assert_eq!(code(&elsewhere), "NOT_FOUND", "{text}");
        assert_eq!(told(&elsewhere), told(&nowhere), "{text}");
        let refused = world.ask_as(Some(&auditor), text, things[0].clone()).await;
        assert_eq!(code(&refused), "FORBIDDEN", "{text}");
    }
    // One of theirs and one of another project together are none.
    let text = "mutation($p: ID!, $c: ID!, $r: ID!) { unmapRequirement(input: { projectId: $p, requirementId: $r, controlId: $c }) { userErrors { code } } }";
    let requirement = format!("rqm_{nothing}");
    for (project, control) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 1)] {
        let mixed =
            json!({ "p": things[project]["p"], "c": things[control]["c"], "r": requirement });
        let refused = world.ask_as(Some(&manager), text, mixed).await;
        assert_eq!(code(&refused), "NOT_FOUND", "{project} {control}");
    }
    let text = "mutation($c: ID!, $d: ID!) { addDependency(input: { controlId: $c, dependsOnId: $d, strength: WEAK }) { userErrors { code } } }";
    let mut told_of = Vec::new();
    for other in [1, 2] {
        let mixed = json!({ "c": things[0]["c"], "d": things[other]["c"] });
        told_of.push(told(&world.ask_as(Some(&manager), text, mixed).await));
    }
    assert_eq!(told_of[0], told_of[1]);
    // The name of a project that they do not see is taken, and no more is said of it.
    let text = "mutation($p: ID!) { renameProject(input: { id: $p, expectedVersion: 1, name: \"hidden\" }) { userErrors { code message } } }";
    let taken = world.ask_as(Some(&manager), text, things[0].clone()).await;
    let taken = taken.data.into_json().unwrap()["renameProject"]["userErrors"][0].clone();
    assert_eq!(taken["code"], "ALREADY_EXISTS");
    assert!(taken["message"].as_str().unwrap().starts_with("Another project is called"), "{taken}");
    for kind in
        ["controls.control.updated", "controls.test.result_recorded", "controls.dependency.removed"]
    {
        assert!(world.recorded(kind).await.is_empty(), "nothing was recorded: {kind}");
    }
    for text in changes {
        let done = world.ask_as(Some(&manager), text, things[0].clone()).await;
        assert!(done.is_ok(), "{text}: {:?}", done.errors);
        let errors = done.data.into_json().unwrap();
        let errors = errors.as_object().unwrap().values().next().unwrap()["userErrors"].clone();
        assert_eq!(errors, json!([]), "{text}");
    }
    world.close().await;
}
