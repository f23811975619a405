//! `studio export`, `import`, `backup` and `restore`, by the binary, on embedded stores: what arrives
//! is what left; a copy that is taken at any moment opens and goes on; erased people stay erased;
//! what is damaged, forged or not whole is refused before anything is written.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use studio_sdk::Client;

use crate::support::{Installation, PASSWORD, PERSON, World, downloads_between, mutate, query};

/// A folder for archives.
struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn manifest(archive: &Path) -> Value {
    serde_json::from_slice(&fs::read(archive.join("manifest.json")).unwrap()).unwrap()
}

fn log<'a>(manifest: &'a Value, name: &str) -> &'a Value {
    let logs = manifest["logs"].as_array().unwrap();
    logs.iter().find(|log| log["source"] == name).unwrap()
}

/// What the operator copies apart from the backups.
fn copy_keyring(from: &Installation, to: &Installation) {
    let keys = to.path().join("keyring").join("keys");
    fs::create_dir_all(&keys).unwrap();
    let master = "keyring/master.key";
    fs::copy(from.path().join(master), to.path().join(master)).unwrap();
    for entry in fs::read_dir(from.path().join("keyring").join("keys")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), keys.join(entry.file_name())).unwrap();
    }
}

fn copy_master(from: &Installation, to: &Installation) {
    let master = "keyring/master.key";
    fs::create_dir_all(to.path().join("keyring")).unwrap();
    fs::copy(from.path().join(master), to.path().join(master)).unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Whether nothing was written there that was not there before.
fn is_untouched(installation: &Installation) -> bool {
    let names = fs::read_dir(installation.path()).unwrap();
    names.map(|entry| entry.unwrap().file_name()).all(|name| name == "keyring")
}

#[tokio::test]
async fn an_installation_moves_and_is_the_same() {
    let (source, shelf) = (Installation::empty(), Shelf::new());
    let (server, client) = source.set_up().await;
    let world = World::make(&source, &client).await;
    let seen = world.seen(&client).await;
    // Nothing may be written after the cut.
    let refused = source.refused(&["export", text(&shelf.path("early"))], &[]);
    assert!(refused.contains("another studio process"), "{refused}");
    server.stop();
    let first = shelf.path("first");
    let said = source.run(&["export", text(&first)]);
    assert!(said.contains("STUDIO_MASTER_KEY"), "{said}");
    let left = manifest(&first);
    assert_eq!(left["kind"], "export");
    assert!(left["blobs"]["count"].as_u64().unwrap() >= 2, "a scan and a document");
    assert!(first.join("keyring/signing.checkpoints.json").is_file());
    assert!(!first.join("keyring/master.key").exists());
    // A name that is taken is refused, and the archive stays as it is.
    assert!(source.refused(&["export", text(&first)], &[]).contains("exists already"));

    let target = Installation::empty();
    let refused = target.refused(&["import", text(&first)], &[]);
    assert!(refused.contains("there is no master key"), "{refused}");
    let other_key = "c3R1ZGlvLXRlc3RzLW1hc3Rlci1rZXktMzItYnl0ZXM=";
    let refused = target.refused(&["import", text(&first)], &[("STUDIO_MASTER_KEY", other_key)]);
    assert!(refused.contains("another master key"), "{refused}");
    assert!(is_untouched(&target));
    copy_master(&source, &target);
    let said = target.run(&["import", text(&first)]);
    assert!(said.contains("Imported"), "{said}");
    target.run(&["verify"]);

    // Before it is started, it is what was exported, to the last byte of every log.
    let second = shelf.path("second");
    target.run(&["export", text(&second)]);
    assert_eq!(manifest(&second)["logs"], left["logs"]);
    assert_eq!(manifest(&second)["blobs"], left["blobs"]);

    let server = target.start();
    let client = server.client().await;
    assert_eq!(world.seen(&client).await, seen);
    assert!(!world.ingest(&client).await, "the same scan changes nothing");
    assert_eq!(world.seen(&client).await, seen);
    server.stop();
    target.run(&["verify"]);
    let third = shelf.path("third");
    target.run(&["export", text(&third)]);
    assert_eq!(
        log(&manifest(&third), "evidence"),
        log(&left, "evidence"),
        "consumers go on where they were"
    );
    // The document was read, which is noted.
    assert!(downloads_between(&first, &third, "documents") > 0);
    assert_eq!(downloads_between(&first, &third, "ai"), 0, "and nothing is done twice");

    // What is not empty takes nothing more.
    let refused = target.refused(&["import", text(&first)], &[]);
    assert!(refused.contains("is not empty"), "{refused}");
    let refused = target.refused(&["restore", text(&first)], &[]);
    assert!(refused.contains("use studio import"), "{refused}");
    assert_eq!(manifest(&first), left);
}

#[tokio::test]
async fn a_backup_at_any_moment_of_an_ingest_opens_and_goes_on() {
    let (source, shelf) = (Installation::empty(), Shelf::new());
    let (server, client) = source.set_up().await;
    let world = World::prepare(&source, &client).await;
    let ingest = async {
        world.begin_ingest(&client).await;
        world.ingest(&client).await;
    };
    // Copies are taken for as long as it lasts, and once after.
    let mut taken: Vec<PathBuf> = Vec::new();
    let mut ingest = std::pin::pin!(ingest);
    loop {
        let archive = shelf.path(&format!("backup-{}", taken.len()));
        let mut copying = source.spawn(&["backup", text(&archive)]);
        let copied = tokio::task::spawn_blocking(move || copying.wait().unwrap());
        let (ended, status) = tokio::select! {
            () = &mut ingest => (true, None),
            status = copied => (false, Some(status.unwrap())),
        };
        if let Some(status) = status {
            assert!(status.success());
            taken.push(archive);
        }
        if ended {
            break;
        }
    }
    let last = shelf.path("last");
    let said = source.run(&["backup", text(&last)]);
    assert!(said.contains("The keyring is not in it"), "{said}");
    assert!(!last.join("keyring").exists());
    taken.push(last);
    let expected = without_ids(world.seen(&client).await);
    server.stop();
    println!("{} backups while it ran", taken.len() - 1);

    // The first, the last, and one in the middle.
    for archive in [&taken[0], &taken[taken.len() / 2], &taken[taken.len() - 1]] {
        let copy = Installation::empty();
        let refused = copy.refused(&["restore", text(archive)], &[]);
        assert!(refused.contains("there is no keyring"), "{refused}");
        fs::remove_dir_all(copy.path().join("keyring")).ok();
        copy_keyring(&source, &copy);
        copy.run(&["restore", text(archive)]);
        copy.run(&["verify"]);
        let server = copy.start();
        let client = server.client().await;
        world.ingest(&client).await;
        assert_eq!(without_ids(world.seen(&client).await), expected, "{}", archive.display());
        server.stop();
        copy.run(&["verify"]);
    }
}

/// What a second run makes anew has other ids and the same contents.
fn without_ids(mut seen: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("id");
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => {
                items.iter_mut().for_each(strip);
                items.sort_by_key(ToString::to_string);
            }
            _ => {}
        }
    }
    strip(&mut seen);
    seen
}

