//! How closely evidence is kept, and what is found in it: who sees what, and who says so.

use axum::{body::Body, http::Method};
use serde_json::{Value, json};
use studio_kernel::{Actor, Env, Id, ProjectRoles, Role, kind};

use super::support::{Running, World, finding, scan};

/// The scan of another account.
fn elsewhere(mut finding: Value) -> Value {
    finding["cloud"]["account"]["uid"] = "210987654321".into();
    finding
}

fn member(world: &World, role: Role) -> Actor {
    let env = Env::system();
    Actor::user(world.owner.tenant, env.id(), env.id(), vec![role])
}

/// Brings a scan in that is to be kept so.
async fn ingest(
    running: &Running,
    actor: &Actor,
    project: Id<kind::Project>,
    class: &str,
    findings: &[Value],
) -> Value {
    let uri = format!("/v1/ingest/prowler?project={project}&wait=0&dataClass={class}");
    let body = Body::from(scan(findings));
    let answer = running.request(Some(actor), Method::POST, &uri, &[], body).await;
    assert!(answer.status.is_success(), "{}: {}", answer.status, answer.body);
    answer.body
}

async fn classify(
    running: &Running,
    actor: &Actor,
    evidence: &Value,
    class: &str,
    expected: i64,
) -> Value {
    let text = "mutation($input: ClassifyEvidenceInput!) { classifyEvidence(input: $input) {
        evidence { dataClass dataClassVersion } userErrors { code path } } }";
    let input = json!({ "evidenceId": evidence, "dataClass": class, "expectedVersion": expected });
    running.query(Some(actor), text, json!({ "input": input })).await
}

