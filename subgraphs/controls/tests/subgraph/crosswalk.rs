//! Mappings between requirements of two frameworks.

use serde_json::{Value, json};

use super::{
    controls::{Small, control, small},
    departures::{colleague, done, is, refused},
    support::World,
};

async fn score(world: &World, project: &str, framework: &str) -> Value {
    let text = "query($p: ID!, $f: ID!) { project(id: $p) { score(frameworkId: $f) { lo
        requirements(first: 1) { nodes { lo hi decided ownLo requirement { id } inherited { lo sourceLo decided
            hops { carries requirement { id } mapping { id rationale } } } } } } } }";
    let answer = world.ask(text, json!({ "p": project, "f": framework })).await;
    answer["project"]["score"].clone()
}

#[tokio::test]
async fn what_one_framework_proves_counts_for_another_once_two_people_say_so() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let (owner, other) = (world.owner.clone(), colleague(&world));
    let source = small.requirements[0]["id"].clone();
    let made = control(&world, &small, "IAM-1", std::slice::from_ref(&source)).await;
    let test =
        "mutation($c: ID!) { addTest(input: { controlId: $c, title: \"Look\" }) { test { id } } }";
    let test = world.ask(test, json!({ "c": made })).await["addTest"]["test"]["id"].clone();
    let pass = "mutation($t: ID!) { recordTestResult(input: { testId: $t, outcome: PASSED }) { userErrors { code } } }";
    world.ask(pass, json!({ "t": test })).await;
    let Small { project, framework: soc2, requirements } = small;
    let iso = world.builtin("iso27001").await;
    let text = "query($f: ID!) { framework(id: $f) { requirements(first: 100) { nodes { id } } } }";
    let theirs = world.ask(text, json!({ "f": iso })).await;
    let theirs = theirs["framework"]["requirements"]["nodes"].as_array().unwrap().clone();
    let target = theirs[0]["id"].clone();

    let input = json!({ "projectId": project, "sourceRequirementId": source, "targetRequirementId": target,
        "relation": "SUBSET", "strength": 6, "rationale": "Both ask who may get in.",
        "provenance": "Our own reading" });
    let with = |field: &str, value: Value| {
        let mut input = input.clone();
        input[field] = value;
        input
    };
    let early = refused(&world, &owner, "proposeMapping", input.clone()).await;
    assert_eq!(early, is("NOT_FOUND", "targetRequirementId"), "it is not adopted yet");
    world.adopt(&project, &iso, "NONE", "PLANNED").await;
    for (field, value, expected) in [
        (
            "targetRequirementId",
            requirements[1]["id"].clone(),
            is("INVALID", "targetRequirementId"),
        ),
        ("targetRequirementId", source.clone(), is("INVALID", "targetRequirementId")),
        (
            "sourceRequirementId",
            json!(format!("rqm_{:032x}", 3)),
            is("NOT_FOUND", "sourceRequirementId"),
        ),
        ("strength", json!(0), is("INVALID", "strength")),
        ("strength", json!(11), is("INVALID", "strength")),
        ("rationale", json!(" "), is("INVALID", "rationale")),
        ("provenance", json!("two\nlines"), is("INVALID", "provenance")),
    ] {
        let told = refused(&world, &owner, "proposeMapping", with(field, value)).await;
        assert_eq!(told, expected, "{field}");
    }
    let before = score(&world, &project, &iso).await;
    let mapping = done(&world, &owner, "proposeMapping", input.clone()).await;
    let mut turned = with("sourceRequirementId", target.clone());
    turned["targetRequirementId"] = source.clone();
    let turned = refused(&world, &other, "proposeMapping", turned).await;
    assert_eq!(turned, is("ALREADY_EXISTS", "targetRequirementId"));
    assert_eq!(score(&world, &project, &iso).await, before);
    let approval = json!({ "id": mapping["id"], "expectedVersion": 1 });
    let own = refused(&world, &owner, "approveMapping", approval.clone()).await;
    assert_eq!(own, is("FOUR_EYES", "id"));
    done(&world, &other, "approveMapping", approval).await;
    let after = score(&world, &project, &iso).await;
    let first = &after["requirements"]["nodes"][0];
    assert_eq!(first["requirement"]["id"], target);
    assert_eq!(
        (&first["lo"], &first["hi"], &first["decided"]),
        (&json!(0.6), &json!(1.0), &json!(0.6))
    );
    assert_eq!((&first["ownLo"], &first["inherited"]["sourceLo"]), (&json!(0.0), &json!(1.0)));
    let hop = &first["inherited"]["hops"][0];
    assert_eq!((&hop["carries"], &hop["requirement"]["id"]), (&json!(0.6), &source));
    assert_eq!(hop["mapping"]["rationale"], "Both ask who may get in.");
    assert!(after["lo"].as_f64() > before["lo"].as_f64());

    let text = "query($p: ID!, $f: ID!, $t: ID!, $m: ID!) { project(id: $p) {
            mappings { nodes { relation strength provenance state source { id } target { id }
                proposedBy { id } decidedBy { id } } }
            mappingGaps(fromFrameworkId: $f, toFrameworkId: $t, first: 1) { nodes { id } pageInfo { hasNextPage } }
            back: mappingGaps(fromFrameworkId: $t, toFrameworkId: $f, first: 1) { nodes { id } } }
        _entities(representations: [{ __typename: \"ControlMapping\", id: $m }]) { __typename } }";
    let variables = json!({ "p": project, "f": soc2, "t": iso, "m": mapping["id"] });
    let shown = world.ask(text, variables).await;
    let listed = &shown["project"]["mappings"]["nodes"][0];
    assert_eq!((&listed["relation"], &listed["strength"]), (&json!("SUBSET"), &json!(6)));
    assert_eq!((&listed["source"]["id"], &listed["target"]["id"]), (&source, &target));
    assert_eq!(listed["decidedBy"]["id"], other.user_id().unwrap().to_string());
    assert_eq!(listed["provenance"], "Our own reading");
    let gaps = &shown["project"]["mappingGaps"];
    assert_eq!(gaps["nodes"], json!([{ "id": theirs[1]["id"] }]), "the first one is mapped");
    assert_eq!(gaps["pageInfo"]["hasNextPage"], true);
    assert_eq!(shown["project"]["back"]["nodes"], json!([{ "id": requirements[1]["id"] }]));
    assert_eq!(shown["_entities"], json!([{ "__typename": "ControlMapping" }]));

    // The page of a start from the log shows the same, and a mapping that is taken back nothing.
    world.settled(&project, &iso).await;
    let clock = world.clock.clone();
    world.close().await;
    let world = World::open_at(directory.path(), clock).await;
    assert_eq!(score(&world, &project, &iso).await, after);
    let back = json!({ "id": mapping["id"], "expectedVersion": 2, "reason": "We read it again." });
    assert_eq!(done(&world, &owner, "withdrawMapping", back).await["state"], "WITHDRAWN");
    assert_eq!(score(&world, &project, &iso).await, before);
    let anew = done(&world, &other, "proposeMapping", input).await;
    let no = json!({ "id": anew["id"], "expectedVersion": 1, "reason": "No." });
    assert_eq!(refused(&world, &other, "rejectMapping", no.clone()).await, is("FOUR_EYES", "id"));
    assert_eq!(done(&world, &owner, "rejectMapping", no).await["state"], "REJECTED");
    world.close().await;
}
