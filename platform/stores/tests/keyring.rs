//! The keyring on real files.

use std::{fs, path::Path, sync::Arc};

use studio_kernel::{Env, FixedEntropy, Id, ManualClock, TenantId, Timestamp, kind};
use studio_stores::keyring::{
    DirectoryKeyStore, KeyName, Keyring, KeyringError, LocalMaster, Sealed, verify_signature,
};

fn ids(env: &Env) -> (TenantId, Id<kind::User>) {
    (env.id(), env.id())
}

fn key_file(directory: &Path, name: &KeyName) -> std::path::PathBuf {
    directory.join("keys").join(format!("{name}.json"))
}

#[tokio::test]
async fn everything_opens_again_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    let (tenant, person) = ids(&env);
    let (sealed, envelope, signature, digest);
    {
        let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
        sealed = keyring.seal_person(tenant, person, b"Ada").await.unwrap();
        let key = keyring.tenant_key(tenant).await.unwrap();
        envelope = key.seal(b"blob 1", b"content").unwrap();
        signature = keyring.signing_key("tokens").await.unwrap().sign(b"message");
        digest = keyring.index_key("email").await.unwrap().digest(b"ada@example.org");
    }
    let stored = serde_json::to_string(&sealed).unwrap();
    assert!(!stored.contains("Ada"));
    let sealed: Sealed = serde_json::from_str(&stored).unwrap();
    let keyring = Keyring::embedded(directory.path(), env).await.unwrap();
    assert_eq!(&**keyring.open_person(tenant, &sealed).await.unwrap().unwrap(), b"Ada");
    let key = keyring.tenant_key(tenant).await.unwrap();
    assert_eq!(&**key.open(b"blob 1", &envelope).unwrap(), b"content");
    let signing = keyring.signing_key("tokens").await.unwrap();
    assert!(verify_signature(signing.public_key(), b"message", &signature));
    assert_eq!(keyring.index_key("email").await.unwrap().digest(b"ada@example.org"), digest);
    assert_ne!(keyring.index_key("phone").await.unwrap().digest(b"ada@example.org"), digest);
}

#[tokio::test]
async fn a_destroyed_key_erases_one_person_for_good() {
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    let (tenant, ada) = ids(&env);
    let bob = env.id();
    let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
    let of_ada = keyring.seal_person(tenant, ada, b"Ada").await.unwrap();
    let of_bob = keyring.seal_person(tenant, bob, b"Bob").await.unwrap();

    keyring.destroy_person(tenant, ada).await.unwrap();
    keyring.destroy_person(tenant, ada).await.unwrap();

    let file = fs::read_to_string(key_file(directory.path(), &KeyName::Person(tenant, ada)));
    assert!(!file.unwrap().contains("wrapped"), "the wrapped key must be gone from the store");
    for keyring in [keyring, Keyring::embedded(directory.path(), env).await.unwrap()] {
        assert!(keyring.open_person(tenant, &of_ada).await.unwrap().is_none());
        assert!(keyring.open_person(tenant, &of_bob).await.unwrap().is_some());
        let again = keyring.seal_person(tenant, ada, b"Ada").await;
        assert!(matches!(again, Err(KeyringError::Destroyed(_))), "{again:?}");
    }
}

