//! Against SQLite files and, where there is one, a PostgreSQL server.

use std::{path::Path, sync::Arc};

use sea_orm::Statement;
use sea_orm_migration::MigratorTrait;
use studio_kernel::{Env, FixedEntropy, Id, ManualClock, TenantId};
use studio_migrations::keyring::Migrator;

use super::*;
use crate::{
    keyring::{Keyring, LocalMaster, MasterKey, contract},
    sql::SqlOptions,
};

/// Runs each `async fn name(place: Place)` on both databases.
macro_rules! on_each_database {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                super::$name(super::Place::sqlite()).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                if let Some(place) = super::Place::postgres() {
                    super::$name(place).await;
                }
            }
        }
    )*};
}

on_each_database!(
    keeps_the_contract,
    the_database_itself_refuses,
    an_erasure_reaches_other_processes,
    processes_agree_on_keys,
    the_master_key_rotates_under_other_processes,
    another_master_key_stops_the_start,
);

enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Place {
    fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    fn postgres() -> Option<Self> {
        match std::env::var("STUDIO_TEST_POSTGRES") {
            Ok(url) => Some(Self::Postgres(url)),
            Err(_) => {
                println!("skipped: set STUDIO_TEST_POSTGRES to a postgres:// address to run this");
                None
            }
        }
    }

    /// Opens the store of that name, as a process of its own would.
    async fn open(&self, name: &str) -> SqlKeyStore {
        let options = SqlOptions { schema: Some(name.to_owned()), ..SqlOptions::default() };
        let url = match self {
            Self::Sqlite(directory) => {
                format!("sqlite://{}", directory.path().join(name).display())
            }
            Self::Postgres(url) => url.clone(),
        };
        let database = Database::connect(&url, options).await.unwrap();
        Migrator::up(database.writer(), None).await.unwrap();
        SqlKeyStore::open(database).await.unwrap()
    }
}

fn new_name() -> String {
    format!("keyring_{}", Env::system().uuid().simple())
}

fn master(byte: u8, env: &Env) -> Arc<dyn MasterKey> {
    Arc::new(LocalMaster::from_bytes(&[byte; 32], env.clone()).unwrap())
}

async fn keyring(place: &Place, name: &str, env: &Env) -> Keyring {
    let store = Arc::new(place.open(name).await);
    Keyring::open(master(1, env), Vec::new(), store, env.clone()).await.unwrap()
}

fn ids(env: &Env) -> (TenantId, Id<studio_kernel::kind::User>) {
    (env.id(), env.id())
}

async fn keeps_the_contract(place: Place) {
    contract::holds(async || {
        let name = new_name();
        let (one, two) = (place.open(&name).await, place.open(&name).await);
        let stores: [Arc<dyn KeyStore>; 2] = [Arc::new(one), Arc::new(two)];
        stores
    })
    .await;
}

async fn the_database_itself_refuses(place: Place) {
    let store = place.open(&new_name()).await;
    let name = KeyName::Signing("tokens".to_owned());
    let material = Material::Destroyed { at: Timestamp::from_micros(1) };
    let record = KeyRecord { name, created_at: Timestamp::from_micros(1), material };
    store.replace(record.clone()).await.unwrap();
    for statement in [
        "UPDATE keys SET destroyed_at = NULL, master = 'm', wrapped = 'AAAA'",
        "UPDATE keys SET destroyed_at = 2",
        "DELETE FROM keys",
        "INSERT INTO keys (name, created_at) VALUES ('index.email', 1)",
    ] {
        let refused = store.database.writer().execute_unprepared(statement).await;
        assert!(refused.is_err(), "{statement}");
    }
    assert_eq!(store.get(&record.name).await.unwrap(), Some(record));
}

async fn an_erasure_reaches_other_processes(place: Place) {
    let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000));
    let env = Env::new(clock.clone(), FixedEntropy::seeded(5));
    let (tenant, ada) = ids(&env);
    let bob = env.id();
    let name = new_name();
    let (here, there) = (keyring(&place, &name, &env).await, keyring(&place, &name, &env).await);
    let of_ada = here.seal_person(tenant, ada, b"Ada").await.unwrap();
    let of_bob = here.seal_person(tenant, bob, b"Bob").await.unwrap();
    assert!(there.open_person(tenant, &of_ada).await.unwrap().is_some());
    assert!(there.open_person(tenant, &of_bob).await.unwrap().is_some());

    here.destroy_person(tenant, ada).await.unwrap();
    assert!(here.open_person(tenant, &of_ada).await.unwrap().is_none());
    // Nothing more is written for her anywhere, at once.
    let again = there.seal_person(tenant, ada, b"Ada").await;
    assert!(matches!(again, Err(KeyringError::Destroyed(_))), "{again:?}");

    // Reading with a cached key ends within seconds.
    let third = keyring(&place, &name, &env).await;
    let cara = env.id();
    let of_cara = third.seal_person(tenant, cara, b"Cara").await.unwrap();
    assert!(third.open_person(tenant, &of_cara).await.unwrap().is_some());
    there.destroy_person(tenant, cara).await.unwrap();
    clock.advance_micros(5_000_001);
    assert!(third.open_person(tenant, &of_cara).await.unwrap().is_none());
    assert!(third.open_person(tenant, &of_bob).await.unwrap().is_some());
    drop(third);
    let fresh = keyring(&place, &name, &env).await;
    assert!(fresh.open_person(tenant, &of_ada).await.unwrap().is_none());
}

