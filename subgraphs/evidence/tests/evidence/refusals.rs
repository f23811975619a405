//! Broken input: each gets a clear error and leaves no trace.

use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use bytes::Bytes;
use futures::stream;
use serde_json::json;
use studio_kernel::{Actor, Env, Id, kind};

use crate::support::{Answer, Running, World, finding, gzip, scan};

async fn nothing_is_left(world: &World, running: &Running, head: usize) {
    assert_eq!(recorded(running).await, head, "something was recorded");
    assert_eq!(world.blobs(), 0, "bytes were kept");
}

async fn recorded(running: &Running) -> usize {
    running.store.read(0, 1000).await.unwrap().len()
}

fn is_problem(answer: &Answer, status: StatusCode, code: &str, about: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.body["code"], code);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains(about), "\"{detail}\" says nothing of \"{about}\"");
}

/// A project that is known, so that nothing more will be recorded by itself.
async fn known_project(running: &Running, actor: &Actor) -> Id<kind::Project> {
    let project = running.project(actor).await;
    running.control(actor, project, "any").await;
    project
}

#[tokio::test]
async fn a_broken_file_is_refused_whole() {
    let world = World::new();
    let running = world.start().await;
    let project = known_project(&running, &world.owner).await;
    let head = recorded(&running).await;
    let good = scan(&[finding("a", "one", "PASS", 0), finding("a", "two", "FAIL", 0)]);
    let packed = gzip(&good);
    // In the middle, the damage shows as broken JSON; in the checksum, as broken gzip.
    let flip = |at: usize| {
        let mut flipped = packed.clone();
        flipped[at] ^= 0xFF;
        flipped
    };
    let wrong_class = {
        let mut one = finding("a", "one", "PASS", 0);
        one["class_uid"] = json!(2001);
        scan(&[one])
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("is empty", Vec::new()),
        ("breaks off", good[..good.len() - 20].to_vec()),
        ("begins with \"r\"", b"resource,status\none,PASS\n".to_vec()),
        ("follows the end", [good.as_slice(), b"]"].concat()),
        ("", flip(packed.len() / 2)),
        ("does not unpack", flip(packed.len() - 6)),
        ("does not unpack", packed[..packed.len() - 9].to_vec()),
        ("no findings", b"[]".to_vec()),
        ("only Detection Findings (2004)", wrong_class),
        ("nested deeper", [b"[".repeat(100_000), b"]".repeat(100_000)].concat()),
    ];
    for (about, body) in cases {
        let answer = running.post(&world.owner, project, body).await;
        is_problem(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST", about);
        nothing_is_left(&world, &running, head).await;
    }
    // The good one goes in, so the refusals did not come from something else.
    running.ingest(&world.owner, project, good).await;
    assert_eq!(world.blobs(), 1);
    running.stop().await;
}

#[tokio::test]
async fn limits_hold_packed_and_unpacked_announced_and_streamed() {
    let mut world = World::new();
    world.config.limits.ingest_body = 4_000;
    world.config.limits.ingest_unpacked = 6_000;
    let running = world.start().await;
    let project = known_project(&running, &world.owner).await;
    let head = recorded(&running).await;
    let many: Vec<_> = (0..20).map(|n| finding("a", &n.to_string(), "PASS", 0)).collect();
    let large = scan(&many);
    assert!(large.len() > 6_000 && gzip(&large).len() < 4_000);
    let uri = format!("/v1/ingest/prowler?project={project}");
    let too_large = |answer: &Answer, limit: &str| {
        is_problem(answer, StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", limit);
    };
    let announced = [("content-length", "9999999")];
    let owner = Some(&world.owner);
    let answer =
        running.request(owner, Method::POST, &uri, &announced, Body::from(large.clone())).await;
    too_large(&answer, "4000");
    let parts: Vec<_> = large
        .chunks(500)
        .map(|part| Ok::<_, std::io::Error>(Bytes::copy_from_slice(part)))
        .collect();
    let body = Body::from_stream(stream::iter(parts));
    too_large(&running.request(owner, Method::POST, &uri, &[], body).await, "4000");
    too_large(&running.post(&world.owner, project, gzip(&large)).await, "6000");
    nothing_is_left(&world, &running, head).await;
    running.stop().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let world = World::new();
    let running = world.start().await;
    let project = known_project(&running, &world.owner).await;
    let head = recorded(&running).await;
    let good = scan(&[finding("a", "one", "PASS", 0)]);
    let parts = [Ok(Bytes::from(good)), Err(std::io::Error::other("the client went away"))];
    let answer = running.post(&world.owner, project, Body::from_stream(stream::iter(parts))).await;
    is_problem(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST", "did not arrive whole");
    nothing_is_left(&world, &running, head).await;
    running.stop().await;
}

#[tokio::test]
async fn wrong_projects_and_wrong_people_are_refused() {
    let world = World::new();
    let running = world.start().await;
    let project = known_project(&running, &world.owner).await;
    let head = recorded(&running).await;
    let good = || scan(&[finding("a", "one", "PASS", 0)]);
    let unknown = Env::system().id();
    let answer = running.post(&world.owner, unknown, good()).await;
    is_problem(&answer, StatusCode::NOT_FOUND, "NOT_FOUND", "no project");
    let answer = running.post(&world.stranger, project, good()).await;
    is_problem(&answer, StatusCode::NOT_FOUND, "NOT_FOUND", "no project");
    let answer = running.post(&world.viewer, project, good()).await;
    is_problem(&answer, StatusCode::FORBIDDEN, "FORBIDDEN", "");
    let uri = format!("/v1/ingest/prowler?project={project}");
    let nobody = running.request(None, Method::POST, &uri, &[], Body::from(good())).await;
    is_problem(&nobody, StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "Sign in");
    for (uri, about) in [
        ("/v1/ingest/prowler".to_owned(), "project=prj_"),
        ("/v1/ingest/prowler?project=production".to_owned(), "prj_ and 32"),
        (format!("{uri}&wait=61"), "wait is 61"),
        (format!("{uri}&wait=soon"), ""),
        (format!("{uri}&colour=red"), ""),
    ] {
        let answer =
            running.request(Some(&world.owner), Method::POST, &uri, &[], Body::from(good())).await;
        is_problem(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST", about);
    }
    for (encoding, about) in [("gzip", "is not gzip"), ("br", "Content-Encoding")] {
        let headers = [("content-encoding", encoding)];
        let owner = Some(&world.owner);
        let answer = running.request(owner, Method::POST, &uri, &headers, Body::from(good())).await;
        is_problem(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST", about);
    }
    nothing_is_left(&world, &running, head).await;
    running.stop().await;
}

#[tokio::test]
async fn a_bad_item_is_named_and_the_others_go_in() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let mut other_class = finding("a", "two", "FAIL", 0);
    other_class["class_uid"] = json!(2001);
    let mut findings = vec![
        finding("a", "one", "PASS", 0),
        other_class,
        finding("a", "one", "FAIL", 0),
        json!("not an object"),
    ];
    findings.extend((0..150).map(|_| json!({})));
    let run = running.ingest(&world.owner, project, scan(&findings)).await;
    assert_eq!(run["counts"]["new"], 1);
    assert_eq!(run["counts"]["refused"], 153);
    let refused = run["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 100);
    assert_eq!((&refused[0]["index"], &refused[0]["uid"]), (&json!(1), &json!("a-two")));
    assert!(refused[0]["reason"].as_str().unwrap().contains("2004"));
    assert!(refused[1]["reason"].as_str().unwrap().contains("the same finding"));
    assert_eq!(refused[2]["index"], 3);
    let seen = running.findings(&world.owner, project).await;
    assert_eq!(seen["a-one"], "PASS", "the first of two stands");
    running.stop().await;
}

#[tokio::test]
async fn the_same_finding_twice_is_found_across_batches() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let mut findings: Vec<_> = (0..2500).map(|n| finding("a", &n.to_string(), "PASS", 0)).collect();
    for index in [999, 1000, 1999, 2499] {
        findings[index] = finding("a", "0", "FAIL", 0);
    }
    let run = running.ingest(&world.owner, project, scan(&findings)).await;
    assert_eq!(run["counts"]["new"], 2496);
    let refused: Vec<_> =
        run["refused"].as_array().unwrap().iter().map(|item| &item["index"]).collect();
    assert_eq!(refused, [999, 1000, 1999, 2499]);
    assert_eq!(running.findings(&world.owner, project).await["a-0"], "PASS");
    running.stop().await;
}