#[tokio::test]
async fn evidence_and_what_is_found_in_it_are_seen_alike() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let ana = member(&world, Role::Contributor);
    let open = [finding("a", "one", "PASS", 0), finding("a", "two", "FAIL", 0)];
    let kept: Vec<_> = ["three", "four", "five"]
        .into_iter()
        .map(|resource| elsewhere(finding("a", resource, "FAIL", 0)))
        .chain([json!({ "class_uid": 1, "finding_info": { "uid": "a secret name" } })])
        .collect();
    let open = ingest(&running, &world.owner, project, "INTERNAL", &open).await;
    let kept = ingest(&running, &ana, project, "RESTRICTED", &kept).await;
    assert_eq!(kept["evidence"]["dataClass"], "RESTRICTED");
    assert_eq!(kept["refused"].as_array().unwrap().len(), 1, "whoever sends it is told: {kept}");
    running.match_all(1, &[]).await;
    let control = running.control(&world.owner, project, "a").await;
    let secret = {
        let text = "query($p: ID!) { findings(projectId: $p) { nodes { id uid } } }";
        let data = running.data(&ana, text, json!({ "p": project })).await;
        let nodes = data["findings"]["nodes"].as_array().unwrap().clone();
        nodes.into_iter().find(|it| it["uid"] == "a-three").unwrap()["id"].clone()
    };

    let there = Actor { roles: vec![], ..member(&world, Role::Viewer) }
        .in_projects(vec![ProjectRoles { project, roles: vec![Role::Auditor] }]);
    for (who, actor, sees) in [
        ("an owner", world.owner.clone(), true),
        ("a manager", member(&world, Role::ComplianceManager), true),
        ("who brought it in", ana.clone(), true),
        ("another contributor", member(&world, Role::Contributor), false),
        ("an auditor", member(&world, Role::Auditor), false),
        ("an auditor there", there, false),
        ("a viewer", world.viewer.clone(), false),
    ] {
        let count: u64 = if sees { 5 } else { 2 };
        assert_eq!(running.findings(&actor, project).await.len() as u64, count, "{who}");
        let text = "query($p: ID!, $open: ID!, $kept: ID!, $f: ID!, $run: ID!, $c: ID!) {
            findings(projectId: $p, first: 1) { totalCount pageInfo { hasNextPage } }
            open: evidence(id: $open) { dataClass dataClassVersion }
            kept: evidence(id: $kept) { dataClass }
            finding(id: $f) { uid }
            ingestRun(id: $run) { state evidence { id } refused { uid } }
            _entities(representations: [
                { __typename: \"Project\", id: $p }, { __typename: \"Control\", id: $c },
                { __typename: \"Evidence\", id: $kept }, { __typename: \"Finding\", id: $f }]) {
                __typename
                ... on Project { findings { totalCount } assets { nodes { findings { totalCount } } } }
                ... on Control { evidence { nodes { id } } findings(first: 3) { totalCount pageInfo { hasNextPage } } }
            }
        }";
        let variables = json!({
            "p": project, "c": control, "open": open["evidence"]["id"], "f": secret,
            "kept": kept["evidence"]["id"], "run": kept["id"],
        });
        let data = running.data(&actor, text, variables).await;
        assert_eq!(data["findings"]["totalCount"], count, "{who}");
        assert_eq!(data["open"], json!({ "dataClass": "INTERNAL", "dataClassVersion": 1 }));
        for hidden in [&data["kept"], &data["finding"], &data["ingestRun"]["evidence"]] {
            assert_eq!(!hidden.is_null(), sees, "{who}: {data}");
        }
        assert_eq!(data["ingestRun"]["state"], "COMPLETED", "{who}");
        let refused = data["ingestRun"]["refused"].as_array().unwrap();
        assert_eq!(refused.len(), usize::from(sees), "{who}");
        let [of_project, of_control, evidence, finding] =
            &data["_entities"].as_array().unwrap()[..]
        else {
            panic!("{data}")
        };
        assert_eq!((!evidence.is_null(), !finding.is_null()), (sees, sees), "{who}");
        assert_eq!(of_project["findings"]["totalCount"], count, "{who}");
        let by_asset = of_project["assets"]["nodes"].as_array().unwrap().iter();
        let by_asset: u64 = by_asset.map(|it| it["findings"]["totalCount"].as_u64().unwrap()).sum();
        assert_eq!(by_asset, count, "{who}");
        assert_eq!(of_control["findings"]["totalCount"], count, "{who}");
        assert_eq!(of_control["findings"]["pageInfo"]["hasNextPage"], count > 3, "{who}");
        let rests_on = of_control["evidence"]["nodes"].as_array().unwrap();
        assert_eq!(rests_on.len(), if sees { 2 } else { 1 }, "{who}");

        let run = format!("/v1/ingest/runs/{}", kept["id"].as_str().unwrap());
        let told = running.request(Some(&actor), Method::GET, &run, &[], Body::empty()).await;
        assert_eq!(told.status, 200, "{who}");
        assert_eq!(told.body["refused"].as_array().unwrap().len(), usize::from(sees), "{who}");
        if !sees {
            let bytes = kept["evidence"]["links"]["content"].as_str().unwrap();
            let told = running.request(Some(&actor), Method::GET, bytes, &[], Body::empty()).await;
            assert_eq!(told.status, 404, "{who}");
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_scan_raises_a_class_and_a_manager_lowers_it() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let (ana, manager) =
        (member(&world, Role::Contributor), member(&world, Role::ComplianceManager));
    let first = running.ingest(&ana, project, scan(&[finding("a", "one", "PASS", 0)])).await;
    let id = &first["evidence"]["id"];
    assert_eq!(first["evidence"]["dataClass"], "INTERNAL");
    let code = |answer: &Value| answer["errors"][0]["extensions"]["code"].clone();
    let error =
        |answer: &Value| answer["data"]["classifyEvidence"]["userErrors"][0]["code"].clone();
    let class = |answer: &Value| answer["data"]["classifyEvidence"]["evidence"].clone();

    assert_eq!(code(&classify(&running, &ana, id, "RESTRICTED", 1).await), "FORBIDDEN");
    let raised = classify(&running, &manager, id, "CONFIDENTIAL", 1).await;
    assert_eq!(class(&raised), json!({ "dataClass": "CONFIDENTIAL", "dataClassVersion": 2 }));
    assert_eq!(error(&classify(&running, &manager, id, "PUBLIC", 1).await), "CONFLICT");
    // A job that always says the same neither fails nor undoes that.
    let newer = [finding("a", "one", "FAIL", 1)];
    let again = ingest(&running, &ana, project, "PUBLIC", &newer).await;
    assert_eq!(
        (&again["evidence"]["version"], &again["evidence"]["dataClass"]),
        (&json!(2), &json!("CONFIDENTIAL"))
    );
    // Also the same bytes raise it.
    let again = ingest(&running, &ana, project, "RESTRICTED", &newer).await;
    assert_eq!(
        (&again["evidence"]["version"], &again["evidence"]["dataClass"]),
        (&json!(2), &json!("RESTRICTED"))
    );
    // It stays hers whoever brings more in, and what others do not read is not there for them.
    let ben = member(&world, Role::Contributor);
    ingest(&running, &ben, project, "INTERNAL", &[finding("a", "one", "PASS", 2)]).await;
    let text = "query($id: ID!) { evidence(id: $id) { newestVersion dataClass } }";
    let seen = running.data(&ana, text, json!({ "id": id })).await;
    assert_eq!(seen["evidence"], json!({ "newestVersion": 3, "dataClass": "RESTRICTED" }));
    assert_eq!(running.data(&ben, text, json!({ "id": id })).await["evidence"], Value::Null);

    let lowered = classify(&running, &manager, id, "PUBLIC", 3).await;
    assert_eq!(class(&lowered), json!({ "dataClass": "PUBLIC", "dataClassVersion": 4 }));
    assert_eq!(running.findings(&world.viewer, project).await.len(), 1);
    let nothing = json!("evd_00000000000070008000000000000000");
    assert_eq!(code(&classify(&running, &manager, &nothing, "PUBLIC", 1).await), "NOT_FOUND");
    assert_eq!(
        error(&classify(&running, &manager, &json!("evd_1"), "PUBLIC", 1).await),
        "INVALID_ID"
    );
    let uri = format!("/v1/ingest/prowler?project={project}&dataClass=SECRET");
    let told = running.request(Some(&ana), Method::POST, &uri, &[], Body::empty()).await;
    assert_eq!(told.status, 400, "{}", told.body);
    running.archive(&world.owner, project, true).await;
    assert_eq!(error(&classify(&running, &manager, id, "RESTRICTED", 4).await), "ARCHIVED");
    running.stop().await;
}
