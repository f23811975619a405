//! Uploads and downloads.

use bytes::Bytes;
use futures::stream;
use serde_json::Value;
use studio_kernel::Role;
use studio_stores::blobs::ContentHash;

use crate::support::{LIMIT, World, spooled};

#[tokio::test]
async fn bytes_come_back_as_they_went() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let bytes: Vec<u8> = (0..150_000_u32).map(|i| (i % 251) as u8).collect();
    let hash = ContentHash::of(&bytes).to_string();

    // In pieces, as a slow client sends them.
    let pieces: Vec<_> = bytes.chunks(7_001).map(Bytes::copy_from_slice).collect();
    let body = reqwest::Body::wrap_stream(stream::iter(pieces.into_iter().map(Ok::<_, String>)));
    let query = format!("project={project}&name=Z%C3%BCrich%20plan.bin");
    let (status, answer) = world.upload(&owner, &query, "application/x-plan", body).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["version"]["number"], 1);
    assert_eq!(answer["version"]["sha256"], hash);
    assert_eq!(answer["version"]["size"], 150_000);
    assert_eq!(answer["version"]["uploadedBy"], owner.user_id().unwrap().to_string());
    assert_eq!(answer["document"]["name"], "Zürich plan.bin");

    let path = answer["version"]["links"]["content"].as_str().unwrap();
    let download = world.get(&owner, path).await;
    assert_eq!(download.status(), 200);
    let header = |name: &str| download.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("etag"), format!("\"{hash}\""));
    assert_eq!(header("content-type"), "application/x-plan");
    assert_eq!(header("content-length"), "150000");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-disposition").starts_with("attachment; "));
    assert!(header("content-disposition").ends_with("UTF-8''Z%C3%BCrich%20plan.bin"));
    assert!(download.bytes().await.unwrap() == bytes);

    let again = world
        .request(reqwest::Method::GET, path)
        .header("x-test-actor", serde_json::to_string(&owner).unwrap())
        .header("if-none-match", format!("\"{hash}\""))
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 304);

    let path = answer["document"]["links"]["self"].as_str().unwrap();
    let document: Value = world.get(&owner, path).await.json().await.unwrap();
    assert_eq!(document["versions"][0]["sha256"], hash);
    assert_eq!(spooled(root.path()), 0);
    assert!(world.store.verify().await.is_ok());
    world.close().await;
}

