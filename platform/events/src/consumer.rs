//! Consumers: they pull what another log publishes and append what they learned from it to their
//! own, together with how far they have come. Whatever is cut off, wherever, each event has its
//! effect exactly once.
//!
//! An event that the handler fails on is tried again with growing pauses, and is then kept as a dead
//! letter, committed with the checkpoint behind it, so that the ones after it are not held up.

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures::FutureExt as _;
use studio_kernel::{TenantId, published::CloudEvent};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    error::{AppendError, StoreError},
    event::{Append, ConsumerCheckpoint, Metadata},
    feed::EventFeed,
    handler::{Handler, HandlerError},
    prepare::DeadLetterChange,
    store::EventStore,
};

/// Positions without any effect that may be looked at again after a kill.
const UNSAVED_LIMIT: i64 = 1_000;
/// Conflicts in a row after which an event counts as failed once.
const CONFLICT_LIMIT: u32 = 20;

/// How patient a consumer is.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// Events asked for at a time.
    pub page: usize,
    /// How often an event is tried before it becomes a dead letter, at least once.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles up to `longest_pause`.
    pub first_pause: Duration,
    /// The longest pause between attempts.
    pub longest_pause: Duration,
    /// How often to look without being woken.
    pub poll: Duration,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        Self {
            page: 200,
            attempts: 5,
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(30),
            poll: Duration::from_secs(5),
        }
    }
}

/// A consumer that has stopped takes nothing in any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the consumer {0} has stopped")]
pub struct ConsumerStopped(pub String);

/// A running consumer.
#[derive(Debug)]
pub struct ConsumerHandle {
    name: String,
    position: watch::Receiver<i64>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl ConsumerHandle {
    /// Waits until everything up to a position of the source has had its effect here.
    pub async fn caught_up_to(&self, position: i64) -> Result<(), ConsumerStopped> {
        self.position
            .clone()
            .wait_for(|reached| *reached >= position)
            .await
            .map(|_| ())
            .map_err(|_| ConsumerStopped(self.name.clone()))
    }

    /// The last position of the source that has had its effect here.
    pub fn position(&self) -> i64 {
        *self.position.borrow()
    }

    /// Stops it after the event in hand.
    pub async fn stop(self) {
        self.cancel.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(consumer = self.name, %error, "a consumer ended badly");
        }
    }
}

/// Starts a consumer named `name` (unique within `store`) that reads `feed` and appends to `store`.
/// It ends when `cancel` is cancelled or the store closes.
pub fn run_consumer(
    store: EventStore,
    feed: Arc<dyn EventFeed>,
    name: &str,
    handler: Arc<dyn Handler>,
    options: ConsumerOptions,
    cancel: CancellationToken,
) -> ConsumerHandle {
    let cancel = cancel.child_token();
    let (sender, position) = watch::channel(0);
    let consumer = Consumer {
        store,
        feed,
        name: name.to_owned(),
        handler,
        options,
        cancel: cancel.clone(),
        reached: sender,
        position: 0,
        saved: 0,
    };
    let task = tokio::spawn(consumer.run());
    ConsumerHandle { name: name.to_owned(), position, cancel, task }
}

struct Consumer {
    store: EventStore,
    feed: Arc<dyn EventFeed>,
    name: String,
    handler: Arc<dyn Handler>,
    options: ConsumerOptions,
    cancel: CancellationToken,
    reached: watch::Sender<i64>,
    /// Everything up to here has had its effect;
    position: i64,
    /// and up to here, the store knows it.
    saved: i64,
}

/// The consumer is to end.
struct Stop;

/// A pause that grows.
struct Pause {
    next: Duration,
    longest: Duration,
}

impl Pause {
    fn of(options: &ConsumerOptions) -> Self {
        Self { next: options.first_pause, longest: options.longest_pause }
    }

    fn grow(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(self.longest);
        now
    }
}

impl Consumer {
    async fn run(mut self) {
        let Err(Stop) = self.follow().await;
        // What had no effect is remembered, too, so that it need not be looked at again.
        if self.position > self.saved {
            let name = self.name.clone();
            match self.save().await {
                Ok(()) | Err(AppendError::Store(StoreError::Closed)) => {}
                Err(error) => tracing::debug!(consumer = name, %error, "a position is not saved"),
            }
        }
    }

