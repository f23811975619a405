//! Inline and asynchronous projections, and rebuilding them beside.

use std::sync::Arc;

use studio_events::{AppendError, EventStore, Expected, StoreError};

use super::harness::*;
use crate::on_each_database;

on_each_database![
    a_failing_projection_refuses_the_append_alone,
    a_panicking_projection_stops_nobody_else,
    a_new_projection_is_built_at_the_start,
    a_new_version_is_rebuilt_at_the_start,
    a_rebuild_goes_on_beside_reads_and_appends,
    a_process_without_the_projection_leaves_no_gap,
    an_asynchronous_projection_follows,
    an_asynchronous_projection_waits_until_it_is_mended,
];

async fn assert_true_to_the_log(store: &EventStore, name: &str) {
    let log = whole_log(store).await;
    let rows = balances(store.database(), name, store.generation(name)).await;
    assert_eq!(rows, expected_balances(&log));
}

async fn with_inline(place: &Place, projections: Vec<Balances>) -> EventStore {
    let inline = projections.into_iter().map(|p| Arc::new(p) as _).collect();
    EventStore::open(place.options().await.inline(inline)).await.unwrap()
}

async fn a_failing_projection_refuses_the_append_alone(place: Place) {
    let failing = Balances { fail_on: Some(13), ..Balances::inline() };
    let store = with_inline(&place, vec![failing]).await;
    let appends = (0..30).map(|n| {
        let account = format!("a{n}");
        let store = store.clone();
        async move {
            let amount = if n % 3 == 0 { 13 } else { n };
            let append = to_account(
                tenant(1),
                &account,
                Expected::NoStream,
                vec![pay(amount), StatementSent {}.into(), pay(1)],
            );
            (amount, store.append(append).await)
        }
    });
    for (amount, answer) in futures::future::join_all(appends).await {
        match answer {
            Ok(recorded) => assert!(amount != 13 && recorded.len() == 3),
            Err(AppendError::Projection { name, .. }) => {
                assert_eq!((amount, name.as_str()), (13, "balances"));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(store.head(), 19 * 3);
    assert_true_to_the_log(&store, "balances").await;
}

async fn a_panicking_projection_stops_nobody_else(place: Place) {
    let panicking = Balances { panic_on: Some(13), ..Balances::inline() };
    let store = with_inline(&place, vec![panicking]).await;
    store.append(to_account(tenant(1), "a", Expected::Any, vec![pay(1)])).await.unwrap();
    let error = store.append(to_account(tenant(1), "a", Expected::Any, vec![pay(13)])).await;
    assert!(matches!(error, Err(AppendError::Store(StoreError::Interrupted))));
    store.append(to_account(tenant(1), "a", Expected::Version(1), vec![pay(2)])).await.unwrap();
    assert_true_to_the_log(&store, "balances").await;
}

async fn a_new_projection_is_built_at_the_start(place: Place) {
    let store = place.store().await;
    // More than two pages of catching up.
    for n in 0..3 {
        let append = to_account(tenant(n), "a", Expected::Any, vec![pay(7); 400]);
        store.append(append).await.unwrap();
    }
    store.shutdown().await;
    let another = Balances { name: "another", ..Balances::inline() };
    let store = with_inline(&place, vec![Balances::inline(), another]).await;
    assert_true_to_the_log(&store, "another").await;
    store.append(to_account(tenant(1), "a", Expected::Any, vec![pay(7)])).await.unwrap();
    assert_true_to_the_log(&store, "another").await;
    assert_true_to_the_log(&store, "balances").await;
    assert_eq!(store.generation("unknown"), 0);
    let error = store.rebuild("unknown").await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownProjection(_)));
}

async fn a_new_version_is_rebuilt_at_the_start(place: Place) {
    let store = place.store().await;
    for _ in 0..2 {
        let append = to_account(tenant(1), "a", Expected::Any, vec![pay(7); 300]);
        store.append(append).await.unwrap();
    }
    assert_eq!(store.generation("balances"), 1);
    store.shutdown().await;
    let doubled = || Balances { version: 2, ..Balances::inline() };
    let store = with_inline(&place, vec![doubled()]).await;
    assert_eq!(store.generation("balances"), 2);
    let expected = vec![(tenant(1).to_string(), "a".to_owned(), 2 * 7 * 600, 600)];
    assert_eq!(balances(store.database(), "balances", 2).await, expected);
    assert_eq!(balances(store.database(), "balances", 1).await.len(), 1, "still there to be read");
    store.shutdown().await;
    let store = with_inline(&place, vec![doubled()]).await;
    assert_eq!(store.generation("balances"), 2);
    assert_eq!(balances(store.database(), "balances", 2).await, expected);
    assert_eq!(balances(store.database(), "balances", 1).await, []);
}

async fn a_rebuild_goes_on_beside_reads_and_appends(place: Place) {
    let store = place.store().await;
    for n in 0..4 {
        let append = to_account(tenant(n), "a", Expected::Any, vec![pay(3); 500]);
        store.append(append).await.unwrap();
    }
    let events = async |store: &EventStore| {
        let rows = balances(store.database(), "balances", store.generation("balances")).await;
        rows.iter().map(|row| row.3).sum::<i64>()
    };
    let rebuild = tokio::spawn({
        let store = store.clone();
        async move { [store.rebuild("balances").await, store.rebuild("balances").await] }
    });
    let mut appended = 2_000;
    while !rebuild.is_finished() {
        let append = to_account(tenant(9), "b", Expected::Any, vec![pay(1), pay(2)]);
        store.append(append).await.unwrap();
        appended += 2;
        assert_eq!(events(&store).await, appended, "a reader sees what was just appended");
    }
    let generations = rebuild.await.unwrap().map(Result::unwrap);
    assert_eq!(generations, [2, 3]);
    assert_eq!(store.generation("balances"), 3);
    assert_true_to_the_log(&store, "balances").await;
    assert_eq!(balances(store.database(), "balances", 1).await, []);
    store.append(to_account(tenant(9), "b", Expected::Any, vec![pay(5)])).await.unwrap();
    assert_true_to_the_log(&store, "balances").await;
}

async fn a_process_without_the_projection_leaves_no_gap(place: Place) {
    let knowing = place.store().await;
    let unknowing = EventStore::open(place.options().await).await.unwrap();
    for n in 0..6 {
        let store = if n % 2 == 0 { &unknowing } else { &knowing };
        store.append(to_account(tenant(1), "a", Expected::Version(n), vec![pay(1)])).await.unwrap();
    }
    assert_true_to_the_log(&knowing, "balances").await;
    // A rebuild in one process reaches the others with their next append at the latest.
    let elsewhere = place.store().await;
    assert_eq!(elsewhere.rebuild("balances").await.unwrap(), 2);
    knowing.append(to_account(tenant(1), "a", Expected::Version(6), vec![pay(1)])).await.unwrap();
    assert_eq!(knowing.generation("balances"), 2);
    assert_true_to_the_log(&knowing, "balances").await;
}

async fn an_asynchronous_projection_follows(place: Place) {
    let open = async || {
        let behind = Arc::new(Balances { name: "behind", ..Balances::inline() });
        EventStore::open(place.options().await.asynchronous(vec![behind])).await.unwrap()
    };
    let store = open().await;
    for _ in 0..3 {
        let append = to_account(tenant(1), "a", Expected::Any, vec![pay(3); 300]);
        let position = store.append(append).await.unwrap().pop().unwrap().position;
        store.projected("behind", position).await.unwrap();
        assert_true_to_the_log(&store, "behind").await;
    }
    assert_eq!(store.checkpoint("behind").await.unwrap(), 900);
    assert_eq!(store.rebuild("behind").await.unwrap(), 2);
    assert_true_to_the_log(&store, "behind").await;
    let append = to_account(tenant(1), "a", Expected::Any, vec![pay(3)]);
    store.append(append).await.unwrap();
    store.projected("behind", 901).await.unwrap();
    assert_true_to_the_log(&store, "behind").await;
    store.shutdown().await;
    let store = open().await;
    store.projected("behind", 901).await.unwrap();
    assert_true_to_the_log(&store, "behind").await;
}

async fn an_asynchronous_projection_waits_until_it_is_mended(place: Place) {
    let failing = Balances { name: "behind", fail_on: Some(13), ..Balances::inline() };
    let options = place.options().await.asynchronous(vec![Arc::new(failing)]);
    let store = EventStore::open(options).await.unwrap();
    let append = to_account(tenant(1), "a", Expected::Any, vec![pay(1), pay(13)]);
    store.append(append).await.unwrap();
    let failure = loop {
        if let Some(failure) = store.projections().remove(0).failure {
            break failure;
        }
        tokio::task::yield_now().await;
    };
    assert!(failure.contains("failing as the test asked for"), "{failure}");
    assert_eq!(balances(store.database(), "behind", 1).await, []);
    store.shutdown().await;
    let mended = Balances { name: "behind", ..Balances::inline() };
    let options = place.options().await.asynchronous(vec![Arc::new(mended)]);
    let store = EventStore::open(options).await.unwrap();
    store.projected("behind", 2).await.unwrap();
    assert_true_to_the_log(&store, "behind").await;
}
