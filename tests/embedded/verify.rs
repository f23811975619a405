//! `studio verify` names what was done to an installation.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sea_orm_migration::sea_orm::ConnectionTrait;
use studio_kernel::Timestamp;
use studio_stores::keyring::{DirectoryKeyStore, KeyName, KeyStore, Material};

use crate::support::{Installation, Shape, World, cut_off, number, store, verify};

/// An installation with something of everything, in which no server runs, and a backup of it.
async fn worked_with() -> (Installation, tempfile::TempDir) {
    let installation = World::at_rest().await;
    let shelf = tempfile::tempdir().unwrap();
    installation.run(&["backup", shelf.path().join("backup").to_str().unwrap()]);
    (installation, shelf)
}

/// The position before the first event of a type.
async fn before_first(installation: &Installation, log: &str, event_type: &str) -> i64 {
    let database = store(installation, log).await;
    let sql = format!("SELECT MIN(position) - 1 FROM events WHERE type = '{event_type}'");
    let position = number(&database, &sql).await;
    database.close().await.unwrap();
    position
}

#[tokio::test]
async fn a_log_that_was_cut_off_is_found_by_who_has_seen_more() {
    let (installation, shelf) = worked_with().await;
    let backup = shelf.path().join("backup");
    let against = ["--against", backup.to_str().unwrap()];
    let (whole, said) = verify(&installation, &against);
    assert!(whole, "{said}");
    assert_eq!(said.lines().filter(|line| line.contains(" events, ")).count(), 5, "{said}");
    let held = format!("{}: every log was held against it", backup.display());
    assert!(
        said.contains(&held) && !verify(&installation, &[]).1.contains("held against"),
        "{said}"
    );

    // What a consumer in another store has taken in.
    let copy = installation.copy();
    let position = before_first(&copy, "evidence", "evidence.check_results.recorded").await;
    let database = store(&copy, "evidence").await;
    cut_off(&database, position).await;
    database.close().await.unwrap();
    let (whole, said) = verify(&copy, &[]);
    assert!(!whole, "{said}");
    let line = said.lines().find(|line| line.starts_with("evidence: BROKEN")).unwrap();
    let ends = format!("the log ends at position {position} and was longer");
    let consumer = "the consumer \"controls.process_manager\" in the store of controls has seen";
    assert!(line.contains(&ends) && line.contains(consumer), "{line}");
    assert!(said.contains("the log of evidence was changed or cut"), "{said}");
    assert_eq!(said.matches("BROKEN").count(), 1, "{said}");

    // An older copy of one store beside the others, whose own read models are of its age.
    let copy = installation.copy();
    let database = store(&copy, "controls").await;
    let head = number(&database, "SELECT position FROM log_head").await;
    cut_off(&database, head - 1).await;
    let sql = format!(
        "UPDATE checkpoints SET position = {head} WHERE projection = 'projects' AND generation > 0"
    );
    database.writer().execute_unprepared(&sql).await.unwrap();
    database.close().await.unwrap();
    let (whole, said) = verify(&copy, &["--no-blobs"]);
    let own = format!("its own read model \"projects\" has seen position {head}");
    assert!(!whole && said.contains(&own), "{said}");

    // Nobody reads this log: a backup is all that knows of its end.
    let copy = installation.copy();
    let database = store(&copy, "identity").await;
    let head = number(&database, "SELECT position FROM log_head").await;
    cut_off(&database, head - 1).await;
    database.close().await.unwrap();
    assert!(verify(&copy, &[]).0);
    let (whole, said) = verify(&copy, &against);
    assert!(!whole, "{said}");
    let line = said.lines().find(|line| line.starts_with("identity: BROKEN")).unwrap();
    let archive = format!("the archive {}", backup.display());
    let seen = format!("has seen position {head}");
    assert!(line.contains(&archive) && line.contains(&seen), "{line}");

    // Of another installation, a backup says nothing.
    let other = Installation::of(Shape::Embedded);
    other.set_up().await.0.stop();
    let refused = other.refused(&["verify", against[0], against[1]], &[]);
    assert!(refused.contains("of another installation"), "{refused}");
}

/// The files of the blobs of a subgraph.
fn blobs(installation: &Installation, subgraph: &str) -> Vec<PathBuf> {
    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(installation.path().join("blobs").join(subgraph)).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("org_") {
            files(&path, &mut found);
        }
    }
    found
}

#[tokio::test]
async fn blobs_that_are_missing_or_changed_are_named() {
    let (installation, _shelf) = worked_with().await;
    let (whole, said) = verify(&installation, &[]);
    assert!(whole && said.contains("evidence: 1 blobs as recorded, "), "{said}");
    assert!(said.contains("documents: 1 blobs as recorded, "), "{said}");

    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let shorten = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    };
    type Damage<'a> = (&'a dyn Fn(&Path), &'a str);
    let damages: [Damage<'_>; 3] = [
        (&|path| flip(path), "is damaged ("),
        (&|path| shorten(path), "is damaged ("),
        (&|path| fs::remove_file(path).unwrap(), "is missing"),
    ];
    for (damage, words) in damages {
        for (subgraph, what) in [
            ("evidence", "version 1 of evidence evd_"),
            ("documents", "version 1 of document doc_"),
        ] {
            let copy = installation.copy();
            let files = blobs(&copy, subgraph);
            assert_eq!(files.len(), 1, "{files:?}");
            damage(&files[0]);
            let (whole, said) = verify(&copy, &[]);
            assert!(!whole, "{said}");
            let name = files[0].file_name().unwrap().to_str().unwrap();
            let line = said.lines().find(|line| line.contains("BLOB")).unwrap();
            assert!(line.starts_with(&format!("{subgraph}: BLOB {name} of org_")), "{line}");
            assert!(line.contains(words) && line.contains(what), "{line}");
            assert!(said.contains("1 blobs are missing or changed"), "{said}");
            assert!(!said.contains("BROKEN"), "{said}");

            let (whole, said) = verify(&copy, &["--no-blobs"]);
            assert!(whole && said.contains("blobs: not looked at (--no-blobs)"), "{said}");
        }
    }
}

#[tokio::test]
async fn what_was_erased_is_counted_and_nothing_is_made() {
    let (installation, _shelf) = worked_with().await;
    let folder = installation.path().join("keyring/keys");
    let keys = DirectoryKeyStore::open(&folder).unwrap();
    let names = keys.names().await.unwrap();
    let tenants = names.into_iter().filter(|name| matches!(name, KeyName::Tenant(_)));
    let tenants: Vec<KeyName> = tenants.collect();
    assert_eq!(tenants.len(), 1);
    let mut record = keys.get(&tenants[0]).await.unwrap().unwrap();

    // A keyring that lacks the key is a fault, and gets no other key in its place.
    let file = folder.join(format!("{}.json", tenants[0]));
    let kept = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let (whole, said) = verify(&installation, &[]);
    assert!(!whole && said.contains("the keyring holds no key of its organization"), "{said}");
    assert!(!file.exists());
    fs::write(&file, kept).unwrap();

    record.material = Material::Destroyed { at: Timestamp::from_micros(1) };
    keys.replace(record).await.unwrap();
    let (whole, said) = verify(&installation, &[]);
    assert!(whole, "{said}");
    for subgraph in ["evidence", "documents"] {
        let line = format!("{subgraph}: 0 blobs as recorded, 0 bytes; 1 erased; 0 wrong");
        assert!(said.contains(&line), "{said}");
    }
}
