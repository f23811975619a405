//! The hash chain: whatever is changed from outside is found and named.

use std::sync::Arc;

use proptest::{prelude::*, strategy::ValueTree as _};
use sea_orm::{ConnectionTrait, DbBackend};
use studio_events::{
    CheckpointSigner as _, Ed25519Signer, EventStore, Expected, Fault, VerifyError,
    seen::{Seen, snapshots_ahead},
    verify::{Against, verify},
};
use studio_stores::sql::Database;

use super::harness::*;
use crate::on_each_database;

on_each_database![
    a_changed_byte_is_found_and_named,
    bytes_cannot_move_between_columns,
    a_removed_event_is_found,
    a_cut_off_log_shows,
    checkpoints_are_signed_on_the_way,
];

/// Takes the triggers away, as somebody with the database's password could.
pub(crate) async fn allow_tampering(database: &Database) {
    let drops: &[&str] = match database.backend() {
        DbBackend::Sqlite => {
            &["DROP TRIGGER events_refuse_update", "DROP TRIGGER events_refuse_delete"]
        }
        _ => &["DROP TRIGGER events_refuse_change ON events"],
    };
    for sql in drops {
        database.writer().execute_unprepared(sql).await.unwrap();
    }
}

async fn filled(place: &Place, events: i64) -> EventStore {
    let store = place.store().await;
    for n in 0..events {
        let account = format!("account-{}", n % 3);
        store.append(to_account(tenant(1), &account, Expected::Any, vec![pay(n)])).await.unwrap();
    }
    store
}

fn broken(error: VerifyError) -> (i64, Fault) {
    match error {
        VerifyError::Broken(link) => (link.position, link.fault),
        VerifyError::Store(error) => panic!("{error}"),
    }
}

const TEXTS: [&str; 7] =
    ["event_id", "tenant", "stream_type", "stream_id", "type", "payload", "metadata"];
const NUMBERS: [&str; 3] = ["stream_version", "schema_version", "recorded_at"];
const HASHES: [&str; 2] = ["prev_hash", "hash"];

async fn a_changed_byte_is_found_and_named(place: Place) {
    const EVENTS: i64 = 12;
    let store = filled(&place, EVENTS).await;
    allow_tampering(store.database()).await;
    let writer = store.database().writer();
    let backend = store.database().backend();
    let cases =
        (1..=EVENTS, 0..TEXTS.len() + NUMBERS.len() + HASHES.len(), any::<u16>(), 1..=i64::MAX);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..60 {
        let (position, column, place, difference) = cases.new_tree(&mut runner).unwrap().current();
        let column = TEXTS.iter().chain(&NUMBERS).chain(&HASHES).nth(column).unwrap();
        let at = usize::from(place);
        let before = store.read(position - 1, 1).await.unwrap().remove(0);
        let (damaged, original): (sea_orm::Value, sea_orm::Value) = if TEXTS.contains(column) {
            let text = match *column {
                "event_id" => before.event_id.to_string(),
                "tenant" => before.tenant.to_string(),
                "stream_type" => before.stream_type.clone(),
                "stream_id" => before.stream_id.clone(),
                "type" => before.event_type.clone(),
                "payload" => before.payload.clone(),
                _ => before.metadata.clone(),
            };
            let mut characters: Vec<char> = text.chars().collect();
            let at = at % characters.len();
            characters[at] = if characters[at] == '7' { '8' } else { '7' };
            (characters.into_iter().collect::<String>().into(), text.into())
        } else if NUMBERS.contains(column) {
            let number = match *column {
                "stream_version" => before.stream_version as i64,
                "schema_version" => i64::from(before.schema_version),
                _ => before.recorded_at.micros(),
            };
            (number.wrapping_add(difference).into(), number.into())
        } else {
            let hash = if *column == "hash" { before.hash } else { before.prev_hash };
            let mut changed = hash.to_vec();
            changed[at % 32] ^= 1 << (at % 8);
            (changed.into(), hash.to_vec().into())
        };
        let sql = format!("UPDATE events SET {column} = $1 WHERE position = $2");
        execute(writer, &sql, vec![damaged, position.into()]).await;
        let (found, fault) = broken(store.verify().await.unwrap_err());
        assert_eq!(found, position, "{column}: {fault}");
        execute(writer, &sql, vec![original, position.into()]).await;
        assert_eq!(store.verify().await.unwrap().events, EVENTS, "{backend:?}");
    }
}

