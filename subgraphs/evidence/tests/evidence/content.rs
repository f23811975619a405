//! The bytes of a version come back exactly as they were uploaded, to whoever may see the evidence.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Method, StatusCode},
};
use http_body_util::BodyExt;
use serde_json::json;
use studio_kernel::Actor;
use studio_stores::blobs::ContentHash;
use tower::ServiceExt;

use super::support::{Running, World, finding, gzip, scan};

struct Fetched {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Fetched {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

async fn fetch(running: &Running, actor: &Actor, path: &str, known: Option<&str>) -> Fetched {
    let mut request = axum::http::Request::get(path);
    if let Some(tag) = known {
        request = request.header("if-none-match", tag);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(actor.clone());
    let response = running.routes.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Fetched { status: head.status, headers: head.headers, body }
}

#[tokio::test]
async fn the_bytes_have_the_hash_that_is_shown() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let plain = scan(&[finding("a", "one", "PASS", 0)]);
    let packed = gzip(&scan(&[finding("a", "one", "FAIL", 1)]));
    let line = serde_json::to_vec(&finding("a", "one", "PASS", 2)).unwrap();
    for (bytes, media_type, ending) in [
        (plain, "application/json", "ocsf.json"),
        (packed, "application/gzip", "ocsf.json.gz"),
        (line, "application/x-ndjson", "ocsf.ndjson"),
    ] {
        let run = running.ingest(&world.owner, project, bytes.clone()).await;
        let path = run["evidence"]["links"]["content"].as_str().unwrap();
        let fetched = fetch(&running, &world.viewer, path, None).await;
        assert_eq!((fetched.status, &fetched.body[..]), (StatusCode::OK, &bytes[..]));
        let hash = run["evidence"]["sha256"].as_str().unwrap();
        assert_eq!(ContentHash::of(&fetched.body).to_string(), hash);
        let etag = format!("\"{hash}\"");
        assert_eq!(fetched.header("etag"), etag);
        assert_eq!(fetched.header("content-type"), media_type);
        assert_eq!(fetched.header("content-length"), bytes.len().to_string());
        assert_eq!(fetched.header("x-content-type-options"), "nosniff");
        assert_eq!(fetched.header("cache-control"), "private, no-cache");
        assert!(!fetched.headers.contains_key("content-encoding"), "packed bytes stay packed");
        let disposition = fetched.header("content-disposition");
        let id = run["evidence"]["id"].as_str().unwrap();
        let name = format!("\"{id}-v{}.{ending}\"", run["evidence"]["version"]);
        assert!(disposition.starts_with("attachment; "), "{disposition}");
        assert!(disposition.contains(&name), "{disposition}");
        let held = fetch(&running, &world.viewer, path, Some(&etag)).await;
        assert_eq!((held.status, held.body.len()), (StatusCode::NOT_MODIFIED, 0));

        // GraphQL says the same of it.
        let text = "query($id: ID!) { evidence(id: $id) { versions { sha256 contentUrl } } }";
        let data = running.data(&world.viewer, text, json!({ "id": id })).await;
        let newest = data["evidence"]["versions"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(newest, json!({ "sha256": hash, "contentUrl": path }));
    }
    running.stop().await;
}

#[tokio::test]
async fn nobody_gets_what_is_not_theirs_or_not_there() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let bytes = scan(&[finding("a", "one", "PASS", 0)]);
    let run = running.ingest(&world.owner, project, bytes).await;
    let path = run["evidence"]["links"]["content"].as_str().unwrap().to_owned();
    let id = run["evidence"]["id"].as_str().unwrap();
    let unknown = "evd_00000000000070008000000000000000";
    let ask = async |actor: Option<&Actor>, path: &str| {
        let answer = running.request(actor, Method::GET, path, &[], Body::empty()).await;
        let code = answer.body["code"].as_str().unwrap().to_owned();
        (answer.status.as_u16(), code, answer.body["detail"].as_str().unwrap().to_owned())
    };
    let told = |status: u16, code: &str, detail: String| (status, code.to_owned(), detail);

    let missing =
        |id: &str| told(404, "NOT_FOUND", format!("There is no evidence {id} that you can see."));
    let stranger = ask(Some(&world.stranger), &path).await;
    assert_eq!(stranger, missing(id), "in the words of what was never there");
    let there = |id: &str, number: &str| format!("/v1/evidence/{id}/versions/{number}/content");
    assert_eq!(ask(Some(&world.viewer), &there(unknown, "1")).await, missing(unknown));
    let second = told(404, "NOT_FOUND", "There is no version 2 that you can see.".to_owned());
    assert_eq!(ask(Some(&world.viewer), &there(id, "2")).await, second);
    for malformed in [there(id, "first"), there(id, "-1"), there("production", "1")] {
        let (status, code, detail) = ask(Some(&world.viewer), &malformed).await;
        assert_eq!((status, code.as_str()), (400, "BAD_REQUEST"), "{malformed}: {detail}");
    }
    let (status, code, _) = ask(None, &path).await;
    assert_eq!((status, code.as_str()), (401, "UNAUTHENTICATED"));

    // What the store has lost is told as that, not as something that never was.
    std::fs::remove_dir_all(world.folder.path().join("blobs").join(world.owner.tenant.to_string()))
        .unwrap();
    let (status, code, detail) = ask(Some(&world.viewer), &path).await;
    assert_eq!((status, code.as_str()), (500, "INTERNAL"));
    assert!(detail.contains("missing") && detail.contains("backup"), "{detail}");
    running.stop().await;
}