async fn processes_agree_on_keys(place: Place) {
    let env = Env::system();
    let name = new_name();
    let (here, there) = (keyring(&place, &name, &env).await, keyring(&place, &name, &env).await);
    let (tenant, person) = ids(&env);
    let (one, two) = tokio::join!(
        here.seal_person(tenant, person, b"from here"),
        there.seal_person(tenant, person, b"from there"),
    );
    for (keyring, sealed, text) in
        [(&there, one.unwrap(), "from here"), (&here, two.unwrap(), "from there")]
    {
        let opened = keyring.open_person(tenant, &sealed).await.unwrap().unwrap();
        assert_eq!(opened.as_slice(), text.as_bytes());
    }
    let (one, two) = tokio::join!(here.signing_key("tokens"), there.signing_key("tokens"));
    assert_eq!(one.unwrap().public_key(), two.unwrap().public_key());
}

async fn the_master_key_rotates_under_other_processes(place: Place) {
    let env = Env::system();
    let name = new_name();
    let here = keyring(&place, &name, &env).await;
    let (tenant, ada) = ids(&env);
    let bob = env.id();
    let of_ada = here.seal_person(tenant, ada, b"Ada").await.unwrap();
    here.seal_person(tenant, bob, b"Bob").await.unwrap();
    here.destroy_person(tenant, bob).await.unwrap();
    // A replica that was given both keys beforehand goes on.
    let store = Arc::new(place.open(&name).await);
    let earlier = vec![master(1, &env)];
    let there = Keyring::open(master(2, &env), earlier, store, env.clone()).await.unwrap();
    there.rotate_master(master(2, &env)).await.unwrap();
    assert!(there.open_person(tenant, &of_ada).await.unwrap().is_some());
    let erased = there.seal_person(tenant, bob, b"Bob").await;
    assert!(matches!(erased, Err(KeyringError::Destroyed(_))), "{erased:?}");
    let store = Arc::new(place.open(&name).await);
    let after = Keyring::open(master(2, &env), Vec::new(), store, env).await.unwrap();
    assert!(after.open_person(tenant, &of_ada).await.unwrap().is_some());
}

async fn another_master_key_stops_the_start(place: Place) {
    let env = Env::system();
    let name = new_name();
    let (tenant, person) = ids(&env);
    keyring(&place, &name, &env).await.seal_person(tenant, person, b"Ada").await.unwrap();
    let store = Arc::new(place.open(&name).await);
    let other = Keyring::open(master(9, &env), Vec::new(), store, env).await;
    assert!(matches!(other, Err(KeyringError::OtherMaster { .. })), "{other:?}");
}

#[tokio::test]
async fn a_database_that_was_not_migrated_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("keyring.db").display());
    let database = Database::connect(&url, SqlOptions::default()).await.unwrap();
    let error = SqlKeyStore::open(database).await.unwrap_err().to_string();
    assert!(error.contains("was migrated"), "{error}");
}

fn holds_text(directory: &Path, text: &str) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn a_destroyed_key_is_gone_from_the_file() {
    let place = Place::sqlite();
    let Place::Sqlite(directory) = &place else { unreachable!() };
    let store = place.open("keyring.db").await;
    let secret = "c2VjcmV0LXdyYXBwZWQta2V5LW9mLWFkYQ==";
    let name = KeyName::Signing("tokens".to_owned());
    let material = Material::Wrapped { master: "m1".to_owned(), wrapped: secret.to_owned() };
    let created_at = Timestamp::from_micros(1);
    store.create(KeyRecord { name: name.clone(), created_at, material }).await.unwrap();
    assert!(holds_text(directory.path(), secret));
    let material = Material::Destroyed { at: Timestamp::from_micros(2) };
    store.replace(KeyRecord { name, created_at, material }).await.unwrap();
    assert!(!holds_text(directory.path(), secret), "it can be read from the files still");
}

/// PostgreSQL keeps the former row until it vacuums; the table is set to be vacuumed at each change.
#[tokio::test]
async fn postgres_vacuums_destroyed_keys() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open(&new_name()).await;
    let options = Statement::from_string(
        DbBackend::Postgres,
        "SELECT array_to_string(reloptions, ',') FROM pg_class WHERE oid = 'keys'::regclass",
    );
    let row = store.database.writer().query_one_raw(options).await.unwrap().unwrap();
    let set: String = row.try_get_by_index(0).unwrap();
    assert!(set.contains("autovacuum_vacuum_threshold=0"), "{set}");
}
