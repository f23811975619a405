//! Consumers: they pull what another log publishes and append what they learned from it to their
//! own, together with how far they have come. Whatever is cut off, wherever, each event has its
//! effect exactly once.
//!
//! Of several processes the one that was elected takes events in, and the others follow how far it
//! has come ([`Election`]).
//!
//! An event that the handler fails on is tried again with growing pauses, and is then kept as a dead
//! letter, committed with the checkpoint behind it, so that the ones after it are not held up. Dead
//! letters that somebody has marked are taken again between two events.

mod take;

use std::{convert::Infallible, sync::Arc, time::Duration};

use sea_orm::DbBackend;
use studio_kernel::TenantId;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    consumer_handle::{ConsumerHandle, ConsumerOptions, Waiting},
    election::{Election, Term, fenced},
    error::{AppendError, StoreError},
    event::{Append, ConsumerCheckpoint, Metadata},
    feed::EventFeed,
    handler::Handler,
    names,
    store::EventStore,
};

/// Positions without any effect that may be looked at again after a kill.
const UNSAVED_LIMIT: i64 = 1_000;
/// How long such a position waits to be stored where nobody can be standing by.
const EMBEDDED_SAVE: Duration = Duration::from_secs(5);
/// How often one that stands by looks how far the other has come, and
const LOOK: Duration = Duration::from_secs(1);
/// while somebody waits for it.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// Starts a consumer named `name` (unique within `store`, the names of its projections included)
/// that reads `feed` and appends to `store` whenever this process is elected. It ends when `cancel`
/// is cancelled or the store closes.
///
/// # Errors
/// [`StoreError::NameTaken`], where the name is that of a projection of the store.
pub fn run_consumer(
    store: EventStore,
    feed: Arc<dyn EventFeed>,
    name: &str,
    handler: Arc<dyn Handler>,
    mut options: ConsumerOptions,
    election: Election,
    cancel: CancellationToken,
) -> Result<ConsumerHandle, StoreError> {
    names::free_for_consumer(store.core(), name)?;
    let cancel = cancel.child_token();
    let (sender, position) = watch::channel(0);
    let waiting = Arc::new(Waiting::default());
    if store.database().backend() == DbBackend::Sqlite {
        options.save_after = options.save_after.max(EMBEDDED_SAVE);
    }
    let consumer = Consumer {
        store,
        feed,
        name: name.to_owned(),
        handler,
        options,
        election,
        term: None,
        cancel: cancel.clone(),
        waiting: Arc::clone(&waiting),
        reached: sender,
        position: 0,
        saved: 0,
        unsaved_since: None,
        looked: None,
    };
    let task = tokio::spawn(consumer.run());
    Ok(ConsumerHandle { name: name.to_owned(), position, waiting, cancel, task })
}

struct Consumer {
    store: EventStore,
    feed: Arc<dyn EventFeed>,
    name: String,
    handler: Arc<dyn Handler>,
    options: ConsumerOptions,
    election: Election,
    /// While this process does the work.
    term: Option<Term>,
    cancel: CancellationToken,
    waiting: Arc<Waiting>,
    reached: watch::Sender<i64>,
    /// Everything up to here has had its effect;
    position: i64,
    /// and up to here, the store knows it.
    saved: i64,
    /// Since when there is a difference.
    unsaved_since: Option<Instant>,
    /// When marked dead letters were last looked for.
    looked: Option<Instant>,
}

