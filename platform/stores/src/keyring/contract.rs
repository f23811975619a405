//! What every key store must do, as functions that run against each adapter.

use std::sync::Arc;

use studio_kernel::{Env, Id, TenantId, Timestamp};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000 + seconds * 1_000_000)
}

fn person(env: &Env) -> KeyName {
    let (tenant, person): (TenantId, Id<_>) = (env.id(), env.id());
    KeyName::Person(tenant, person)
}

fn wrapped(name: &KeyName, master: &str, wrapped: &str) -> KeyRecord {
    let material = Material::Wrapped { master: master.to_owned(), wrapped: wrapped.to_owned() };
    KeyRecord { name: name.clone(), created_at: at(0), material }
}

fn gone(name: &KeyName, when: i64) -> KeyRecord {
    let material = Material::Destroyed { at: at(when) };
    KeyRecord { name: name.clone(), created_at: at(0), material }
}

async fn keeps_the_first_and_gives_it_back(store: &dyn KeyStore, env: &Env) {
    assert!(store.names().await.unwrap().is_empty());
    let names = [
        person(env),
        KeyName::Tenant(env.id()),
        KeyName::Signing("tokens".to_owned()),
        KeyName::Index("email".to_owned()),
    ];
    for name in &names {
        assert_eq!(store.get(name).await.unwrap(), None);
        let first = wrapped(name, "m1", "AAAA");
        assert_eq!(store.create(first.clone()).await.unwrap(), first);
        assert_eq!(store.create(wrapped(name, "m2", "BBBB")).await.unwrap(), first);
        assert_eq!(store.get(name).await.unwrap(), Some(first));
        let anew = wrapped(name, "m2", "CCCC");
        assert_eq!(store.replace(anew.clone()).await.unwrap(), anew);
        assert_eq!(store.get(name).await.unwrap(), Some(anew));
    }
    let mut found = store.names().await.unwrap();
    let mut expected = names.to_vec();
    found.sort_by_key(ToString::to_string);
    expected.sort_by_key(ToString::to_string);
    assert_eq!(found, expected);
}

async fn what_is_destroyed_stays_so(store: &dyn KeyStore, other: &dyn KeyStore, env: &Env) {
    let before = store.destroyed().await.unwrap();
    let (name, never_made) = (person(env), person(env));
    store.create(wrapped(&name, "m1", "AAAA")).await.unwrap();
    for name in [&name, &never_made] {
        let destroyed = gone(name, 10);
        assert_eq!(store.replace(destroyed.clone()).await.unwrap(), destroyed);
        for store in [store, other] {
            assert_eq!(store.create(wrapped(name, "m1", "BBBB")).await.unwrap(), destroyed);
            assert_eq!(store.replace(wrapped(name, "m2", "CCCC")).await.unwrap(), destroyed);
            assert_eq!(store.replace(gone(name, 20)).await.unwrap(), destroyed);
            assert_eq!(store.get(name).await.unwrap(), Some(destroyed.clone()));
        }
        assert!(store.names().await.unwrap().contains(name));
    }
    let count = other.destroyed().await.unwrap();
    assert_eq!(count, before.map(|count| count + 2));
}

async fn many_at_once_agree(store: Arc<dyn KeyStore>, other: Arc<dyn KeyStore>, env: &Env) {
    let name = person(env);
    let tasks = (0..16).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        let record = wrapped(&name, "m1", &format!("AAA{number:01x}"));
        tokio::spawn(async move { store.create(record).await.unwrap() })
    });
    let standing: Vec<_> =
        futures::future::join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    assert!(standing.iter().all(|record| *record == standing[0]), "{standing:?}");
    assert_eq!(store.get(&name).await.unwrap().as_ref(), Some(&standing[0]));
}

/// A rotation wraps a key anew while somebody destroys it.
async fn no_rotation_brings_a_key_back(
    store: Arc<dyn KeyStore>,
    other: Arc<dyn KeyStore>,
    env: &Env,
) {
    for round in 0..20 {
        let name = person(env);
        store.create(wrapped(&name, "m1", "AAAA")).await.unwrap();
        let (rotating, destroying) = (store.clone(), other.clone());
        let (anew, destroyed) = (wrapped(&name, "m2", "BBBB"), gone(&name, round));
        let rotation = tokio::spawn(async move { rotating.replace(anew).await.unwrap() });
        let erased = destroyed.clone();
        let erasure = tokio::spawn(async move { destroying.replace(erased).await.unwrap() });
        rotation.await.unwrap();
        assert_eq!(erasure.await.unwrap(), destroyed);
        assert_eq!(store.get(&name).await.unwrap(), Some(destroyed), "round {round}");
    }
}

/// Runs the whole suite. `open` gives an empty store twice, as two processes would hold it.
pub(crate) async fn holds(open: impl AsyncFn() -> [Arc<dyn KeyStore>; 2]) {
    let env = Env::system();
    let [store, _] = open().await;
    keeps_the_first_and_gives_it_back(&*store, &env).await;
    let [store, other] = open().await;
    what_is_destroyed_stays_so(&*store, &*other, &env).await;
    let [store, other] = open().await;
    many_at_once_agree(store, other, &env).await;
    let [store, other] = open().await;
    no_rotation_brings_a_key_back(store, other, &env).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_keeps_it() {
    let root = tempfile::tempdir().unwrap();
    let env = Env::system();
    holds(async || {
        let directory = root.path().join(env.uuid().simple().to_string());
        let store: Arc<dyn KeyStore> = Arc::new(DirectoryKeyStore::open(directory).unwrap());
        [store.clone(), store]
    })
    .await;
}
