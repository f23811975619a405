//! Two processes on one PostgreSQL database: either answers, one records, and when that one is
//! killed or stopped the other goes on as if nothing had happened.

use futures::{StreamExt, stream::BoxStream};
use serde_json::Value;
use studio_kernel::{Env, ManualClock};

use super::support::{NOW, SECOND, World, postgres_url, results, summary};

async fn next(changes: &mut BoxStream<'static, async_graphql::Response>) -> Value {
    let change = changes.next().await.unwrap();
    assert!(change.is_ok(), "{:?}", change.errors);
    change.data.into_json().unwrap()["scoreChanged"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn either_answers_one_records_and_a_handover_shows_nowhere() {
    if postgres_url().is_none() {
        return;
    }
    let prefix = format!("replicas_{}", Env::system().uuid().simple());
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(NOW.parse().unwrap());
    let open = || World::open_replica(directory.path(), clock.clone(), &prefix);
    let mut replicas = vec![open().await, open().await];
    let project = replicas[0].project().await;
    let soc2 = replicas[0].builtin("soc2").await;
    replicas[1].adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let first = replicas[0].settled(&project, &soc2).await.len();
    let mut begun = replicas[1].subscribe(&replicas[1].owner, &project, None);
    let cursor = next(&mut begun).await["cursor"].as_str().unwrap().to_owned();

    for round in 1..=16_u32 {
        // Anything through either; the other one knows it at once.
        let (through, other) = (round as usize % 2, (round as usize + 1) % 2);
        clock.advance_micros(SECOND);
        let counts = summary("root_mfa", round * 7 % 11, round * 5 % 7, replicas[through].now());
        let last = replicas[through].publish(&results(&project, round, vec![counts])).await;
        replicas[other].matched(last).await;
        let when = format!(", at: \"{}\"", replicas[0].now().plus_seconds(60));
        let mut answers = Vec::new();
        for replica in &replicas {
            answers.push(replica.score(&project, &soc2, &when).await["exact"].clone());
        }
        assert_eq!(answers[0], answers[1], "to the last digit, in round {round}");
        if round % 3 == 0 {
            // Each of the two in turn, so that the one that records is among them.
            let gone = replicas.remove(round as usize / 3 % 2);
            if round % 2 == 0 {
                gone.close().await
            } else {
                gone.kill().await
            }
            replicas.push(open().await);
        }
    }

    let changes = replicas[0].settled(&project, &soc2).await;
    for pair in changes.windows(2) {
        assert_eq!(pair[1]["before"], pair[0]["now"], "no change is missing or double");
        assert_ne!(pair[1]["now"], pair[0]["now"]);
    }
    // What a replay of the log gives at each of them.
    for change in &changes {
        let (as_of, at) = (change["as_of"].as_str().unwrap(), change["at"].as_str().unwrap());
        let when = format!(", asOf: \"{as_of}\", at: \"{at}\"");
        let replayed = replicas[1].score(&project, &soc2, &when).await;
        assert_eq!(replayed["exact"]["lo"], change["now"]["value"]["lo"], "{change}");
        assert_eq!(replayed["exact"]["hi"], change["now"]["value"]["hi"], "{change}");
    }
    let live = replicas[1].score(&project, &soc2, "").await;
    assert_eq!(live["exact"]["lo"], changes.last().unwrap()["now"]["value"]["lo"]);

    // A subscriber sees every change, from either replica, by the cursor of the other.
    for replica in &replicas {
        let mut resumed = replica.subscribe(&replica.owner, &project, Some(&cursor));
        for expected in &changes[first..] {
            let change = next(&mut resumed).await;
            assert_eq!(change["exact"]["lo"], expected["now"]["value"]["lo"]);
            assert_eq!(change["causeCount"], expected["cause_count"]);
        }
    }
    replicas[0].store.verify().await.unwrap();
    for replica in replicas {
        replica.close().await;
    }
}
