//! Scores over time: replays, forecasts, the clock, restarts.

use futures::StreamExt;
use serde_json::{Value, json};
use studio_kernel::Timestamp;

use super::support::{SECOND, World, results, summary};

const DAY: i64 = 86_400 * SECOND;

async fn scanned(world: &World) -> (String, String) {
    let project = world.project().await;
    let soc2 = world.builtin("soc2").await;
    world.adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let results = results(&project, 1, vec![summary("root_mfa", 7, 0, world.now())]);
    world.matched(world.publish(&results).await).await;
    (project, soc2)
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_was_live_what_is_recorded_and_what_is_replayed_agree() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2) = scanned(&world).await;
    let mut live = Vec::new();
    for version in 2..8 {
        world.clock.advance_micros(3 * DAY + 11);
        let at = world.now();
        let counts = summary("root_mfa", 10 - version, version / 2, at);
        world.matched(world.publish(&results(&project, version, vec![counts])).await).await;
        live.push(world.score(&project, &soc2, "").await);
    }
    for score in &live {
        let at = score["asOf"].as_str().unwrap();
        let replayed = world.score(&project, &soc2, &format!(", asOf: \"{at}\"")).await;
        assert_eq!(replayed, *score);
    }
    // Every recorded change, replayed at its own instant.
    let recorded = world.settled(&project, &soc2).await;
    assert!(recorded.len() >= live.len());
    for change in recorded {
        let (as_of, at) = (change["as_of"].as_str().unwrap(), change["at"].as_str().unwrap());
        let when = format!(", asOf: \"{as_of}\", at: \"{at}\"");
        let replayed = world.score(&project, &soc2, &when).await;
        assert_eq!(replayed["exact"]["lo"], change["now"]["value"]["lo"], "{change}");
        assert_eq!(replayed["exact"]["hi"], change["now"]["value"]["hi"], "{change}");
    }
    world.close().await;
}

#[tokio::test]
async fn a_forecast_says_what_goes_stale_and_the_clock_makes_it_true() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2) = scanned(&world).await;
    let fresh = world.score(&project, &soc2, "").await;
    let year = world.now().plus_days(365);
    let forecast = world.score(&project, &soc2, &format!(", at: \"{year}\"")).await;
    assert_eq!(forecast["exact"]["lo"], "0");
    assert_eq!(forecast["exact"]["hi"], fresh["exact"]["hi"], "nothing is known to fail");
    assert_eq!(forecast["undetermined"], 61);
    let soon =
        world.score(&project, &soc2, &format!(", at: \"{}\"", world.now().plus_days(33))).await;
    let (lo, soon) = (&fresh["exact"]["lo"], &soon["exact"]["lo"]);
    assert!(soon.as_str().unwrap() < lo.as_str().unwrap() && soon != "0", "{soon} {lo}");
    let past = world.code(
        "query($p: ID!, $f: ID!) { project(id: $p) { score(frameworkId: $f,
            asOf: \"2999-01-01T00:00:00Z\") { lo } } }",
        json!({ "p": project, "f": soc2 }),
    );
    assert_eq!(past.await, "BAD_REQUEST");

    world.settled(&project, &soc2).await;
    let mut changes = world.subscribe(&world.owner, &project, None);
    changes.next().await.unwrap();
    world.clock.set(year);
    let mut last = json!(null);
    while last["exact"]["lo"] != "0" {
        let change = changes.next().await.unwrap();
        assert!(change.is_ok(), "{:?}", change.errors);
        let change = change.data.into_json().unwrap()["scoreChanged"].clone();
        assert_eq!(change["causes"][0]["kind"], "CLOCK");
        assert_eq!(change["causeCount"], 0);
        let midnight = instant(&change["at"]);
        assert_eq!(midnight, midnight.day().start(), "time moves scores at midnight");
        last = change;
    }
    let live = world.score(&project, &soc2, "").await;
    assert_eq!(live["exact"], forecast["exact"]);
    world.close().await;
}

#[tokio::test]
async fn a_restart_keeps_everything_and_catches_up_with_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2) = scanned(&world).await;
    let score = world.score(&project, &soc2, "").await;
    let changes = world.settled(&project, &soc2).await.len();
    let (head, clock) = (world.last().await, world.clock.clone());
    world.close().await;

    let world = World::open_at(directory.path(), clock.clone()).await;
    assert_eq!(world.score(&project, &soc2, "").await["exact"], score["exact"]);
    assert_eq!(world.last().await, head, "a start records nothing");
    world.close().await;

    clock.advance_micros(40 * DAY);
    let world = World::open_at(directory.path(), clock).await;
    assert_eq!(world.score(&project, &soc2, "").await["exact"]["lo"], "0");
    let recorded = world.settled(&project, &soc2).await;
    assert!(recorded.len() > changes + 1, "each midnight that moved it is recorded");
    for name in ["controls", "tests", "members", "requirements", "scores"] {
        world.store.rebuild(name).await.unwrap();
    }
    assert_eq!(world.score(&project, &soc2, "").await["exact"]["lo"], "0");
    world.store.verify().await.unwrap();
    world.close().await;
}
