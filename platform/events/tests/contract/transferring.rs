//! Carrying a log over: from either database, into either, what arrives is what left; what is not
//! whole is refused and leaves nothing that opens.

use std::sync::Arc;

use sea_orm::ConnectionTrait as _;
use studio_events::{
    Append, ConsumerCheckpoint, Ed25519Signer, EventStore, Expected, Metadata, StoreError,
    transfer::{
        Filling, Lines, LogState, Occupancy, Reader, TransferError, cut, occupancy, release,
        write_line,
    },
};
use studio_stores::sql::Database;
use tokio::sync::watch;

use super::harness::*;
use crate::on_each_database;

on_each_database![
    what_arrives_is_what_left,
    a_cut_is_of_one_moment,
    filling_that_was_cut_off_goes_on,
    what_is_not_empty_is_refused,
    a_damaged_line_is_refused,
];

async fn filled(place: &Place, events: i64) -> EventStore {
    let signer = Ed25519Signer::from_seed(&[7; 32]).unwrap();
    let options = place.options().await.inline(vec![Arc::new(Balances::inline())]);
    let store = EventStore::open(options.signer(Arc::new(signer))).await.unwrap();
    for n in 0..events {
        let account = format!("account-{}", n % 3);
        let mut append = to_account(tenant(1), &account, Expected::Any, vec![pay(n), pay(-n)]);
        append.checkpoint = Some(ConsumerCheckpoint { name: "teller".into(), position: n + 1 });
        store.append(append).await.unwrap();
    }
    store.sign_checkpoint().await.unwrap();
    let letter = "INSERT INTO dead_letters \
                  (consumer, source, position, tenant, event, error, attempts, recorded_at) \
                  VALUES ('teller', 'elsewhere', 3, 'org', '{\"a\": \"😀\\u0000\"}', 'no', 5, 12)";
    store.database().writer().execute_unprepared(letter).await.unwrap();
    store
}

async fn lines(database: &Database, state: &LogState) -> Vec<u8> {
    let (mut reader, mut text) = (Reader::new(database, state), Vec::new());
    loop {
        let events = reader.next().await.unwrap();
        if events.is_empty() {
            return text;
        }
        for event in &events {
            write_line(event, &mut text).unwrap();
        }
    }
}

async fn fill(database: &Database, state: &LogState, text: &[u8]) -> Result<(), TransferError> {
    let mut lines = Lines::new(text, state.clone());
    let mut filling = Filling::begin(database, state).await?;
    loop {
        let events = lines.next(7)?;
        if events.is_empty() {
            return filling.finish().await;
        }
        filling.take(&events).await?;
    }
}

async fn cut_one(database: &Database) -> LogState {
    cut(&[("bank", database)]).await.unwrap().remove(0)
}

/// Where it may arrive: on SQLite always, and on the database that it comes from.
fn targets(place: &Place) -> Vec<Place> {
    let same = if place.is_sqlite() { None } else { Place::postgres() };
    std::iter::once(Place::sqlite()).chain(same).collect()
}

async fn what_arrives_is_what_left(place: Place) {
    let store = filled(&place, 40).await;
    let state = cut_one(store.database()).await;
    assert_eq!((state.position, state.consumers.len()), (80, 1));
    assert_eq!((state.dead_letters.len(), state.signed_checkpoints.len()), (1, 1));
    // What a manifest keeps of it is all of it.
    let kept = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<LogState>(&kept).unwrap(), state);
    let text = lines(store.database(), &state).await;

    for target in targets(&place) {
        let database = target.database().await;
        assert_eq!(occupancy(&database).await.unwrap(), Occupancy::Empty);
        fill(&database, &state, &text).await.unwrap();
        release(&database).await.unwrap();
        assert_eq!(cut_one(&database).await, state);
        assert_eq!(lines(&database, &state).await, text, "every byte");

        let copy = target.store().await;
        assert_eq!(whole_log(&copy).await, whole_log(&store).await);
        let built = balances(&database, "balances", copy.generation("balances")).await;
        assert_eq!(built, expected_balances(&whole_log(&store).await));
        assert_eq!(copy.checkpoint("teller").await.unwrap(), 40);
        // It goes on where the other one was.
        let recorded = copy
            .append(to_account(tenant(1), "account-0", Expected::Version(28), vec![pay(1)]))
            .await
            .unwrap();
        assert_eq!((recorded[0].position, recorded[0].prev_hash), (81, state.hash));
        whole_log(&copy).await;
    }
}

