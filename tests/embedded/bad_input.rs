//! Broken input: each gets a clear error and leaves no trace.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use studio_sdk::{Client, Error, Upload};

use crate::support::{Installation, create_project, import_builtin, query};

/// One finding as a scanner writes it, with what a test wants to change.
fn finding(change: impl FnOnce(&mut Value)) -> Value {
    let mut finding = json!({
        "metadata": { "event_code": "check_one", "product": { "name": "Prowler" }, "version": "1.5.0" },
        "severity": "Low",
        "status": "New",
        "status_code": "PASS",
        "finding_info": { "uid": "finding-1", "title": "A check", "created_time": 1_700_000_000 },
        "resources": [{ "uid": "arn:one", "name": "one", "type": "Thing", "region": "eu-west-1" }],
        "cloud": { "account": { "uid": "123456789012" }, "provider": "aws", "region": "eu-west-1" },
        "unmapped": { "compliance": {} },
        "class_uid": 2004,
        "time": 1_700_000_000,
    });
    change(&mut finding);
    finding
}

async fn refused(client: &Client, project: &str, body: Vec<u8>) -> (u16, String, String) {
    match client.ingest_prowler(project, Upload::Bytes(body)).await {
        Err(Error::Refused { status, code, detail }) => (status, code, detail),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

async fn nothing_there(client: &Client, project: &str) {
    let data = query(
        client,
        "query($project: ID!) {
            ingestRuns(projectId: $project) { nodes { id } }
            findings(projectId: $project) { nodes { id } }
            assets(projectId: $project) { nodes { id } }
        }",
        json!({ "project": project }),
    )
    .await;
    for list in ["ingestRuns", "findings", "assets"] {
        assert_eq!(data[list]["nodes"], json!([]), "{list}");
    }
}

#[tokio::test]
async fn broken_scans_are_refused_whole_and_leave_no_trace() {
    let installation = Installation::empty();
    let (server, client) = installation.set_up().await;
    let project = create_project(&client, "Production").await;

    let good = serde_json::to_vec(&json!([finding(|_| ())])).unwrap();
    let truncated = good[..good.len() - 20].to_vec();
    let mut bad_gzip = gzip(&good);
    let middle = bad_gzip.len() / 2;
    bad_gzip[middle] ^= 0xFF;
    let cut_gzip = gzip(&good)[..30].to_vec();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("truncated JSON", truncated),
        ("no array", br#"{"class_uid": 2004}"#.to_vec()),
        ("no JSON", b"resource,status\none,PASS\n".to_vec()),
        ("bytes after the end", [good.as_slice(), b"]"].concat()),
        ("damaged gzip", bad_gzip),
        ("cut gzip", cut_gzip),
        ("deep nesting", [b"[".repeat(100_000), b"]".repeat(100_000)].concat()),
    ];
    for (name, body) in cases {
        let (status, code, detail) = refused(&client, &project, body).await;
        assert_eq!((status, code.as_str()), (400, "BAD_REQUEST"), "{name}: {detail}");
        assert!(detail.len() > 20, "{name}: {detail}");
        nothing_there(&client, &project).await;
    }

    // Another class is refused, item by item, or whole where nothing else is in the file.
    let wrong_class =
        serde_json::to_vec(&json!([finding(|f| f["class_uid"] = json!(2001))])).unwrap();
    match client.ingest_prowler(&project, Upload::Bytes(wrong_class)).await {
        Err(Error::Refused { status, detail, .. }) => {
            assert_eq!(status, 400);
            assert!(detail.contains("2004"), "{detail}");
        }
        other => panic!("{other:?}"),
    }
    nothing_there(&client, &project).await;

    // An unknown project, and an id that is none.
    let unknown = "prj_00000000000070008000000000000000";
    let (status, code, _) = refused(&client, unknown, good.clone()).await;
    assert_eq!((status, code.as_str()), (404, "NOT_FOUND"));
    let (status, code, _) = refused(&client, "production", good.clone()).await;
    assert_eq!((status, code.as_str()), (400, "BAD_REQUEST"));

    // Nobody is signed in.
    let stranger = Client::new(&server.url).unwrap();
    let (status, code, _) = refused(&stranger, &project, good.clone()).await;
    assert_eq!((status, code.as_str()), (401, "UNAUTHENTICATED"));

    // A body over the limit, packed and unpacked.
    server.stop();
    let installation = installation
        .with_setting("STUDIO_LIMITS__INGEST_BODY", "2000")
        .with_setting("STUDIO_LIMITS__INGEST_UNPACKED", "2000");
    let server = installation.start();
    let client = server.client().await;
    let large =
        serde_json::to_vec(&json!([finding(|f| f["note"] = json!("x".repeat(5000)))])).unwrap();
    for body in [large.clone(), gzip(&large)] {
        let (status, code, detail) = refused(&client, &project, body).await;
        assert_eq!((status, code.as_str()), (413, "TOO_LARGE"), "{detail}");
        assert!(detail.contains("2000"), "{detail}");
    }
    nothing_there(&client, &project).await;

    // And the good one still goes in, so the refusals did not come from something else.
    let answer = client.ingest_prowler(&project, Upload::Bytes(good)).await.unwrap();
    assert_eq!(answer.run["counts"]["new"], 1);
    let kept = installation.kept("evidence").await;
    assert_eq!(kept.len(), 1, "only the accepted scan is kept: {kept:?}");
}

#[tokio::test]
async fn one_bad_item_is_named_and_the_others_go_in() {
    let installation = Installation::empty();
    let (_server, client) = installation.set_up().await;
    let project = create_project(&client, "Production").await;
    let scan = json!([
        finding(|_| ()),
        finding(|f| f["class_uid"] = json!(2001)),
        finding(|f| f["finding_info"]["uid"] = json!("finding-2")),
        // In the year 2100: it would stand before every real one until then.
        finding(|f| f["finding_info"]["created_time"] = json!(4_102_444_800_u64)),
    ]);
    let body = serde_json::to_vec(&scan).unwrap();
    let answer = client.ingest_prowler(&project, Upload::Bytes(body)).await.unwrap();
    assert_eq!(answer.run["counts"]["new"], 2);
    assert_eq!(answer.run["counts"]["refused"], 2);
    assert_eq!(answer.run["refused"][1]["index"], 3);
    assert!(answer.run["refused"][1]["reason"].as_str().unwrap().contains("clock"));
    assert_eq!(answer.run["refused"][0]["index"], 1);
    assert!(answer.run["refused"][0]["reason"].as_str().unwrap().contains("2004"));
}

#[tokio::test]
async fn an_argument_that_its_type_does_not_take_has_a_code() {
    let installation = Installation::empty();
    let (_server, client) = installation.set_up().await;
    let project = create_project(&client, "Production").await;
    let text = "mutation($input: CreateControlInput!) { createControl(input: $input) { control { id } userErrors { code } } }";
    let input = json!({ "projectId": project, "code": "AC-1", "title": "Access" });
    let made = query(&client, text, json!({ "input": input })).await;
    let control = &made["createControl"]["control"]["id"];
    let text = "mutation($input: AddTestInput!) { addTest(input: $input) { test { id } userErrors { code } } }";
    let input = json!({ "controlId": control, "title": "By hand", "validityDays": -5 });
    let refused = client.query_text::<Value>(text, json!({ "input": input })).await.unwrap_err();
    assert_eq!(refused.code(), Some("BAD_REQUEST"), "{refused:?}");
}

#[tokio::test]
async fn invalid_oscal_and_unknown_requirements_are_told_to_the_person() {
    let installation = Installation::empty();
    let (_server, client) = installation.set_up().await;
    let project = create_project(&client, "Production").await;
    let import = "mutation($input: ImportFrameworkInput!) { importFramework(input: $input) { framework { id } userErrors { code message path } } }";
    for document in [
        "",
        "{",
        "[]",
        "{\"catalog\": 7}",
        "{\"catalog\": {\"uuid\": \"x\", \"metadata\": {}, \"groups\": [{\"controls\": [{}]}]}}",
        "{\"profile\": {\"uuid\": \"x\"}}",
    ] {
        let data = query(&client, import, json!({ "input": { "document": document } })).await;
        let payload = &data["importFramework"];
        assert_eq!(payload["framework"], Value::Null, "{document}");
        let problem = &payload["userErrors"][0];
        assert_eq!(problem["path"], json!(["input", "document"]), "{document}: {problem}");
        assert!(problem["message"].as_str().unwrap().len() > 20, "{document}: {problem}");
    }
    let frameworks = query(&client, "{ frameworks { nodes { id } } }", json!({})).await;
    assert_eq!(frameworks["frameworks"]["nodes"], json!([]));

    import_builtin(&client, "soc2-2017").await;
    let create = "mutation($input: CreateControlInput!) { createControl(input: $input) { control { id } userErrors { code message path } } }";
    let input = json!({
        "projectId": project,
        "code": "AC-1",
        "title": "Access",
        "requirementIds": ["rqm_00000000000070008000000000000000"],
    });
    let data = query(&client, create, json!({ "input": input })).await;
    let payload = &data["createControl"];
    assert_eq!(payload["control"], Value::Null);
    assert_eq!(payload["userErrors"][0]["path"][1], "requirementIds", "{payload}");
    let controls = query(
        &client,
        "query($project: ID!) { controls(projectId: $project) { nodes { id } } }",
        json!({ "project": project }),
    )
    .await;
    assert_eq!(controls["controls"]["nodes"], json!([]));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
