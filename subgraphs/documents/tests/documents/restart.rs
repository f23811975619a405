//! What is left after a stop or a kill.

use std::sync::Arc;

use studio_kernel::{ManualClock, Timestamp};

use crate::support::World;

#[tokio::test]
async fn everything_is_there_again() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let query = format!("project={project}&name=a.txt");
    let (_, answer) = world.upload(&owner, &query, "text/plain", "kept").await;
    let path = answer["version"]["links"]["content"].as_str().unwrap();
    world.close().await;

    let world = World::open(root.path()).await;
    assert_eq!(world.get(&owner, path).await.text().await.unwrap(), "kept");
    let rebuilt = world.store.rebuild("documents").await;
    assert!(rebuilt.is_ok(), "{rebuilt:?}");
    assert_eq!(world.get(&owner, path).await.text().await.unwrap(), "kept");
    world.close().await;
}

/// A kill after the bytes were kept and before the version was recorded.
#[tokio::test]
async fn bytes_without_a_version_are_swept() {
    let root = tempfile::tempdir().unwrap();
    let start = Timestamp::from_micros(1_800_000_000_000_000);
    let clock: Arc<ManualClock> = ManualClock::at(start);
    let world = World::open_at(root.path(), clock.clone()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let query = format!("project={project}&name=a.txt");
    let (_, answer) = world.upload(&owner, &query, "text/plain", "named").await;
    let mut spool = world.blobs.spool(100).await.unwrap();
    spool.write(b"unnamed").await.unwrap();
    let orphan = spool.finish().await.unwrap();
    let name = orphan.content_hash();
    world.blobs.put(owner.tenant, name, orphan).await.unwrap();
    world.close().await;

    // Young bytes may belong to an upload under way in another process.
    clock.set(start.plus_seconds(3_599));
    let world = World::open_at(root.path(), clock.clone()).await;
    assert!(world.blobs.exists(owner.tenant, name).await.unwrap());
    world.close().await;

    clock.set(start.plus_seconds(3_601));
    let world = World::open_at(root.path(), clock.clone()).await;
    while world.blobs.exists(owner.tenant, name).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let path = answer["version"]["links"]["content"].as_str().unwrap();
    assert_eq!(world.get(&owner, path).await.text().await.unwrap(), "named");
    world.close().await;
}
