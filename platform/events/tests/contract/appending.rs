//! Appending, loading, deciding and reading.

use futures::StreamExt as _;
use studio_events::{
    AppendError, EncodeError, EventData, ExecuteError, Expected, Metadata, StoreError, StreamAppend,
};
use studio_kernel::{Actor, FixedEntropy, ManualClock, Role, kind};

use super::harness::*;
use crate::on_each_database;

on_each_database![
    what_is_appended_can_be_read,
    conflicts_are_typed_and_record_nothing,
    decisions_are_made_again_once,
    an_append_is_whole_or_nothing,
    time_never_runs_backwards,
    malformed_appends_are_refused,
    a_closed_store_says_so,
    events_cannot_be_changed_or_deleted,
    snapshots_shorten_the_way,
    tails_see_everything_once,
];

async fn what_is_appended_can_be_read(place: Place) {
    let store = place.store().await;
    let env = store.env().clone();
    let actor = Actor::user(
        tenant(1),
        env.id::<kind::User>(),
        env.id::<kind::Session>(),
        vec![Role::Owner],
    );
    let mut append = to_account(tenant(1), "a", Expected::NoStream, vec![pay(5), pay(7)]);
    append.metadata = Metadata::by(&actor).within(Some(env.id()));
    let recorded = store.append(append.clone()).await.unwrap();
    assert_eq!(
        recorded.iter().map(|e| (e.position, e.stream_version)).collect::<Vec<_>>(),
        [(1, 1), (2, 2)]
    );
    assert_eq!(recorded[0].metadata().unwrap(), append.metadata);
    store.append(to_account(tenant(2), "a", Expected::NoStream, vec![pay(1)])).await.unwrap();
    assert_eq!(store.head(), 3);

    let log = whole_log(&store).await;
    assert_eq!(log[..2], recorded);
    assert_eq!(store.read(1, 1).await.unwrap(), log[1..2]);
    assert_eq!(store.read_tenant(tenant(2), 0, 10).await.unwrap(), log[2..]);
    let stream = store.read_stream(tenant(1), "bank.account", "a", 1, 10).await.unwrap();
    assert_eq!(stream, log[1..2]);
    let loaded = store.load::<Account>(tenant(1), "a").await.unwrap();
    assert_eq!((loaded.state.balance, loaded.version), (12, 2));
    assert_eq!(store.load::<Account>(tenant(3), "a").await.unwrap().version, 0);
    let rows = balances(store.database(), "balances", store.generation("balances")).await;
    assert_eq!(rows, expected_balances(&log));
}

async fn conflicts_are_typed_and_record_nothing(place: Place) {
    let store = place.store().await;
    store.append(to_account(tenant(1), "a", Expected::NoStream, vec![pay(1)])).await.unwrap();
    for expected in [Expected::NoStream, Expected::Version(0), Expected::Version(2)] {
        let error =
            store.append(to_account(tenant(1), "a", expected, vec![pay(9)])).await.unwrap_err();
        let AppendError::Conflict { stream_id, expected: said, actual, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!((stream_id.as_str(), *said, *actual), ("a", expected, 1));
        assert_eq!(error.code().as_str(), "CONFLICT");
    }
    store.append(to_account(tenant(1), "a", Expected::Any, vec![pay(1)])).await.unwrap();
    assert_eq!(whole_log(&store).await.len(), 2);
}

async fn decisions_are_made_again_once(place: Place) {
    let store = place.store().await;
    let metadata = Metadata::system("test");
    let other = store.clone();
    let meddle = move |times: usize| {
        let other = other.clone();
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for _ in 0..times {
                    let append = to_account(tenant(1), "a", Expected::Any, vec![pay(100)]);
                    other.append(append).await.unwrap();
                }
            });
        });
    };
    let mut seen = Vec::new();
    let done = store
        .execute::<Account, StoreError>(tenant(1), "a", &metadata, |account, version| {
            seen.push((account.balance, version));
            if seen.len() == 1 {
                meddle(2);
            }
            Ok(vec![pay(1)])
        })
        .await
        .unwrap();
    assert_eq!(seen, [(0, 0), (200, 2)]);
    assert_eq!((done.state.balance, done.version, done.recorded.len()), (201, 3, 1));

    let error = store
        .execute::<Account, StoreError>(tenant(1), "a", &metadata, |_, _| {
            meddle(1);
            Ok(vec![pay(1)])
        })
        .await
        .unwrap_err();
    assert!(matches!(error, ExecuteError::Append(AppendError::Conflict { .. })), "{error}");

    let nothing = store
        .execute::<Account, StoreError>(tenant(1), "a", &metadata, |_, _| Ok(vec![]))
        .await
        .unwrap();
    assert_eq!((nothing.version, nothing.recorded), (5, vec![]));
    let refused = store
        .execute::<Account, &str>(tenant(1), "a", &metadata, |_, _| Err("not today"))
        .await
        .unwrap_err();
    assert_eq!(refused.to_string(), "not today");
    assert_eq!(whole_log(&store).await.len(), 5);
}

