//! The GraphQL schema: what it shows, to whom, and how evidence is rejected.

use serde_json::{Value, json};
use studio_kernel::{
    Actor, Id, Payload, ProjectRoles, Role, kind, published::evidence::EvidenceRejected,
};

use crate::support::{World, finding, scan};

#[tokio::test]
async fn a_control_shows_what_its_checks_rest_on() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let control = running.control(&world.owner, project, "a").await;
    let other = running.control(&world.owner, project, "never-scanned").await;
    let findings = [
        finding("a", "one", "PASS", 0),
        finding("a", "two", "FAIL", 0),
        finding("b", "x", "FAIL", 0),
    ];
    let run = running.ingest(&world.owner, project, scan(&findings)).await;
    let text = "query($of: [_Any!]!) { _entities(representations: $of) { ... on Control {
        id
        evidence { nodes { id source versions { version sha256 run { id uploadedBy { id } } } } }
        findings { nodes { uid status title severity asset { name type findings { nodes { uid } } } } }
        failing: findings(status: FAIL) { totalCount nodes { uid } }
    } } }";
    let of = [control.to_string(), other.to_string()]
        .map(|id| json!({ "__typename": "Control", "id": id }));
    let data = running.data(&world.viewer, text, json!({ "of": of })).await;
    let shown = &data["_entities"][0];
    assert_eq!(shown["evidence"]["nodes"][0]["id"], run["evidence"]["id"]);
    assert_eq!(shown["evidence"]["nodes"][0]["versions"][0]["sha256"], run["evidence"]["sha256"]);
    let uploader = &shown["evidence"]["nodes"][0]["versions"][0]["run"]["uploadedBy"]["id"];
    assert_eq!(uploader, &json!(world.owner.user_id().unwrap()));
    let uids: Vec<_> =
        shown["findings"]["nodes"].as_array().unwrap().iter().map(|f| &f["uid"]).collect();
    assert_eq!(uids.len(), 2);
    assert!(uids.contains(&&json!("a-one")) && uids.contains(&&json!("a-two")));
    assert_eq!(shown["findings"]["nodes"][0]["title"], "Title of a");
    assert_eq!(shown["findings"]["nodes"][0]["severity"], "HIGH");
    assert_eq!(shown["failing"], json!({ "totalCount": 1, "nodes": [{ "uid": "a-two" }] }));
    assert_eq!(data["_entities"][1]["findings"]["nodes"], json!([]));
    assert_eq!(data["_entities"][1]["evidence"]["nodes"], json!([]));
    running.stop().await;
}

#[tokio::test]
async fn organizations_never_see_each_other() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let control = running.control(&world.owner, project, "a").await;
    let run = running.ingest(&world.owner, project, scan(&[finding("a", "one", "FAIL", 0)])).await;
    let own = running
        .data(
            &world.owner,
            "query($p: ID!) { findings(projectId: $p) { nodes { id asset { id } } } }",
            json!({ "p": project }),
        )
        .await;
    let finding_id = &own["findings"]["nodes"][0]["id"];
    let asset_id = &own["findings"]["nodes"][0]["asset"]["id"];
    let text = "query($e: ID!, $f: ID!, $a: ID!, $r: ID!, $of: [_Any!]!) {
        evidence(id: $e) { id } finding(id: $f) { id } asset(id: $a) { id } ingestRun(id: $r) { id }
        _entities(representations: $of) {
            ... on Control { findings { nodes { id } } evidence { nodes { id } } }
            ... on Project { all: findings { nodes { id } } assets { nodes { id } } ingestRuns { nodes { id } } }
            ... on Evidence { id } ... on Finding { id } ... on Asset { id } ... on IngestRun { id }
        }
    }";
    let entity = |name: &str, id: &Value| json!({ "__typename": name, "id": id });
    let of = [
        entity("Control", &json!(control)),
        entity("Project", &json!(project)),
        entity("Evidence", &run["evidence"]["id"]),
        entity("Finding", finding_id),
        entity("Asset", asset_id),
        entity("IngestRun", &run["id"]),
    ];
    let variables = json!({ "e": run["evidence"]["id"], "f": finding_id,
        "a": asset_id, "r": run["id"], "of": of });
    let seen = running.data(&world.owner, text, variables.clone()).await;
    for one in ["evidence", "finding", "asset", "ingestRun"] {
        assert_ne!(seen[one], Value::Null, "{one}");
    }
    let nothing = json!({ "nodes": [] });
    let data = running.data(&world.stranger, text, variables.clone()).await;
    for one in ["evidence", "finding", "asset", "ingestRun"] {
        assert_eq!(data[one], Value::Null, "{one}");
    }
    for list in ["findings", "assets", "ingestRuns"] {
        let text = format!("query($p: ID!) {{ {list}(projectId: $p) {{ nodes {{ id }} }} }}");
        let variables = json!({ "p": project });
        let own = running.data(&world.owner, &text, variables.clone()).await;
        assert_ne!(own[list], nothing, "{list}");
        // Not an empty list: whoever mistypes an id is told so, and no more than that.
        let refused = running.query(Some(&world.stranger), &text, variables).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND", "{list}: {refused}");
    }
    let entities = data["_entities"].as_array().unwrap();
    assert_eq!(entities[0], json!({ "findings": nothing, "evidence": nothing }));
    assert_eq!(entities[1], json!({ "all": nothing, "assets": nothing, "ingestRuns": nothing }));
    assert!(entities[2..].iter().all(Value::is_null), "{entities:?}");
    // The same scan in another organization is something else altogether.
    let theirs = running.project(&world.stranger).await;
    let other =
        running.ingest(&world.stranger, theirs, scan(&[finding("a", "one", "FAIL", 0)])).await;
    assert_ne!(other["id"], run["id"]);
    running.stop().await;
}