#[tokio::test]
async fn from_where_somebody_came_is_kept_for_a_time_and_not_beyond_an_erasure() {
    let directory = tempfile::tempdir().unwrap();
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let clock = ManualClock::at(at("2026-01-31T23:59:59Z"));
    let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
    let (tenant, ada) = ids(&env);
    let bob = env.id();
    let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
    let seal = async |person| {
        let sealed = keyring.seal_origin(tenant, person, b"192.0.2.1").await.unwrap().unwrap();
        assert!(!sealed.contains("192"), "{sealed}");
        sealed
    };
    let opens = async |sealed: &str| {
        let opened = keyring.open_origin(tenant, sealed).await.unwrap();
        opened.inspect(|opened| assert_eq!(&***opened, b"192.0.2.1")).is_some()
    };
    let january = [seal(Some(ada)).await, seal(Some(bob)).await, seal(None).await];
    clock.advance_micros(1_000_000);
    let february = [seal(Some(ada)).await, seal(Some(bob)).await, seal(None).await];
    for sealed in january.iter().chain(&february) {
        assert!(opens(sealed).await);
        let foreign = keyring.open_origin(env.id(), sealed).await;
        assert!(foreign.unwrap().is_none(), "another organization has no such key");
        let changed = format!("{}A", &sealed[..sealed.len() - 1]);
        let changed = keyring.open_origin(tenant, &changed).await;
        assert!(matches!(changed, Err(KeyringError::Corrupt(_))), "{changed:?}");
    }
    for nonsense in ["", ".", "2026-01", "2026-01.", "2026-13.AAAA", "2026-02.!", "2026-02.AAAA"] {
        let opened = keyring.open_origin(tenant, nonsense).await;
        assert!(matches!(opened, Err(KeyringError::Corrupt(_))), "{nonsense}: {opened:?}");
    }

    // What is sealed for somebody who was erased is gone, and nothing more is.
    keyring.destroy_person(tenant, ada).await.unwrap();
    assert!(!opens(&january[0]).await && !opens(&february[0]).await);
    assert!(opens(&january[1]).await && opens(&february[2]).await);
    assert_eq!(keyring.seal_origin(tenant, Some(ada), b"192.0.2.1").await.unwrap(), None);

    // January is over once February is the first month that is kept.
    assert_eq!(keyring.destroy_origins(at("2026-01-31T23:59:59Z")).await.unwrap(), 0);
    assert_eq!(keyring.destroy_origins(at("2026-02-01T00:00:00Z")).await.unwrap(), 1);
    assert_eq!(keyring.destroy_origins(at("2026-02-01T00:00:00Z")).await.unwrap(), 0);
    assert!(!opens(&january[1]).await && !opens(&january[2]).await);
    assert!(opens(&february[1]).await && opens(&february[2]).await);
    let again = Keyring::embedded(directory.path(), env).await.unwrap();
    assert!(again.open_origin(tenant, &january[1]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_key_destroyed_by_another_process_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000));
    let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
    let (tenant, person) = ids(&env);
    let here = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
    let there = Keyring::embedded(directory.path(), env).await.unwrap();
    let sealed = here.seal_person(tenant, person, b"Ada").await.unwrap();
    there.destroy_person(tenant, person).await.unwrap();
    clock.advance_micros(301 * 1_000_000);
    assert!(here.open_person(tenant, &sealed).await.unwrap().is_none());
}

#[tokio::test]
async fn no_persons_data_opens_as_anothers() {
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    let (tenant, ada) = ids(&env);
    let (other_tenant, bob) = ids(&env);
    let keyring = Keyring::embedded(directory.path(), env).await.unwrap();
    let sealed = keyring.seal_person(tenant, ada, b"Ada").await.unwrap();
    keyring.seal_person(tenant, bob, b"Bob").await.unwrap();
    let crossed = keyring.open_person(other_tenant, &sealed).await;
    assert!(matches!(crossed, Err(KeyringError::Corrupt(_))), "{crossed:?}");

    let mut json = serde_json::to_value(&sealed).unwrap();
    json["key"] = KeyName::Person(tenant, bob).to_string().into();
    let moved: Sealed = serde_json::from_value(json.clone()).unwrap();
    assert!(matches!(keyring.open_person(tenant, &moved).await, Err(KeyringError::Corrupt(_))));

    for (field, value) in [("nonce", "AAAA"), ("nonce", "?"), ("ciphertext", ""), ("nonce", "")] {
        let mut broken = serde_json::to_value(&sealed).unwrap();
        broken[field] = value.into();
        let broken: Sealed = serde_json::from_value(broken).unwrap();
        let opened = keyring.open_person(tenant, &broken).await;
        assert!(matches!(opened, Err(KeyringError::Corrupt(_))), "{opened:?}");
    }
    json["key"] = "../../etc/passwd".into();
    assert!(serde_json::from_value::<Sealed>(json).is_err());
}

