//! Projections and consumers share one set of names: whoever comes second is refused, and the place
//! of the first stays where it is.

use std::sync::Arc;

use studio_events::{
    AppendError, ConsumerCheckpoint, ConsumerOptions, Election, EventStore, Expected, LogFeed,
    NameOwner, StoreError, run_consumer,
};
use tokio_util::sync::CancellationToken;

use super::{
    consuming::{PUBLISHED, TaxOffice},
    harness::*,
};
use crate::on_each_database;

on_each_database![
    a_consumer_is_refused_the_name_of_a_projection,
    a_checkpoint_is_refused_the_name_of_a_projection,
    a_projection_of_another_process_is_found_on_record,
    a_projection_is_refused_the_name_of_a_consumer,
    two_projections_of_one_name_are_refused,
];

fn named(name: &'static str) -> Arc<Balances> {
    Arc::new(Balances { name, ..Balances::inline() })
}

fn with_checkpoint(name: &str, position: i64) -> studio_events::Append {
    let mut append = to_account(tenant(1), "a", Expected::Any, vec![pay(1)]);
    append.checkpoint = Some(ConsumerCheckpoint { name: name.to_owned(), position });
    append
}

#[track_caller]
fn assert_taken(error: &StoreError, expected: &str, by: NameOwner) {
    let StoreError::NameTaken { name, owner } = error else { panic!("{error}") };
    assert_eq!((name.as_str(), *owner), (expected, by));
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(answer: Result<T, AppendError>, name: &str) {
    match answer {
        Err(AppendError::Store(error)) => assert_taken(&error, name, NameOwner::Projection),
        other => panic!("{other:?}"),
    }
}

async fn a_consumer_is_refused_the_name_of_a_projection(place: Place) {
    for name in ["balances", "behind"] {
        let options = place
            .options()
            .await
            .inline(vec![named("balances")])
            .asynchronous(vec![named("behind")]);
        let store = EventStore::open(options).await.unwrap();
        let feed = Arc::new(LogFeed::new(store.clone(), PUBLISHED));
        let office = Arc::new(TaxOffice::default());
        let options = ConsumerOptions::default();
        let cancel = CancellationToken::new();
        let refused =
            run_consumer(store.clone(), feed, name, office, options, Election::unopposed(), cancel);
        assert_taken(&refused.unwrap_err(), name, NameOwner::Projection);
        store.shutdown().await;
    }
}

async fn a_checkpoint_is_refused_the_name_of_a_projection(place: Place) {
    let store = place.store().await;
    let recorded = store.append(with_checkpoint("payments", 7)).await.unwrap();
    assert_eq!(recorded.len(), 1);
    assert_refused(store.append(with_checkpoint("balances", 7)).await, "balances");
    assert_eq!(store.checkpoint("payments").await.unwrap(), 7);
    assert_eq!(store.checkpoint("balances").await.unwrap(), 1, "where the log ends");
    assert_eq!(whole_log(&store).await.len(), 1, "nothing of what was refused is recorded");
}

async fn a_projection_of_another_process_is_found_on_record(place: Place) {
    let knowing = place.store().await;
    knowing.rebuild("balances").await.unwrap();
    let unknowing = EventStore::open(place.options().await).await.unwrap();
    assert_refused(unknowing.append(with_checkpoint("balances", 7)).await, "balances");
    unknowing.append(with_checkpoint("payments", 7)).await.unwrap();
    assert_eq!(knowing.checkpoint("payments").await.unwrap(), 7);
    assert_eq!(whole_log(&knowing).await.len(), 1);
}

async fn a_projection_is_refused_the_name_of_a_consumer(place: Place) {
    let store = EventStore::open(place.options().await).await.unwrap();
    store.append(with_checkpoint("payments", 7)).await.unwrap();
    store.shutdown().await;
    let inline = place.options().await.inline(vec![named("payments")]);
    let behind = place.options().await.asynchronous(vec![named("payments")]);
    for options in [inline, behind] {
        let Err(error) = EventStore::open(options).await else { panic!("it was opened") };
        assert_taken(&error, "payments", NameOwner::Consumer);
    }
    let store = EventStore::open(place.options().await).await.unwrap();
    assert_eq!(store.checkpoint("payments").await.unwrap(), 7);
}

async fn two_projections_of_one_name_are_refused(place: Place) {
    let options =
        place.options().await.inline(vec![named("balances")]).asynchronous(vec![named("balances")]);
    let Err(error) = EventStore::open(options).await else { panic!("it was opened") };
    assert_taken(&error, "balances", NameOwner::Projection);
    let told = error.to_string();
    assert!(told.contains("balances") && told.contains("give one of them another"), "{told}");
}
