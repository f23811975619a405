//! The main job, end to end: a baseline is imported and adopted, a real scan is brought in, the
//! score moves live and explains itself, and can be asked as of any instant.

use std::collections::BTreeMap;

use futures::{Stream, StreamExt};
use serde_json::{Value, json};
use studio_sdk::{
    Client, Error, Upload,
    operations::{ScoreChanged, score_changed},
};

use crate::support::{
    Installation, PATIENCE, adopt, create_project, data_file, import_framework, query, recent,
    score,
};

#[tokio::test]
async fn a_real_scan_moves_a_score_that_explains_itself() {
    let Some(baseline) = data_file("nist-800-53-r5-moderate-baseline.oscal.json") else { return };
    let Some(scan) = recent("prowler-aws-scan-large.ocsf.json.gz", 5) else { return };
    let Some(rescan) = recent("prowler-aws-rescan.ocsf.json.gz", 2) else { return };

    let installation = Installation::empty();
    let (server, client) = installation.set_up().await;
    let project = create_project(&client, "Production").await;
    let framework = import_framework(&client, &std::fs::read_to_string(baseline).unwrap()).await;
    let adopted = adopt(&client, &project, &framework).await;
    assert_eq!(adopted["controlsCreated"], 287);
    let adopted_at = first_change(&client, &project).await;
    let before = score(&client, &project, &framework, json!({})).await;
    assert_eq!(before["exact"]["lo"], "0", "nothing is proven before anything was seen");

    // The same changes over both transports.
    let variables = || score_changed::Variables {
        project_id: project.clone(),
        after: Some(adopted_at.cursor.clone()),
    };
    let mut over_sse = Box::pin(client.subscribe::<ScoreChanged>(variables()).await.unwrap());
    let mut over_websocket = client.subscribe_websocket::<ScoreChanged>(variables()).await.unwrap();

    let answer = client.ingest_prowler(&project, Upload::Bytes(scan.bytes())).await.unwrap();
    assert!(answer.created);
    assert_eq!(answer.run["counts"]["items"], scan.len());
    assert_eq!(answer.run["counts"]["new"], scan.len());
    assert_eq!(answer.run["counts"]["refused"], 0);
    assert_eq!(answer.run["matching"]["state"], "done", "{}", answer.run);

    let after_scan = score(&client, &project, &framework, json!({})).await;
    assert_ne!(after_scan["exact"], before["exact"]);
    let seen = changes_until(&mut over_sse, &after_scan["exact"]).await;
    let seen_too = changes_until(&mut over_websocket, &after_scan["exact"]).await;
    assert_eq!(seen, seen_too);

    // The explanation goes through three subgraphs and adds up to the number it explains.
    let explained = explanation(&client, &project, &framework).await;
    explained.adds_up_to(&after_scan["exact"]);
    explained.counts_what_the_scan_holds(&scan.by_check());
    assert_eq!(explained.evidence(&client).await, scan.bytes());

    // The same bytes again change nothing.
    let again = client.ingest_prowler(&project, Upload::Bytes(scan.bytes())).await.unwrap();
    assert!(!again.created);
    assert_eq!(again.run["id"], answer.run["id"]);
    assert_eq!(score(&client, &project, &framework, json!({})).await["exact"], after_scan["exact"]);

    // A rescan in which resources are fixed, gone and new.
    let moved = client.ingest_prowler(&project, Upload::Bytes(rescan.bytes())).await.unwrap();
    assert!(moved.created);
    let counts = &moved.run["counts"];
    for kind in ["new", "changed", "unchanged", "gone"] {
        assert!(counts[kind].as_u64().unwrap() > 0, "{kind}: {counts}");
    }
    assert_eq!(moved.run["matching"]["state"], "done");
    let after_rescan = score(&client, &project, &framework, json!({})).await;
    assert_ne!(after_rescan["exact"], after_scan["exact"]);
    let explained = explanation(&client, &project, &framework).await;
    explained.adds_up_to(&after_rescan["exact"]);
    explained.counts_what_the_scan_holds(&rescan.by_check());
    let seen = changes_until(&mut over_sse, &after_rescan["exact"]).await;
    assert!(!seen.is_empty());

    // What was known before the scan, to the last digit; and what will have gone stale in a year.
    let then = json!({ "asOf": adopted_at.recorded_at });
    assert_eq!(score(&client, &project, &framework, then).await["exact"], before["exact"]);
    let in_a_year = json!({ "at": plus_days(&adopted_at.recorded_at, 365) });
    let forecast = score(&client, &project, &framework, in_a_year).await;
    assert_eq!(forecast["exact"]["lo"], "0", "a pass that nobody repeated proves nothing");
    assert_eq!(forecast["exact"]["hi"], after_rescan["exact"]["hi"], "a failure does not fade");

    // All of it is there after a kill and a restart.
    server.kill();
    let server = installation.start();
    let client = server.client().await;
    assert_eq!(score(&client, &project, &framework, json!({})).await, after_rescan);
    server.stop();
    let verified = installation.run(&["verify"]);
    assert_eq!(verified.lines().filter(|line| line.contains(" events, ")).count(), 5, "{verified}");
    assert_eq!(
        verified.lines().filter(|line| line.ends_with("; 0 wrong; 0 not checked")).count(),
        2,
        "{verified}"
    );
}

