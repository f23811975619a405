//! Scans in any order: the newest observation stands, gone is gone, and the deltas add up.

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

use crate::support::{World, finding, scan};

/// What one scan says: (check, resource, status) at a minute.
#[derive(Debug, Clone)]
struct Scan {
    minute: i64,
    says: BTreeMap<(u8, u8), &'static str>,
}

fn scans() -> impl Strategy<Value = Vec<Scan>> {
    let status = prop_oneof![Just("PASS"), Just("FAIL"), Just("MANUAL")];
    let says = prop::collection::btree_map((0_u8..3, 0_u8..5), status, 1..10);
    prop::collection::vec((0_i64..6, says), 1..6)
        .prop_map(|scans| scans.into_iter().map(|(minute, says)| Scan { minute, says }).collect())
}

/// The rules, written down a second time: a scan is complete for each check that it holds; what is
/// older than the newest complete scan of its check changes nothing.
#[derive(Default)]
struct Model {
    newest: BTreeMap<u8, i64>,
    present: BTreeMap<(u8, u8), &'static str>,
}

impl Model {
    fn take(&mut self, scan: &Scan) {
        let checks: BTreeSet<u8> = scan.says.keys().map(|(check, _)| *check).collect();
        for check in checks {
            if self.newest.get(&check).is_some_and(|newest| *newest > scan.minute) {
                continue;
            }
            self.newest.insert(check, scan.minute);
            self.present.retain(|(of, _), _| *of != check);
            let said = scan.says.iter().filter(|((of, _), _)| *of == check);
            self.present.extend(said.map(|(key, status)| (*key, *status)));
        }
    }
}

#[test]
fn the_newest_observation_stands_whatever_comes_when() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = World::new();
    let running = runtime.block_on(world.start());
    let mut runner = TestRunner::new(ProptestConfig { cases: 40, ..ProptestConfig::default() });
    runner
        .run(&scans(), |scans| {
            runtime.block_on(async {
                let project = running.project(&world.owner).await;
                let mut model = Model::default();
                let mut failing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
                let mut met = BTreeSet::new();
                for one in &scans {
                    let findings: Vec<Value> = one
                        .says
                        .iter()
                        .map(|((check, resource), status)| {
                            finding(
                                &format!("c{check}"),
                                &format!("r{resource}"),
                                status,
                                one.minute,
                            )
                        })
                        .collect();
                    let bytes = scan(&findings);
                    if met.insert(bytes.clone()) {
                        model.take(one);
                    }
                    let run = running.ingest(&world.owner, project, bytes).await;
                    let counts = |name: &str| run["counts"][name].as_u64().unwrap();
                    let parts = ["new", "changed", "unchanged", "superseded", "refused"];
                    assert_eq!(parts.map(counts).iter().sum::<u64>(), counts("items"));
                    let expected: BTreeMap<String, String> = model
                        .present
                        .iter()
                        .map(|((c, r), status)| (format!("c{c}-r{r}"), (*status).to_owned()))
                        .collect();
                    assert_eq!(running.findings(&world.owner, project).await, expected);
                }
                for (_, page) in running.pages().await {
                    if page.project != project {
                        continue;
                    }
                    for summary in page.summaries {
                        let failing = failing.entry(summary.check.clone()).or_default();
                        for added in summary.failing_added {
                            assert!(failing.insert(added));
                        }
                        for removed in summary.failing_removed {
                            assert!(failing.remove(&removed));
                        }
                        assert_eq!(failing.len(), summary.failed as usize);
                    }
                }
                for (check, failing) in failing {
                    let now: BTreeSet<String> = model
                        .present
                        .iter()
                        .filter(|((c, _), status)| format!("c{c}") == check && **status == "FAIL")
                        .map(|((_, r), _)| format!("arn:r{r}"))
                        .collect();
                    assert_eq!(failing, now, "{check}");
                }
            });
            Ok(())
        })
        .unwrap();
    runtime.block_on(running.stop());
}

#[tokio::test]
async fn a_scan_that_finds_nothing_changed_is_published_with_its_new_date() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let at =
        |minute| scan(&[finding("a", "one", "PASS", minute), finding("b", "one", "FAIL", minute)]);
    let first = running.ingest(&world.owner, project, at(0)).await;
    let second = running.ingest(&world.owner, project, at(30)).await;
    assert_eq!(second["counts"]["unchanged"], 2);
    let before = running.summaries(first["id"].as_str().unwrap()).await;
    let after = running.summaries(second["id"].as_str().unwrap()).await;
    assert_eq!(after.len(), 2);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.effective_from.plus_seconds(30 * 60), after.effective_from);
        assert!(after.failing_added.is_empty() && after.failing_removed.is_empty());
    }
    running.stop().await;
}
