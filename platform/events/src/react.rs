//! What a consumer does with one event, for the first time or again: it asks the handler, and appends
//! the answer.

use futures::FutureExt as _;
use studio_kernel::published::CloudEvent;

use crate::{
    dead_letters::{self, DeadLetter},
    election::{Term, fenced},
    error::{AppendError, StoreError},
    event::{Append, ConsumerCheckpoint, Metadata},
    handler::{Handler, HandlerError, Reaction},
    prepare::DeadLetterChange,
    store::EventStore,
};

/// Conflicts in a row after which an event counts as failed once.
const CONFLICT_LIMIT: u32 = 20;

/// An event was taken in:
pub(crate) enum Taken {
    /// what followed from it is recorded;
    Recorded,
    /// nothing followed from it;
    NoConcern,
    /// another process did it, and has come so far.
    Elsewhere(i64),
}

/// An event was not taken in:
pub(crate) enum Trouble {
    /// the store is closed;
    Closed,
    /// another process does the work now;
    Deposed,
    /// something is not there now;
    Unavailable(String),
    /// the event cannot be handled.
    Failed(String),
}

/// Asks the handler and appends its answer; a conflict is decided again. The parts of an answer are
/// appended one by one, and the checkpoint moves, or the dead letter goes, with the last alone.
pub(crate) async fn react(
    store: &EventStore,
    handler: &dyn Handler,
    event: &CloudEvent,
    term: Option<&Term>,
    checkpoint: Option<ConsumerCheckpoint>,
    resolves: Option<(&str, i64)>,
) -> Result<Taken, Trouble> {
    let mut conflicts = 0;
    while conflicts < CONFLICT_LIMIT {
        let reaction = ask(handler, event).await?;
        if reaction.streams.is_empty() && resolves.is_none() {
            return Ok(Taken::NoConcern);
        }
        let whole = !reaction.part;
        let append = append_of(reaction, term, checkpoint.clone().filter(|_| whole));
        let resolved = resolves.filter(|_| whole).map(|(consumer, position)| {
            DeadLetterChange::Resolve { consumer: consumer.to_owned(), position }
        });
        match store.append_with(append, resolved).await {
            Ok(_) if whole => return Ok(Taken::Recorded),
            Ok(_) => conflicts = 0,
            Err(AppendError::Conflict { .. }) => conflicts += 1,
            Err(AppendError::CheckpointMoved { stored, .. }) => {
                return Ok(Taken::Elsewhere(stored));
            }
            Err(AppendError::Deposed { .. }) => return Err(Trouble::Deposed),
            Err(AppendError::Store(StoreError::Closed)) => return Err(Trouble::Closed),
            Err(AppendError::Store(error)) => return Err(Trouble::Unavailable(error.to_string())),
            Err(error) => return Err(Trouble::Failed(error.to_string())),
        }
    }
    Err(Trouble::Failed("its streams changed each time it was handled".to_owned()))
}

async fn ask(handler: &dyn Handler, event: &CloudEvent) -> Result<Reaction, Trouble> {
    let asked = std::panic::AssertUnwindSafe(handler.handle(event)).catch_unwind().await;
    match asked {
        Ok(Ok(reaction)) if reaction.leads_nowhere() => {
            Err(Trouble::Failed("a part of the answer holds no event".to_owned()))
        }
        Ok(Ok(reaction)) => Ok(reaction),
        Ok(Err(HandlerError::Failed(why))) => Err(Trouble::Failed(why.to_string())),
        Ok(Err(HandlerError::Unavailable(why))) => Err(Trouble::Unavailable(why.to_string())),
        Err(_) => Err(Trouble::Failed("the handler panicked".to_owned())),
    }
}

fn append_of(
    reaction: Reaction,
    term: Option<&Term>,
    checkpoint: Option<ConsumerCheckpoint>,
) -> Append {
    let mut append = Append::new(reaction.tenant, reaction.metadata, reaction.streams);
    append.checkpoint = checkpoint;
    fenced(term, append)
}

/// How far several events were taken in.
pub(crate) struct Together {
    /// The last that something followed from, which is recorded, if there was one.
    pub(crate) recorded: Option<i64>,
    /// The last of all, if there was one: nothing followed from those after `recorded`.
    pub(crate) through: Option<i64>,
}

/// Takes in what follows from several events with one wait for the disk; the handler's answers rest
/// on the events alone. It leaves off at the first that needs more than that: a try of its own says
/// what.
pub(crate) async fn react_together(
    store: &EventStore,
    handler: &dyn Handler,
    events: &[CloudEvent],
    term: Option<&Term>,
    consumer: &str,
) -> Together {
    let (mut appends, mut positions) = (Vec::new(), Vec::new());
    let mut through = None;
    for event in events {
        match ask(handler, event).await {
            Ok(reaction) if reaction.streams.is_empty() => {}
            Ok(reaction) if !reaction.part => {
                let (name, position) = (consumer.to_owned(), event.position);
                let checkpoint = ConsumerCheckpoint { name, position };
                appends.push(append_of(reaction, term, Some(checkpoint)));
                positions.push(position);
            }
            _ => break,
        }
        through = Some(event.position);
    }
    let count = store.append_in_turn(appends).await;
    let recorded = positions[..count].last().copied();
    Together { recorded, through: if count == positions.len() { through } else { recorded } }
}

/// Takes the dead letters of a consumer again that are marked, oldest first. One that succeeds is
/// removed together with what is appended; one that fails again is kept with the new reason and
/// without the mark. What is not there now ends it, and the marks stay.
pub(crate) async fn redrive(
    store: &EventStore,
    name: &str,
    handler: &dyn Handler,
    term: Option<&Term>,
) -> Result<(), Trouble> {
    let unavailable = |error: StoreError| Trouble::Unavailable(error.to_string());
    let mut after = 0;
    loop {
        let next = dead_letters::next_marked(store.core(), name, after).await;
        let Some(letter) = next.map_err(unavailable)? else { return Ok(()) };
        let position = letter.event.position;
        after = position;
        match react(store, handler, &letter.event, term, None, Some((name, position))).await {
            Ok(_) => {
                tracing::info!(consumer = name, position, "a dead letter was taken in after all");
            }
            Err(Trouble::Failed(why)) => {
                tracing::warn!(consumer = name, position, why, "a dead letter failed again");
                failed_again(store, name, &letter, why, term).await?;
            }
            Err(other) => return Err(other),
        }
    }
}

async fn failed_again(
    store: &EventStore,
    name: &str,
    letter: &DeadLetter,
    why: String,
    term: Option<&Term>,
) -> Result<(), Trouble> {
    let append = Append::new(letter.event.tenant, Metadata::system(name), Vec::new());
    let append = fenced(term, append);
    let change = DeadLetterChange::FailedAgain {
        consumer: name.to_owned(),
        position: letter.event.position,
        error: dead_letters::told(&why),
        recorded_at: store.env().now(),
    };
    match store.append_with(append, Some(change)).await {
        Ok(_) => Ok(()),
        Err(AppendError::Deposed { .. }) => Err(Trouble::Deposed),
        Err(AppendError::Store(StoreError::Closed)) => Err(Trouble::Closed),
        Err(error) => Err(Trouble::Unavailable(error.to_string())),
    }
}
