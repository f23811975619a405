//! `studio audit`: heads and proofs of a real installation, verified where nothing else is.

use std::{fs, path::Path, process::Command};

use sea_orm_migration::sea_orm::ConnectionTrait as _;

use crate::support::{Installation, World, cut_off, store, verify};

/// The key of an installation, as it prints it with the names of its logs.
fn keys(installation: &Installation) -> (String, String) {
    let printed = installation.run(&["audit", "key"]);
    (printed.lines().next().unwrap().to_owned(), printed)
}

/// What the auditor runs, in a folder with nothing but the files: the status, and what it says.
fn audited(folder: &Path, key: &str, files: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_studio"))
        .env_clear()
        .current_dir(folder)
        .args(["audit", "verify", "--key", key])
        .args(files)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code(), said)
}

/// The name of the one file that a command says it has written.
fn written(said: &str) -> String {
    let name = Path::new(said.trim()).file_name().unwrap();
    name.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_auditor_needs_the_files_and_the_key_alone() {
    let installation = World::at_rest().await;
    let shelf = tempfile::tempdir().unwrap();
    let out = ["--out", shelf.path().to_str().unwrap()];
    let run = |arguments: &[&str]| installation.run(&[&["audit"], arguments, &out].concat());
    let (key, keys) = keys(&installation);
    let key = key.as_str();
    assert_eq!(keys.lines().filter(|line| line.starts_with("studio/")).count(), 5, "{keys}");

    let heads = run(&["head"]);
    assert_eq!(heads.lines().filter(|line| line.ends_with(".head")).count(), 5, "{heads}");
    let size = |name: &str| -> u64 {
        let line = heads.lines().find(|line| line.contains(&format!("/{name}-"))).unwrap();
        line.rsplit_once('-').unwrap().1.strip_suffix(".head").unwrap().parse().unwrap()
    };
    let head = format!("evidence-{}.head", size("evidence"));
    let older = (size("evidence") / 2).to_string();
    let consistency = written(&run(&["consistency", "--log", "evidence", "--from", &older]));
    let inclusion = written(&run(&["inclusion", "--log", "evidence", "--position", "1"]));
    let event: serde_json::Value =
        serde_json::from_slice(&fs::read(shelf.path().join(&inclusion)).unwrap()).unwrap();
    let event: serde_json::Value =
        serde_json::from_str(event["event"]["canonical"].as_str().unwrap()).unwrap();
    let id = event["event_id"].as_str().unwrap();
    fs::remove_file(shelf.path().join(&inclusion)).unwrap();
    let by_id = ["inclusion", "--log", "evidence", "--event", id, "--size", &older];
    let of_older = written(&run(&by_id));

    let all = [head.as_str(), &consistency, &of_older];
    let (status, said) = audited(shelf.path(), key, &all);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains(&format!("the event {id} (")), "{said}");
    assert!(said.contains("nothing before was changed, removed or inserted"), "{said}");
    assert!(said.contains(&format!("/evidence had {older} events by ")), "{said}");
    // Without what connects them, it is said that nothing does.
    let (status, said) = audited(shelf.path(), key, &[&head, &of_older]);
    assert_eq!(status, Some(3), "{said}");
    let ask = format!("--log evidence --from {older} --to {}", size("evidence"));
    assert!(said.contains("NOT PROVEN") && said.contains(&ask), "{said}");
    // What is there is not written over.
    let again =
        installation.refused(&[&["audit", "head", "--log", "evidence"], &out[..]].concat(), &[]);
    assert!(again.contains("is there already"), "{again}");
    // `studio verify` holds the log against the heads.
    let (whole, said) = verify(&installation, &["--no-blobs"]);
    assert!(whole && said.contains(", 2 signed tree heads, "), "{said}");
}

#[tokio::test]
async fn what_is_not_right_ends_with_one_and_says_why() {
    let installation = World::at_rest().await;
    let shelf = tempfile::tempdir().unwrap();
    let out = ["--out", shelf.path().to_str().unwrap()];
    let run = |arguments: &[&str]| installation.run(&[&["audit"], arguments, &out].concat());
    let (key, _) = keys(&installation);
    let key = key.as_str();
    let head = written(&run(&["head", "--log", "controls"]));
    let inclusion = written(&run(&["inclusion", "--log", "controls", "--position", "2"]));
    let (status, said) = audited(shelf.path(), key, &[&head, &inclusion]);
    assert_eq!(status, Some(0), "{said}");

    let refused = |file: &str, why: &str| {
        let (status, said) = audited(shelf.path(), key, &[file, &head]);
        assert_eq!(status, Some(1), "{said}");
        let line = said.lines().find(|line| line.starts_with(&format!("{file}: WRONG"))).unwrap();
        assert!(line.contains(why), "{line}");
        assert!(said.contains("1 of 2 files"), "{said}");
    };
    let text = fs::read_to_string(shelf.path().join(&inclusion)).unwrap();
    let changed = |text: String| fs::write(shelf.path().join("changed"), text).unwrap();
    changed(text.replacen("\"position\": 2", "\"position\": 3", 1));
    refused("changed", "does not lead from the event to the root");
    changed(text.replacen("recorded_at", "recorded_as", 1));
    refused("changed", "they were changed");
    changed(text[..text.len() / 2].to_owned());
    refused("changed", "this is no proof");
    let text = fs::read_to_string(shelf.path().join(&head)).unwrap();
    changed(text.replacen("signed-at 2", "signed-at 1", 1));
    refused("changed", "the head was changed, or is forged");
    changed(text[..text.len() - 9].to_owned());
    refused("changed", "cut off");
    changed(String::new());
    refused("changed", "it has no signature");
    refused("nowhere", "cannot be read");
    let other = "00".repeat(32);
    let (status, said) = audited(shelf.path(), &other, &[&head]);
    assert!(status == Some(1) && said.contains("no signature of the key"), "{said}");
    let (status, said) = audited(shelf.path(), &key[2..], &[&head]);
    assert!(status == Some(1) && said.contains("64 hexadecimal digits"), "{said}");

    // A log that was cut off and has forgotten it: whoever kept the head knows.
    let database = store(&installation, "controls").await;
    cut_off(&database, 1).await;
    let refused =
        installation.refused(&[&["audit", "head", "--log", "controls"], &out[..]].concat(), &[]);
    assert!(refused.contains("no longer begins with"), "{refused}");
    for table in ["log_tree", "log_tree_heads"] {
        database.writer().execute_unprepared(&format!("DELETE FROM {table}")).await.unwrap();
    }
    database.close().await.unwrap();
    let second = written(&run(&["head", "--log", "controls"]));
    let (status, said) = audited(shelf.path(), key, &[&head, &second]);
    assert!(status == Some(3) && said.contains("NOT PROVEN"), "{said}");
    let gone = installation.refused(
        &[&["audit", "consistency", "--log", "controls", "--from", "2"], &out[..]].concat(),
        &[],
    );
    assert!(gone.contains("no tree of 2"), "{gone}");
}
