//! Consumers: exactly once, in order, with dead letters for what cannot be handled.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use studio_events::{
    Append, AppendError, ConsumerCheckpoint, ConsumerHandle, ConsumerOptions, Election, EventData,
    EventStore, Expected, Handler, HandlerError, LogFeed, Metadata, PublishedType, Reaction,
    Recorded, StreamAppend, dead_letters, run_consumer,
};
use studio_kernel::{event, events, published::CloudEvent};
use tokio_util::sync::CancellationToken;

use super::harness::*;
use crate::on_each_database;

on_each_database![
    every_event_is_taken_in_once,
    events_that_go_together_are_taken_in_once_and_in_order,
    two_processes_share_one_consumer,
    a_conflict_is_handled_again,
    poison_becomes_a_dead_letter_and_can_be_redriven,
    a_checkpoint_moves_forward_only,
    an_answer_in_parts_is_whole_wherever_it_is_cut_off,
    a_part_without_an_event_is_a_dead_letter,
];

/// The other subgraph's record of a payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PaymentSeen {
    pub(crate) position: i64,
    pub(crate) amount: i64,
}
event!(PaymentSeen, "tax.payment.seen", 1);
events! { /// Of the tax office.
pub(crate) enum TaxEvent { PaymentSeen } }

pub(crate) static PUBLISHED: &[PublishedType] = &[PublishedType::of::<PaidIn>()];

/// Records each payment whose amount is not a multiple of ten, in one stream per account.
#[derive(Default)]
pub(crate) struct TaxOffice {
    pub(crate) poison: Option<i64>,
    pub(crate) unavailable: AtomicUsize,
    pub(crate) calls: AtomicUsize,
    /// Takes many events in with one wait for the disk.
    pub(crate) together: bool,
}

#[async_trait]
impl Handler for TaxOffice {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let Some(paid) = event.read::<PaidIn>() else {
            return Err(HandlerError::failed("an event that was not published"));
        };
        let paid = paid.map_err(HandlerError::failed)?;
        if self.unavailable.load(Ordering::SeqCst) > 0 {
            self.unavailable.fetch_sub(1, Ordering::SeqCst);
            return Err(HandlerError::unavailable("out to lunch"));
        }
        assert_ne!(Some(paid.amount), self.poison.map(|amount| amount + 1), "as the test asked");
        if Some(paid.amount) == self.poison {
            return Err(HandlerError::failed("cannot stomach this"));
        }
        if paid.amount % 10 == 0 {
            return Ok(Reaction::none(event));
        }
        let seen = PaymentSeen { position: event.position, amount: paid.amount };
        let stream = StreamAppend {
            stream_type: "tax.payment".into(),
            stream_id: event.subject.clone(),
            expected: Expected::Any,
            events: vec![EventData::of(&TaxEvent::from(seen)).map_err(HandlerError::failed)?],
        };
        Ok(Reaction::to(event, "tax", vec![stream]))
    }

    fn rests_on_the_event_alone(&self) -> bool {
        self.together
    }
}

pub(crate) fn consume(
    bank: &EventStore,
    tax: &EventStore,
    office: Arc<TaxOffice>,
) -> ConsumerHandle {
    consume_when(bank, tax, office, Election::unopposed())
}

pub(crate) fn consume_when(
    bank: &EventStore,
    tax: &EventStore,
    office: Arc<TaxOffice>,
    election: Election,
) -> ConsumerHandle {
    let options = ConsumerOptions {
        page: 7,
        first_pause: Duration::from_micros(100),
        longest_pause: Duration::from_millis(5),
        poll: Duration::from_millis(50),
        ..ConsumerOptions::default()
    };
    let feed = Arc::new(LogFeed::new(bank.clone(), PUBLISHED));
    let cancel = CancellationToken::new();
    run_consumer(tax.clone(), feed, "tax.payments", office, options, election, cancel).unwrap()
}

/// What the tax office recorded, by the position it came from.
pub(crate) fn seen(log: &[Recorded]) -> Vec<(i64, i64)> {
    log.iter()
        .map(|event| {
            let TaxEvent::PaymentSeen(seen) = event.decode().unwrap();
            (seen.position, seen.amount)
        })
        .collect()
}

/// What it should have recorded.
pub(crate) fn to_be_seen(log: &[Recorded]) -> Vec<(i64, i64)> {
    log.iter()
        .filter_map(|event| match event.decode().unwrap() {
            AccountEvent::PaidIn(paid) => Some((event.position, paid.amount)),
            AccountEvent::StatementSent(_) => None,
        })
        .filter(|(_, amount)| amount % 10 != 0)
        .collect()
}

