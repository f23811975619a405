//! SIGKILL at random points of an ingest and of the reaction to it: after a restart and the same
//! upload again, nothing is lost, nothing is double, and the scores are those of a run that nobody
//! disturbed.

use std::time::Duration;

use futures::future;
use serde_json::{Value, json};
use studio_sdk::{Client, Upload};

use crate::support::{
    Installation, Scan, adopt, create_project, data_file, import_framework, query, recent, score,
    until,
};

/// What must be the same with and without a kill.
#[derive(Debug, PartialEq)]
struct Outcome {
    score: Value,
    findings: u64,
    failing: u64,
    tests: u64,
    runs: u64,
}

#[tokio::test]
async fn a_kill_at_any_point_of_an_ingest_loses_and_doubles_nothing() {
    let Some(baseline) = data_file("nist-800-53-r5-low-baseline.oscal.json") else { return };
    let Some(scan) = recent("prowler-aws-scan-large.ocsf.json.gz", 5) else { return };
    let points: u64 = match std::env::var("STUDIO_TEST_KILLS") {
        Ok(points) => points.parse().unwrap(),
        Err(_) => 100,
    };

    let prepared = Installation::empty();
    let (server, client) = prepared.set_up().await;
    let project = create_project(&client, "Production").await;
    let framework = import_framework(&client, &std::fs::read_to_string(baseline).unwrap()).await;
    adopt(&client, &project, &framework).await;
    server.stop();

    let undisturbed = prepared.copy();
    let server = undisturbed.start();
    let client = server.client().await;
    let began = tokio::time::Instant::now();
    let expected = ingest_until_done(&client, &project, &framework, &scan).await;
    // How long it takes here decides only where the kills fall.
    let length = began.elapsed();
    drop(server);
    assert_eq!(expected.findings, scan.len() as u64);
    assert_eq!(expected.runs, 1);

    let mut dice = Dice(0x5EED);
    for point in 0..points {
        let installation = prepared.copy();
        let server = installation.start();
        let client = server.client().await;
        let wait = length.mul_f64(dice.fraction() * 1.1);
        let upload = client.ingest_prowler(&project, Upload::Bytes(scan.bytes()));
        let killed = future::select(Box::pin(upload), Box::pin(tokio::time::sleep(wait))).await;
        drop(killed);
        server.kill();

        let server = installation.start();
        let client = server.client().await;
        let outcome = ingest_until_done(&client, &project, &framework, &scan).await;
        assert_eq!(outcome, expected, "killed after {wait:?} (point {point})");
        server.stop();
        installation.run(&["verify"]);
    }
    assert!(length > Duration::ZERO);
}

async fn ingest_until_done(
    client: &Client,
    project: &str,
    framework: &str,
    scan: &Scan,
) -> Outcome {
    let answer = client.ingest_prowler(project, Upload::Bytes(scan.bytes())).await.unwrap();
    let run = answer.run["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/ingest/runs/{run}");
    until("the run to be matched", || async {
        let run = client.get(&path).await.unwrap();
        (run["state"] == "COMPLETED" && run["matching"]["state"] == "done").then_some(())
    })
    .await;
    until("the recorded score to be the live one", || async {
        let live = score(client, project, framework, json!({})).await;
        (latest_recorded(client, project).await == live["exact"]).then_some(())
    })
    .await;
    Outcome {
        score: score(client, project, framework, json!({})).await,
        findings: findings(client, project, Value::Null).await,
        failing: findings(client, project, json!("FAIL")).await,
        tests: tests(client, project).await,
        runs: runs(client, project).await,
    }
}

/// The numbers of the newest ScoreChanged on record, from the subscription's first answer.
async fn latest_recorded(client: &Client, project: &str) -> Value {
    use futures::StreamExt;
    use studio_sdk::operations::{ScoreChanged, score_changed};

    let variables = score_changed::Variables { project_id: project.to_owned(), after: None };
    let mut changes = Box::pin(client.subscribe::<ScoreChanged>(variables).await.unwrap());
    let change = changes.next().await.unwrap().unwrap().score_changed;
    let numbers = change.exact.unwrap();
    json!({ "lo": numbers.lo, "hi": numbers.hi, "coverage": numbers.coverage })
}

/// Counts the nodes of a connection by paging through it.
async fn paged(client: &Client, text: &str, mut variables: Value, at: &str) -> Vec<Value> {
    let mut nodes = Vec::new();
    loop {
        let data = query(client, text, variables.clone()).await;
        let page = data.pointer(at).unwrap();
        nodes.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            return nodes;
        }
        variables["after"] = page["pageInfo"]["endCursor"].clone();
    }
}

async fn findings(client: &Client, project: &str, status: Value) -> u64 {
    let text = "query($project: ID!, $status: FindingStatus, $after: String) {
        findings(projectId: $project, status: $status, first: 100, after: $after) {
            nodes { id } pageInfo { hasNextPage endCursor }
        }
    }";
    let variables = json!({ "project": project, "status": status });
    paged(client, text, variables, "/findings").await.len() as u64
}

async fn tests(client: &Client, project: &str) -> u64 {
    let text = "query($project: ID!, $after: String) {
        controls(projectId: $project, first: 100, after: $after) {
            nodes { tests(first: 100) { nodes { id } pageInfo { hasNextPage } } }
            pageInfo { hasNextPage endCursor }
        }
    }";
    let controls = paged(client, text, json!({ "project": project }), "/controls").await;
    controls
        .iter()
        .map(|control| {
            assert_eq!(control["tests"]["pageInfo"]["hasNextPage"], false);
            control["tests"]["nodes"].as_array().unwrap().len() as u64
        })
        .sum()
}

async fn runs(client: &Client, project: &str) -> u64 {
    let text = "query($project: ID!, $after: String) {
        ingestRuns(projectId: $project, first: 100, after: $after) {
            nodes { id } pageInfo { hasNextPage endCursor }
        }
    }";
    paged(client, text, json!({ "project": project }), "/ingestRuns").await.len() as u64
}

/// SplitMix64: the same kills in every run.
struct Dice(u64);

impl Dice {
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }
}