#[tokio::test]
async fn the_master_key_rotates_without_touching_data() {
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    let (tenant, person) = ids(&env);
    let erased = env.id();
    let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
    let sealed = keyring.seal_person(tenant, person, b"Ada").await.unwrap();
    keyring.seal_person(tenant, erased, b"Bob").await.unwrap();
    keyring.destroy_person(tenant, erased).await.unwrap();
    let before = fs::read_to_string(directory.path().join("master.key")).unwrap();
    keyring.rotate_file_master(directory.path()).await.unwrap();
    let after = fs::read_to_string(directory.path().join("master.key")).unwrap();
    assert_ne!(before, after);
    assert!(!directory.path().join("master.key.next").exists());
    for keyring in [keyring, Keyring::embedded(directory.path(), env.clone()).await.unwrap()] {
        assert_eq!(&**keyring.open_person(tenant, &sealed).await.unwrap().unwrap(), b"Ada");
        assert!(keyring.seal_person(tenant, erased, b"Bob").await.is_err());
    }
    let old = LocalMaster::from_base64(&before, "the old key", env.clone()).unwrap();
    let store = DirectoryKeyStore::open(directory.path().join("keys")).unwrap();
    let old = Keyring::open(Arc::new(old), Vec::new(), Arc::new(store), env).await;
    assert!(matches!(old, Err(KeyringError::OtherMaster { .. })), "{old:?}");
}

#[tokio::test]
async fn a_rotation_that_was_cut_short_is_finished_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    let (tenant, ada) = ids(&env);
    let bob = env.id();
    let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
    let of_ada = keyring.seal_person(tenant, ada, b"Ada").await.unwrap();
    let of_bob = keyring.seal_person(tenant, bob, b"Bob").await.unwrap();
    // Half of the keys wrapped anew: as a crash between two of them leaves it.
    let half = key_file(directory.path(), &KeyName::Person(tenant, ada));
    let old_half = fs::read(&half).unwrap();
    let next = directory.path().join("master.key.next");
    let master = LocalMaster::create_file(&next, &env).unwrap();
    keyring.rotate_master(Arc::new(master)).await.unwrap();
    fs::write(&half, old_half).unwrap();

    let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
    assert!(!next.exists());
    drop(keyring);
    let keyring = Keyring::embedded(directory.path(), env).await.unwrap();
    assert_eq!(&**keyring.open_person(tenant, &of_ada).await.unwrap().unwrap(), b"Ada");
    assert_eq!(&**keyring.open_person(tenant, &of_bob).await.unwrap().unwrap(), b"Bob");
}

#[cfg(unix)]
#[tokio::test]
async fn a_master_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    drop(Keyring::embedded(directory.path(), env.clone()).await.unwrap());
    let file = directory.path().join("master.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let keys = fs::metadata(directory.path().join("keys")).unwrap();
    assert_eq!(keys.permissions().mode() & 0o777, 0o700);
    for mode in [0o640, 0o604, 0o644] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let error = Keyring::embedded(directory.path(), env.clone()).await.unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_or_broken_master_key_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
    let (tenant, person) = ids(&env);
    keyring.seal_person(tenant, person, b"Ada").await.unwrap();
    let file = directory.path().join("master.key");
    for content in ["", "not base64 !", "c2hvcnQ="] {
        fs::write(&file, content).unwrap();
        let error = Keyring::embedded(directory.path(), env.clone()).await.unwrap_err();
        assert!(matches!(error, KeyringError::Master(_)), "{error}");
    }
    fs::remove_file(&file).unwrap();
    let error = Keyring::embedded(directory.path(), env.clone()).await.unwrap_err();
    assert!(error.to_string().contains("is missing"), "{error}");
    assert!(!file.exists(), "no new key may be made over keys that it does not open");
}

#[tokio::test]
async fn a_changed_key_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    let (tenant, ada) = ids(&env);
    let bob = env.id();
    let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
    let sealed = keyring.seal_person(tenant, ada, b"Ada").await.unwrap();
    keyring.seal_person(tenant, bob, b"Bob").await.unwrap();
    let (file_a, file_b) = (
        key_file(directory.path(), &KeyName::Person(tenant, ada)),
        key_file(directory.path(), &KeyName::Person(tenant, bob)),
    );
    let good = fs::read_to_string(&file_a).unwrap();
    let open = || async {
        let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
        keyring.open_person(tenant, &sealed).await
    };
    // Bob's wrapped key under Ada's name.
    let swapped = fs::read_to_string(&file_b).unwrap().replace(&bob.to_string(), &ada.to_string());
    for bad in [swapped, fs::read_to_string(&file_b).unwrap(), "{".into(), "x".repeat(20_000)] {
        fs::write(&file_a, &bad).unwrap();
        let error = open().await.unwrap_err();
        assert!(error.to_string().contains(&ada.to_string()), "{error}");
    }
    fs::write(&file_a, good).unwrap();
    assert!(open().await.unwrap().is_some());
}