    async fn follow(&mut self) -> Result<Infallible, Stop> {
        self.resume().await?;
        let mut wake = self.feed.wake();
        let mut pause = Pause::of(&self.options);
        loop {
            wake.borrow_and_update();
            let page = tokio::select! {
                () = self.cancel.cancelled() => return Err(Stop),
                page = self.feed.read(self.position, self.options.page) => page,
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(consumer = self.name, %error, "a feed cannot be read");
                    self.wait(pause.grow()).await?;
                    continue;
                }
            };
            pause = Pause::of(&self.options);
            let before = self.position;
            for event in &page.events {
                // Another process may have taken over meanwhile.
                if event.position > self.position {
                    self.take(event).await?;
                }
            }
            self.advance(page.scanned_to);
            if self.position - self.saved >= UNSAVED_LIMIT {
                match self.save().await {
                    Ok(()) => {}
                    Err(AppendError::Store(StoreError::Closed)) => return Err(Stop),
                    Err(AppendError::CheckpointMoved { stored, .. }) => self.moved_to(stored),
                    Err(error) => tracing::warn!(consumer = self.name, %error, "retried later"),
                }
            }
            if self.position == before {
                tokio::select! {
                    () = self.cancel.cancelled() => return Err(Stop),
                    changed = wake.changed() => if changed.is_err() {
                        self.wait(self.options.poll).await?;
                    },
                    () = tokio::time::sleep(self.options.poll) => {}
                }
            }
        }
    }

    async fn resume(&mut self) -> Result<(), Stop> {
        let mut pause = Pause::of(&self.options);
        loop {
            match self.store.checkpoint(&self.name).await {
                Ok(position) => {
                    self.moved_to(position);
                    return Ok(());
                }
                Err(error) => {
                    tracing::warn!(consumer = self.name, %error, "a checkpoint cannot be read");
                    self.wait(pause.grow()).await?;
                }
            }
        }
    }

    async fn wait(&self, pause: Duration) -> Result<(), Stop> {
        tokio::select! {
            () = self.cancel.cancelled() => Err(Stop),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }

    fn advance(&mut self, position: i64) {
        if position > self.position {
            self.position = position;
            self.reached.send_replace(position);
        }
    }

    fn moved_to(&mut self, stored: i64) {
        self.saved = self.saved.max(stored);
        self.position = self.position.max(stored);
        self.reached.send_replace(self.position);
    }

    async fn save(&mut self) -> Result<(), AppendError> {
        let position = self.position;
        // A checkpoint belongs to no organization: the nil one stands in.
        let append = Append {
            tenant: TenantId::from_uuid(Default::default()),
            metadata: Metadata::system(self.name.as_str()),
            streams: Vec::new(),
            checkpoint: Some(ConsumerCheckpoint { name: self.name.clone(), position }),
        };
        self.store.append(append).await?;
        self.saved = position;
        Ok(())
    }

    /// Takes one event in, whatever it takes.
    async fn take(&mut self, event: &CloudEvent) -> Result<(), Stop> {
        let mut pause = Pause::of(&self.options);
        let mut attempts = 0;
        loop {
            let tried = tokio::select! {
                () = self.cancel.cancelled() => return Err(Stop),
                tried = self.attempt(event) => tried,
            };
            let failure = match tried {
                Ok(Taken::Recorded) => {
                    self.moved_to(event.position);
                    return Ok(());
                }
                Ok(Taken::NoConcern) => {
                    self.advance(event.position);
                    return Ok(());
                }
                Ok(Taken::Elsewhere(stored)) => {
                    self.moved_to(stored);
                    return Ok(());
                }
                Err(Trouble::Closed) => return Err(Stop),
                Err(Trouble::Unavailable(why)) => {
                    tracing::warn!(consumer = self.name, position = event.position, why, "waiting");
                    self.wait(pause.grow()).await?;
                    continue;
                }
                Err(Trouble::Failed(why)) => why,
            };
            attempts += 1;
            tracing::warn!(
                consumer = self.name,
                position = event.position,
                attempts,
                failure,
                "an event could not be taken in"
            );
            if attempts < self.options.attempts.max(1) {
                self.wait(pause.grow()).await?;
                continue;
            }
            match self.give_up(event, &failure, attempts).await {
                Ok(()) => return Ok(()),
                Err(AppendError::Store(StoreError::Closed)) => return Err(Stop),
                Err(AppendError::CheckpointMoved { stored, .. }) => {
                    self.moved_to(stored);
                    return Ok(());
                }
                Err(error) => {
                    tracing::error!(consumer = self.name, %error, "a dead letter is not kept");
                    self.wait(pause.grow()).await?;
                }
            }
        }
    }

    async fn attempt(&self, event: &CloudEvent) -> Result<Taken, Trouble> {
        let checkpoint = ConsumerCheckpoint { name: self.name.clone(), position: event.position };
        react(&self.store, self.handler.as_ref(), event, Some(checkpoint), None).await
    }

    async fn give_up(
        &mut self,
        event: &CloudEvent,
        failure: &str,
        attempts: u32,
    ) -> Result<(), AppendError> {
        let append = Append {
            tenant: event.tenant,
            metadata: Metadata::system(self.name.as_str()),
            streams: Vec::new(),
            checkpoint: Some(ConsumerCheckpoint {
                name: self.name.clone(),
                position: event.position,
            }),
        };
        let letter = DeadLetterChange::Add {
            consumer: self.name.clone(),
            source: event.source.clone(),
            position: event.position,
            event: serde_json::to_string(event).unwrap_or_default(),
            error: failure.chars().take(2_000).collect(),
            attempts,
            recorded_at: self.store.env().now(),
        };
        self.store.append_with(append, Some(letter)).await?;
        self.moved_to(event.position);
        Ok(())
    }
}

