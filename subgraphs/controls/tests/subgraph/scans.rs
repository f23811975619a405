//! What a real scan does: tests, summaries and a score that explains itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    time::Duration,
};

use serde_json::{Value, json};
use studio_events::{Append, EventData, Expected, Metadata, StreamAppend, dead_letters::mark};
use studio_kernel::{
    Id, Payload, Timestamp, kind,
    published::{
        controls::ProjectCreated,
        evidence::{CheckSummary, EvidenceRejected},
    },
};

use super::support::{World, evidence_id, moderate, results, summary, test_data};

/// The summaries of a Prowler scan (OCSF detection findings), as the evidence subgraph would
/// publish them.
pub(super) fn scan(name: &str) -> Option<Vec<CheckSummary>> {
    let packed = test_data(name)?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed).read_to_string(&mut text).unwrap();
    let findings: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut summaries: BTreeMap<(String, String, String), CheckSummary> = BTreeMap::new();
    for finding in &findings {
        let text = |pointer: &str| finding.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let key =
            (text("/metadata/event_code"), text("/cloud/account/uid"), text("/resources/0/region"));
        let at: Timestamp = format!("{}Z", text("/finding_info/created_time_dt")).parse().unwrap();
        let entry = summaries.entry(key.clone()).or_insert_with(|| CheckSummary {
            rule_version: None,
            check: key.0,
            title: text("/finding_info/title"),
            severity: text("/severity").to_lowercase(),
            account: key.1,
            region: key.2,
            population: 0,
            passed: 0,
            failed: 0,
            unknown: 0,
            failing_added: Vec::new(),
            failing_removed: Vec::new(),
            effective_from: at,
            effective_to: None,
            collected_at: at,
            requirements: serde_json::from_value(finding["unmapped"]["compliance"].clone())
                .unwrap(),
        });
        entry.population += 1;
        entry.effective_from = entry.effective_from.max(at);
        entry.collected_at = entry.effective_from;
        let muted = finding["status"] == "Suppressed";
        match finding["status_code"].as_str() {
            Some("PASS") if !muted => entry.passed += 1,
            Some("FAIL") if !muted => entry.failed += 1,
            _ => entry.unknown += 1,
        }
    }
    Some(summaries.into_values().collect())
}

