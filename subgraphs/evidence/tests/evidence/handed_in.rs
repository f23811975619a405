//! JSON that is handed in under a name: versions, what is refused, and who may.

use axum::http::StatusCode;
use serde_json::{Value, json};
use studio_stores::blobs::ContentHash;

use super::support::{Answer, Running, World};

const VERSIONS: &str = "query($id: ID!) { evidence(id: $id) {
    source dataClass newestVersion versions { version sha256 collectedAt contentUrl run { source state } } } }";

fn evidence(answer: &Answer) -> (String, u64) {
    let evidence = &answer.body["evidence"];
    (evidence["id"].as_str().unwrap().to_owned(), evidence["version"].as_u64().unwrap())
}

#[tokio::test]
async fn each_time_it_is_a_new_version_and_the_same_is_one() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let hand_in = |more: &'static str, body: &'static str| {
        let owner = world.owner.clone();
        let running = &running;
        async move { running.hand_in(&owner, project, ("people", more), body).await }
    };
    let march = "&collectedAt=2026-03-01T06:00:00Z";
    let first = hand_in(march, "{\"users\": []}").await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!(first.body["state"], "COMPLETED");
    assert_eq!(first.body["source"], "json/people");
    assert_eq!(first.body["matching"]["state"], "done");
    let hash = ContentHash::of(b"{\"users\": []}").to_string();
    assert_eq!(first.body["evidence"]["sha256"], hash);

    let again = hand_in(march, "{\"users\": []}").await;
    assert_eq!((again.status, &again.body["id"]), (StatusCode::OK, &first.body["id"]));
    let (id, _) = evidence(&first);
    let later = hand_in("&collectedAt=2026-04-01T06:00:00%2B02:00", "{\"users\": []}").await;
    assert_eq!(evidence(&later), (id.clone(), 2), "what was found again is found anew");
    let changed = hand_in("&dataClass=CONFIDENTIAL", "{\"users\": [1]}").await;
    assert_eq!(evidence(&changed), (id.clone(), 3));

    let told = running.data(&world.owner, VERSIONS, json!({ "id": id })).await;
    let told = &told["evidence"];
    assert_eq!(told["dataClass"], "CONFIDENTIAL");
    let versions = told["versions"].as_array().unwrap();
    let instants: Vec<_> =
        versions[..2].iter().map(|it| it["collectedAt"].as_str().unwrap()).collect();
    assert_eq!(instants, ["2026-03-01T06:00:00+00:00", "2026-04-01T04:00:00+00:00"]);
    assert_eq!(versions[0]["run"], json!({ "source": "json/people", "state": "COMPLETED" }));
    assert_eq!(world.blobs(), 2, "the same bytes are kept once");
    running.stop().await;
}

async fn refused(running: &Running, world: &World, uri: (&str, &str), body: Vec<u8>) -> Answer {
    let project = running.project(&world.owner).await;
    let answer = running.hand_in(&world.owner, project, uri, body).await;
    let text = "query($p: ID!) { ingestRuns(projectId: $p) { nodes { id } } }";
    let runs = running.data(&world.owner, text, json!({ "p": project })).await;
    assert_eq!(runs["ingestRuns"]["nodes"], json!([]), "nothing of it is recorded");
    answer
}

#[tokio::test]
async fn what_says_no_one_thing_is_refused_and_leaves_nothing() {
    let world = World::new();
    let running = world.start().await;
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65)).into_bytes();
    for (body, about) in [
        (b"{\"a\": 1, \"a\": 2}".to_vec(), "\"a\" is there twice"),
        (b"{\"a\": }".to_vec(), "line 1 column 7"),
        (b"\xff".to_vec(), "UTF-8"),
        (Vec::new(), "EOF"),
        (deep, "64"),
    ] {
        let answer = refused(&running, &world, ("people", ""), body).await;
        let detail = answer.body["detail"].as_str().unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{detail}");
        assert!(detail.contains(about), "{detail}");
    }
    let long = format!("\"{}\"", "x".repeat(4 << 20)).into_bytes();
    let answer = refused(&running, &world, ("people", ""), long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.body);
    for (uri, about) in [
        (("People", ""), "a-z"),
        (("-people", ""), "a-z"),
        (("people", "&collectedAt=tomorrow"), "collectedAt"),
        (("people", "&collectedAt=2999-01-01T00:00:00Z"), "ahead"),
        (("people", "&dataClass=SECRET"), "dataClass"),
        (("people", "&wait=1"), "wait"),
    ] {
        let answer = refused(&running, &world, uri, b"{}".to_vec()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri:?}: {}", answer.body);
        assert!(answer.body["detail"].as_str().unwrap().contains(about), "{}", answer.body);
    }
    assert_eq!(world.blobs(), 0);
    running.stop().await;
}

#[tokio::test]
async fn nobody_else_hands_in() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    running.caught_up().await;
    let viewer = running.hand_in(&world.viewer, project, ("people", ""), "{}").await;
    assert_eq!(viewer.status, StatusCode::FORBIDDEN);
    let stranger = running.hand_in(&world.stranger, project, ("people", ""), "{}").await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND);
    running.archive(&world.owner, project, true).await;
    let late = running.hand_in(&world.owner, project, ("people", ""), "{}").await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
    assert_eq!((world.blobs(), late.body["evidence"].clone()), (0, Value::Null));
    running.stop().await;
}