/// An event was taken in:
enum Taken {
    /// what followed from it is recorded;
    Recorded,
    /// nothing followed from it;
    NoConcern,
    /// another process did it, and has come so far.
    Elsewhere(i64),
}

/// An event was not taken in.
enum Trouble {
    Closed,
    Unavailable(String),
    Failed(String),
}

/// Asks the handler and appends its answer; a conflict is decided again.
async fn react(
    store: &EventStore,
    handler: &dyn Handler,
    event: &CloudEvent,
    checkpoint: Option<ConsumerCheckpoint>,
    resolves: Option<(&str, i64)>,
) -> Result<Taken, Trouble> {
    for _ in 0..CONFLICT_LIMIT {
        let asked = std::panic::AssertUnwindSafe(handler.handle(event)).catch_unwind().await;
        let reaction = match asked {
            Ok(Ok(reaction)) => reaction,
            Ok(Err(HandlerError::Failed(why))) => return Err(Trouble::Failed(why.to_string())),
            Ok(Err(HandlerError::Unavailable(why))) => {
                return Err(Trouble::Unavailable(why.to_string()));
            }
            Err(_) => return Err(Trouble::Failed("the handler panicked".to_owned())),
        };
        if reaction.streams.is_empty() && resolves.is_none() {
            return Ok(Taken::NoConcern);
        }
        let append = Append {
            tenant: reaction.tenant,
            metadata: reaction.metadata,
            streams: reaction.streams,
            checkpoint: checkpoint.clone(),
        };
        let resolved = resolves.map(|(consumer, position)| DeadLetterChange::Resolve {
            consumer: consumer.to_owned(),
            position,
        });
        match store.append_with(append, resolved).await {
            Ok(_) => return Ok(Taken::Recorded),
            Err(AppendError::Conflict { .. }) => {}
            Err(AppendError::CheckpointMoved { stored, .. }) => {
                return Ok(Taken::Elsewhere(stored));
            }
            Err(AppendError::Store(StoreError::Closed)) => return Err(Trouble::Closed),
            Err(AppendError::Store(error)) => return Err(Trouble::Unavailable(error.to_string())),
            Err(error) => return Err(Trouble::Failed(error.to_string())),
        }
    }
    Err(Trouble::Failed("its streams changed each time it was handled".to_owned()))
}

/// Handles the dead letters of a consumer once more, oldest first, after the reason was mended. Each
/// one that succeeds is removed together with what is appended. Answers how many did, and the first
/// one that still fails, where it stops.
pub async fn redrive(
    store: &EventStore,
    name: &str,
    handler: &dyn Handler,
) -> Result<(usize, Option<crate::DeadLetter>), StoreError> {
    let mut mended = 0;
    loop {
        let Some(mut letter) = store.dead_letters(name, 0, 1).await?.into_iter().next() else {
            return Ok((mended, None));
        };
        let resolves = Some((name, letter.event.position));
        match react(store, handler, &letter.event, None, resolves).await {
            Ok(Taken::Elsewhere(_)) => {}
            Ok(Taken::Recorded | Taken::NoConcern) => mended += 1,
            Err(Trouble::Closed) => return Err(StoreError::Closed),
            Err(Trouble::Unavailable(why) | Trouble::Failed(why)) => {
                letter.error = why;
                return Ok((mended, Some(letter)));
            }
        }
    }
}
