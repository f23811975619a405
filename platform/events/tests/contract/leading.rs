//! One process of several does the work: leases, fences, elections and consumers that stand by.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::ConnectionTrait;
use studio_events::{
    AppendError, ConsumerHandle, Election, EventStore, EventStoreOptions, Expected, Leadership,
    Lease,
};
use studio_kernel::{Env, ManualClock, SystemEntropy, Timestamp};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{consuming, harness::*};

crate::on_each_database!(
    a_lease_is_held_by_one_and_fences_the_others_out,
    a_paused_holder_is_refused_when_it_goes_on,
    clocks_of_processes_do_not_matter,
    a_term_ends_when_an_append_is_refused,
);

/// Long enough that a busy machine renews in time.
const TTL: Duration = Duration::from_secs(1);
/// Not a measure: only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

async fn taken(store: &EventStore, name: &str) -> Lease {
    let take = async {
        loop {
            if let Some(lease) = store.try_lease(name, TTL).await.unwrap() {
                return lease;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, take).await.expect("the lease runs out")
}

async fn append(store: &EventStore, lease: Option<&Lease>) -> Result<usize, AppendError> {
    let mut append = to_account(tenant(1), "a", Expected::Any, vec![pay(1), pay(2)]);
    append.fence = lease.map(|lease| lease.fence().clone());
    store.append(append).await.map(|recorded| recorded.len())
}

async fn a_lease_is_held_by_one_and_fences_the_others_out(place: Place) {
    let (one, two) = (place.store().await, place.store().await);
    let first = one.try_lease("work", TTL).await.unwrap().unwrap();
    assert!(two.try_lease("work", TTL).await.unwrap().is_none());
    assert!(one.try_lease("work", TTL).await.unwrap().is_none(), "not even by the same process");
    let other = two.try_lease("other work", TTL).await.unwrap().unwrap();
    append(&one, Some(&first)).await.unwrap();
    append(&two, Some(&other)).await.unwrap();
    let fence = first.fence().clone();

    // Released, it is free at once, and its epoch grows.
    first.release().await.unwrap();
    let second = two.try_lease("work", TTL).await.unwrap().unwrap();
    assert_eq!(second.fence().epoch, fence.epoch + 1);
    let mut late = to_account(tenant(1), "a", Expected::Any, vec![pay(3)]);
    late.fence = Some(fence.clone());
    let refused = one.append(late).await.unwrap_err();
    let AppendError::Deposed { fence: held, newest } = refused else { panic!("{refused}") };
    assert_eq!((held, newest), (fence, second.fence().epoch));
    append(&two, Some(&second)).await.unwrap();
    // What carries no fence is everybody's.
    append(&one, None).await.unwrap();

    // A refusal in a group takes nothing of its neighbours with it.
    let fenced = |n: i64, fence: Option<&studio_events::Fence>| {
        let mut append = to_account(tenant(2), &format!("b{n}"), Expected::Any, vec![pay(n)]);
        append.fence = fence.cloned();
        one.append(append)
    };
    let old = studio_events::Fence { lease: "work".to_owned(), epoch: 1 };
    let new = second.fence().clone();
    let all = (0..40).map(|n| fenced(n, [Some(&old), Some(&new), None][n as usize % 3]));
    for (n, done) in futures::future::join_all(all).await.into_iter().enumerate() {
        assert_eq!(done.is_ok(), n % 3 != 0, "{n}");
    }
    assert_eq!(whole_log(&one).await.len(), 2 * 4 + 26);
}

async fn a_paused_holder_is_refused_when_it_goes_on(place: Place) {
    let (one, two) = (place.store().await, place.store().await);
    let held = taken(&one, "work").await;
    append(&one, Some(&held)).await.unwrap();
    // As long as it is renewed nobody else gets it.
    renewed(&one, "work", 4).await;
    assert!(two.try_lease("work", TTL).await.unwrap().is_none());
    assert!(!held.ended().is_cancelled());

    // A process that is paused renews nothing, and knows nothing of it.
    let fence = held.fence().clone();
    drop(held);
    let next = taken(&two, "work").await;
    append(&two, Some(&next)).await.unwrap();
    let before = whole_log(&two).await;
    for _ in 0..3 {
        let mut late = to_account(tenant(1), "a", Expected::Any, vec![pay(9)]);
        late.fence = Some(fence.clone());
        assert!(matches!(one.append(late).await, Err(AppendError::Deposed { .. })));
    }
    assert_eq!(whole_log(&one).await, before);
}

/// Waits until the lease was renewed so many times.
async fn renewed(store: &EventStore, name: &str, times: usize) {
    let backend = store.database().backend();
    let mut seen = std::collections::BTreeSet::new();
    let look = async {
        while seen.len() <= times {
            let sql = "SELECT expires_at FROM leases WHERE name = $1";
            let sql =
                sea_orm::Statement::from_sql_and_values(backend, sql, vec![name.to_owned().into()]);
            let row = store.database().reader().query_one_raw(sql).await.unwrap().unwrap();
            seen.insert(row.try_get_by_index::<i64>(0).unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("the lease is renewed");
}

async fn clocks_of_processes_do_not_matter(place: Place) {
    let start = Timestamp::from_micros(1_800_000_000_000_000);
    let clocks = [ManualClock::at(start), ManualClock::at(start)];
    let mut stores = Vec::new();
    for clock in &clocks {
        let env = Env::new(clock.clone(), Arc::new(SystemEntropy));
        let options = EventStoreOptions::new(place.database().await, "bank", env);
        let options = options.inline(vec![Arc::new(Balances::inline())]);
        stores.push(EventStore::open(options).await.unwrap());
    }
    let held = taken(&stores[0], "work").await;
    for jump in [86_400_000_000, -200_000_000_000_i64, 1] {
        for clock in &clocks {
            clock.advance_micros(jump);
            assert!(stores[1].try_lease("work", TTL).await.unwrap().is_none());
            renewed(&stores[0], "work", 2).await;
            append(&stores[0], Some(&held)).await.unwrap();
        }
    }
    assert!(!held.ended().is_cancelled());
    whole_log(&stores[1]).await;
}

async fn a_term_ends_when_an_append_is_refused(place: Place) {
    let (one, two) = (place.store().await, place.store().await);
    let shutdown = CancellationToken::new();
    let leadership = Leadership::Candidate { ttl: TTL };
    let (election, campaign) = Election::of(&one, leadership, shutdown.clone());
    let campaign = tokio::spawn(campaign);
    let (idle, never) = Election::of(&two, Leadership::Never, shutdown.clone());
    let never = tokio::spawn(never);
    let term = tokio::time::timeout(PATIENCE, election.elected()).await.unwrap();
    let payment = || to_account(tenant(1), "a", Expected::Any, vec![pay(1)]);
    one.append(term.fenced(payment())).await.unwrap();
    assert!(idle.term().is_none());

    // Somebody takes it away, as after a pause.
    let sql = "UPDATE leases SET epoch = epoch + 1, holder = 'another', expires_at = 0";
    execute(two.database().writer(), sql, vec![]).await;
    let refused = one.append(term.fenced(payment())).await.unwrap_err();
    assert!(matches!(refused, AppendError::Deposed { .. }), "{refused}");
    term.deposed();
    drop(term);
    let term = tokio::time::timeout(PATIENCE, election.elected()).await.unwrap();
    one.append(term.fenced(payment())).await.unwrap();

    // The end of a process hands over at once, once its work has let go.
    shutdown.cancel();
    term.ended().cancelled().await;
    drop(term);
    campaign.await.unwrap();
    never.await.unwrap();
    let lease = two.try_lease("background", TTL).await.unwrap().unwrap();
    assert!(lease.fence().epoch > 2);
}

/// A process: a runtime that is dropped with everything in it when it is killed.
struct Life {
    runtime: Runtime,
    tax: EventStore,
    consumer: ConsumerHandle,
    election: Election,
    shutdown: CancellationToken,
    campaign: tokio::task::JoinHandle<()>,
}

impl Life {
    fn begin(bank: &Place, tax: &Place) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let shutdown = CancellationToken::new();
        let (tax, consumer, election, campaign) = runtime.block_on(async {
            let bank = bank.store().await;
            let tax = EventStore::open(tax.options().await).await.unwrap();
            let leadership = Leadership::Candidate { ttl: TTL };
            let (election, campaign) = Election::of(&tax, leadership, shutdown.clone());
            let campaign = tokio::spawn(campaign);
            let office = Arc::default();
            let consumer = consuming::consume_when(&bank, &tax, office, election.clone());
            (tax, consumer, election, campaign)
        });
        Self { runtime, tax, consumer, election, shutdown, campaign }
    }

    fn kill(self) {
        let Self { runtime, tax, consumer, election, campaign, .. } = self;
        {
            // Handles are let go of; the tasks behind them are cut off with the runtime.
            let _inside = runtime.enter();
            drop((tax, consumer, election, campaign));
        }
        runtime.shutdown_background();
    }

    fn stop(self) {
        let Self { runtime, tax, consumer, campaign, shutdown, .. } = self;
        shutdown.cancel();
        runtime.block_on(async {
            consumer.stop().await;
            campaign.await.unwrap();
            tax.shutdown().await;
            drop(tax);
        });
        runtime.shutdown_background();
    }

    fn caught_up_to(&self, position: i64) {
        self.runtime.block_on(async {
            let there = self.consumer.caught_up_to(position);
            tokio::time::timeout(PATIENCE, there).await.expect("it goes on").unwrap();
        });
    }
}

/// Processes come and go while events are taken in: killed, stopped, the leader or not.
fn handovers(place: impl Fn() -> Place) {
    let (bank_place, tax_place, spare_place) = (place(), place(), place());
    let steady = Life::begin(&bank_place, &spare_place);
    let bank = steady.runtime.block_on(bank_place.store());
    let mut lives = VecDeque::from([Life::begin(&bank_place, &tax_place)]);
    let mut appended = 0;
    for round in 0..9 {
        lives.push_back(Life::begin(&bank_place, &tax_place));
        let writing = steady.runtime.spawn({
            let bank = bank.clone();
            async move {
                for n in appended..appended + 40 {
                    let account = format!("a{}", n % 3);
                    let events = vec![pay(n), StatementSent {}.into()];
                    let append = to_account(tenant(1), &account, Expected::Any, events);
                    bank.append(append).await.unwrap();
                }
            }
        });
        appended += 40;
        // In the midst of it, whoever leads is cut off.
        let half = (appended - 20) * 2;
        lives.back().unwrap().caught_up_to(half);
        let leader = lives.iter().position(|life| life.election.term().is_some()).unwrap_or(0);
        let life = lives.remove(leader).unwrap();
        if round % 3 == 2 {
            life.stop()
        } else {
            life.kill()
        }
        steady.runtime.block_on(writing).unwrap();
    }
    lives.push_back(Life::begin(&bank_place, &tax_place));
    // The one that leads and the one that stands by know it, both.
    lives.iter().for_each(|life| life.caught_up_to(appended * 2));
    steady.runtime.block_on(async {
        let tax = EventStore::open(tax_place.options().await).await.unwrap();
        let log = whole_log(&bank).await;
        assert_eq!(consuming::seen(&whole_log(&tax).await), consuming::to_be_seen(&log));
        drop((tax, bank));
    });
    lives.into_iter().for_each(Life::kill);
    steady.kill();
}

#[test]
fn many_handovers_lose_nothing_on_sqlite() {
    handovers(Place::sqlite);
}

#[test]
fn many_handovers_lose_nothing_on_postgres() {
    if Place::postgres().is_some() {
        handovers(|| Place::postgres().unwrap());
    }
}

#[test]
fn a_standby_takes_over_and_knows_what_had_no_effect() {
    if Place::postgres().is_none() {
        return;
    }
    let (bank_place, tax_place) = (Place::postgres().unwrap(), Place::postgres().unwrap());
    let leader = Life::begin(&bank_place, &tax_place);
    leader.runtime.block_on(async { leader.election.elected().await });
    let standby = Life::begin(&bank_place, &tax_place);
    let bank = standby.runtime.block_on(bank_place.store());
    let append = async |n: i64| {
        let events = vec![pay(n)];
        bank.append(to_account(tenant(1), "a", Expected::Any, events)).await.unwrap();
    };
    // Tens are of no concern to the tax office: only the stored position tells that they were seen.
    standby.runtime.block_on(async {
        append(11).await;
        for n in 1..50 {
            append(n * 10).await;
        }
    });
    standby.caught_up_to(50);
    assert!(standby.election.term().is_none());
    let killed_at = Instant::now();
    leader.kill();
    standby.runtime.block_on(async { standby.election.elected().await });
    println!("took over {:?} after the kill, with leases of {TTL:?}", killed_at.elapsed());
    standby.runtime.block_on(append(12));
    standby.caught_up_to(51);
    standby.runtime.block_on(async { drop(bank) });
    standby.stop();
}
