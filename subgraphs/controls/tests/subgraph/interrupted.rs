//! Cut off anywhere: after each start things are as if nothing had happened.

use serde_json::Value;

use super::{
    scans::scan,
    support::{World, moderate, results},
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