/// Two logs; every event of the first is taken in by the second, which writes down how far it is.
async fn a_cut_is_of_one_moment(place: Place) {
    let other = if place.is_sqlite() { Place::sqlite() } else { Place::postgres().unwrap() };
    let (source, follower) = (place.store().await, other.store().await);
    let following = tokio::spawn({
        let (source, follower) = (source.clone(), follower.clone());
        async move {
            let mut head = source.wake();
            loop {
                let newer = head.wait_for(|head| *head > follower.head()).await;
                let position = newer.map(|head| *head).unwrap();
                let append = Append {
                    checkpoint: Some(ConsumerCheckpoint { name: "follower".into(), position }),
                    ..to_account(
                        tenant(1),
                        "seen",
                        Expected::Any,
                        vec![pay(1); usize::try_from(position - follower.head()).unwrap()],
                    )
                };
                follower.append(append).await.unwrap();
                if position >= 400 {
                    return;
                }
            }
        }
    });
    let (met, mut one_was_met) = watch::channel(false);
    let writing = tokio::spawn({
        let source = source.clone();
        async move {
            for n in 0..400 {
                // However fast it is, a cut meets it on its way.
                if n == 200 {
                    one_was_met.wait_for(|met| *met).await.unwrap();
                }
                let append = to_account(tenant(1), "a", Expected::Any, vec![pay(n)]);
                source.append(append).await.unwrap();
            }
        }
    });
    // As a process of its own would, with its own connections, and in the order that is worst.
    let (first, second) = (other.database().await, place.database().await);
    let mut cuts = 0;
    let mut between = 0;
    while !following.is_finished() || cuts < 3 {
        let states = cut(&[("follower", &first), ("bank", &second)]).await.unwrap();
        let [behind, ahead] = states.as_slice() else { panic!("two logs") };
        let read = behind.consumers.first().map_or(0, |consumer| consumer.position);
        assert!(read <= ahead.position, "{read} of {}", ahead.position);
        assert_eq!(read, behind.position, "the checkpoint and its effect are of one moment");
        if ahead.position > 0 && ahead.position < 400 {
            between += 1;
            met.send_replace(true);
        }
        cuts += 1;
        for (database, state) in [(&first, behind), (&second, ahead)] {
            let text = lines(database, state).await;
            let mut lines = Lines::new(text.as_slice(), state.clone());
            while !lines.next(100).unwrap().is_empty() {}
        }
    }
    writing.await.unwrap();
    following.await.unwrap();
    assert!(between > 0, "at least one cut was made while events were appended");
}

async fn filling_that_was_cut_off_goes_on(place: Place) {
    let store = filled(&place, 30).await;
    let state = cut_one(store.database()).await;
    let text = lines(store.database(), &state).await;
    let mut all = Vec::new();
    let mut read = Lines::new(text.as_slice(), state.clone());
    while let [first, ..] = read.next(10).unwrap().as_slice() {
        all.push(first.position);
    }
    assert_eq!(all, [1, 11, 21, 31, 41, 51]);

    for polls in [1, 5, 20, 40, 80, 160] {
        for target in targets(&place) {
            let database = target.database().await;
            let whole = cut_off(fill(&database, &state, &text), polls).await;
            if let Some(ended) = whole {
                ended.unwrap();
            }
            match occupancy(&database).await.unwrap() {
                Occupancy::Empty => {}
                Occupancy::HalfFilled => {
                    let options = target.options().await;
                    let opened = EventStore::open(options).await.map(drop).unwrap_err();
                    assert!(matches!(opened, StoreError::HalfFilled), "{opened}");
                    assert!(matches!(
                        cut(&[("bank", &database)]).await,
                        Err(StoreError::HalfFilled)
                    ));
                }
                other => panic!("{other:?}"),
            }
            fill(&database, &state, &text).await.unwrap();
            // Finished, and not yet released: once more changes nothing.
            fill(&database, &state, &text).await.unwrap();
            release(&database).await.unwrap();
            assert_eq!(cut_one(&database).await, state);
            assert_eq!(lines(&database, &state).await, text);
        }
    }

    // Half filled from one archive, it takes no other.
    let target = Place::sqlite();
    let database = target.database().await;
    let mut filling = Filling::begin(&database, &state).await.unwrap();
    let mut read = Lines::new(text.as_slice(), state.clone());
    filling.take(&read.next(10).unwrap()).await.unwrap();
    let stranger = Place::sqlite();
    let other = filled(&stranger, 30).await;
    let others = cut_one(other.database()).await;
    let other_text = lines(other.database(), &others).await;
    let refused = fill(&database, &others, &other_text).await.unwrap_err();
    assert!(matches!(refused, TransferError::OtherArchive { position: 1, .. }), "{refused}");
}