#[tokio::test]
async fn a_new_version_needs_new_bytes() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let query = format!("project={project}&name=a.md");
    let (_, first) = world.upload(&owner, &query, "text/markdown", "one").await;
    let document = first["document"]["id"].as_str().unwrap();
    let query = format!("project={project}&document={document}");

    let (status, same) = world.upload(&owner, &query, "text/markdown", "one").await;
    assert_eq!((status, &same["changed"]), (200, &Value::from(false)));
    assert_eq!(same["version"]["id"], first["version"]["id"]);
    assert!(same["message"].as_str().unwrap().contains("no new version"));

    let renaming = format!("{query}&name=b.md");
    let (status, second) = world.upload(&owner, &renaming, "text/markdown", "two").await;
    assert_eq!(status, 201);
    assert_eq!(
        (&second["version"]["number"], &second["document"]["name"]),
        (&2.into(), &"b.md".into())
    );
    let first_path = first["version"]["links"]["content"].as_str().unwrap();
    assert_eq!(world.get(&owner, first_path).await.text().await.unwrap(), "one");
    world.close().await;
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let other = world.owner();
    let others = world.project(other.tenant).await;
    let nowhere = world.env.id::<studio_kernel::kind::Project>();
    let (_, theirs) = world
        .upload(&other, &format!("project={others}&name=theirs"), "text/plain", "theirs")
        .await;
    let theirs = theirs["document"]["id"].as_str().unwrap();
    let viewer = world.member(owner.tenant, Role::Viewer);
    let head = world.store.head();
    let large = vec![0_u8; LIMIT as usize + 1];
    let streamed = || {
        let piece = Bytes::from(large.clone());
        reqwest::Body::wrap_stream(stream::iter([Ok::<_, String>(piece)]))
    };
    let name = "name=a.txt";
    let cases: Vec<(u16, &str, _, String, reqwest::Body)> = vec![
        (413, "limits.document", &owner, format!("project={project}&{name}"), large.clone().into()),
        (413, "limits.document", &owner, format!("project={project}&{name}"), streamed()),
        (400, "empty", &owner, format!("project={project}&{name}"), "".into()),
        (400, "prj_", &owner, name.to_owned(), "x".into()),
        (400, "prj_ and 32", &owner, format!("project=prj_1&{name}"), "x".into()),
        (400, "name=", &owner, format!("project={project}"), "x".into()),
        (400, "path", &owner, format!("project={project}&name=..%2Fpasswd"), "x".into()),
        (400, "control", &owner, format!("project={project}&name=a%0Ab"), "x".into()),
        (400, "colour", &owner, format!("project={project}&{name}&colour=red"), "x".into()),
        (404, "project", &owner, format!("project={nowhere}&{name}"), "x".into()),
        (404, "project", &owner, format!("project={others}&{name}"), "x".into()),
        (404, "document", &owner, format!("project={project}&document={theirs}"), "x".into()),
        (400, "doc_ and 32", &owner, format!("project={project}&document=1"), "x".into()),
        (403, "", &viewer, format!("project={project}&{name}"), "x".into()),
    ];
    for (expected, says, actor, query, body) in cases {
        let (status, answer) = world.upload(actor, &query, "text/plain", body).await;
        assert_eq!(status, expected, "{query}: {answer}");
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{query}: {detail}");
    }
    let query = format!("project={project}&{name}");
    let (status, answer) =
        world.upload(&owner, &query, "multipart/form-data; boundary=x", "x").await;
    assert_eq!(status, 400, "{answer}");
    let anonymous = world.request(reqwest::Method::POST, &format!("/v1/documents?{query}"));
    assert_eq!(anonymous.body("x").send().await.unwrap().status(), 401);

    // Noting the other project is the only thing that was recorded meanwhile.
    let recorded = world.store.read(head, 100).await.unwrap();
    let types: Vec<_> = recorded.iter().map(|event| event.event_type.as_str()).collect();
    assert!(types.iter().all(|kind| *kind == "documents.project.noted"), "{types:?}");
    assert_eq!(world.blobs.list(None, 10).await.unwrap().len(), 1, "theirs alone");
    assert_eq!(spooled(root.path()), 0);
    world.close().await;
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err("gone".to_owned())]);
    let sent = world
        .request(reqwest::Method::POST, &format!("/v1/documents?project={project}&name=a"))
        .header("x-test-actor", serde_json::to_string(&owner).unwrap())
        .body(reqwest::Body::wrap_stream(broken))
        .send()
        .await;
    assert!(sent.is_err());
    // The next upload is answered after the broken one was given up, or beside it; either way the
    // spool of the broken one goes.
    let query = format!("project={project}&name=b");
    assert_eq!(world.upload(&owner, &query, "text/plain", "whole").await.0, 201);
    while spooled(root.path()) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.blobs.list(None, 10).await.unwrap().len(), 1);
    world.close().await;
}

#[tokio::test]
async fn another_organization_sees_nothing() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let query = format!("project={project}&name=a");
    let (_, answer) = world.upload(&owner, &query, "text/plain", "ours").await;
    let (stranger, viewer) = (world.owner(), world.member(owner.tenant, Role::Viewer));
    for path in [&answer["version"]["links"]["content"], &answer["document"]["links"]["self"]] {
        let path = path.as_str().unwrap();
        assert_eq!(world.get(&stranger, path).await.status(), 404);
        assert_eq!(world.get(&viewer, path).await.status(), 200);
        let anonymous = world.request(reqwest::Method::GET, path).send().await.unwrap();
        assert_eq!(anonymous.status(), 401);
    }
    let document = answer["document"]["id"].as_str().unwrap();
    for (path, status) in [
        (format!("/v1/documents/{document}/versions/2/content"), 404),
        (format!("/v1/documents/{document}/versions/-1/content"), 400),
        (format!("/v1/documents/{document}/versions/99999999999/content"), 400),
        ("/v1/documents/doc_1".to_owned(), 400),
        ("/v1/documents/..%2F..%2Fetc%2Fpasswd/versions/1/content".to_owned(), 400),
    ] {
        assert_eq!(world.get(&owner, &path).await.status(), status, "{path}");
    }
    world.close().await;
}
