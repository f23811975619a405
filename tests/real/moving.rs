//! An installation moves from its data folder to servers and back, by `studio export` and `import`:
//! what arrives is what left, whatever it was kept in.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    services::variable,
    support::{Installation, MASTER_KEY, Shape, World, downloads_between},
};

fn manifest(archive: &Path) -> Value {
    serde_json::from_slice(&fs::read(archive.join("manifest.json")).unwrap()).unwrap()
}

/// The master key does not travel: the same one is put into a data folder as its own.
fn put_master(installation: &Installation) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = installation.path().join("keyring");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("master.key");
    fs::write(&file, MASTER_KEY).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Where the server keeps what is not on servers.
fn folder(installation: &Installation, shape: Shape) -> PathBuf {
    match shape {
        Shape::Embedded => installation.path().to_owned(),
        Shape::OneProcess | Shape::Cluster => installation.path().join("serve"),
    }
}

/// Runs `studio` on the server's own folder; a failure fails the test.
fn run(installation: &Installation, shape: Shape, arguments: &[&str]) -> String {
    let mut command = installation.command(arguments);
    let output = command.env("STUDIO_DATA_DIR", folder(installation, shape)).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "studio {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn an_installation_moves_to_servers_and_back() {
    if variable("STUDIO_TEST_POSTGRES").is_none() {
        return;
    }
    let shelf = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { shelf.path().join(name) };
    let first = Installation::of(Shape::Embedded);
    put_master(&first);
    let (server, client) = first.set_up().await;
    let world = World::make(&first, &client).await;
    let seen = world.seen(&client).await;
    server.stop();
    first.run(&["export", path("left").to_str().unwrap()]);
    let mut left = manifest(&path("left"));

    for (name, shape) in [("there", Shape::OneProcess), ("back", Shape::Embedded)] {
        let last = if name == "there" { path("left") } else { path("there") };
        let target = Installation::of(shape);
        if shape == Shape::Embedded {
            put_master(&target);
        }
        run(&target, shape, &["import", last.to_str().unwrap()]);
        let verified = run(&target, shape, &["verify"]);
        let logs = verified.lines().filter(|line| line.contains(" events, "));
        assert_eq!(logs.count(), 5, "{verified}");
        // Before it is started, it is what was exported, to the last byte of every log.
        let arrived = path(&format!("{name}-arrived"));
        run(&target, shape, &["export", arrived.to_str().unwrap()]);
        assert_eq!(manifest(&arrived)["logs"], left["logs"], "{name}");
        assert_eq!(manifest(&arrived)["blobs"], left["blobs"], "{name}");

        let server = target.start();
        let client = server.client().await;
        assert_eq!(world.seen(&client).await, seen, "{name}");
        assert!(!world.ingest(&client).await, "the same scan changes nothing");
        assert_eq!(world.seen(&client).await, seen, "{name}");
        server.stop();
        run(&target, shape, &["verify"]);
        run(&target, shape, &["export", path(name).to_str().unwrap()]);
        let after = manifest(&path(name));
        // Signing in is recorded, and the document was read; nothing else has happened.
        let evidence = |manifest: &Value| {
            let logs = manifest["logs"].as_array().unwrap();
            logs.iter().find(|log| log["source"] == "evidence").cloned()
        };
        assert_eq!(evidence(&left), evidence(&after), "consumers go on where they were");
        assert!(downloads_between(&last, &path(name), "documents") > 0);
        assert_eq!(downloads_between(&last, &path(name), "ai"), 0);
        left = after;
        // What is not empty takes nothing more.
        let there = folder(&target, shape);
        let settings = [("STUDIO_DATA_DIR", there.to_str().unwrap())];
        let refused = target.refused(&["import", last.to_str().unwrap()], &settings);
        assert!(refused.contains("not empty"), "{refused}");
    }
}