async fn an_append_is_whole_or_nothing(place: Place) {
    let store = place.store().await;
    store.append(to_account(tenant(1), "b", Expected::NoStream, vec![pay(1)])).await.unwrap();
    let mut append = to_account(tenant(1), "a", Expected::NoStream, vec![pay(1)]);
    let late = StreamAppend::of::<Account>("b", Expected::NoStream, vec![pay(1)]).unwrap();
    append.streams.push(late);
    store.append(append.clone()).await.unwrap_err();
    assert_eq!(whole_log(&store).await.len(), 1);
    append.streams[1].expected = Expected::Version(1);
    // The same stream again in one append is counted on from where it then is.
    append.streams.push(append.streams[0].clone());
    append.streams[2].expected = Expected::Version(1);
    let recorded = store.append(append).await.unwrap();
    let versions: Vec<u64> = recorded.iter().map(|event| event.stream_version).collect();
    assert_eq!(versions, [1, 2, 2]);
    whole_log(&store).await;
}

async fn time_never_runs_backwards(place: Place) {
    let clock = ManualClock::at("2026-01-31T12:00:00Z".parse().unwrap());
    let env = studio_kernel::Env::new(clock.clone(), FixedEntropy::seeded(1));
    let database = place.database().await;
    let options = studio_events::EventStoreOptions::new(database, "bank", env);
    let store = studio_events::EventStore::open(options).await.unwrap();
    let append = async || {
        let append = to_account(tenant(1), "a", Expected::Any, vec![pay(1)]);
        store.append(append).await.unwrap()[0].recorded_at
    };
    let first = append().await;
    clock.advance_micros(-5_000_000);
    assert_eq!(append().await, first);
    clock.advance_micros(7_000_000);
    let third = append().await;
    assert_eq!(third, first.plus_seconds(2));
    let as_of = async |at| store.position_as_of(at).await.unwrap();
    assert_eq!(as_of(first.plus_micros(-1)).await, 0);
    assert_eq!(as_of(first).await, 2);
    assert_eq!(as_of(third.plus_micros(-1)).await, 2);
    assert_eq!(as_of(third).await, 3);
}