/// A second store beside the first, of the same kind.
pub(crate) fn beside(place: &Place) -> Place {
    if place.is_sqlite() { Place::sqlite() } else { Place::postgres().unwrap() }
}

async fn pair(place: &Place) -> (EventStore, EventStore, Place) {
    let other = beside(place);
    (place.store().await, EventStore::open(other.options().await).await.unwrap(), other)
}

async fn every_event_is_taken_in_once(place: Place) {
    let (bank, tax, _other) = pair(&place).await;
    let office = Arc::new(TaxOffice { unavailable: 8.into(), ..TaxOffice::default() });
    let consumer = consume(&bank, &tax, Arc::clone(&office));
    for n in 0..40 {
        let account = format!("a{}", n % 3);
        let events = vec![pay(n), StatementSent {}.into()];
        bank.append(to_account(tenant(1), &account, Expected::Any, events)).await.unwrap();
    }
    consumer.caught_up_to(bank.head()).await.unwrap();
    let log = whole_log(&tax).await;
    assert_eq!(seen(&log), to_be_seen(&whole_log(&bank).await));
    let first = bank.read(2, 1).await.unwrap().remove(0);
    assert_eq!(log[0].metadata().unwrap().causation, Some(first.event_id));
    assert_eq!(log[0].tenant, tenant(1));
    // What had no effect at the end is remembered at the stop, and nothing is asked again.
    consumer.stop().await;
    assert_eq!(tax.checkpoint("tax.payments").await.unwrap(), 80);
    assert_eq!(office.calls.load(Ordering::SeqCst), 48);
    let again = consume(&bank, &tax, Arc::clone(&office));
    again.caught_up_to(80).await.unwrap();
    assert_eq!(office.calls.load(Ordering::SeqCst), 48);
    assert_eq!(whole_log(&tax).await.len(), log.len());
    tax.shutdown().await;
    bank.append(to_account(tenant(1), "a", Expected::Any, vec![pay(1)])).await.unwrap();
    assert!(again.caught_up_to(81).await.is_err(), "a consumer of a closed store stops");
}

async fn events_that_go_together_are_taken_in_once_and_in_order(place: Place) {
    let (bank, tax, _other) = pair(&place).await;
    for n in 0..60 {
        let events = vec![pay(n.into()), StatementSent {}.into()];
        bank.append(to_account(tenant(n % 3), "a", Expected::Any, events)).await.unwrap();
    }
    // In the middle of a page one event fails, one panics, and some have to wait.
    let office =
        TaxOffice { poison: Some(13), unavailable: 3.into(), together: true, ..Default::default() };
    let consumer = consume(&bank, &tax, Arc::new(office));
    consumer.caught_up_to(bank.head()).await.unwrap();
    let mut expected = to_be_seen(&whole_log(&bank).await);
    expected.retain(|(_, amount)| ![13, 14].contains(amount));
    let log = whole_log(&tax).await;
    assert_eq!(seen(&log), expected);
    let letters = tax.dead_letters("tax.payments", 0, 10).await.unwrap();
    let told: Vec<_> = letters.iter().map(|l| (l.attempts, l.error.as_str())).collect();
    assert_eq!(told, [(5, "cannot stomach this"), (5, "the handler panicked")]);
    // Each keeps its organization and what it was caused by.
    for (event, (position, _)) in log.iter().zip(expected) {
        let cause = bank.read(position - 1, 1).await.unwrap().remove(0);
        assert_eq!(event.metadata().unwrap().causation, Some(cause.event_id));
        assert_eq!(event.tenant, cause.tenant);
    }
    consumer.stop().await;
}

async fn two_processes_share_one_consumer(place: Place) {
    let (bank, tax, other) = pair(&place).await;
    let tax_too = EventStore::open(other.options().await).await.unwrap();
    let together = || Arc::new(TaxOffice { together: true, ..TaxOffice::default() });
    let one = consume(&bank, &tax, together());
    let two = consume(&bank, &tax_too, together());
    for n in 0..60 {
        bank.append(to_account(tenant(1), "a", Expected::Any, vec![pay(n)])).await.unwrap();
    }
    one.caught_up_to(60).await.unwrap();
    two.caught_up_to(60).await.unwrap();
    assert_eq!(seen(&whole_log(&tax).await), to_be_seen(&whole_log(&bank).await));
}

/// Expects the stream to be where it was when it was first asked, and meddles before it answers.
struct Meddler(EventStore);