#[tokio::test]
async fn whoever_is_not_signed_in_sees_nothing() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    for text in [
        format!("{{ findings(projectId: \"{project}\") {{ nodes {{ id }} }} }}"),
        format!("{{ assets(projectId: \"{project}\") {{ nodes {{ id }} }} }}"),
        format!("{{ ingestRuns(projectId: \"{project}\") {{ nodes {{ id }} }} }}"),
        "{ evidence(id: \"evd_00000000000080008000000000000000\") { id } }".to_owned(),
        "{ finding(id: \"fnd_00000000000080008000000000000000\") { id } }".to_owned(),
        "{ asset(id: \"ast_00000000000080008000000000000000\") { id } }".to_owned(),
        "{ ingestRun(id: \"run_00000000000080008000000000000000\") { id } }".to_owned(),
        format!("{{ _entities(representations: [{{__typename: \"Project\", id: \"{project}\"}}]) {{ __typename }} }}"),
        "mutation { rejectEvidence(input: {evidenceId: \"x\", version: 1, reason: \"y\"}) { userErrors { code } } }".to_owned(),
    ] {
        let answer = running.query(None, &text, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{text}: {answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn rejected_evidence_is_published_once() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let run = running.ingest(&world.owner, project, scan(&[finding("a", "one", "PASS", 0)])).await;
    let text = "mutation($input: RejectEvidenceInput!) { rejectEvidence(input: $input) {
        evidence { versions { version rejectedAt rejectedReason } }
        userErrors { code message path }
    } }";
    let input = |version: i32, reason: &str| json!({ "input": { "evidenceId": run["evidence"]["id"], "version": version, "reason": reason } });
    for (version, reason, code, field) in [
        (2, "forged", "NOT_FOUND", "version"),
        (0, "forged", "NOT_FOUND", "version"),
        (1, " ", "INVALID_REASON", "reason"),
    ] {
        let data = running.data(&world.owner, text, input(version, reason)).await;
        let payload = &data["rejectEvidence"];
        assert_eq!(payload["evidence"], Value::Null);
        assert_eq!(payload["userErrors"][0]["code"], code);
        assert_eq!(payload["userErrors"][0]["path"], json!(["input", field]));
    }
    let refused = running.query(Some(&world.viewer), text, input(1, "forged")).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let stranger = running.query(Some(&world.stranger), text, input(1, "forged")).await;
    assert_eq!(stranger["errors"][0]["extensions"]["code"], "NOT_FOUND");
    let data = running.data(&world.owner, text, input(1, "forged")).await;
    let version = &data["rejectEvidence"]["evidence"]["versions"][0];
    assert_eq!(version["rejectedReason"], "forged");
    assert_ne!(version["rejectedAt"], Value::Null);
    let again = running.data(&world.owner, text, input(1, "forged")).await;
    assert_eq!(again["rejectEvidence"]["userErrors"][0]["code"], "ALREADY_REJECTED");
    let published = running.feed.read(0, 1000).await.unwrap().events;
    let rejected: Vec<_> =
        published.iter().filter_map(|event| event.read::<EvidenceRejected>()).collect();
    assert_eq!(rejected.len(), 1, "{}", EvidenceRejected::TYPE);
    assert_eq!(rejected[0].as_ref().unwrap().project, Some(project));
    running.stop().await;
}

