//! The index on disk: restarts, deletion, damage, another log.

use std::{path::Path, sync::Arc};

use studio_kernel::Actor;

use crate::support::World;

async fn filled(root: &Path) -> (World, Actor) {
    let world = World::open(root).await;
    let owner = world.owner();
    let first = world.add(owner.tenant, "a", "Alpha keys.").await;
    world.version(owner.tenant, first.document, 2, None, "a", Some("Beta keys.")).await;
    world.add(owner.tenant, "b", "Gamma keys.").await;
    assert_eq!(world.passages(&owner, "keys").await.len(), 2);
    (world, owner)
}

async fn assert_same(world: &World, owner: &Actor) {
    let mut found = world.passages(owner, "keys").await;
    found.sort();
    assert_eq!(found, ["Beta keys.", "Gamma keys."]);
}

#[tokio::test]
async fn a_deleted_or_damaged_index_is_built_again() {
    let root = tempfile::tempdir().unwrap();
    let (world, owner) = filled(root.path()).await;
    let library = world.library.clone();
    world.close().await;
    let directory = root.path().join("ai-index");
    assert!(directory.join("meta.json").exists());

    let world = World::open_with(root.path(), library.clone(), 2).await;
    assert_same(&world, &owner).await;
    world.close().await;

    std::fs::remove_dir_all(&directory).unwrap();
    let world = World::open_with(root.path(), library.clone(), 3).await;
    assert_same(&world, &owner).await;
    world.close().await;

    std::fs::write(directory.join("meta.json"), "{ broken").unwrap();
    let world = World::open_with(root.path(), library.clone(), 4).await;
    assert_same(&world, &owner).await;
    world.close().await;

    for entry in std::fs::read_dir(&directory).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|ending| ending == "idx" || ending == "term") {
            std::fs::write(file, "no index").unwrap();
        }
    }
    let world = World::open_with(root.path(), library, 5).await;
    assert_same(&world, &owner).await;
    world.close().await;
}

#[tokio::test]
async fn an_index_of_another_log_is_thrown_away() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (world, owner) = filled(one.path()).await;
    world.close().await;
    let other = World::open_with(two.path(), Arc::default(), 9).await;
    let stranger = other.owner();
    for _ in 0..4 {
        other.add(stranger.tenant, "x", "Delta keys.").await;
    }
    assert_eq!(other.passages(&stranger, "keys").await.len(), 4);
    let library = other.library.clone();
    other.close().await;

    std::fs::remove_dir_all(two.path().join("ai-index")).unwrap();
    std::fs::rename(one.path().join("ai-index"), two.path().join("ai-index")).unwrap();
    let other = World::open_with(two.path(), library, 10).await;
    assert_eq!(other.passages(&stranger, "keys").await.len(), 4);
    assert!(other.passages(&owner, "keys").await.is_empty());
    other.close().await;
}

#[tokio::test]
async fn a_document_that_cannot_be_read_now_is_read_later() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    world.library.close(true);
    world.add(owner.tenant, "a", "Late keys.").await;
    // Others are not held up for good, and a restart reads it.
    assert!(world.passages(&owner, "keys").await.is_empty());
    let library = world.library.clone();
    world.close().await;
    library.close(false);
    let world = World::open_with(root.path(), library, 2).await;
    while world.passages(&owner, "keys").await.is_empty() {
        tokio::task::yield_now().await;
    }
    world.close().await;
}
