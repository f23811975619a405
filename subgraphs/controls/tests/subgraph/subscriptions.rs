//! `scoreChanged`: nothing is skipped and nothing comes twice, whichever cursor it starts from.

use futures::{StreamExt, stream::BoxStream};
use serde_json::{Value, json};

use super::support::{World, code, results, summary};

async fn next(changes: &mut BoxStream<'static, async_graphql::Response>) -> Value {
    let change = changes.next().await.unwrap();
    assert!(change.is_ok(), "{:?}", change.errors);
    change.data.into_json().unwrap()["scoreChanged"].clone()
}

#[tokio::test]
async fn changes_follow_the_present_score_and_resume_by_cursor() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let frameworks = [world.builtin("soc2").await, world.builtin("iso27001").await];
    for framework in &frameworks {
        world.adopt(&project, framework, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
        world.settled(&project, framework).await;
    }
    let mut changes = world.subscribe(&world.owner, &project, None);
    let mut seen = vec![next(&mut changes).await, next(&mut changes).await];
    let named: Vec<&Value> = seen.iter().map(|change| &change["framework"]["id"]).collect();
    assert_eq!(
        named,
        frameworks.iter().map(|id| json!(id)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    assert_eq!(seen[0]["previous"], Value::Null);

    for version in 1..5 {
        let counts = summary("root_mfa", version, 1, world.now());
        world.matched(world.publish(&results(&project, version, vec![counts])).await).await;
        let change = next(&mut changes).await;
        assert_eq!(change["framework"]["id"], frameworks[0], "only SOC 2 is touched");
        let before = seen.iter().rev().find(|c| c["framework"] == change["framework"]).unwrap();
        assert_eq!(change["previous"]["exact"], before["exact"]);
        assert_eq!(
            change["causes"].as_array().unwrap().last().unwrap()["type"],
            "controls.check_summaries.recorded"
        );
        let live = world.score(&project, &frameworks[0], "").await;
        assert_eq!(live["exact"], change["exact"]);
        seen.push(change);
    }
    // From each cursor, exactly what came after it.
    for (index, change) in seen.iter().enumerate() {
        let cursor = change["cursor"].as_str().unwrap();
        let mut resumed = world.subscribe(&world.owner, &project, Some(cursor));
        for expected in &seen[index + 1..] {
            assert_eq!(next(&mut resumed).await, *expected);
        }
    }
    // A new subscriber starts with the newest of each.
    let mut fresh = world.subscribe(&world.owner, &project, None);
    assert_eq!(next(&mut fresh).await, seen[1]);
    assert_eq!(next(&mut fresh).await, seen[5]);
    for bad in ["x", "c2NvcmUvOTk5OTk5", "c2NvcmUvLTE"] {
        let mut refused = world.subscribe(&world.owner, &project, Some(bad));
        assert_eq!(code(&refused.next().await.unwrap()), "BAD_REQUEST", "{bad}");
    }
    world.close().await;
}
