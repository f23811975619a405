//! `studio verify` changes nothing, and what it cannot look at keeps it from nothing else.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sea_orm_migration::sea_orm::ConnectionTrait;
use serde_json::Value;

use crate::support::{Installation, World, store, verify, verify_status};

/// Every file and folder below, with what it holds. SQLite's index of a write-ahead log, which it makes
/// anew whenever it is missing, is there by name alone.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
            found.insert(path, None);
        } else {
            let index = path.to_string_lossy().ends_with("-shm");
            let holds = (!index).then(|| fs::read(&path).unwrap());
            found.insert(path, holds);
        }
    }
    found
}

/// Fails and names what differs.
fn assert_same(before: &BTreeMap<PathBuf, Option<Vec<u8>>>, folder: &Path) {
    let after = contents(folder);
    let names = |of: &BTreeMap<PathBuf, Option<Vec<u8>>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(before), names(&after));
    for (path, holds) in before {
        assert!(after[path] == *holds, "{} was changed", path.display());
    }
}

/// The one blob of a subgraph.
fn blob(installation: &Installation, subgraph: &str) -> PathBuf {
    let root = installation.path().join("blobs").join(subgraph);
    let files = contents(&root);
    let found = files
        .iter()
        .find(|(path, holds)| holds.is_some() && path.to_string_lossy().contains("/org_"));
    found.unwrap().0.clone()
}

/// The file of the organization's key.
fn tenant_key(installation: &Installation) -> PathBuf {
    let files = contents(&installation.path().join("keyring/keys"));
    let is_tenant =
        |path: &&PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("tenant.");
    files.keys().find(is_tenant).unwrap().clone()
}

#[tokio::test]
async fn a_folder_is_as_it_was() {
    let installation = World::at_rest().await;
    let before = contents(installation.path());
    let (whole, said) = verify(&installation, &[]);
    assert!(whole, "{said}");
    assert_same(&before, installation.path());

    // Beside a server that works, and after it was killed, with a write-ahead log left behind.
    let server = installation.start();
    let client = server.client().await;
    crate::support::create_project(&client, "One more").await;
    let (whole, said) = verify(&installation, &[]);
    assert!(whole, "{said}");
    server.kill();
    let before = contents(installation.path());
    let left = installation.path().join("controls.db-wal");
    assert!(before[&left].as_ref().is_some_and(|holds| !holds.is_empty()));
    let (whole, said) = verify(&installation, &[]);
    assert!(whole, "{said}");
    assert_same(&before, installation.path());
    installation.start().stop();
    assert!(verify(&installation, &[]).0);
}

#[tokio::test]
async fn without_a_keyring_nothing_is_verified_and_none_is_made() {
    let installation = World::at_rest().await;
    let damages: [(&str, &str); 3] = [
        ("keyring", "there are no keys in "),
        ("keyring/master.key", "there is no master key in "),
        ("keyring/keys/signing.checkpoints.json", "holds no key signing.checkpoints"),
    ];
    for (missing, words) in damages {
        let copy = installation.copy();
        let path = copy.path().join(missing);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
        let before = contents(copy.path());
        let (status, said) = verify_status(&copy, &[]);
        assert_eq!(status, Some(3), "{said}");
        assert!(said.contains("error: nothing was verified: ") && said.contains(words), "{said}");
        assert!(said.contains("bring the keyring back") && !said.contains("BROKEN"), "{said}");
        assert_same(&before, copy.path());
    }
}