/// Every contribution to a score, page by page.
async fn contributions(world: &World, project: &str, framework: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = Value::Null;
    loop {
        let answer = world
            .ask(
                "query($p: ID!, $f: ID!, $a: String) { project(id: $p) { score(frameworkId: $f) {
                    contributions(first: 100, after: $a) { pageInfo { hasNextPage endCursor }
                        nodes { share requirement { requirement { code } lo weight pointsLost }
                            control { lo factor control { code } tests { check population passed
                                failed unknown lo summaries { account region population passed
                                    failed unknown freshness ageDays rejected
                                    evidence { evidence { id } version sha256 } } } } } } } } }",
                json!({ "p": project, "f": framework, "a": after }),
            )
            .await;
        let page = &answer["project"]["score"]["contributions"];
        all.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_real_scan_makes_tests_and_a_score_that_can_be_worked_out_by_hand() {
    let (Some(document), Some(summaries)) =
        (moderate(), scan("prowler-aws-scan-large.ocsf.json.gz"))
    else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let framework = world.import(&document).await;
    world.adopt(&project, &framework, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let before = world.score(&project, &framework, "").await;
    let then = before["asOf"].as_str().unwrap().to_owned();
    world.clock.advance_micros(1_000_000);

    let mut matched = Vec::new();
    for half in summaries.chunks(summaries.len().div_ceil(2)) {
        let position = world.publish(&results(&project, 1, half.to_vec())).await;
        matched.push(world.matched(position).await);
    }
    let unmatched: BTreeSet<&String> =
        matched.iter().flat_map(|m| &m.unmatched["NIST-800-53-Revision-5"]).collect();
    assert_eq!(unmatched.len(), 97);
    assert!(matched.iter().all(|m| m.unmatched.len() == 1), "only what is adopted is listed");
    let tests = world.recorded("controls.test.added").await;
    let pairs: BTreeSet<(String, String)> =
        tests.iter().map(|t| (t["control"].to_string(), t["check"].to_string())).collect();
    assert_eq!(pairs.len(), tests.len(), "one test per control and check");
    assert_eq!(matched.iter().map(|m| m.tests_added as usize).sum::<usize>(), tests.len());

    let score = world.score(&project, &framework, "").await;
    let lines = contributions(&world, &project, &framework).await;
    assert_eq!(lines.len(), 287);
    let (mut lo, mut lost) = (0.0, 0.0);
    for line in &lines {
        let tests = line["control"]["tests"].as_array().unwrap();
        let values: f64 = tests
            .iter()
            .map(|test| {
                for summary in test["summaries"].as_array().unwrap() {
                    assert_eq!(summary["evidence"]["evidence"]["id"], evidence_id().to_string());
                    assert_eq!(summary["evidence"]["sha256"], format!("{:064x}", 1));
                    assert_eq!(
                        (&summary["freshness"], &summary["ageDays"]),
                        (&json!(1.0), &json!(1))
                    );
                }
                number(&test["passed"]) / number(&test["population"])
            })
            .sum();
        lo += if tests.is_empty() { 0.0 } else { values / tests.len() as f64 };
        lost += number(&line["requirement"]["pointsLost"]);
    }
    let exact = number(&score["exact"]["lo"]);
    assert!((exact - 100.0 * lo / 287.0).abs() < 1e-6, "{exact} is not {}", 100.0 * lo / 287.0);
    assert!((lost - (100.0 - exact)).abs() < 1e-6);
    assert!(exact > 0.0 && number(&score["exact"]["hi"]) < 100.0);
    let populations: u64 = summaries.iter().map(|summary| u64::from(summary.population)).sum();
    assert_eq!(populations, 3_372);

    // As of before the scan, to the last digit.
    let old = world.score(&project, &framework, &format!(", asOf: \"{then}\"")).await;
    assert_eq!((&old["exact"], &old["headline"]), (&before["exact"], &before["headline"]));

    // The same results again move nothing; the rescan moves what it must.
    let changes = world.settled(&project, &framework).await.len();
    let position = world.publish(&results(&project, 1, summaries.clone())).await;
    assert_eq!(world.matched(position).await.tests_added, 0);
    assert_eq!(world.score(&project, &framework, "").await["exact"], score["exact"]);
    assert_eq!(world.recorded("controls.score.changed").await.len(), changes);
    let rescan = scan("prowler-aws-rescan.ocsf.json.gz").unwrap();
    let position = world.publish(&results(&project, 2, rescan)).await;
    world.matched(position).await;
    assert_ne!(world.score(&project, &framework, "").await["exact"], score["exact"]);
    world.store.verify().await.unwrap();
    world.close().await;
}

#[tokio::test]
async fn a_framework_adopted_after_the_scan_has_its_tests_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let soc2 = world.builtin("soc2").await;
    let at = world.now();
    let position = world.publish(&results(&project, 1, vec![summary("root_mfa", 3, 1, at)])).await;
    assert_eq!(world.matched(position).await.summaries_recorded, 0);
    world.adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let score = world.score(&project, &soc2, "").await;
    assert_eq!(score["otherThanSatisfied"], 1, "{score}");
    // A member that joins later has one too.
    let answer = world
        .ask(
            "query($p: ID!, $f: ID!) { framework(id: $f) { requirements(first: 100) { nodes {
                id code members(projectId: $p) { control { id code
                    tests { nodes { check } } } } } } } }",
            json!({ "p": project, "f": soc2 }),
        )
        .await;
    let all = answer["framework"]["requirements"]["nodes"].as_array().unwrap();
    let tested: Vec<&Value> =
        all.iter().filter(|r| r["members"][0]["control"]["tests"]["nodes"] != json!([])).collect();
    assert_eq!(tested.len(), 1);
    assert_eq!(tested[0]["code"], "CC6.1");
    let other = all.iter().find(|r| r["code"] == "CC1.1").unwrap();
    let mapped = world
        .ask(
            "mutation($p: ID!, $r: ID!, $c: ID!) { mapRequirement(input: {projectId: $p,
                requirementId: $r, controlId: $c}) { control { tests { nodes { check } } } } }",
            json!({ "p": project, "r": tested[0]["id"], "c": other["members"][0]["control"]["id"] }),
        )
        .await;
    assert_eq!(
        mapped["mapRequirement"]["control"]["tests"]["nodes"],
        json!([{ "check": "root_mfa" }])
    );
    world.close().await;
}