#[tokio::test]
async fn secrets_never_show_in_debug() {
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    let (tenant, person) = ids(&env);
    let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
    let sealed = keyring.seal_person(tenant, person, b"Ada").await.unwrap();
    let text = fs::read_to_string(directory.path().join("master.key")).unwrap();
    let master = LocalMaster::from_base64(&text, "test", env).unwrap();
    let key = keyring.tenant_key(tenant).await.unwrap();
    let signing = keyring.signing_key("tokens").await.unwrap();
    let index = keyring.index_key("email").await.unwrap();
    let store = DirectoryKeyStore::open(directory.path().join("keys")).unwrap();
    let shown =
        format!("{keyring:?} {sealed:?} {master:?} {key:?} {signing:?} {index:?} {store:?}");
    assert!(!shown.contains(text.trim()));
    let json = serde_json::to_value(&sealed).unwrap();
    assert!(!shown.contains(json["ciphertext"].as_str().unwrap()));
}

#[tokio::test]
async fn concurrent_first_uses_agree_on_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    let (tenant, person) = ids(&env);
    let one = Arc::new(Keyring::embedded(directory.path(), env.clone()).await.unwrap());
    let two = Arc::new(Keyring::embedded(directory.path(), env.clone()).await.unwrap());
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let keyring = if n % 2 == 0 { one.clone() } else { two.clone() };
            tokio::spawn(async move { keyring.seal_person(tenant, person, &[n]).await.unwrap() })
        })
        .collect();
    let fresh = Keyring::embedded(directory.path(), env).await.unwrap();
    for (n, task) in tasks.into_iter().enumerate() {
        let sealed = task.await.unwrap();
        assert_eq!(fresh.open_person(tenant, &sealed).await.unwrap().unwrap()[0] as usize, n);
    }
}

#[tokio::test]
async fn a_purpose_is_no_path() {
    let directory = tempfile::tempdir().unwrap();
    let keyring = Keyring::embedded(directory.path(), Env::system()).await.unwrap();
    for bad in ["", "../x", "A", "a b"] {
        assert!(keyring.signing_key(bad).await.is_err(), "{bad}");
    }
}

#[tokio::test]
async fn signing_keys_follow_each_other_and_only_the_last_outlives_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(Timestamp::from_micros(0));
    let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
    let keyring = Keyring::embedded(directory.path(), env.clone()).await.unwrap();
    let ids = async |keyring: &Keyring| -> Vec<String> {
        let keys = keyring.signing_keys("tokens", &[]).await.unwrap();
        assert!(keys.is_sorted_by_key(|dated| dated.created_at));
        keys.iter().map(|dated| dated.key.id().to_owned()).collect()
    };
    let first = ids(&keyring).await;
    assert_eq!(
        first,
        [keyring.signing_key("tokens").await.unwrap().id()],
        "the one that there was"
    );
    clock.advance_micros(1_000_000);
    keyring.add_signing_key("tokens").await.unwrap();
    keyring.add_signing_key("tokens").await.unwrap();
    let three = ids(&keyring).await;
    let known = keyring.signing_keys("tokens", &[]).await.unwrap();
    let again = keyring.signing_keys("tokens", &known[..2]).await.unwrap();
    let unwrapped: Vec<bool> = known
        .iter()
        .zip(&again)
        .map(|(known, again)| !Arc::ptr_eq(&known.key, &again.key))
        .collect();
    assert_eq!(unwrapped, [false, false, true], "what is known is not unwrapped again");
    assert_eq!((three.len(), &three[0]), (3, &first[0]));
    assert!(three[0] != three[1] && three[1] != three[2]);
    // A purpose of another name is none of them.
    assert_ne!(keyring.signing_key("checkpoints").await.unwrap().id(), three[1]);

    let keyring = Keyring::embedded(directory.path(), env).await.unwrap();
    assert_eq!(ids(&keyring).await, three);
    for _ in 0..2 {
        keyring.destroy_former_signing_keys("tokens").await.unwrap();
        assert_eq!(ids(&keyring).await, three[2..]);
    }
    let file = fs::read_to_string(key_file(directory.path(), &KeyName::Signing("tokens_2".into())));
    assert!(!file.unwrap().contains("wrapped"), "the wrapped key must be gone from the store");
    // The numbers go on: a destroyed name is never used again.
    keyring.add_signing_key("tokens").await.unwrap();
    let two = ids(&keyring).await;
    assert_eq!((two.len(), &two[0]), (2, &three[2]));
    assert!(!three.contains(&two[1]));
}
