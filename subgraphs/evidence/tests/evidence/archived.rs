//! Archived projects take nothing in, and what they have stays.

use axum::{body::Body, http::StatusCode};
use bytes::Bytes;
use futures::stream;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use studio_entities::evidence::project;
use studio_kernel::Env;
use tokio::sync::oneshot;

use crate::support::{World, finding, scan};

const REJECT: &str = "mutation($id: ID!) { rejectEvidence(input: { evidenceId: $id, version: 1,
    reason: \"forged\" }) { evidence { id } userErrors { code path } } }";

#[tokio::test]
async fn an_archived_project_takes_no_scan_and_stays_readable() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let first = scan(&[finding("a", "one", "PASS", 0)]);
    let second = scan(&[finding("a", "one", "FAIL", 1)]);
    let run = running.ingest(&world.owner, project, first).await;
    running.archive(&world.owner, project, true).await;
    let head = running.store.newest().await.unwrap();

    let refused = running.post(&world.owner, project, second.clone()).await;
    assert_eq!((refused.status, &refused.body["code"]), (StatusCode::CONFLICT, &json!("CONFLICT")));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("is archived") && detail.contains("restoreProject"), "{detail}");
    let evidence = json!({ "id": run["evidence"]["id"] });
    let answer = running.data(&world.owner, REJECT, evidence.clone()).await;
    let error = json!([{ "code": "ARCHIVED", "path": ["input", "evidenceId"] }]);
    assert_eq!(answer["rejectEvidence"], json!({ "evidence": Value::Null, "userErrors": error }));
    assert_eq!(running.store.newest().await.unwrap(), head, "something was recorded");
    assert_eq!(world.blobs(), 1, "bytes were kept");
    assert_eq!(running.findings(&world.owner, project).await["a-one"], "PASS");

    running.archive(&world.owner, project, false).await;
    running.ingest(&world.owner, project, second).await;
    assert_eq!(running.findings(&world.owner, project).await["a-one"], "FAIL");
    let answer = running.data(&world.owner, REJECT, evidence).await;
    assert_eq!(answer["rejectEvidence"]["userErrors"], json!([]));
    running.stop().await;
}

#[tokio::test]
async fn a_scan_under_way_when_its_project_is_archived_is_not_kept() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    running.caught_up().await;
    let (asked, body_wanted) = oneshot::channel();
    let (archived, go_on) = oneshot::channel();
    let bytes = Bytes::from(scan(&[finding("a", "one", "PASS", 0)]));
    // The body is asked for once the project was found to be in use.
    let body = Body::from_stream(stream::once(async move {
        asked.send(()).unwrap();
        go_on.await.map(|()| bytes)
    }));
    let archiving = async {
        body_wanted.await.unwrap();
        running.archive(&world.owner, project, true).await;
        archived.send(()).unwrap();
    };
    let (refused, ()) = tokio::join!(running.post(&world.owner, project, body), archiving);
    assert_eq!((refused.status, &refused.body["code"]), (StatusCode::CONFLICT, &json!("CONFLICT")));
    assert_eq!(world.blobs(), 0, "bytes were kept");
    running.stop().await;
}

#[tokio::test]
async fn a_name_is_followed() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    running.rename(&world.owner, project, "Billing").await;
    running.archive(&world.owner, project, true).await;
    let rows = project::Entity::find().all(running.store.database().reader()).await.unwrap();
    let known: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.archived)).collect();
    assert_eq!(known, [("Billing", 1)]);
    running.stop().await;
}

#[tokio::test]
async fn a_project_that_is_heard_of_after_its_archiving_is_archived() {
    let world = World::new();
    let running = world.start().await;
    let project = Env::system().id();
    // As it is where the creation is a dead letter, which is taken again after the archiving.
    running.archive(&world.owner, project, true).await;
    running.create(&world.owner, project).await;
    running.caught_up().await;

    let rows = project::Entity::find().all(running.store.database().reader()).await.unwrap();
    let known: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.archived)).collect();
    assert_eq!(known, [("Production", 1)]);
    let one = scan(&[finding("a", "one", "PASS", 0)]);
    let refused = running.post(&world.owner, project, one.clone()).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);

    running.archive(&world.owner, project, false).await;
    running.ingest(&world.owner, project, one).await;
    running.stop().await;
}
