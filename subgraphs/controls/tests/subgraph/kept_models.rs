//! Replays that begin with a model that was kept: the same answers as from the first event, at each
//! instant, and from the first event where no kept model serves.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use studio_kernel::{Day, Timestamp};

use super::{
    periods::tested,
    support::{SECOND, World, results, summary},
};

const DAY: i64 = 86_400 * SECOND;
/// Scans of so many checks that models are kept before and after a live one has forgotten something.
const SCANS: u32 = 24;
const CHECKS: u32 = 800;

async fn execute(world: &World, sql: &str) -> u64 {
    let database = world.store.database().writer();
    let statement = Statement::from_string(database.get_database_backend(), sql);
    database.execute_raw(statement).await.unwrap().rows_affected()
}

/// The rows of the kept models: version, horizon.
async fn kept(world: &World) -> Vec<(i64, Option<i64>)> {
    let database = world.store.database().reader();
    let sql = "SELECT version, horizon FROM controls_model_snapshots ORDER BY version";
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let rows = database.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap()))
        .collect()
}

async fn scanned(world: &World, scans: u32) -> (String, String, Vec<Timestamp>) {
    let project = world.project().await;
    let soc2 = world.builtin("soc2").await;
    world.adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let mut instants = vec![world.now().plus_micros(-1)];
    for version in 1..=scans {
        world.clock.advance_micros(4 * DAY + 3 * SECOND);
        let at = world.now();
        let counts = (0..CHECKS).map(|number| {
            let (passed, failed) = ((number + version) % 7, (number * version) % 3);
            summary(&format!("check_{number}"), passed + 1, failed, at)
        });
        world.matched(world.publish(&results(&project, version, counts.collect())).await).await;
        if version % 4 == 1 {
            instants.extend([world.now(), world.now().plus_micros(2 * DAY)]);
        }
        world.settled(&project, &soc2).await;
    }
    (project, soc2, instants)
}

/// Everything that is answered by replay.
async fn replayed(
    world: &World,
    project: &str,
    framework: &str,
    instants: &[Timestamp],
) -> Vec<Value> {
    let mut answers = Vec::new();
    let last = *instants.last().unwrap();
    for as_of in instants {
        answers.push(world.score(project, framework, &format!(", asOf: \"{as_of}\"")).await);
        // Judged at another instant than that of which it was known.
        for at in [instants[3], last.plus_micros(40 * DAY)] {
            let when = format!(", asOf: \"{as_of}\", at: \"{at}\"");
            answers.push(world.score(project, framework, &when).await);
        }
    }
    let (control, _) = tested(world, project).await;
    let query = "query($p: ID!, $f: ID!, $c: ID!, $from: DateTime!, $to: DateTime!) {
        project(id: $p) { scoreDiff(frameworkId: $f, from: $from, to: $to) {
            moves(first: 100) { nodes { at type difference { lo hi coverage } } } } }
        control(id: $c) { periodCoverage(from: $from, to: $to, threshold: 0.2) {
            covered gaps { nodes { from to lowest } } } } }";
    for from in [instants[0], instants[instants.len() / 2]] {
        let period =
            json!({ "p": project, "f": framework, "c": control, "from": from, "to": last });
        answers.push(world.ask(query, period).await);
    }
    answers
}

#[tokio::test]
async fn replays_from_kept_models_and_from_the_beginning_agree() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, mut instants) = scanned(&world, SCANS).await;
    instants.retain(|at| *at <= world.now());
    let models = kept(&world).await;
    let forgetful = models.iter().filter(|(_, horizon)| horizon.is_some()).count();
    assert!(models.len() >= 3 && models[0].1.is_none() && forgetful > 0, "{models:?}");
    let with = replayed(&world, &project, &soc2, &instants).await;

    // One of another log is passed over, and one that is broken.
    let then = format!(", asOf: \"{}\"", instants[5]);
    let mut without_them = Vec::new();
    for spoiled in [
        // What it holds would be wrong, if it were of this log.
        "hash = '00', state = replace(state, 'IMPLEMENTED', 'PLANNED')",
        "state = '{\"stateVersion\":'",
    ] {
        execute(&world, &format!("UPDATE controls_model_snapshots SET {spoiled}")).await;
        without_them.push(world.score(&project, &soc2, &then).await);
    }
    assert_eq!(execute(&world, "DELETE FROM controls_model_snapshots").await, models.len() as u64);
    let without = replayed(&world, &project, &soc2, &instants).await;
    assert_eq!(with.len(), without.len());
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(with, without);
    }
    let whole = world.score(&project, &soc2, &then).await;
    assert_eq!(without_them, [whole.clone(), whole]);
    world.close().await;
}

#[tokio::test]
async fn a_start_keeps_what_is_missing_and_drops_what_it_does_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, _) = scanned(&world, 4).await;
    let (live, clock) = (world.score(&project, &soc2, "").await, world.clock.clone());
    let before = kept(&world).await;
    execute(&world, "UPDATE controls_model_snapshots SET state_version = 0").await;
    world.close().await;

    let world = World::open_at(directory.path(), clock.clone()).await;
    assert_eq!(world.score(&project, &soc2, "").await["exact"], live["exact"]);
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    while kept(&world).await.len() != 1 {
        look.tick().await;
    }
    let model = kept(&world).await[0];
    assert!(model.0 >= before.last().unwrap().0, "{model:?} {before:?}");
    world.close().await;

    // From here on a start reads that one.
    let world = World::open_at(directory.path(), clock.clone()).await;
    assert_eq!(world.score(&project, &soc2, "").await["exact"], live["exact"]);
    world.clock.advance_micros(3 * DAY);
    let counts = vec![summary("check_1", 0, 9, world.now())];
    world.matched(world.publish(&results(&project, 5, counts)).await).await;
    let moved = world.score(&project, &soc2, "").await;
    let now = moved["asOf"].as_str().unwrap();
    assert_eq!(world.score(&project, &soc2, &format!(", asOf: \"{now}\"")).await, moved);
    assert_eq!(kept(&world).await, [model]);
    let day = Day(world.now().day().0 - 10).end();
    let back = world.score(&project, &soc2, &format!(", at: \"{day}\"")).await;
    execute(&world, "DELETE FROM controls_model_snapshots").await;
    assert_eq!(
        world.score(&project, &soc2, &format!(", at: \"{day}\"")).await["exact"],
        back["exact"]
    );
    world.close().await;
}