async fn what_is_not_empty_is_refused(place: Place) {
    let store = filled(&place, 3).await;
    let state = cut_one(store.database()).await;
    let text = lines(store.database(), &state).await;
    let target = Place::sqlite();
    let used = filled(&target, 1).await;
    assert_eq!(occupancy(used.database()).await.unwrap(), Occupancy::InUse { events: 2 });
    let refused = fill(used.database(), &state, &text).await.unwrap_err();
    assert!(matches!(refused, TransferError::NotEmpty { events: 2, .. }), "{refused}");
    // Nothing was touched.
    assert_eq!(whole_log(&used).await.len(), 2);
    used.append(to_account(tenant(1), "a", Expected::Any, vec![pay(1)])).await.unwrap();
    // A consumer that has begun is something, too, though nothing is recorded.
    let begun = Place::sqlite();
    let only_read = begun.store().await;
    let append = Append {
        tenant: tenant(1),
        metadata: Metadata::system("teller"),
        streams: vec![],
        checkpoint: Some(ConsumerCheckpoint { name: "teller".into(), position: 9 }),
        fence: None,
    };
    only_read.append(append).await.unwrap();
    assert_eq!(occupancy(only_read.database()).await.unwrap(), Occupancy::InUse { events: 0 });
}

fn refused(text: &[u8], state: &LogState) -> TransferError {
    let mut lines = Lines::new(text, state.clone());
    loop {
        match lines.next(3) {
            Ok(events) => assert!(!events.is_empty(), "it was taken for whole"),
            Err(error) => return error,
        }
    }
}

async fn a_damaged_line_is_refused(place: Place) {
    let store = filled(&place, 5).await;
    let state = cut_one(store.database()).await;
    let text = lines(store.database(), &state).await;
    let rows: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();

    // Every single byte counts: changed, and cut off there.
    for at in 0..text.len() {
        let mut changed = text.clone();
        changed[at] = if changed[at] == b'7' { b'8' } else { b'7' };
        refused(&changed, &state);
        refused(&text[..at], &state);
    }
    let at = |error: TransferError| match error {
        TransferError::Line { line, .. } => line,
        TransferError::Broken { link, .. } => link.position,
        TransferError::End { found, .. } => -found,
        other => panic!("{other}"),
    };
    assert_eq!(at(refused(&text[..text.len() - 1], &state)), 10);
    assert_eq!(at(refused(&rows[..9].concat(), &state)), -9);
    assert_eq!(at(refused(&[&rows[..3], &rows[4..]].concat().concat(), &state)), 4);
    assert_eq!(at(refused(&[rows[1], rows[0]].concat(), &state)), 1);
    assert_eq!(at(refused(&[text.as_slice(), rows[9]].concat(), &state)), 11);
    let long = [rows[0], b" ".repeat(17 << 20).as_slice(), rows[1]].concat();
    assert_eq!(at(refused(&long, &state)), 2);
    // What is said of the head counts as much.
    let other = LogState { position: 9, ..state.clone() };
    assert_eq!(at(refused(&text, &other)), -10);
    let other = LogState { hash: [1; 32], ..state.clone() };
    assert!(matches!(refused(&text, &other), TransferError::Head(_)));
    let other = LogState { recorded_at: state.recorded_at.plus_micros(1), ..state.clone() };
    assert!(matches!(refused(&text, &other), TransferError::Head(_)));

    // Signed checkpoints are held against it, and must be of the store's key.
    use studio_events::CheckpointSigner as _;
    let key = Ed25519Signer::from_seed(&[7; 32]).unwrap().public_key();
    state.check_signatures(&key).unwrap();
    assert!(state.check_signatures(&[1; 32]).is_err());
    let mut other = state.clone();
    other.signed_checkpoints[0].position += 1;
    assert!(other.check_signatures(&key).is_err());
}