/// The score as it stood when nothing had happened yet, from the subscription.
async fn first_change(client: &Client, project: &str) -> score_changed::ScoreChangedScoreChanged {
    let variables = score_changed::Variables { project_id: project.to_owned(), after: None };
    let mut changes = Box::pin(client.subscribe::<ScoreChanged>(variables).await.unwrap());
    tokio::time::timeout(PATIENCE, changes.next()).await.unwrap().unwrap().unwrap().score_changed
}

/// The cursors and headlines up to the change that carries these numbers.
async fn changes_until(
    changes: &mut (impl Stream<Item = Result<score_changed::ResponseData, Error>> + Unpin),
    exact: &Value,
) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    loop {
        let change =
            tokio::time::timeout(PATIENCE, changes.next()).await.expect("a change arrives");
        let change = change.expect("the stream goes on").unwrap().score_changed;
        seen.push((change.cursor, change.headline));
        let numbers = change.exact.unwrap();
        if json!({ "lo": numbers.lo, "hi": numbers.hi, "coverage": numbers.coverage }) == *exact {
            return seen;
        }
    }
}

fn plus_days(instant: &str, days: i64) -> String {
    instant.parse::<studio_kernel::Timestamp>().unwrap().plus_days(days).to_string()
}

/// Everything that the score says of itself.
struct Explanation {
    rows: Vec<Value>,
}

