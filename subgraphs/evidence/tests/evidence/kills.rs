//! Killed anywhere in an ingest and started again, the subgraph ends where it would have ended.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use studio_kernel::{
    Id, kind,
    published::evidence::{CheckResultsRecorded, CheckSummary},
};

use crate::support::{PATIENCE, Running, World, finding, scan};

/// Two scans of some batches each: the second changes, drops and adds findings.
fn scans() -> [Vec<u8>; 2] {
    let first: Vec<Value> = (0..1600)
        .map(|n| {
            let status = if n % 3 == 0 { "FAIL" } else { "PASS" };
            finding(&format!("check-{}", n % 7), &n.to_string(), status, 0)
        })
        .collect();
    let second: Vec<Value> = (200..1800)
        .map(|n| {
            let status = if n % 4 == 0 { "FAIL" } else { "PASS" };
            finding(&format!("check-{}", n % 7), &n.to_string(), status, 10)
        })
        .collect();
    [scan(&first), scan(&second)]
}

/// What must be the same with and without a kill.
#[derive(Debug, PartialEq)]
struct Outcome {
    findings: BTreeMap<String, String>,
    counts: Vec<Value>,
    versions: Vec<Value>,
    published: Vec<CheckSummary>,
}

async fn outcome(running: &Running, world: &World, project: Id<kind::Project>) -> Outcome {
    let text = "query($p: ID!) { ingestRuns(projectId: $p) { nodes {
        state counts { items new changed unchanged superseded gone refused }
        evidence { versions { version sha256 } } evidenceVersion
    } } }";
    let data = running.data(&world.owner, text, json!({ "p": project })).await;
    let runs = data["ingestRuns"]["nodes"].as_array().unwrap().clone();
    assert!(runs.iter().all(|run| run["state"] == "COMPLETED"), "{runs:?}");
    let pages = running.pages().await.into_iter().map(|(_, page)| page);
    let ours = pages.filter(|page: &CheckResultsRecorded| page.project == project);
    Outcome {
        findings: running.findings(&world.owner, project).await,
        counts: runs.iter().map(|run| run["counts"].clone()).collect(),
        versions: runs.iter().map(|run| run["evidence"]["versions"].clone()).collect(),
        published: ours.flat_map(|page| page.summaries).collect(),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Starts the subgraph in a runtime of its own, and ends that without a word once the log has
/// reached a position.
fn kill_at(world: &World, project: Id<kind::Project>, scans: &[Vec<u8>; 2], position: i64) -> i64 {
    let runtime = runtime();
    let reached = runtime.block_on(async {
        let running = world.start().await;
        let mut head = running.store.wake();
        let both = async {
            for scan in scans {
                running.ingest(&world.owner, project, scan.clone()).await;
            }
        };
        let killed =
            async { head.wait_for(|head| *head >= position).await.map(|head| *head).unwrap() };
        tokio::select! {
            () = both => running.store.head(),
            reached = killed => reached,
        }
    });
    // Every task is dropped where it stands; nothing is flushed or closed.
    runtime.shutdown_timeout(PATIENCE);
    reached
}

#[test]
fn a_kill_at_any_position_of_the_log_changes_nothing() {
    let scans = scans();
    let first = runtime();
    let undisturbed = World::new();
    let (expected, last) = first.block_on(async {
        let running = undisturbed.start().await;
        let project = running.project(&undisturbed.owner).await;
        for scan in &scans {
            running.ingest(&undisturbed.owner, project, scan.clone()).await;
        }
        let last = running.store.head();
        let expected = outcome(&running, &undisturbed, project).await;
        running.stop().await;
        (expected, last)
    });
    assert!(last > 10, "{last}");
    assert_eq!(expected.published.len(), 14);

    for position in 1..=last {
        let world = World::new();
        let project = first.block_on(async {
            let running = world.start().await;
            let project = running.project(&world.owner).await;
            running.stop().await;
            project
        });
        kill_at(&world, project, &scans, position);
        first.block_on(async {
            let running = world.start().await;
            // What was cut goes on by itself, or with the same upload again, whichever is first.
            for scan in &scans {
                running.ingest(&world.owner, project, scan.clone()).await;
            }
            assert_eq!(outcome(&running, &world, project).await, expected, "at {position}");
            assert_eq!(world.blobs(), 2);
            running.store.verify().await.unwrap();
            running.stop().await;
        });
    }
}

/// A folder in which the first scan was cut after some batches.
async fn cut() -> (World, Id<kind::Project>) {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    running.stop().await;
    let killed = tokio::task::spawn_blocking(move || {
        let reached = kill_at(&world, project, &scans(), 5);
        (world, reached)
    });
    let (world, reached) = killed.await.unwrap();
    assert!(reached >= 5);
    (world, project)
}

#[tokio::test]
async fn a_run_whose_bytes_are_lost_waits_for_them_and_holds_nobody_up() {
    let (world, project) = cut().await;
    let [first, second] = scans();
    let kept = world.folder.path().join("blobs").join(world.owner.tenant.to_string());
    std::fs::remove_dir_all(kept).unwrap();
    let running = world.start().await;
    running.ingest(&world.owner, project, second).await;
    let newest = running.findings(&world.owner, project).await;
    assert_eq!(newest.len(), 1600);
    let run = running.ingest(&world.owner, project, first).await;
    assert!(run["counts"]["superseded"].as_u64().unwrap() > 0);
    assert_eq!(running.findings(&world.owner, project).await, newest);
    running.stop().await;
}

#[tokio::test]
async fn a_run_that_was_cut_goes_on_by_itself() {
    let (world, project) = cut().await;
    let running = world.start().await;
    running
        .until(|| async {
            let text =
                "query($p: ID!) { ingestRuns(projectId: $p) { nodes { state counts { new } } } }";
            let data = running.data(&world.owner, text, json!({ "p": project })).await;
            let first = &data["ingestRuns"]["nodes"][0];
            first["state"] == "COMPLETED" && first["counts"]["new"] == 1600
        })
        .await;
    running.stop().await;
}