#[tokio::test]
async fn a_restore_brings_no_erased_person_back() {
    let (source, shelf) = (Installation::empty(), Shelf::new());
    let (server, client) = source.set_up().await;
    let world = World::prepare(&source, &client).await;
    let before = shelf.path("before");
    source.run(&["backup", text(&before)]);
    let other = Client::new(&server.url).unwrap();
    other.log_in(PERSON, PASSWORD).await.unwrap();
    mutate(
        &client,
        "mutation($input: EraseUserInput!) { eraseUser(input: $input) { user { id name } userErrors { code message path } } }",
        json!({ "userId": world.person }),
    )
    .await;
    server.stop();

    let copy = Installation::empty();
    copy_keyring(&source, &copy);
    copy.run(&["restore", text(&before)]);
    let server = copy.start();
    let client = server.client().await;
    let data =
        query(&client, "{ users(first: 10) { nodes { id name email } } me { name } }", json!({}));
    let data = data.await;
    assert_eq!(data["me"]["name"], "Ada Lovelace", "those who are still there are");
    for user in data["users"]["nodes"].as_array().unwrap() {
        if user["id"] == world.person.as_str() {
            assert_eq!((&user["name"], &user["email"]), (&Value::Null, &Value::Null));
        }
    }
    let gone = Client::new(&server.url).unwrap();
    assert!(gone.log_in(PERSON, PASSWORD).await.is_err(), "nobody signs in as an erased person");
    server.stop();
    copy.run(&["verify"]);
}