async fn explanation(client: &Client, project: &str, framework: &str) -> Explanation {
    let text = "query($project: ID!, $framework: ID!, $after: String) {
        project(id: $project) { score(frameworkId: $framework) {
            contributions(first: 100, after: $after) {
                nodes {
                    share
                    requirement { lo hi decided weight requirement { code } }
                    control {
                        lo hi decided factor
                        control { code }
                        tests {
                            check weight lo hi decided population passed failed unknown
                            summaries {
                                account region population passed failed unknown freshness
                                evidence {
                                    version sha256
                                    evidence { id versions { sha256 run { uploadedBy { name } } } }
                                }
                            }
                        }
                    }
                }
                pageInfo { hasNextPage endCursor }
            }
        } }
    }";
    let mut rows = Vec::new();
    let mut after = Value::Null;
    loop {
        let variables = json!({ "project": project, "framework": framework, "after": after });
        let data = query(client, text, variables).await;
        let page = &data["project"]["score"]["contributions"];
        rows.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            return Explanation { rows };
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

impl Explanation {
    /// Formula v1 by hand, for one control per requirement and no dependencies: a test is passes
    /// over population, a control the mean of its tests, the framework the mean of its requirements.
    fn adds_up_to(&self, exact: &Value) {
        let (mut lo, mut hi, mut decided) = (0.0, 0.0, 0.0);
        for row in &self.rows {
            let tests = row["control"]["tests"].as_array().unwrap();
            let mean = |value: fn(&Value) -> f64, without: f64| {
                if tests.is_empty() {
                    without
                } else {
                    tests.iter().map(value).sum::<f64>() / tests.len() as f64
                }
            };
            lo += mean(|test| count(test, "passed") / count(test, "population"), 0.0);
            hi += mean(|test| 1.0 - count(test, "failed") / count(test, "population"), 1.0);
            decided += mean(
                |test| (count(test, "passed") + count(test, "failed")) / count(test, "population"),
                0.0,
            );
        }
        let requirements = self.rows.len() as f64;
        assert_eq!(self.rows.len(), 287);
        let close = |name: &str, expected: f64| {
            let given: f64 = exact[name].as_str().unwrap().parse().unwrap();
            assert!((given - expected).abs() < 1e-6, "{name} is {given}, by hand {expected}");
        };
        close("lo", 100.0 * lo / requirements);
        close("hi", 100.0 * hi / requirements);
        close("coverage", decided / requirements);
    }

    /// Each test counts the resources of its check in the scan; its evidence leads to a hash and
    /// to the person who uploaded it.
    fn counts_what_the_scan_holds(&self, checks: &BTreeMap<String, (u64, u64, u64)>) {
        let mut tests_seen = 0;
        for test in self.rows.iter().flat_map(|row| row["control"]["tests"].as_array().unwrap()) {
            let check = test["check"].as_str().unwrap();
            let Some((population, passed, failed)) = checks.get(check) else { continue };
            let given = ["population", "passed", "failed"].map(|name| test[name].as_u64().unwrap());
            assert_eq!(given, [*population, *passed, *failed], "{check}");
            for summary in test["summaries"].as_array().unwrap() {
                let reference = &summary["evidence"];
                let version = reference["version"].as_u64().unwrap() as usize;
                assert_eq!(reference["sha256"].as_str().unwrap().len(), 64);
                let versions = reference["evidence"]["versions"].as_array().unwrap();
                assert!(versions.len() >= version);
                let there = versions.iter().find(|there| there["sha256"] == reference["sha256"]);
                assert_eq!(there.unwrap()["run"]["uploadedBy"]["name"], "Ada Lovelace");
            }
            tests_seen += 1;
        }
        assert!(tests_seen > 100, "{tests_seen} tests");
    }

    /// The bytes of the one piece of evidence that everything rests on, whose hash is the one shown.
    async fn evidence(&self, client: &Client) -> Vec<u8> {
        let tests = self.rows.iter().flat_map(|row| row["control"]["tests"].as_array().unwrap());
        let summaries = tests.flat_map(|test| test["summaries"].as_array().unwrap());
        let mut shown: Vec<&Value> = summaries.map(|summary| &summary["evidence"]).collect();
        shown.dedup();
        let [evidence] = &shown[..] else { panic!("one scan is one piece of evidence: {shown:?}") };
        let (id, version) = (evidence["evidence"]["id"].as_str().unwrap(), &evidence["version"]);
        let url = format!("{}/v1/evidence/{id}/versions/{version}/content", client.url());
        let token = client.tokens().unwrap().access;
        let response = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
        let response = response.error_for_status().unwrap();
        let bytes = response.bytes().await.unwrap();
        let hash = studio_stores::blobs::ContentHash::of(&bytes).to_string();
        assert_eq!(evidence["sha256"], hash);
        bytes.to_vec()
    }
}

fn count(test: &Value, name: &str) -> f64 {
    test[name].as_u64().unwrap() as f64
}