#[tokio::test]
async fn everything_in_the_schema_is_described() {
    let world = World::new();
    let running = world.start().await;
    let text = "{ __schema { types { name kind description
        fields(includeDeprecated: true) { name description args { name description } }
        inputFields { name description } enumValues { name description } } } }";
    let data = running.data(&world.owner, text, json!({})).await;
    // Made by the library, not by us.
    let foreign = [
        "_Any", "_Entity", "_Service", "PageInfo", "ID", "Int", "Float", "String", "Boolean",
        "DateTime",
    ];
    let mut missing = Vec::new();
    for kind in data["__schema"]["types"].as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        if name.starts_with("__")
            || foreign.contains(&name)
            || name.ends_with("Connection")
            || name.ends_with("Edge")
        {
            continue;
        }
        for list in ["fields", "inputFields", "enumValues"] {
            for one in kind[list].as_array().into_iter().flatten() {
                if one["name"].as_str().unwrap().starts_with('_') {
                    continue;
                }
                let described = one["description"].as_str().is_some_and(|text| !text.is_empty());
                if !described {
                    missing.push(format!("{name}.{}", one["name"]));
                }
                for argument in one["args"].as_array().into_iter().flatten() {
                    if argument["description"].as_str().is_none_or(str::is_empty) {
                        missing.push(format!("{name}.{}({})", one["name"], argument["name"]));
                    }
                }
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    let sdl = running.graphql.sdl();
    for entity in ["Evidence", "Finding", "Asset", "IngestRun", "Control", "Project"] {
        assert!(sdl.contains(&format!("type {entity} @key(fields: \"id\")")), "{entity}:\n{sdl}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_role_in_one_project_shows_nothing_of_another() {
    let world = World::new();
    let running = world.start().await;
    let (here, there) = (running.project(&world.owner).await, running.project(&world.owner).await);
    let auditor = Actor { roles: vec![], ..world.viewer.clone() }
        .in_projects(vec![ProjectRoles { project: here, roles: vec![Role::Auditor] }]);
    let findings = scan(&[finding("a", "one", "FAIL", 0)]);
    let nowhere: Id<kind::Project> = "prj_00000000000070008000000000000000".parse().unwrap();
    let mut seen = Vec::new();
    for project in [here, there, nowhere] {
        let (mut control, mut run) = (
            json!("ctl_00000000000070008000000000000000"),
            json!("run_00000000000070008000000000000000"),
        );
        let mut found = json!({ "id": "fnd_00000000000070008000000000000000", "asset": { "id": "ast_00000000000070008000000000000000" } });
        let mut evidence = json!("evd_00000000000070008000000000000000");
        if project != nowhere {
            control = json!(running.control(&world.owner, project, "a").await);
            let ingested = running.ingest(&world.owner, project, findings.clone()).await;
            (run, evidence) = (ingested["id"].clone(), ingested["evidence"]["id"].clone());
            let text = "query($p: ID!) { findings(projectId: $p) { nodes { id asset { id } } } }";
            let data = running.data(&world.owner, text, json!({ "p": project })).await;
            found = data["findings"]["nodes"][0].clone();
        }
        let entity = |name: &str, id: &Value| json!({ "__typename": name, "id": id });
        let of = [
            entity("Control", &control),
            entity("Evidence", &evidence),
            entity("Finding", &found["id"]),
            entity("Asset", &found["asset"]["id"]),
            entity("IngestRun", &run),
        ];
        let text = "query($e: ID!, $f: ID!, $a: ID!, $r: ID!, $of: [_Any!]!) {
            evidence(id: $e) { source } finding(id: $f) { uid } asset(id: $a) { uid findings { totalCount } }
            ingestRun(id: $r) { sha256 }
            _entities(representations: $of) {
                ... on Control { findings { totalCount nodes { uid } } evidence { nodes { source } } }
                ... on Evidence { source } ... on Finding { uid } ... on Asset { uid } ... on IngestRun { sha256 }
            } }";
        let variables = json!({ "e": evidence, "f": found["id"], "a": found["asset"]["id"], "r": run, "of": of });
        let answer = running.query(Some(&auditor), text, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        let mut refusals = Vec::new();
        for text in [
            "query($p: ID!) { findings(projectId: $p) { totalCount } }",
            "query($p: ID!) { assets(projectId: $p) { nodes { id } } }",
            "query($p: ID!) { ingestRuns(projectId: $p) { nodes { id } } }",
            "query($p: ID!) { _entities(representations: [{ __typename: \"Project\", id: $p }]) {
                ... on Project { findings { totalCount } } } }",
        ] {
            let answer = running.query(Some(&auditor), text, json!({ "p": project })).await;
            refusals.push(answer["errors"][0]["extensions"]["code"].clone());
        }
        seen.push((answer["data"].clone(), refusals));
    }
    let [own, other, none] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(own.0["finding"]["uid"], "a-one");
    assert_eq!(own.0["asset"]["findings"]["totalCount"], 1);
    assert_eq!(own.0["_entities"][0]["findings"]["totalCount"], 1);
    assert!(own.0["_entities"].as_array().unwrap().iter().all(|entity| !entity.is_null()));
    assert!(own.1.iter().all(Value::is_null));
    assert_eq!(other, none, "what is elsewhere looks like what is nowhere");
    assert_eq!(other.0["finding"], Value::Null);
    assert_eq!(other.0["_entities"][0]["findings"]["totalCount"], 0);
    assert!(other.1.iter().all(|code| code == "NOT_FOUND"), "{:?}", other.1);
    running.stop().await;
}