#[async_trait]
impl Handler for Meddler {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        let known = self
            .0
            .read_stream(event.tenant, "tax.note", "n", 0, 100)
            .await
            .map_err(HandlerError::unavailable)?;
        let note = |by: &str| StreamAppend {
            stream_type: "tax.note".into(),
            stream_id: "n".to_owned(),
            expected: Expected::Version(known.len() as u64),
            events: vec![EventData {
                event_type: "tax.note.taken".into(),
                schema_version: 1,
                payload: serde_json::json!({ "by": by, "position": event.position }).into(),
            }],
        };
        if known.len() < 3 {
            let append = Append::new(event.tenant, Metadata::system("m"), vec![note("meddler")]);
            self.0.append(append).await.map_err(HandlerError::failed)?;
        }
        Ok(Reaction::to(event, "tax", vec![note("consumer")]))
    }
}

async fn a_conflict_is_handled_again(place: Place) {
    let (bank, tax, _other) = pair(&place).await;
    bank.append(to_account(tenant(1), "a", Expected::Any, vec![pay(1)])).await.unwrap();
    let feed = Arc::new(LogFeed::new(bank.clone(), PUBLISHED));
    let options = ConsumerOptions { attempts: 1, ..ConsumerOptions::default() };
    let consumer = run_consumer(
        tax.clone(),
        feed,
        "notes",
        Arc::new(Meddler(tax.clone())),
        options,
        Election::unopposed(),
        CancellationToken::new(),
    )
    .unwrap();
    consumer.caught_up_to(1).await.unwrap();
    let log = whole_log(&tax).await;
    assert_eq!(log.len(), 4);
    assert_eq!(log[3].payload, r#"{"by":"consumer","position":1}"#);
    assert_eq!(tax.dead_letters("notes", 0, 10).await.unwrap(), []);
}

async fn poison_becomes_a_dead_letter_and_can_be_redriven(place: Place) {
    let (bank, tax, _other) = pair(&place).await;
    for n in [1, 13, 2, 14, 3] {
        bank.append(to_account(tenant(1), "a", Expected::Any, vec![pay(n)])).await.unwrap();
    }
    // 13 fails, 14 panics.
    let office = Arc::new(TaxOffice { poison: Some(13), ..TaxOffice::default() });
    let consumer = consume(&bank, &tax, Arc::clone(&office));
    consumer.caught_up_to(5).await.unwrap();
    assert_eq!(seen(&whole_log(&tax).await), [(1, 1), (3, 2), (5, 3)]);
    let letters = tax.dead_letters("tax.payments", 0, 10).await.unwrap();
    let told: Vec<_> =
        letters.iter().map(|l| (l.event.position, l.attempts, l.error.as_str())).collect();
    assert_eq!(told, [(2, 5, "cannot stomach this"), (4, 5, "the handler panicked")]);
    assert_eq!(letters[0].source, "/studio/bank");
    consumer.stop().await;

    // Marked, and as poisonous as before: kept, with one try more and without the mark.
    assert_eq!(dead_letters::mark(tax.database(), Some("nobody"), None).await.unwrap(), 0);
    let one = dead_letters::mark(tax.database(), Some("tax.payments"), Some(2)).await.unwrap();
    assert_eq!(one, 1);
    let marked = dead_letters::list(tax.database(), true, None, 10).await.unwrap();
    assert_eq!(marked.iter().map(|letter| letter.position).collect::<Vec<_>>(), [2]);
    let consumer = consume(&bank, &tax, Arc::clone(&office));
    until_none_is_marked(&tax).await;
    let letters = tax.dead_letters("tax.payments", 0, 10).await.unwrap();
    let told: Vec<_> = letters.iter().map(|l| (l.event.position, l.attempts)).collect();
    assert_eq!(told, [(2, 6), (4, 5)]);
    consumer.stop().await;

    // The one who has mended it marks all, while the consumer runs.
    let consumer = consume(&bank, &tax, Arc::new(TaxOffice::default()));
    bank.append(to_account(tenant(1), "a", Expected::Any, vec![pay(7)])).await.unwrap();
    consumer.caught_up_to(6).await.unwrap();
    assert_eq!(dead_letters::mark(tax.database(), None, None).await.unwrap(), 2);
    until_none_is_marked(&tax).await;
    assert_eq!(tax.dead_letters("tax.payments", 0, 10).await.unwrap(), []);
    assert_eq!(seen(&whole_log(&tax).await), [(1, 1), (3, 2), (5, 3), (6, 7), (2, 13), (4, 14)]);
    assert_eq!(tax.checkpoint("tax.payments").await.unwrap(), 6);
    consumer.stop().await;
}

/// Waits until the consumer has taken every marked dead letter again, or has failed to.
async fn until_none_is_marked(store: &EventStore) {
    let none = async {
        while !dead_letters::list(store.database(), true, None, 1).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), none).await.expect("the marks go");
}

