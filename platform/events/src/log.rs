//! What the store's tasks share: the database, the newest position, a ring of the newest events,
//! and the tailer that notices what other processes append. The ring is a gapless run of positions
//! that ends at the newest one known; what is older is read from the database.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, RwLock},
    time::Duration,
};

use studio_kernel::Env;
use studio_stores::{keyring::Keyring, sql::Database};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    asynchronous::Progress,
    error::StoreError,
    event::Recorded,
    options::EventStoreOptions,
    projection::Projection,
    rows::{self, Slice},
    signing::CheckpointSigner,
};

/// The ring holds at most so many events, and
const RING_EVENTS: usize = 16_384;
/// at most about so many bytes of payload and metadata.
const RING_BYTES: usize = 16 << 20;

pub(crate) struct Core {
    pub(crate) database: Database,
    pub(crate) source: &'static str,
    pub(crate) env: Env,
    pub(crate) inline: Vec<Arc<dyn Projection>>,
    pub(crate) asynchronous: Vec<(Arc<dyn Projection>, Progress)>,
    pub(crate) signer: Option<Arc<dyn CheckpointSigner>>,
    pub(crate) origins: Option<Arc<Keyring>>,
    pub(crate) snapshot_every: u64,
    pub(crate) generations: RwLock<HashMap<String, i64>>,
    pub(crate) head: watch::Sender<i64>,
    pub(crate) cancel: CancellationToken,
    ring: RwLock<Ring>,
}

#[derive(Default)]
struct Ring {
    events: VecDeque<Arc<Recorded>>,
    bytes: usize,
}

fn weight(event: &Recorded) -> usize {
    event.payload.len() + event.metadata.len() + 512
}

impl Ring {
    fn push(&mut self, event: Arc<Recorded>) {
        if let Some(last) = self.events.back() {
            if event.position <= last.position {
                return;
            }
            if event.position != last.position + 1 {
                self.events.clear();
                self.bytes = 0;
            }
        }
        self.bytes += weight(&event);
        self.events.push_back(event);
        while self.events.len() > RING_EVENTS || self.bytes > RING_BYTES {
            match self.events.pop_front() {
                Some(oldest) => self.bytes -= weight(&oldest),
                None => break,
            }
        }
    }

    /// The events after a position, or `None` where the ring no longer holds the next one.
    fn after(&self, position: i64, limit: usize) -> Option<Vec<Arc<Recorded>>> {
        let first = self.events.front()?.position;
        let skip = usize::try_from(position.checked_add(1)?.checked_sub(first)?).ok()?;
        Some(self.events.iter().skip(skip).take(limit).cloned().collect())
    }
}

impl Core {
    pub(crate) fn new(options: EventStoreOptions, head: i64) -> Self {
        Self {
            database: options.database,
            source: options.source,
            env: options.env,
            inline: options.inline,
            asynchronous: options
                .asynchronous
                .into_iter()
                .map(|projection| (projection, Progress::default()))
                .collect(),
            signer: options.signer,
            origins: options.origins,
            snapshot_every: options.snapshot_every,
            generations: RwLock::default(),
            head: watch::Sender::new(head),
            cancel: CancellationToken::new(),
            ring: RwLock::default(),
        }
    }

    /// Makes committed events known: first to the ring, then to whoever waits for the head.
    pub(crate) fn publish(&self, events: Vec<Arc<Recorded>>) {
        let Some(newest) = events.last().map(|event| event.position) else { return };
        for event in &events {
            self.database.note(event.tenant, event.position);
        }
        {
            let mut ring = self.ring.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            events.into_iter().for_each(|event| ring.push(event));
        }
        self.head.send_if_modified(|head| {
            let moved = newest > *head;
            *head = newest.max(*head);
            moved
        });
    }

    /// The events after a position, from the ring or else from the database; empty at the head. A
    /// position that is missing in between is an error.
    pub(crate) async fn page(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Arc<Recorded>>, StoreError> {
        let head = *self.head.borrow();
        if after >= head {
            return Ok(Vec::new());
        }
        {
            let ring = self.ring.read().unwrap_or_else(|poisoned| poisoned.into_inner());
            if let Some(events) = ring.after(after, limit).filter(|events| !events.is_empty()) {
                return Ok(events);
            }
        }
        let events = rows::read(self.database.primary(), Slice::All { after }, limit).await?;
        let mut expected = after;
        for event in &events {
            expected += 1;
            if event.position != expected {
                return Err(StoreError::Missing(expected));
            }
        }
        if events.is_empty() {
            return Err(StoreError::Missing(after + 1));
        }
        Ok(events.into_iter().map(Arc::new).collect())
    }

    /// The generation that is read now.
    pub(crate) fn generation(&self, name: &str) -> Option<i64> {
        self.generations.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(name).copied()
    }

    pub(crate) fn set_generation(&self, name: &str, generation: i64) {
        // A replica that has not got the new rows yet would answer that there are none.
        self.database.hold_replica();
        self.generations
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .insert(name.to_owned(), generation);
    }

    pub(crate) fn projections(&self) -> impl Iterator<Item = &Arc<dyn Projection>> {
        self.inline.iter().chain(self.asynchronous.iter().map(|(projection, _)| projection))
    }

    /// Takes in what other processes have appended since.
    pub(crate) async fn catch_up_ring(&self) -> Result<(), StoreError> {
        let newest = rows::read_head(self.database.primary()).await?.position;
        loop {
            let known = *self.head.borrow();
            if newest <= known {
                return Ok(());
            }
            // Far behind, only the newest are worth keeping at hand.
            let after = known.max(newest - 1_024);
            let events = rows::read(self.database.primary(), Slice::All { after }, 1_024).await?;
            if events.is_empty() {
                return Err(StoreError::Missing(after + 1));
            }
            self.publish(events.into_iter().map(Arc::new).collect());
        }
    }
}

/// Looks at the head every `every`, or at once when nudged, until the store closes.
pub(crate) async fn tail_log(core: Arc<Core>, nudge: Arc<tokio::sync::Notify>, every: Duration) {
    let mut failing = false;
    loop {
        tokio::select! {
            () = core.cancel.cancelled() => return,
            () = nudge.notified() => {}
            () = tokio::time::sleep(every) => {}
        }
        let looked = async {
            core.catch_up_ring().await?;
            crate::generations::refresh(&core).await
        };
        match looked.await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(source = core.source, %error, "the log cannot be followed for now");
            }
            Err(_) => {}
        }
    }
}
