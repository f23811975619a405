//! The port through which search reads text.

use studio_kernel::{Id, kind};

use crate::support::World;

#[tokio::test]
async fn text_is_read_checked_and_kept_within_the_organization() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    for (media_type, body, text) in [
        ("text/markdown", "# Keys\nrotate", Some("# Keys\nrotate")),
        ("text/html", "<p>Keys<script>x</script>", Some("Keys")),
        ("application/json", "{\"a\": 1}", Some("{\"a\": 1}")),
        ("text/plain", "\u{0}binary", None),
        ("application/pdf", "%PDF-1.7", None),
        ("image/png", "\u{89}PNG", None),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "PK", None),
    ] {
        let query = format!("project={project}&name=a");
        let (_, answer) = world.upload(&owner, &query, media_type, body).await;
        let version: Id<kind::DocumentVersion> =
            answer["version"]["id"].as_str().unwrap().parse().unwrap();
        let read = world.text.text(owner.tenant, version).await.unwrap();
        assert_eq!(read.as_deref(), text, "{media_type}");
        let stranger = world.text.text(world.env.id(), version).await.unwrap();
        assert_eq!(stranger, None, "{media_type}");
    }
    world.close().await;
}

#[tokio::test]
async fn bytes_that_changed_on_disk_are_no_text() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let query = format!("project={project}&name=a");
    let (_, answer) = world.upload(&owner, &query, "text/plain", "true").await;
    let hash = answer["version"]["sha256"].as_str().unwrap();
    let file = root.path().join(format!("blobs/{}/{}/{hash}", owner.tenant, &hash[..2]));
    std::fs::write(file, "fals").unwrap();
    let version = answer["version"]["id"].as_str().unwrap().parse().unwrap();
    assert!(world.text.text(owner.tenant, version).await.is_err());
    world.close().await;
}