async fn malformed_appends_are_refused(place: Place) {
    let store = place.store().await;
    let good = to_account(tenant(1), "a", Expected::Any, vec![pay(1)]);
    let refused = async |change: &dyn Fn(&mut studio_events::Append)| {
        let mut bad = good.clone();
        change(&mut bad);
        match store.append(bad).await.unwrap_err() {
            AppendError::Encode(error) => error,
            other => panic!("{other}"),
        }
    };
    let limit = |error: EncodeError| assert!(matches!(error, EncodeError::Limit(_)), "{error}");
    limit(refused(&|a| a.streams.clear()).await);
    limit(refused(&|a| a.streams[0].events.clear()).await);
    limit(refused(&|a| a.streams[0].stream_id = "x".repeat(256)).await);
    limit(refused(&|a| a.streams[0].stream_id = "a\0b".to_owned()).await);
    limit(refused(&|a| a.streams[0].stream_type = "".into()).await);
    limit(refused(&|a| a.streams[0].events[0].schema_version = 0).await);
    limit(refused(&|a| a.streams[0].events = vec![a.streams[0].events[0].clone(); 10_001]).await);
    let big = serde_json::Value::from("x".repeat(5 << 20));
    limit(refused(&|a| a.streams[0].events[0].payload = big.clone().into()).await);
    let rounded = serde_json::Value::from(u64::MAX);
    let rounded = refused(&|a| a.streams[0].events[0].payload = rounded.clone().into()).await;
    assert!(rounded.to_string().contains("write it as a string"), "{rounded}");
    assert_eq!(whole_log(&store).await, []);
    // Zero characters within a payload are fine: JSON escapes them.
    let mut odd = good.clone();
    odd.streams[0].events = vec![EventData {
        event_type: "bank.account.odd".into(),
        schema_version: 1,
        payload: serde_json::json!({"b": "\0", "a": [1.0, -0.0, 1e21]}).into(),
    }];
    let recorded = store.append(odd).await.unwrap();
    assert_eq!(recorded[0].payload, r#"{"a":[1,0,1e+21],"b":"\u0000"}"#);
    assert_eq!(whole_log(&store).await, recorded);
}

async fn a_closed_store_says_so(place: Place) {
    let store = place.store().await;
    let mut tail = Box::pin(store.tail(0));
    store.append(to_account(tenant(1), "a", Expected::Any, vec![pay(1)])).await.unwrap();
    store.shutdown().await;
    let error = store.append(to_account(tenant(1), "a", Expected::Any, vec![pay(1)])).await;
    assert!(matches!(error, Err(AppendError::Store(StoreError::Closed))));
    assert_eq!(tail.next().await.unwrap().unwrap().position, 1);
    assert!(matches!(tail.next().await, Some(Err(StoreError::Closed))));
    assert!(tail.next().await.is_none());
    let again = place.store().await;
    assert_eq!(whole_log(&again).await.len(), 1);
}

async fn events_cannot_be_changed_or_deleted(place: Place) {
    use sea_orm::ConnectionTrait as _;
    let store = place.store().await;
    store.append(to_account(tenant(1), "a", Expected::Any, vec![pay(1)])).await.unwrap();
    let mut attempts = vec!["UPDATE events SET payload = '{}'", "DELETE FROM events"];
    attempts.push(match store.database().backend() {
        sea_orm::DbBackend::Sqlite => {
            "INSERT OR REPLACE INTO events SELECT position, event_id, tenant, stream_type, \
             stream_id, stream_version, type, schema_version, '{}', metadata, recorded_at, \
             prev_hash, hash FROM events"
        }
        _ => "TRUNCATE events",
    });
    for sql in attempts {
        let error = store.database().writer().execute_unprepared(sql).await.unwrap_err();
        assert!(error.to_string().contains("recorded events are never"), "{sql}: {error}");
    }
    assert_eq!(whole_log(&store).await.len(), 1);
}

async fn snapshots_shorten_the_way(place: Place) {
    let options = place.options().await.snapshot_every(10);
    let store = studio_events::EventStore::open(options).await.unwrap();
    for n in 0..25 {
        store
            .execute::<Account, StoreError>(tenant(1), "a", &Metadata::system("t"), |_, _| {
                Ok(vec![pay(n)])
            })
            .await
            .unwrap();
    }
    store.shutdown().await;
    let options = place.options().await.snapshot_every(10);
    let store = studio_events::EventStore::open(options).await.unwrap();
    let writer = store.database().writer();
    // Snapshots are kept beside the work, so the newest is of version 20 or of one soon after.
    let mut kept = Vec::new();
    for version in 10..=25_i64 {
        // A state that no replay would come to shows that the snapshot is what was loaded.
        let doctored = format!(r#"{{"balance":1000,"events":{version}}}"#);
        let sql = "UPDATE snapshots SET state = $1 WHERE stream_version = $2 AND stream_id = 'a'";
        if execute(writer, sql, vec![doctored.into(), version.into()]).await == 1 {
            kept.push(version);
        }
    }
    let newest = *kept.last().unwrap();
    let balance = async || {
        let loaded = store.load::<Account>(tenant(1), "a").await.unwrap();
        assert_eq!((loaded.version, loaded.state.events), (25, 25));
        loaded.state.balance
    };
    assert_eq!(balance().await, 1000 + (newest..25).sum::<i64>());
    let truth = (0..25).sum::<i64>();
    let sql = "UPDATE snapshots SET state_version = 99";
    execute(writer, sql, vec![]).await;
    assert_eq!(balance().await, truth, "a snapshot of another version is ignored");
    let sql = "UPDATE snapshots SET state_version = 1, state = 'broken'";
    execute(writer, sql, vec![]).await;
    assert_eq!(balance().await, truth, "a snapshot that does not read is ignored");
    store.drop_snapshots().await.unwrap();
    assert_eq!(balance().await, truth);
}

async fn tails_see_everything_once(place: Place) {
    let store = place.store().await;
    let append = async |n: i64| {
        store.append(to_account(tenant(1), "a", Expected::Any, vec![pay(n); 30])).await.unwrap();
    };
    append(1).await;
    let early = store.tail(0);
    let middle = store.tail(45);
    append(2).await;
    append(3).await;
    // Opened now, nothing is in this one's ring: it reads the database, and sees what the other
    // store appends.
    let other = place.store().await;
    let late = other.tail(0);
    append(4).await;
    other.nudge();
    let positions = async |tail, count| {
        Box::pin(futures::StreamExt::take(tail, count))
            .map(|event: Result<std::sync::Arc<studio_events::Recorded>, _>| {
                event.unwrap().position
            })
            .collect::<Vec<i64>>()
            .await
    };
    assert_eq!(positions(early.boxed(), 120).await, (1..=120).collect::<Vec<_>>());
    assert_eq!(positions(middle.boxed(), 75).await, (46..=120).collect::<Vec<_>>());
    assert_eq!(positions(late.boxed(), 120).await, (1..=120).collect::<Vec<_>>());
}
