//! Whatever is cut off at whatever point: opened again, it goes on exactly where it was. Each life
//! is a runtime of its own that is dropped with everything in it, as a killed process would be.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use studio_events::{EventStore, Expected};

use super::{consuming, harness::*};

struct World {
    bank: Place,
    tax: Place,
}

struct Open {
    bank: EventStore,
    tax: EventStore,
}

impl World {
    async fn open(&self) -> Open {
        let behind = Balances { name: "behind", ..Balances::inline() };
        let options = self.bank.options().await;
        let options = options.inline(vec![Arc::new(Balances::inline())]);
        let bank = EventStore::open(options.asynchronous(vec![Arc::new(behind)])).await.unwrap();
        let tax = EventStore::open(self.tax.options().await).await.unwrap();
        Open { bank, tax }
    }

    /// Appends, projects, rebuilds and consumes until it is cut off or all is done.
    async fn work(open: Open, appends: i64) {
        let Open { bank, tax } = open;
        let together = appends % 2 == 0;
        let office = consuming::TaxOffice { together, ..Default::default() };
        let consumer = consuming::consume(&bank, &tax, Arc::new(office));
        let rebuild = tokio::spawn({
            let bank = bank.clone();
            async move { bank.rebuild("balances").await }
        });
        for n in 0..appends {
            let account = format!("a{}", n % 4);
            let events = vec![pay(n), StatementSent {}.into(), pay(n + 1)];
            bank.append(to_account(tenant(1), &account, Expected::Any, events)).await.unwrap();
        }
        rebuild.await.unwrap().unwrap();
        consumer.caught_up_to(bank.head()).await.unwrap();
    }

    /// In the end everything is as if nobody had ever been killed.
    async fn settle(&self) {
        let Open { bank, tax } = self.open().await;
        let consumer = consuming::consume(&bank, &tax, Arc::default());
        consumer.caught_up_to(bank.head()).await.unwrap();
        bank.projected("behind", bank.head()).await.unwrap();
        let log = whole_log(&bank).await;
        for name in ["balances", "behind"] {
            let rows = balances(bank.database(), name, bank.generation(name)).await;
            assert_eq!(rows, expected_balances(&log), "{name}");
        }
        assert_eq!(consuming::seen(&whole_log(&tax).await), consuming::to_be_seen(&log));
        bank.rebuild("balances").await.unwrap();
        let rows = balances(bank.database(), "balances", bank.generation("balances")).await;
        assert_eq!(rows, expected_balances(&log), "rebuilt");
        // Each append of three is there whole or not at all.
        assert_eq!(log.len() % 3, 0);
        consumer.stop().await;
        bank.shutdown().await;
        tax.shutdown().await;
        bank.database().close().await.unwrap();
        tax.database().close().await.unwrap();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn lives(place: impl Fn() -> Place, cases: u32) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    // Some are cut off while they open (and migrate), most while they work.
    let kills = prop::collection::vec((prop::bool::weighted(0.2), 1..80_u32, 20..50_i64), 2..5);
    runner
        .run(&kills, |kills| {
            let world = World { bank: place(), tax: place() };
            for (while_opening, polls, appends) in kills {
                let life = runtime();
                life.block_on(async {
                    if while_opening {
                        cut_off(world.open(), polls).await;
                    } else {
                        let open = world.open().await;
                        cut_off(World::work(open, appends), polls).await;
                    }
                });
                life.shutdown_background();
            }
            let last = runtime();
            last.block_on(world.settle());
            last.shutdown_timeout(Duration::from_secs(10));
            Ok(())
        })
        .unwrap();
}

#[test]
fn killed_anywhere_it_goes_on_exactly_on_sqlite() {
    lives(Place::sqlite, 16);
}

#[test]
fn killed_anywhere_it_goes_on_exactly_on_postgres() {
    if Place::postgres().is_some() {
        lives(|| Place::postgres().unwrap(), 16);
    }
}
