//! The questions of the graph, from outside: across controls, evidence and identity.

use serde_json::{Value, json};
use studio_sdk::Upload;

use crate::support::{
    Installation, adopt, create_project, data_file, import_framework, mutate, query, recent,
};

const COVERAGE: &str = "query($framework: ID!, $project: ID!, $after: String) {
    framework(id: $framework) { requirements(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { code coveragePaths(projectId: $project) { truncated nodes {
            weight control { id code } test { check }
            evidence { source newestVersion } evidenceVersion } } } } }
}";

#[tokio::test]
async fn a_scan_is_found_behind_requirements_and_its_uploader_behind_the_score() {
    let Some(baseline) = data_file("nist-800-53-r5-moderate-baseline.oscal.json") else { return };
    let Some(scan) = recent("prowler-aws-scan-large.ocsf.json.gz", 5) else { return };
    let installation = Installation::empty();
    let (server, client) = installation.set_up().await;
    let project = create_project(&client, "Production").await;
    let framework = import_framework(&client, &std::fs::read_to_string(baseline).unwrap()).await;
    adopt(&client, &project, &framework).await;
    let answer = client.ingest_prowler(&project, Upload::Bytes(scan.bytes())).await.unwrap();
    assert_eq!(answer.run["matching"]["state"], "done", "{}", answer.run);

    // Every requirement has its control; some of these have tests, and the tests have evidence.
    let mut paths = Vec::new();
    let mut variables = json!({ "framework": framework, "project": project, "after": null });
    loop {
        let data = query(&client, COVERAGE, variables.clone()).await;
        let page = &data["framework"]["requirements"];
        for requirement in page["nodes"].as_array().unwrap() {
            let of = requirement["coveragePaths"]["nodes"].as_array().unwrap();
            assert!(!of.is_empty(), "{requirement}");
            paths.extend(of.clone());
        }
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
        variables["after"] = page["pageInfo"]["endCursor"].clone();
    }
    let (proven, open): (Vec<Value>, Vec<Value>) =
        paths.into_iter().partition(|path| !path["evidence"].is_null());
    assert!(proven.len() > 100 && open.len() > 100, "{} and {}", proven.len(), open.len());
    assert!(open.iter().all(|path| path["test"].is_null()), "a test of a scan has seen something");
    for path in &proven {
        assert_eq!(path["evidence"]["newestVersion"], path["evidenceVersion"]);
        assert!(path["evidence"]["source"].as_str().unwrap().starts_with("prowler/aws/"));
        assert!(path["test"]["check"].is_string());
    }

    // One control comes to rest on another: a loss of the one reaches what the other covers.
    let tested = &proven[0]["control"];
    let other = proven.iter().find(|path| path["control"] != *tested).unwrap()["control"].clone();
    mutate(
        &client,
        "mutation($input: AddDependencyInput!) { addDependency(input: $input) {
            dependency { id } userErrors { code message path } } }",
        json!({ "controlId": tested["id"], "dependsOnId": other["id"], "strength": "HALF" }),
    )
    .await;
    let data = query(
        &client,
        "query($id: ID!) { control(id: $id) {
            allDependents { nodes { control { code } weight path { code } } }
            impact { controls { nodes { control { code } } }
                requirements { nodes { requirement { code } weight path {
                    __typename ... on Control { code } ... on Requirement { code } } } }
                frameworks { nodes { framework { id } weight } } } } }",
        json!({ "id": other["id"] }),
    )
    .await;
    let control = &data["control"];
    let way = json!([{ "code": other["code"] }, { "code": tested["code"] }]);
    let dependent = json!({ "control": { "code": tested["code"] }, "weight": 0.5, "path": way });
    assert_eq!(control["allDependents"]["nodes"], json!([dependent]));
    let impact = &control["impact"];
    assert_eq!(impact["controls"]["nodes"][0]["control"]["code"], tested["code"]);
    let mut weights: Vec<f64> = impact["requirements"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|affected| affected["weight"].as_f64().unwrap())
        .collect();
    weights.sort_by(f64::total_cmp);
    assert_eq!(weights, [0.5, 1.0], "{impact}");
    let reached = json!([{ "framework": { "id": framework }, "weight": 1.0 }]);
    assert_eq!(impact["frameworks"]["nodes"], reached);

    // The person is resolved by the identity subgraph.
    let behind = "query($project: ID!, $framework: ID!) { project(id: $project) {
        behindScore(frameworkId: $framework) { truncated nodes {
            user { name } weight controls owned recorded uploaded } } } }";
    let variables = json!({ "project": project, "framework": framework });
    let data = query(&client, behind, variables.clone()).await;
    let people = data["project"]["behindScore"]["nodes"].clone();
    assert_eq!(people.as_array().unwrap().len(), 1);
    assert_eq!(people[0]["user"]["name"], "Ada Lovelace");
    assert_eq!((&people[0]["uploaded"], &people[0]["owned"]), (&json!(1), &json!(0)));
    let weight = people[0]["weight"].as_f64().unwrap();
    assert!(weight > 0.01 && weight < 1.0, "{weight}");

    // After a kill and a restart the graph is made anew from the log, and says the same.
    server.kill();
    let server = installation.start();
    let client = server.client().await;
    let data = query(&client, behind, variables).await;
    assert_eq!(data["project"]["behindScore"]["nodes"], people);
    server.stop();
}
