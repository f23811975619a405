//! A place for a store on either database, and a small domain to fill it with.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use serde::{Deserialize, Serialize};
use studio_events::{
    Append, EventStore, EventStoreOptions, Expected, Metadata, Projection, ProjectionError,
    Recorded, StreamAppend,
};
use studio_kernel::{Aggregate, DecodeError, Env, TenantId, Timestamp, event, events};
use studio_stores::sql::{Database, SqlOptions};

/// Runs each `async fn name(place: Place)` against both databases.
#[macro_export]
macro_rules! on_each_database {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::harness::Place::sqlite()).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(place) = $crate::harness::Place::postgres() {
                    super::$name(place).await;
                }
            }
        }
    )*};
}

/// Where one store lives: a file or a schema of its own.
pub(crate) struct Place {
    url: String,
    schema: Option<String>,
    _directory: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("store.db").display());
        Self { url, schema: None, _directory: Some(directory) }
    }

    pub(crate) fn postgres() -> Option<Self> {
        let Ok(url) = std::env::var("STUDIO_TEST_POSTGRES") else {
            println!("skipped: set STUDIO_TEST_POSTGRES to a postgres:// address to run this");
            return None;
        };
        let schema = format!("test_{}", Env::system().uuid().simple());
        Some(Self { url, schema: Some(schema), _directory: None })
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.schema.is_none()
    }

    /// Opens the database, as a process of its own would, with its tables made.
    pub(crate) async fn database(&self) -> Database {
        let options = SqlOptions {
            schema: self.schema.clone(),
            reader_connections: 3,
            writer_connections: 3,
            ..SqlOptions::default()
        };
        let database = Database::connect(&self.url, options).await.unwrap();
        migrate(&database).await;
        database
    }

    pub(crate) async fn options(&self) -> EventStoreOptions {
        EventStoreOptions::new(self.database().await, "bank", Env::system())
    }

    /// A store with the inline read model [`Balances`].
    pub(crate) async fn store(&self) -> EventStore {
        let options = self.options().await.inline(vec![Arc::new(Balances::inline())]);
        EventStore::open(options).await.unwrap()
    }
}

/// Makes the tables of the log, and of [`Balances`].
pub(crate) async fn migrate(database: &Database) {
    Migrator::up(database.writer(), None).await.unwrap();
}

struct Migrator;

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        const BALANCES: &[&str] =
            &["CREATE TABLE balances (projection TEXT NOT NULL, generation BIGINT NOT NULL,
                tenant TEXT NOT NULL, account TEXT NOT NULL, total BIGINT NOT NULL,
                events BIGINT NOT NULL, PRIMARY KEY (projection, generation, tenant, account))"];
        studio_migrations::events::and_then(vec![studio_migrations::step(
            "bank_0001_balances",
            BALANCES,
        )])
    }
}

/// Money was paid in. Version 1 called the amount `cents` and had no note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PaidIn {
    pub(crate) amount: i64,
    pub(crate) note: String,
}
event!(PaidIn, "bank.account.paid_in", 2, upcast_paid_in);

fn upcast_paid_in(
    from: u16,
    mut payload: serde_json::Value,
) -> Result<serde_json::Value, DecodeError> {
    assert_eq!(from, 1);
    payload["amount"] = payload["cents"].take();
    payload["note"] = "".into();
    Ok(payload)
}

/// Nobody cares about this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatementSent {}
event!(StatementSent, "bank.account.statement_sent", 1);

events! {
    /// What happens to an account.
    pub(crate) enum AccountEvent { PaidIn, StatementSent }
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) balance: i64,
    pub(crate) events: u64,
}

impl Aggregate for Account {
    const STREAM_TYPE: &'static str = "bank.account";
    const STATE_VERSION: u32 = 1;
    type Event = AccountEvent;
    fn apply(&mut self, event: &AccountEvent, _recorded_at: Timestamp) {
        self.events += 1;
        if let AccountEvent::PaidIn(paid) = event {
            self.balance += paid.amount;
        }
    }
}

pub(crate) fn pay(amount: i64) -> AccountEvent {
    PaidIn { amount, note: "naïve \"note\" 😀\n".to_owned() }.into()
}

pub(crate) fn tenant(n: u32) -> TenantId {
    format!("org_{n:032x}").parse().unwrap()
}

pub(crate) fn to_account(
    tenant: TenantId,
    account: &str,
    expected: Expected,
    events: Vec<AccountEvent>,
) -> Append {
    let stream = StreamAppend::of::<Account>(account, expected, events).unwrap();
    Append::new(tenant, Metadata::system("test"), vec![stream])
}