async fn bytes_cannot_move_between_columns(place: Place) {
    let store = filled(&place, 3).await;
    allow_tampering(store.database()).await;
    // Hashes the same, and says something else to whoever reads the columns.
    let event = store.read(1, 1).await.unwrap().remove(0);
    let metadata = format!(r#"{},"payload":{}"#, event.metadata, event.payload);
    let moved = metadata.strip_suffix('}').unwrap();
    let sql = "UPDATE events SET metadata = $1, payload = '' WHERE position = 2";
    execute(store.database().writer(), sql, vec![moved.into()]).await;
    assert_eq!(broken(store.verify().await.unwrap_err()).0, 2);
}

async fn a_removed_event_is_found(place: Place) {
    let store = filled(&place, 6).await;
    allow_tampering(store.database()).await;
    let writer = store.database().writer();
    execute(writer, "DELETE FROM events WHERE position = 6", vec![]).await;
    assert_eq!(broken(store.verify().await.unwrap_err()), (6, Fault::Head(6)));
    execute(writer, "DELETE FROM events WHERE position = 4", vec![]).await;
    assert_eq!(broken(store.verify().await.unwrap_err()), (4, Fault::Missing));
    let hash = vec![7_u8; 32];
    execute(writer, "UPDATE log_head SET position = 3, hash = $1", vec![hash.into()]).await;
    execute(writer, "DELETE FROM events WHERE position > 3", vec![]).await;
    assert_eq!(broken(store.verify().await.unwrap_err()), (3, Fault::Head(3)));
    // Somebody who also computes the head's hash is found only by a signed checkpoint.
    let last = store.read(2, 1).await.unwrap().remove(0);
    execute(writer, "UPDATE log_head SET hash = $1", vec![last.hash.to_vec().into()]).await;
    let later = last.recorded_at.plus_micros(1);
    execute(writer, "UPDATE log_head SET recorded_at = $1", vec![later.micros().into()]).await;
    assert_eq!(broken(store.verify().await.unwrap_err()), (3, Fault::HeadTime(later)));
    let then = last.recorded_at.micros();
    execute(writer, "UPDATE log_head SET recorded_at = $1", vec![then.into()]).await;
    assert_eq!(store.verify().await.unwrap().events, 3);
    // And by whoever has seen more, or something else.
    let by = "somebody";
    let seen = |position, hash| {
        [
            Seen { by: by.to_owned(), position, hash },
            Seen { by: by.to_owned(), position: 3, hash: None },
        ]
    };
    let held = async |seen: &[Seen]| {
        let against = Against { seen, ..Against::default() };
        verify(store.database().primary(), "bank", against).await
    };
    assert_eq!(held(&seen(3, Some(last.hash))).await.unwrap().events, 3);
    let beyond = Fault::Beyond { head: 3, seen: vec![(by.to_owned(), 6)] };
    assert_eq!(broken(held(&seen(6, None)).await.unwrap_err()), (4, beyond));
    let other = held(&seen(2, Some(last.hash))).await.unwrap_err();
    assert_eq!(broken(other), (2, Fault::Seen(by.to_owned())));
    assert_eq!(snapshots_ahead(store.database()).await.unwrap(), None);
    let keep = "INSERT INTO snapshots VALUES ($1, 'bank.account', 'account-0', 9, 1, '{}')";
    execute(writer, keep, vec![tenant(1).to_string().into()]).await;
    let (ahead, count) = snapshots_ahead(store.database()).await.unwrap().unwrap();
    assert_eq!(
        (ahead.stream_id.as_str(), ahead.snapshot, ahead.log, count),
        ("account-0", 9, 1, 1)
    );
}

async fn signing(place: &Place, seed: u8) -> EventStore {
    let signer = Ed25519Signer::from_seed(&[seed; 32]).unwrap();
    EventStore::open(place.options().await.signer(Arc::new(signer))).await.unwrap()
}

async fn a_cut_off_log_shows(place: Place) {
    let store = signing(&place, 1).await;
    let pay_some = async || {
        let append = to_account(tenant(1), "a", Expected::Any, vec![pay(1); 5]);
        store.append(append).await.unwrap()
    };
    let empty = store.sign_checkpoint().await.unwrap();
    let fifth = pay_some().await.pop().unwrap();
    let kept = store.sign_checkpoint().await.unwrap();
    assert_eq!((kept.position, kept.hash), (5, fifth.hash));
    assert!(kept.is_signed_by(&Ed25519Signer::from_seed(&[1; 32]).unwrap().public_key(), "bank"));
    assert!(!kept.is_signed_by(&Ed25519Signer::from_seed(&[2; 32]).unwrap().public_key(), "bank"));
    assert!(!kept.is_signed_by(&kept.public_key, "controls"));
    pay_some().await;
    let verified = store.verify_against(&[empty, kept.clone()]).await.unwrap();
    assert_eq!((verified.events, verified.checkpoints), (10, 2));

    // Cut off before the checkpoint, with a head that agrees.
    allow_tampering(store.database()).await;
    let writer = store.database().writer();
    let third = store.read(2, 1).await.unwrap().remove(0);
    execute(writer, "DELETE FROM events WHERE position > 3", vec![]).await;
    let sql = "UPDATE log_head SET position = 3, hash = $1, recorded_at = $2";
    let values = vec![third.hash.to_vec().into(), third.recorded_at.micros().into()];
    execute(writer, sql, values).await;
    assert_eq!(broken(store.verify().await.unwrap_err()), (4, Fault::CutOff(5)));
    // The stored checkpoint gone, too: the copy kept elsewhere still proves it.
    execute(writer, "DELETE FROM log_checkpoints", vec![]).await;
    assert_eq!(store.verify().await.unwrap().events, 3);
    let kept = [kept];
    assert_eq!(broken(store.verify_against(&kept).await.unwrap_err()), (4, Fault::CutOff(5)));

    // Written anew beyond the cut, with a chain that is right in itself.
    drop(store);
    let store = signing(&place, 1).await;
    store.append(to_account(tenant(1), "z", Expected::Any, vec![pay(9); 5])).await.unwrap();
    assert_eq!(store.verify().await.unwrap().events, 8);
    assert_eq!(broken(store.verify_against(&kept).await.unwrap_err()), (5, Fault::Checkpoint));
    let mut forged = kept[0].clone();
    forged.position = 8;
    assert_eq!(broken(store.verify_against(&[forged]).await.unwrap_err()), (8, Fault::Signature));
}

async fn checkpoints_are_signed_on_the_way(place: Place) {
    let store = signing(&place, 3).await;
    for _ in 0..5 {
        let append = to_account(tenant(1), "a", Expected::Any, vec![pay(1); 500]);
        store.append(append).await.unwrap();
    }
    let positions: Vec<i64> =
        store.signed_checkpoints().await.unwrap().iter().map(|c| c.position).collect();
    assert_eq!(positions, [1_500, 2_500]);
    assert_eq!(store.verify().await.unwrap().checkpoints, 2);
    let unsigned = place.store().await;
    assert!(unsigned.sign_checkpoint().await.unwrap_err().to_string().contains("without a key"));
}