#[tokio::test]
async fn rejected_evidence_proves_nothing_and_an_older_observation_overrides_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let soc2 = world.builtin("soc2").await;
    world.adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let nothing = world.score(&project, &soc2, "").await;
    let at = world.now();
    let pass = results(&project, 2, vec![summary("root_mfa", 4, 0, at)]);
    world.matched(world.publish(&pass).await).await;
    let proven = world.score(&project, &soc2, "").await;
    assert_eq!(proven["satisfied"], 1);
    world.settled(&project, &soc2).await;

    let older = summary("root_mfa", 0, 4, at.plus_days(-2));
    world.matched(world.publish(&results(&project, 1, vec![older])).await).await;
    assert_eq!(world.score(&project, &soc2, "").await["exact"], proven["exact"]);

    let mut changes = world.subscribe(&world.owner, &project, None);
    futures::StreamExt::next(&mut changes).await.unwrap();
    let rejected = EvidenceRejected {
        evidence: evidence_id(),
        evidence_version: 2,
        reason: "Not ours".to_owned(),
        project: None,
    };
    world.publish(&rejected).await;
    let change = futures::StreamExt::next(&mut changes).await.unwrap();
    let change = change.data.into_json().unwrap();
    assert_eq!(change["scoreChanged"]["exact"]["lo"], nothing["exact"]["lo"]);
    assert_eq!(change["scoreChanged"]["causes"][0]["type"], json!("controls.evidence.discounted"));
    world.close().await;
}

/// Waits until so many events are given up on.
async fn dead_letters(world: &World, count: u64) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let counted = async {
        while world.store.count_dead_letters().await.unwrap() != count {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), counted).await.expect("the dead letters");
}

fn rejection(project: &str) -> EvidenceRejected {
    EvidenceRejected {
        evidence: evidence_id(),
        evidence_version: 1,
        reason: "Forged".to_owned(),
        project: Some(project.parse().unwrap()),
    }
}

#[tokio::test]
async fn evidence_that_is_rejected_before_its_results_come_proves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let soc2 = world.builtin("soc2").await;
    world.adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let nothing = world.score(&project, &soc2, "").await;
    world.publish(&rejection(&project)).await;
    let passed = results(&project, 1, vec![summary("root_mfa", 4, 0, world.now())]);
    let matched = world.matched(world.publish(&passed).await).await;
    assert_eq!(matched.summaries_recorded, 1);
    let score = world.score(&project, &soc2, "").await;
    assert_eq!((&score["satisfied"], &score["exact"]["lo"]), (&json!(0), &nothing["exact"]["lo"]));
    // The next version is another one.
    let passed = results(&project, 2, vec![summary("root_mfa", 4, 0, world.now())]);
    world.matched(world.publish(&passed).await).await;
    assert_eq!(world.score(&project, &soc2, "").await["satisfied"], 1);
    world.close().await;
}

#[tokio::test]
async fn rejected_evidence_proves_nothing_when_its_results_are_taken_again() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project: Id<kind::Project> = world.env.id();
    let id = project.to_string();
    let passed = results(&id, 1, vec![summary("root_mfa", 4, 0, world.now())]);
    let position = world.publish(&passed).await;
    let rejected = world.publish(&rejection(&id)).await;
    // There is no such project yet: both wait, and nothing is made of it.
    dead_letters(&world, 2).await;
    assert_eq!(world.store.read(0, 1).await.unwrap().len(), 0);

    let created = ProjectCreated { project, name: "Late".to_owned() };
    let stream = StreamAppend {
        stream_type: "controls.project".into(),
        stream_id: id.clone(),
        expected: Expected::NoStream,
        events: vec![EventData {
            event_type: ProjectCreated::TYPE.into(),
            schema_version: ProjectCreated::VERSION,
            payload: serde_json::to_value(&created).unwrap().into(),
        }],
    };
    let append = Append::new(world.owner.tenant, Metadata::system("test"), vec![stream]);
    world.store.append(append).await.unwrap();
    let soc2 = world.builtin("soc2").await;
    world.adopt(&id, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    // Whichever is taken again first.
    for (left, position) in [(1, rejected), (0, position)] {
        let marked = mark(world.store.database(), None, Some(position)).await.unwrap();
        assert_eq!(marked, 1);
        dead_letters(&world, left).await;
    }
    let recorded = world.recorded("controls.check_summaries.recorded").await;
    assert_eq!(recorded.len(), 1);
    assert_eq!(world.score(&id, &soc2, "").await["satisfied"], 0);
    world.close().await;
}
