//! What an ingested scan brings, with the real files where they are at hand.

use std::collections::BTreeMap;

use axum::{body::Body, http::Method};
use serde_json::{Value, json};
use studio_kernel::published::evidence::CheckSummary;

use crate::support::{Running, World, data_file, finding, gzip, scan};

#[tokio::test]
async fn the_same_bytes_are_one_run() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let bytes = scan(&[finding("a", "one", "PASS", 0), finding("a", "two", "FAIL", 0)]);
    let first = running.post(&world.owner, project, bytes.clone()).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.body["counts"]["new"], 2);
    assert_eq!(first.body["evidence"]["version"], 1);
    let head = running.store.head();
    let again = running.post(&world.owner, project, bytes.clone()).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.body, first.body);
    assert_eq!(running.store.head(), head, "nothing is recorded twice");
    // Packed, they are other bytes: a new version of the same evidence, in which nothing changed.
    let packed = running.post(&world.owner, project, gzip(&bytes)).await;
    assert_eq!(packed.status, 201);
    assert_eq!(packed.body["counts"]["unchanged"], 2);
    assert_eq!(packed.body["evidence"]["id"], first.body["evidence"]["id"]);
    assert_eq!(packed.body["evidence"]["version"], 2);
    // In another project, it is another run.
    let other = running.project(&world.owner).await;
    assert_eq!(running.post(&world.owner, other, bytes).await.status, 201);
    running.store.verify().await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn two_at_a_time_are_one_after_the_other() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let many = |status: &str, minute: i64| {
        let findings: Vec<_> =
            (0..1200).map(|n| finding("a", &n.to_string(), status, minute)).collect();
        scan(&findings)
    };
    let (one, same, newer) = tokio::join!(
        running.post(&world.owner, project, many("FAIL", 0)),
        running.post(&world.owner, project, many("FAIL", 0)),
        running.post(&world.owner, project, many("PASS", 5)),
    );
    assert_eq!(one.body["id"], same.body["id"]);
    assert_eq!([one.status, same.status].iter().filter(|status| **status == 201).count(), 1);
    assert_eq!(newer.status, 201);
    let seen = running.findings(&world.owner, project).await;
    assert_eq!(seen.len(), 1200);
    assert!(seen.values().all(|status| status == "PASS"), "whichever came last, the newer stands");
    running.stop().await;
}

#[tokio::test]
async fn the_answer_tells_what_the_controls_made_of_it() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let bytes = scan(&[finding("a", "one", "PASS", 0)]);
    let run = running.ingest(&world.owner, project, bytes.clone()).await;
    assert_eq!(run["matching"], json!({"state": "pending", "unmatched": {}, "testsAdded": 0}));
    running.match_all(3, &["cc_6_1"]).await;
    let uri = format!("/v1/ingest/prowler?project={project}&wait=60");
    let owner = Some(&world.owner);
    let again = running.request(owner, Method::POST, &uri, &[], Body::from(bytes)).await;
    let matching = json!({"state": "done", "unmatched": {"SOC2": ["cc_6_1"]}, "testsAdded": 3});
    assert_eq!(again.body["matching"], matching);
    let path = run["links"]["self"].as_str().unwrap();
    let later = running.request(owner, Method::GET, path, &[], Body::empty()).await;
    assert_eq!(later.body, again.body);
    let stranger =
        running.request(Some(&world.stranger), Method::GET, path, &[], Body::empty()).await;
    assert_eq!(stranger.status, 404);
    running.stop().await;
}

#[tokio::test]
async fn several_findings_about_one_resource_count_once_and_by_the_worst() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let mut second = finding("a", "one", "FAIL", 0);
    second["finding_info"]["uid"] = json!("another-uid");
    let mut muted = finding("a", "two", "FAIL", 0);
    muted["status"] = json!("Suppressed");
    let findings = [
        finding("a", "one", "PASS", 0),
        second,
        muted,
        finding("a", "three", "MANUAL", 0),
        finding("a", "four", "PASS", 0),
    ];
    let run = running.ingest(&world.owner, project, scan(&findings)).await;
    let summaries = running.summaries(run["id"].as_str().unwrap()).await;
    let summary = &summaries[0];
    assert_eq!(summaries.len(), 1);
    assert_eq!((summary.population, summary.passed, summary.failed, summary.unknown), (4, 1, 1, 2));
    assert_eq!(summary.failing_added, ["arn:one"]);
    assert_eq!(summary.title, "Title of a");
    assert_eq!(summary.requirements["SOC2"], ["cc_6_1"]);
    running.stop().await;
}

