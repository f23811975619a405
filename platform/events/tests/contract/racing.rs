//! Many writers at once, in two processes' worth of stores.

use std::sync::Arc;

use async_trait::async_trait;
use proptest::prelude::*;
use sea_orm::DatabaseTransaction;
use studio_events::{
    Append, AppendError, EventStore, Expected, Projection, ProjectionError, Recorded, StreamAppend,
};
use tokio::sync::Semaphore;

use super::harness::*;

/// One append: for each stream what is expected of it, and how many events.
type Plan = Vec<(u8, Option<u64>, u8)>;

fn plans() -> impl Strategy<Value = Vec<Vec<Plan>>> {
    let stream = (0..6_u8, prop::option::weighted(0.4, 0..12_u64), 1..5_u8);
    let append = prop::collection::vec(stream, 1..4);
    let writer = prop::collection::vec(append, 1..12);
    prop::collection::vec(writer, 2..10)
}

fn append(plan: &Plan, mark: i64) -> Append {
    let mut append = to_account(tenant(1), "", Expected::Any, vec![]);
    append.streams.clear();
    for (stream, expected, events) in plan {
        let expected = expected.map_or(Expected::Any, Expected::Version);
        let events = (0..*events).map(|_| pay(mark)).collect();
        let id = format!("account-{stream}");
        append.streams.push(StreamAppend::of::<Account>(id, expected, events).unwrap());
    }
    append
}

async fn race(place: Place, writers: Vec<Vec<Plan>>) {
    let stores = [place.store().await, place.store().await];
    let tasks: Vec<_> = writers
        .into_iter()
        .enumerate()
        .map(|(number, plans)| {
            let store = stores[number % 2].clone();
            tokio::spawn(async move {
                let mut done: Vec<Recorded> = Vec::new();
                for (index, plan) in plans.iter().enumerate() {
                    let mark = (number * 1_000 + index) as i64;
                    match store.append(append(plan, mark)).await {
                        Ok(recorded) => {
                            let count: usize = plan.iter().map(|(_, _, n)| usize::from(*n)).sum();
                            assert_eq!(recorded.len(), count);
                            done.extend(recorded);
                        }
                        Err(AppendError::Conflict { expected, actual, .. }) => {
                            assert!(!expected.admits(actual));
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                done
            })
        })
        .collect();
    let mut answered: Vec<Recorded> = Vec::new();
    for task in tasks {
        answered.extend(task.await.unwrap());
    }
    answered.sort_by_key(|event| event.position);
    // Nothing is lost, nothing is there twice, and each event is what its writer was told.
    let log = whole_log(&stores[0]).await;
    assert_eq!(log, answered);
    let rows = balances(stores[1].database(), "balances", 1).await;
    assert_eq!(rows, expected_balances(&log));
}

fn each(place: impl Fn() -> Place, cases: u32) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&plans(), |writers| {
            runtime.block_on(race(place(), writers));
            Ok(())
        })
        .unwrap();
}

#[test]
fn nothing_is_lost_or_doubled_on_sqlite() {
    each(Place::sqlite, 24);
}

#[test]
fn nothing_is_lost_or_doubled_on_postgres() {
    if Place::postgres().is_some() {
        each(|| Place::postgres().unwrap(), 24);
    }
}

/// Says that an append has come to it, and holds that append until it may go on.
struct Gate {
    reached: Semaphore,
    open: Semaphore,
}

struct Gated(Arc<Gate>);

#[async_trait]
impl Projection for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }

    fn handles(&self, _event_type: &str) -> bool {
        true
    }

    async fn apply(
        &self,
        _tx: &DatabaseTransaction,
        _generation: i64,
        _events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        self.0.reached.add_permits(1);
        self.0.open.acquire().await.unwrap().forget();
        Ok(())
    }

    async fn clear(
        &self,
        _tx: &DatabaseTransaction,
        _generation: i64,
    ) -> Result<(), ProjectionError> {
        Ok(())
    }
}

/// Whoever waits for the log, which another process is appending to, appends to what that one leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_the_log_knows_what_came_before() {
    // The embedded database has one process.
    let Some(place) = Place::postgres() else { return };
    let gate = Arc::new(Gate { reached: Semaphore::new(0), open: Semaphore::new(0) });
    let options = place.options().await.inline(vec![Arc::new(Gated(gate.clone()))]);
    let first = EventStore::open(options).await.unwrap();
    let second = EventStore::open(place.options().await).await.unwrap();
    let waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND pid IN \
                 (SELECT pid FROM pg_locks WHERE relation = 'log_head'::regclass)";
    let race = async |expected: Expected| {
        let append = |expected| to_account(tenant(1), "account", expected, vec![pay(1)]);
        let holding = tokio::spawn({
            let (store, append) = (first.clone(), append(Expected::Any));
            async move { store.append(append).await }
        });
        gate.reached.acquire().await.unwrap().forget();
        let waiting = tokio::spawn({
            let (store, append) = (second.clone(), append(expected));
            async move { store.append(append).await }
        });
        while execute(second.database().writer(), waits, vec![]).await == 0 {
            tokio::task::yield_now().await;
        }
        gate.open.add_permits(1);
        holding.await.unwrap().unwrap();
        waiting.await.unwrap()
    };
    // Of a stream that was not there, and of one that was longer.
    match race(Expected::NoStream).await {
        Err(AppendError::Conflict { actual, .. }) => assert_eq!(actual, 1),
        other => panic!("{other:?}"),
    }
    assert_eq!(race(Expected::Any).await.unwrap()[0].stream_version, 3);
    assert_eq!(whole_log(&second).await.len(), 3);
}