/// Why the consumer leaves off.
enum End {
    /// It is to end.
    Stop,
    /// Another process does the work now.
    Deposed,
}

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
        let election = self.election.clone();
        loop {
            let term = tokio::select! {
                biased;
                () = self.cancel.clone().cancelled_owned() => break,
                term = election.elected() => term,
                () = self.stand_by() => break,
            };
            self.term = Some(term);
            match self.follow().await {
                Err(End::Stop) => break,
                Err(End::Deposed) => self.term = None,
            }
        }
        // What had no effect is remembered, too, so that it need not be looked at again.
        if self.term.is_some() && self.position > self.saved {
            let name = self.name.clone();
            match self.save().await {
                Ok(())
                | Err(AppendError::Store(StoreError::Closed) | AppendError::Deposed { .. }) => {}
                Err(error) => tracing::debug!(consumer = name, %error, "a position is not saved"),
            }
        }
    }

    /// Follows how far the process has come that does the work, until the store closes.
    async fn stand_by(&mut self) {
        let closed = self.store.core().cancel.clone();
        loop {
            match self.store.checkpoint(&self.name).await {
                Ok(position) => self.moved_to(position),
                Err(error) => {
                    tracing::debug!(consumer = self.name, %error, "a checkpoint cannot be read");
                }
            }
            let waited_for = self.waiting.any();
            tokio::select! {
                () = closed.cancelled() => return,
                () = tokio::time::sleep(if waited_for { LOOK_AGAIN } else { LOOK }) => {}
                () = self.waiting.came(), if !waited_for => {}
            }
        }
    }

    /// Waits until the consumer is to leave off.
    async fn over(&self) -> End {
        let deposed = async {
            match &self.term {
                Some(term) => term.ended().cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => End::Stop,
            () = deposed => End::Deposed,
        }
    }

    /// An append was refused: another process does the work.
    fn deposed(&self) -> End {
        if let Some(term) = &self.term {
            term.deposed();
        }
        End::Deposed
    }

    async fn follow(&mut self) -> Result<Infallible, End> {
        self.resume().await?;
        let mut wake = self.feed.wake();
        let mut pause = Pause::of(&self.options);
        loop {
            wake.borrow_and_update();
            self.take_again().await?;
            let page = tokio::select! {
                end = self.over() => return Err(end),
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
            self.take_together(&page.events).await?;
            for event in &page.events {
                // Another process may have taken over meanwhile.
                if event.position > self.position {
                    self.take(event).await?;
                }
            }
            self.advance(page.scanned_to);
            if self.position - self.saved >= UNSAVED_LIMIT || self.save_in().is_zero() {
                self.keep().await?;
            }
            while self.position == before {
                tokio::select! {
                    end = self.over() => return Err(end),
                    changed = wake.changed() => {
                        if changed.is_err() {
                            self.wait(self.options.poll).await?;
                        }
                        break;
                    }
                    () = tokio::time::sleep(self.options.poll) => break,
                    () = tokio::time::sleep(self.save_in()), if self.unsaved_since.is_some() => {
                        self.keep().await?;
                    }
                }
            }
        }
    }

    /// How long the position may still wait to be stored.
    fn save_in(&self) -> Duration {
        let Some(since) = self.unsaved_since else { return Duration::MAX };
        self.options.save_after.saturating_sub(since.elapsed())
    }

    /// Stores the position; a fault is no reason to stop.
    async fn keep(&mut self) -> Result<(), End> {
        match self.save().await {
            Ok(()) => {}
            Err(AppendError::Store(StoreError::Closed)) => return Err(End::Stop),
            Err(AppendError::Deposed { .. }) => return Err(self.deposed()),
            Err(AppendError::CheckpointMoved { stored, .. }) => self.moved_to(stored),
            Err(error) => {
                tracing::warn!(consumer = self.name, %error, "retried later");
                self.unsaved_since = Some(Instant::now());
            }
        }
        Ok(())
    }

    async fn resume(&mut self) -> Result<(), End> {
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

    async fn wait(&self, pause: Duration) -> Result<(), End> {
        tokio::select! {
            end = self.over() => Err(end),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }

    fn advance(&mut self, position: i64) {
        if position > self.position {
            self.position = position;
            self.unsaved_since.get_or_insert_with(Instant::now);
            self.reached.send_replace(position);
        }
    }

    fn moved_to(&mut self, stored: i64) {
        self.saved = self.saved.max(stored);
        if self.saved >= self.position {
            self.position = self.saved;
            self.unsaved_since = None;
        }
        self.reached.send_if_modified(|reached| {
            let moved = self.position != *reached;
            *reached = self.position;
            moved
        });
    }

    async fn save(&mut self) -> Result<(), AppendError> {
        let position = self.position;
        // A checkpoint belongs to no organization: the nil one stands in.
        let append = Append {
            tenant: TenantId::from_uuid(Default::default()),
            metadata: Metadata::system(self.name.as_str()),
            streams: Vec::new(),
            checkpoint: Some(ConsumerCheckpoint { name: self.name.clone(), position }),
            fence: None,
        };
        self.store.append(self.fenced(append)).await?;
        self.moved_to(position);
        Ok(())
    }

    fn fenced(&self, append: Append) -> Append {
        fenced(self.term.as_ref(), append)
    }
}