async fn a_checkpoint_moves_forward_only(place: Place) {
    let store = place.store().await;
    let append = |position| {
        let mut append = to_account(tenant(1), "a", Expected::Any, vec![pay(position)]);
        append.checkpoint = Some(ConsumerCheckpoint { name: "c".to_owned(), position });
        append
    };
    store.append(append(5)).await.unwrap();
    for position in [5, 4] {
        let error = store.append(append(position)).await.unwrap_err();
        let AppendError::CheckpointMoved { stored: 5, given, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(given, position);
    }
    store.append(append(6)).await.unwrap();
    assert_eq!(store.checkpoint("c").await.unwrap(), 6);
    assert_eq!(store.checkpoint("d").await.unwrap(), 0);
    assert_eq!(whole_log(&store).await.len(), 2);
}

/// Notes each payment as often as its amount says, three at a time.
struct Notary(EventStore);

#[async_trait]
impl Handler for Notary {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        let Some(Ok(paid)) = event.read::<PaidIn>() else { panic!("nothing else is published") };
        let known = self
            .0
            .read_stream(event.tenant, "tax.note", &event.id.to_string(), 0, 100)
            .await
            .map_err(HandlerError::unavailable)?
            .len();
        let missing = usize::try_from(paid.amount).unwrap() - known;
        let note = |number: usize| EventData {
            event_type: "tax.note.taken".into(),
            schema_version: 1,
            payload: serde_json::json!({ "number": number }).into(),
        };
        let stream = StreamAppend {
            stream_type: "tax.note".into(),
            stream_id: event.id.to_string(),
            expected: Expected::Version(known as u64),
            events: (known..known + missing.min(3)).map(note).collect(),
        };
        let reaction = Reaction::to(event, "tax", vec![stream]);
        Ok(if missing > 3 { reaction.as_part() } else { reaction })
    }
}

fn notary(bank: &EventStore, tax: &EventStore) -> ConsumerHandle {
    let feed = Arc::new(LogFeed::new(bank.clone(), PUBLISHED));
    let handler = Arc::new(Notary(tax.clone()));
    let options = ConsumerOptions::default();
    run_consumer(
        tax.clone(),
        feed,
        "notary",
        handler,
        options,
        Election::unopposed(),
        CancellationToken::new(),
    )
    .unwrap()
}

async fn an_answer_in_parts_is_whole_wherever_it_is_cut_off(place: Place) {
    let (bank, tax, _other) = pair(&place).await;
    for amount in [20, 2, 7] {
        let append = to_account(tenant(1), "a", Expected::Any, vec![pay(amount)]);
        bank.append(append).await.unwrap();
    }
    // Stopped behind more and more parts; two at once, at the end.
    for events in [3, 9, 21] {
        let consumer = notary(&bank, &tax);
        tax.wake().wait_for(|head| *head >= events).await.unwrap();
        consumer.stop().await;
        // What was under way may still be committed: the checkpoint is looked at first.
        let checkpoint = tax.checkpoint("notary").await.unwrap();
        let notes = tax.read(0, 1_000).await.unwrap().len();
        assert!(checkpoint == 0 || notes >= 20, "a part is not the whole");
    }
    let (one, two) = (notary(&bank, &tax), notary(&bank, &tax));
    one.caught_up_to(3).await.unwrap();
    two.caught_up_to(3).await.unwrap();
    let log = whole_log(&tax).await;
    let notes: Vec<String> = log.iter().map(|event| event.payload.clone()).collect();
    let expected: Vec<String> = [20, 2, 7]
        .into_iter()
        .flat_map(|amount| (0..amount).map(|number| format!(r#"{{"number":{number}}}"#)))
        .collect();
    assert_eq!(notes, expected);
    assert_eq!(tax.checkpoint("notary").await.unwrap(), 3);
    assert_eq!(tax.dead_letters("notary", 0, 10).await.unwrap(), []);
}

/// Says that more follows, and gives nothing.
struct Promiser;

#[async_trait]
impl Handler for Promiser {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        Ok(Reaction::to(event, "tax", Vec::new()).as_part())
    }
}

async fn a_part_without_an_event_is_a_dead_letter(place: Place) {
    let (bank, tax, _other) = pair(&place).await;
    bank.append(to_account(tenant(1), "a", Expected::Any, vec![pay(1)])).await.unwrap();
    let feed = Arc::new(LogFeed::new(bank.clone(), PUBLISHED));
    let options = ConsumerOptions { attempts: 1, ..ConsumerOptions::default() };
    let cancel = CancellationToken::new();
    let consumer = run_consumer(
        tax.clone(),
        feed,
        "promises",
        Arc::new(Promiser),
        options,
        Election::unopposed(),
        cancel,
    )
    .unwrap();
    consumer.caught_up_to(1).await.unwrap();
    let letters = tax.dead_letters("promises", 0, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].error, "a part of the answer holds no event");
}
