//! Cut off anywhere: after each start things are as if nothing had happened.

use std::collections::BTreeSet;

use serde_json::Value;
use studio_kernel::published::evidence::CheckSummary;

use super::{
    scans::scan,
    support::{NOW, World, moderate, results, summary},
};

#[tokio::test]
async fn killed_at_any_point_the_reaction_to_a_scan_is_whole_and_single() {
    let (Some(document), Some(summaries)) =
        (moderate(), scan("prowler-aws-scan-large.ocsf.json.gz"))
    else {
        return;
    };
    let parts: Vec<_> = summaries.chunks(6).map(<[_]>::to_vec).collect();
    let mut outcomes = Vec::new();
    for kills in [0, 7] {
        let directory = tempfile::tempdir().unwrap();
        let mut world = World::open(directory.path()).await;
        let project = world.project().await;
        let framework = world.import(&document).await;
        world.adopt(&project, &framework, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
        let mut last = 0;
        for part in &parts {
            last = world.publish(&results(&project, 1, part.clone())).await;
        }
        for kill in 1..=kills {
            // Cut off after some more events: within the reaction, or between it and the score.
            let mut wake = world.store.wake();
            let target = world.store.head() + 1 + 23 * kill;
            let all_taken_in = async {
                world.matched(last).await;
            };
            tokio::select! {
                _ = wake.wait_for(|head| *head >= target) => {}
                () = all_taken_in => {}
            }
            let clock = world.clock.clone();
            world.kill().await;
            world = World::open_at(directory.path(), clock).await;
        }
        world.matched(last).await;
        let score = world.score(&project, &framework, "").await;
        let tests = world.recorded("controls.test.added").await.len();
        let taken_in = world.recorded("controls.check_results.matched").await;
        let mut positions: Vec<i64> =
            taken_in.iter().map(|m| m["source_position"].as_i64().unwrap()).collect();
        positions.dedup();
        assert_eq!(positions.len(), parts.len(), "each exactly once, in order");
        let changes = world.settled(&project, &framework).await;
        for pair in changes.windows(2) {
            assert_eq!(pair[1]["before"], pair[0]["now"], "no change is missing or double");
            assert_ne!(pair[1]["now"], pair[0]["now"]);
        }
        assert_eq!(changes.last().unwrap()["now"]["value"]["lo"], score["exact"]["lo"]);
        world.store.verify().await.unwrap();
        let numbers: Value = score["exact"].clone();
        outcomes.push((numbers, score["headline"].clone(), tests));
        world.close().await;
    }
    assert_eq!(outcomes[0], outcomes[1]);
}

/// Checks that each name thirty-three requirements: more tests than are added at once.
fn wide_scan() -> Vec<CheckSummary> {
    let criteria = [5, 3, 4, 2, 3, 8, 5, 1, 2];
    let ids: Vec<String> = (1..)
        .zip(criteria)
        .flat_map(|(group, count)| (1..=count).map(move |number| format!("cc_{group}_{number}")))
        .collect();
    (0..160)
        .map(|number| CheckSummary {
            rule_version: None,
            requirements: [("SOC2".to_owned(), ids.clone())].into(),
            ..summary(&format!("check_{number}"), 2, 1, NOW.parse().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn killed_between_the_parts_of_a_reaction_every_test_is_added_once() {
    let mut outcomes = Vec::new();
    for kills in [0, 2] {
        let directory = tempfile::tempdir().unwrap();
        let mut world = World::open(directory.path()).await;
        let project = world.project().await;
        let framework = world.builtin("soc2").await;
        world.adopt(&project, &framework, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
        let published = world.publish(&results(&project, 1, wide_scan())).await;
        for _ in 0..kills {
            // The first part is on record, the answer to it is not.
            let mut tail = Box::pin(world.store.tail(0));
            while let Some(event) = futures::StreamExt::next(&mut tail).await {
                if event.unwrap().event_type == "controls.check_results.taken_in_part" {
                    break;
                }
            }
            let clock = world.clock.clone();
            world.kill().await;
            world = World::open_at(directory.path(), clock).await;
        }
        let matched = world.matched(published).await;
        assert_eq!((matched.tests_added, matched.summaries_recorded), (33 * 160, 160));
        let tests = world.recorded("controls.test.added").await;
        let different: BTreeSet<_> = tests
            .iter()
            .map(|test| (test["control"].to_string(), test["check"].to_string()))
            .collect();
        assert_eq!((tests.len(), different.len()), (33 * 160, 33 * 160));
        assert_eq!(world.recorded("controls.check_results.taken_in_part").await.len(), 1);
        assert_eq!(world.recorded("controls.check_summaries.recorded").await.len(), 1);
        assert_eq!(world.store.dead_letters("controls.process_manager", 0, 9).await.unwrap(), []);
        world.settled(&project, &framework).await;
        world.store.verify().await.unwrap();
        let score = world.score(&project, &framework, "").await;
        outcomes.push((score["exact"].clone(), score["headline"].clone()));
        world.close().await;
    }
    assert_eq!(outcomes[0], outcomes[1]);
}