/// Adds up what each account got: taking an event in twice, or not at all, shows.
pub(crate) struct Balances {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) fail_on: Option<i64>,
    pub(crate) panic_on: Option<i64>,
}

impl Balances {
    pub(crate) fn inline() -> Self {
        Self { name: "balances", version: 1, fail_on: None, panic_on: None }
    }
}

pub(crate) async fn execute(tx: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> u64 {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    tx.execute_raw(statement).await.unwrap().rows_affected()
}

#[async_trait]
impl Projection for Balances {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == "bank.account.paid_in"
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let AccountEvent::PaidIn(paid) = event.decode()? else {
                return Err(ProjectionError::other("an event that it did not ask for"));
            };
            assert_ne!(Some(paid.amount), self.panic_on, "panicking as the test asked for");
            let sql = "INSERT INTO balances \
                       (projection, generation, tenant, account, total, events) \
                       VALUES ($1, $2, $3, $4, $5, 1) \
                       ON CONFLICT (projection, generation, tenant, account) DO UPDATE SET \
                       total = balances.total + excluded.total, events = balances.events + 1";
            let values = vec![
                self.name.into(),
                generation.into(),
                event.tenant.to_string().into(),
                event.stream_id.as_str().into(),
                (paid.amount * i64::from(self.version)).into(),
            ];
            execute(tx, sql, values).await;
            if Some(paid.amount) == self.fail_on {
                return Err(ProjectionError::other("failing as the test asked for"));
            }
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        let sql = "DELETE FROM balances WHERE projection = $1 AND generation = $2";
        execute(tx, sql, vec![self.name.into(), generation.into()]).await;
        Ok(())
    }
}

/// (tenant, account, total, events) of a generation.
pub(crate) type Rows = Vec<(String, String, i64, i64)>;

pub(crate) async fn balances(database: &Database, projection: &str, generation: i64) -> Rows {
    let statement = Statement::from_sql_and_values(
        database.backend(),
        "SELECT tenant, account, total, events FROM balances \
         WHERE projection = $1 AND generation = $2",
        vec![Value::from(projection), generation.into()],
    );
    let mut rows: Rows = database
        .reader()
        .query_all_raw(statement)
        .await
        .unwrap()
        .iter()
        .map(|row| row.try_get_many_by_index().unwrap())
        .collect();
    rows.sort();
    rows
}

/// What [`Balances`] should hold, computed from the log in another way.
pub(crate) fn expected_balances(log: &[Recorded]) -> Rows {
    let mut sums = std::collections::BTreeMap::new();
    for event in log {
        if let AccountEvent::PaidIn(paid) = event.decode().unwrap() {
            let key = (event.tenant.to_string(), event.stream_id.clone());
            let sum: &mut (i64, i64) = sums.entry(key).or_default();
            sum.0 += paid.amount;
            sum.1 += 1;
        }
    }
    sums.into_iter().map(|((t, a), (total, events))| (t, a, total, events)).collect()
}

/// The whole log, checked for what always holds of it.
pub(crate) async fn whole_log(store: &EventStore) -> Vec<Recorded> {
    let mut log: Vec<Recorded> = Vec::new();
    loop {
        let after = log.last().map_or(0, |event| event.position);
        let page = store.read(after, 700).await.unwrap();
        if page.is_empty() {
            break;
        }
        log.extend(page);
    }
    let mut versions = std::collections::HashMap::new();
    let mut ids = std::collections::HashSet::new();
    for (event, position) in log.iter().zip(1..) {
        assert_eq!(event.position, position, "positions have no gap");
        let stream = (event.tenant, event.stream_type.clone(), event.stream_id.clone());
        let version = versions.entry(stream).or_insert(0);
        *version += 1;
        assert_eq!(event.stream_version, *version, "versions have no gap");
        assert!(ids.insert(event.event_id), "no event is there twice");
    }
    assert!(log.is_sorted_by_key(|event| event.recorded_at));
    let verified = store.verify().await.unwrap();
    assert_eq!(verified.events, log.len() as i64);
    log
}

/// Polls a future at most so often and then drops it, wherever it is.
pub(crate) struct CutOff<F> {
    inner: Pin<Box<F>>,
    polls: u32,
}

pub(crate) fn cut_off<F: Future>(inner: F, polls: u32) -> CutOff<F> {
    CutOff { inner: Box::pin(inner), polls }
}

impl<F: Future> Future for CutOff<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.inner.as_mut().poll(context).map(Some)
    }
}