#[tokio::test]
async fn what_cannot_be_looked_at_keeps_nothing_else_from_being_looked_at() {
    let installation = World::at_rest().await;

    // A key that was changed is a fault of the blobs that it sealed.
    let copy = installation.copy();
    let file = tenant_key(&copy);
    let mut record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    record["material"]["wrapped"] = "AAAA".into();
    fs::write(&file, serde_json::to_vec(&record).unwrap()).unwrap();
    let (status, said) = verify_status(&copy, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert_eq!(said.matches(" does not unseal (").count(), 2, "{said}");
    assert!(said.contains("2 blobs are missing or changed"), "{said}");

    // Of one that another master key wraps, the same.
    let copy = installation.copy();
    let file = tenant_key(&copy);
    let mut record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    record["material"]["master"] = "0123456789abcdef".into();
    fs::write(&file, serde_json::to_vec(&record).unwrap()).unwrap();
    let (status, said) = verify_status(&copy, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("2 blobs are missing or changed"), "{said}");

    // Of a file that does not read, nothing is known.
    let copy = installation.copy();
    let file = blob(&copy, "evidence");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let (status, said) = verify_status(&copy, &[]);
    assert_eq!(status, Some(3), "{said}");
    let line = said.lines().find(|line| line.contains("BLOB")).unwrap();
    assert!(line.contains("could not be checked ("), "{line}");
    assert!(said.contains("documents: 1 blobs as recorded, "), "{said}");
    let told = "nothing was found wrong, but 1 blobs of evidence could not be checked";
    assert!(said.contains(told) && !said.contains("backup"), "{said}");

    // A row that does not read is a broken link, and its blob is unknown.
    let copy = installation.copy();
    let database = store(&copy, "evidence").await;
    let of_blob = "(SELECT MIN(position) FROM events WHERE type = 'evidence.version.added')";
    for sql in [
        "DROP TRIGGER events_refuse_update".to_owned(),
        format!("UPDATE events SET tenant = 'org_1' WHERE position = {of_blob}"),
    ] {
        database.writer().execute_unprepared(&sql).await.unwrap();
    }
    database.close().await.unwrap();
    let (status, said) = verify_status(&copy, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("evidence: BROKEN"), "{said}");
    assert!(said.contains("evidence: which blob an event names is unknown: "), "{said}");
    assert!(said.contains("documents: 1 blobs as recorded, "), "{said}");
    assert!(said.contains("the log of evidence was changed or cut, and 1 blobs"), "{said}");
}

#[tokio::test]
async fn a_fault_of_the_database_is_no_broken_link() {
    let installation = World::at_rest().await;
    let shelf = tempfile::tempdir().unwrap();
    let kept = shelf.path().join("kept");
    let kept = kept.to_str().unwrap();
    installation.run(&["backup", kept]);
    for (sql, what) in [
        ("ALTER TABLE snapshots RENAME TO elsewhere", "the snapshots of evidence could"),
        (
            "ALTER TABLE checkpoints RENAME TO elsewhere",
            "what the store of evidence has seen could",
        ),
        ("ALTER TABLE log_checkpoints RENAME TO elsewhere", "the log of evidence could"),
    ] {
        let copy = installation.copy();
        let database = store(&copy, "evidence").await;
        database.writer().execute_unprepared(sql).await.unwrap();
        database.close().await.unwrap();
        let (status, said) = verify_status(&copy, &["--against", kept]);
        assert_eq!(status, Some(3), "{said}");
        assert!(said.contains(what), "{said}");
        // The log itself was read in all cases but one.
        let held = if what.contains("the log of") { "log but evidence" } else { "log" };
        let held = format!("{kept}: every {held} was held against it");
        assert!(said.contains(&held), "{said}");
        assert!(!said.contains("BROKEN") && !said.contains("backup"), "{said}");
        for other in ["identity", "controls", "documents", "ai"] {
            assert!(said.lines().any(|line| {
                line.starts_with(&format!("{other}: ")) && line.contains(" events, ")
            }));
        }
        assert!(said.contains("evidence: 1 blobs as recorded, "), "{said}");
    }
    // What somebody took from the log is one.
    let copy = installation.copy();
    let database = store(&copy, "evidence").await;
    database.writer().execute_unprepared("DELETE FROM log_head").await.unwrap();
    database.close().await.unwrap();
    let (status, said) = verify_status(&copy, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("evidence: BROKEN") && said.contains("no readable head"), "{said}");
    assert!(said.contains("evidence: 1 blobs as recorded, "), "{said}");
}
