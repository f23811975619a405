//! Old versions, unknown types and rows that somebody damaged.

use studio_events::{EventData, EventFeed, Expected, LogFeed, PublishedType, StoreError};
use studio_kernel::{DecodeError, DomainEvent};

use super::harness::*;
use crate::on_each_database;

on_each_database![
    every_version_ever_written_still_reads,
    what_cannot_be_decoded_is_named,
    damaged_rows_are_typed_errors,
    a_missing_head_is_a_typed_error,
];

/// One line per version ever written: type, version, payload as stored.
const EVER_WRITTEN: &str = include_str!("fixtures/ever_written.jsonl");

#[derive(serde::Deserialize)]
struct Written {
    r#type: String,
    version: u16,
    payload: serde_json::Value,
}

async fn every_version_ever_written_still_reads(place: Place) {
    let store = place.store().await;
    let mut append = to_account(tenant(1), "a", Expected::Any, vec![]);
    let written: Vec<Written> =
        EVER_WRITTEN.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event_type in AccountEvent::event_types() {
        assert!(written.iter().any(|line| line.r#type == *event_type), "{event_type}");
    }
    for line in written {
        append.streams[0].events.push(EventData {
            event_type: line.r#type.into(),
            schema_version: line.version,
            payload: line.payload.into(),
        });
    }
    store.append(append).await.unwrap();
    let loaded = store.load::<Account>(tenant(1), "a").await.unwrap();
    assert_eq!((loaded.state.balance, loaded.state.events), (1250 + 40, 3));
    let log = whole_log(&store).await;
    let rows = balances(store.database(), "balances", store.generation("balances")).await;
    assert_eq!(rows, expected_balances(&log));

    static PUBLISHED: &[PublishedType] = &[PublishedType::of::<PaidIn>()];
    let feed = LogFeed::new(store.clone(), PUBLISHED);
    let page = feed.read(0, 10).await.unwrap();
    assert_eq!(page.scanned_to, 3);
    let amounts: Vec<i64> =
        page.events.iter().map(|e| e.read::<PaidIn>().unwrap().unwrap().amount).collect();
    assert_eq!(amounts, [1250, 40], "old versions leave as the newest, others not at all");
    assert_eq!(page.events[0].event_type, "studio.bank.account.paid_in.v2");
    assert_eq!(page.events[0].source, "/studio/bank");
    assert_eq!(feed.read(0, 1).await.unwrap().events.len(), 1);
    assert_eq!(feed.read(3, 10).await.unwrap().events, []);
}

async fn what_cannot_be_decoded_is_named(place: Place) {
    let store = place.store().await;
    let mut append = to_account(tenant(1), "a", Expected::Any, vec![pay(1)]);
    append.streams[0].events[0].event_type = "bank.account.closed".into();
    store.append(append).await.unwrap();
    let error = store.load::<Account>(tenant(1), "a").await.unwrap_err();
    let StoreError::Decode { position: 1, cause } = error else { panic!("{error}") };
    assert!(matches!(*cause, DecodeError::UnknownType(_)));
    let mut append = to_account(tenant(1), "b", Expected::Any, vec![pay(1)]);
    append.streams[0].events[0].schema_version = 3;
    let error = store.append(append).await.unwrap_err();
    assert!(error.to_string().contains("schema version 3"), "{error}");
}

async fn damaged_rows_are_typed_errors(place: Place) {
    let store = place.store().await;
    for n in 1..=6 {
        store.append(to_account(tenant(1), "a", Expected::Any, vec![pay(n)])).await.unwrap();
    }
    super::chain::allow_tampering(store.database()).await;
    let damages = [
        ("stream_version = -1", "stream_version"),
        ("schema_version = 70000", "schema_version"),
        ("tenant = 'org_1'", "tenant"),
        ("event_id = 'ctl_00000000000000000000000000000001'", "event_id"),
        ("recorded_at = 9223372036854775807", "recorded_at"),
        ("prev_hash = hash, hash = substr(hash, 1, 31)", "hash"),
    ];
    for (damaged, (set, named)) in (1..).zip(damages) {
        let sql = format!("UPDATE events SET {set} WHERE position = {damaged}");
        execute(store.database().writer(), &sql, vec![]).await;
        let error = store.read(damaged - 1, 1).await.unwrap_err();
        let StoreError::Row { position, cause } = &error else { panic!("{error}") };
        assert_eq!(*position, damaged);
        assert!(cause.contains(named), "{cause}");
    }
}

async fn a_missing_head_is_a_typed_error(place: Place) {
    let store = place.store().await;
    execute(store.database().writer(), "DELETE FROM log_head", vec![]).await;
    let error = store.append(to_account(tenant(1), "a", Expected::Any, vec![pay(1)])).await;
    assert!(error.unwrap_err().to_string().contains("run the migrations"));
    assert!(store.verify().await.is_err());
}