/// What a scan says of each check, counted here by other means than the product's.
fn by_check(bytes: &[u8]) -> BTreeMap<String, [u32; 3]> {
    let findings: Vec<Value> = serde_json::from_slice(bytes).unwrap();
    let mut counts = BTreeMap::new();
    for finding in findings {
        let check = finding["metadata"]["event_code"].as_str().unwrap().to_owned();
        let counts: &mut [u32; 3] = counts.entry(check).or_default();
        let place = match (finding["status"].as_str().unwrap(), finding["status_code"].as_str()) {
            ("Suppressed", _) => 2,
            (_, Some("PASS")) => 0,
            (_, Some("FAIL")) => 1,
            _ => 2,
        };
        counts[place] += 1;
    }
    counts
}

fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut out).unwrap();
    out
}

fn count_as_the_file_does(summaries: &[CheckSummary], file: &BTreeMap<String, [u32; 3]>) {
    assert_eq!(summaries.len(), file.len());
    for summary in summaries {
        let [passed, failed, unknown] = file[&summary.check];
        assert_eq!(
            (summary.passed, summary.failed, summary.unknown),
            (passed, failed, unknown),
            "{}",
            summary.check
        );
        assert_eq!(summary.population, passed + failed + unknown);
        assert!(!summary.requirements.is_empty());
    }
}

/// The failing resources of each check, folded from the changes as the controls do.
#[derive(Default)]
struct Failing(BTreeMap<String, std::collections::BTreeSet<String>>);

impl Failing {
    fn take(&mut self, summaries: &[CheckSummary]) {
        for summary in summaries {
            let failing = self.0.entry(summary.check.clone()).or_default();
            for resource in &summary.failing_added {
                assert!(failing.insert(resource.clone()), "{resource} began to fail twice");
            }
            for resource in &summary.failing_removed {
                assert!(failing.remove(resource), "{resource} ceased to fail without failing");
            }
            assert_eq!(failing.len(), summary.failed as usize, "{}", summary.check);
        }
    }
}

fn counts_of(run: &Value) -> [u64; 5] {
    ["items", "new", "changed", "unchanged", "gone"]
        .map(|name| run["counts"][name].as_u64().unwrap())
}

#[tokio::test]
async fn the_real_scans_are_taken_whole() {
    let Some(large) = data_file("prowler-aws-scan-large.ocsf.json.gz") else { return };
    let Some(rescan) = data_file("prowler-aws-rescan.ocsf.json.gz") else { return };
    let Some(small) = data_file("prowler-aws-scan.ocsf.json") else { return };
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let mut failing = Failing::default();

    let run = running.ingest(&world.owner, project, large.clone()).await;
    assert_eq!(counts_of(&run), [3372, 3372, 0, 0, 0]);
    assert_eq!(run["source"], "prowler/aws/123456789012");
    let summaries = running.summaries(run["id"].as_str().unwrap()).await;
    count_as_the_file_does(&summaries, &by_check(&unpack(&large)));
    failing.take(&summaries);
    assert_eq!(running.findings(&world.owner, project).await.len(), 3372);

    let run = running.ingest(&world.owner, project, rescan.clone()).await;
    let [items, new, changed, unchanged, gone] = counts_of(&run);
    assert_eq!((items, new, gone), (3321, 2667, 2718));
    assert_eq!((changed, unchanged), (32, 622));
    assert_eq!(run["evidence"]["version"], 2);
    let summaries = running.summaries(run["id"].as_str().unwrap()).await;
    count_as_the_file_does(&summaries, &by_check(&unpack(&rescan)));
    failing.take(&summaries);
    assert_eq!(running.findings(&world.owner, project).await.len(), 3321);

    // The small one was made earlier: it takes nothing back.
    let before = running.findings(&world.owner, project).await;
    let run = running.ingest(&world.owner, project, small).await;
    assert_eq!(run["counts"]["items"], 5);
    let after = running.findings(&world.owner, project).await;
    for (uid, status) in &before {
        assert_eq!(after.get(uid), Some(status), "{uid}");
    }
    running.store.verify().await.unwrap();
    rebuilt_is_the_same(&running, &world, project).await;
    running.stop().await;
}

async fn rebuilt_is_the_same(
    running: &Running,
    world: &World,
    project: studio_kernel::Id<studio_kernel::kind::Project>,
) {
    let everything = "query($project: ID!) {
        ingestRuns(projectId: $project) { nodes {
            id state counts { items new changed unchanged superseded gone refused }
            evidence { id newestVersion versions { version sha256 } }
        } }
        assets(projectId: $project, first: 100) { nodes { id uid name type firstSeen lastSeen } }
        findings(projectId: $project, first: 100) { nodes {
            id uid title status severity message firstSeen lastSeen asset { id } lastRun { id }
        } }
    }";
    let variables = json!({ "project": project });
    let before = running.data(&world.owner, everything, variables.clone()).await;
    for projection in running.store.projections() {
        running.store.rebuild(projection.name).await.unwrap();
    }
    assert_eq!(running.data(&world.owner, everything, variables).await, before);
}
