//! Who answers for a control changes it, and no other.

use serde_json::{Value, json};
use studio_kernel::{Actor, Role};

use super::{
    controls::small,
    support::{World, code, member},
};

const UPDATE: &str =
    "mutation($c: ID!, $v: Int!) { updateControl(input: { id: $c, expectedVersion: $v,
    implementation: PARTIAL }) { control { version } userErrors { code } } }";
const ADD_TEST: &str = "mutation($c: ID!) { addTest(input: { controlId: $c, title: \"Look\" }) {
    test { id } userErrors { code } } }";
const RECORD: &str =
    "mutation($t: ID!) { recordTestResult(input: { testId: $t, outcome: PASSED }) {
    userErrors { code } } }";
const DEPEND: &str = "mutation($c: ID!, $d: ID!) { addDependency(input: { controlId: $c,
    dependsOnId: $d, strength: FULL }) { userErrors { code } } }";

async fn stated(world: &World, project: &str, name: &str, owner: Option<&Actor>) -> Value {
    let owner = owner.and_then(Actor::user_id).map(|user| user.to_string());
    let input =
        json!({ "projectId": project, "code": name, "title": "A control", "ownerId": owner });
    let create = "mutation($input: CreateControlInput!) { createControl(input: $input) {
        control { id } userErrors { code } } }";
    let made = world.ask(create, json!({ "input": input })).await;
    assert_eq!(made["createControl"]["userErrors"], json!([]));
    made["createControl"]["control"]["id"].clone()
}

#[tokio::test]
async fn a_control_owner_changes_the_own_controls() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = small(&world).await.project;
    let noor = member(1, Role::ControlOwner);
    let other = member(3, Role::ControlOwner);
    let own = stated(&world, &project, "A", Some(&noor)).await;
    let others = stated(&world, &project, "B", Some(&other)).await;
    let nobodys = stated(&world, &project, "C", None).await;
    let ask =
        async |query: &str, variables: Value| world.ask_as(Some(&noor), query, variables).await;
    let on = |control: &Value| json!({ "c": control, "v": 1, "d": nobodys });

    let changed = ask(UPDATE, on(&own)).await;
    assert!(changed.is_ok(), "{:?}", changed.errors);
    let added = ask(ADD_TEST, on(&own)).await;
    let test = added.data.into_json().unwrap()["addTest"]["test"]["id"].clone();
    let recorded = ask(RECORD, json!({ "t": test })).await.data.into_json().unwrap();
    assert_eq!(recorded["recordTestResult"]["userErrors"], json!([]));

    let head = world.last().await;
    let foreign = world.ask(ADD_TEST, on(&others)).await["addTest"]["test"]["id"].clone();
    let head_after = world.last().await;
    assert!(head_after > head);
    for control in [&others, &nobodys, &json!("ctl_00000000000070008000000000000000")] {
        for query in [UPDATE, ADD_TEST] {
            assert_eq!(code(&ask(query, on(control)).await), "FORBIDDEN", "{query}");
        }
    }
    assert_eq!(code(&ask(RECORD, json!({ "t": foreign })).await), "FORBIDDEN");
    // What shapes the score beyond the own control is the compliance manager's.
    assert_eq!(code(&ask(DEPEND, on(&own)).await), "FORBIDDEN");
    let state =
        "mutation($p: ID!) { createControl(input: { projectId: $p, code: \"D\", title: \"D\" }) {
        control { id } } }";
    assert_eq!(code(&ask(state, json!({ "p": project })).await), "FORBIDDEN");
    assert_eq!(world.last().await, head_after);

    // Once somebody else answers for it, it is no longer theirs.
    let give = "mutation($c: ID!, $u: ID!) { updateControl(input: { id: $c, expectedVersion: 2,
        ownerId: $u }) { userErrors { code } } }";
    let user = other.user_id().unwrap().to_string();
    let given = ask(give, json!({ "c": own, "u": user })).await;
    assert!(given.is_ok(), "{:?}", given.errors);
    assert_eq!(code(&ask(ADD_TEST, on(&own)).await), "FORBIDDEN");
    assert_eq!(code(&ask(RECORD, json!({ "t": test })).await), "FORBIDDEN");
    world.close().await;
}