#[tokio::test]
async fn a_damaged_archive_is_refused_and_nothing_is_written() {
    let (source, shelf) = (Installation::empty(), Shelf::new());
    let (server, client) = source.set_up().await;
    World::prepare(&source, &client).await;
    server.stop();
    let whole = shelf.path("whole");
    source.run(&["export", text(&whole)]);
    let files = files(&whole);
    assert!(files.len() > 12, "{files:?}");

    let mut dice = Dice(0xA2C4);
    for case in 0..40 {
        let damaged = shelf.path("damaged");
        copy_folder(&whole, &damaged);
        // Every file comes first, and then some more often than others.
        let file = files[if case < files.len() { case } else { dice.below(files.len()) }].clone();
        let path = damaged.join(&file);
        let mut bytes = fs::read(&path).unwrap();
        let at = dice.below(bytes.len());
        let what = match dice.below(5) {
            0 => {
                fs::remove_file(&path).unwrap();
                "removed"
            }
            1 => {
                fs::write(&path, &bytes[..at]).unwrap();
                "cut off"
            }
            2 => {
                bytes.extend_from_slice(b"\n");
                fs::write(&path, &bytes).unwrap();
                "longer"
            }
            3 => {
                fs::remove_file(&path).unwrap();
                std::os::unix::fs::symlink(whole.join(&file), &path).unwrap();
                "a link"
            }
            _ => {
                bytes[at] ^= 1 << dice.below(8);
                fs::write(&path, &bytes).unwrap();
                "changed"
            }
        };
        let target = Installation::empty();
        copy_master(&source, &target);
        // The spelling of the signature is the one thing that may differ and mean the same.
        let spelling = file == Path::new("manifest.sig") && ["longer", "changed"].contains(&what);
        if spelling && target.spawn(&["import", text(&damaged)]).wait().unwrap().success() {
            target.run(&["verify"]);
        } else {
            let target = Installation::empty();
            copy_master(&source, &target);
            let said = target.refused(&["import", text(&damaged)], &[]);
            println!("{} {what} at {at}: {}", file.display(), said.trim());
            assert!(is_untouched(&target), "{} {what}: {said}", file.display());
        }
        fs::remove_dir_all(&damaged).unwrap();
    }

    // One that was not written to its end, and one that somebody else made.
    let half = shelf.path("half");
    copy_folder(&whole, &half);
    fs::remove_file(half.join("manifest.json")).unwrap();
    let target = Installation::empty();
    copy_master(&source, &target);
    let said = target.refused(&["import", text(&half)], &[]);
    assert!(said.contains("not written to its end"), "{said}");
    let forged = shelf.path("forged");
    copy_folder(&whole, &forged);
    let text_of = fs::read_to_string(forged.join("manifest.json")).unwrap();
    fs::write(forged.join("manifest.json"), text_of.replace("\"export\"", "\"backup\"")).unwrap();
    copy_keyring(&source, &target);
    let said = target.refused(&["restore", text(&forged)], &[]);
    assert!(said.contains("not signed by the keyring"), "{said}");
    assert!(is_untouched(&target));
}

#[tokio::test]
async fn an_import_that_was_killed_is_run_again() {
    let (source, shelf) = (Installation::empty(), Shelf::new());
    let (server, client) = source.set_up().await;
    World::make(&source, &client).await;
    server.stop();
    let archive = shelf.path("archive");
    source.run(&["export", text(&archive)]);
    let undisturbed = Installation::empty();
    copy_master(&source, &undisturbed);
    let began = tokio::time::Instant::now();
    undisturbed.run(&["import", text(&archive)]);
    // How long it takes here decides only where the kills fall.
    let length = began.elapsed();

    let mut half = 0;
    for part in 1..8 {
        let target = Installation::empty();
        copy_master(&source, &target);
        let mut importing = target.spawn(&["import", text(&archive)]);
        tokio::time::sleep(length.mul_f64(f64::from(part) / 8.0)).await;
        importing.kill().unwrap();
        let whole = importing.wait().unwrap().success();
        // Cut off before it wrote anything, or after it had written everything, it is no matter.
        let state = target.attempt(&["export", text(&shelf.path(&format!("state-{part}")))]);
        let state_path = shelf.path(&format!("state-{part}"));
        if state.is_ok() && manifest(&state_path)["logs"] != manifest(&archive)["logs"] {
            assert!(!whole);
            target.run(&["import", text(&archive)]);
        }
        if let Err(said) = state {
            assert!(!whole, "{said}");
            if said.contains("half filled") {
                half += 1;
                let said = target.refused(&["serve", "--listen", "127.0.0.1:0"], &[]);
                assert!(said.contains("half filled"), "{said}");
            }
            target.run(&["import", text(&archive)]);
        }
        target.run(&["verify"]);
        let again = shelf.path(&format!("again-{part}"));
        target.run(&["export", text(&again)]);
        assert_eq!(manifest(&again)["logs"], manifest(&archive)["logs"]);
    }
    println!("{half} of 7 kills left it half filled");
    assert!(length > Duration::ZERO);
}

/// Every file of an archive, without its folder.
fn files(archive: &Path) -> Vec<PathBuf> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(archive, archive, &mut found);
    found.sort();
    found
}

/// SplitMix64: the same damage in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}
