//! Keeping the index in step with the log: each document that the log speaks of is read anew and
//! replaced. Where the index fails, or was built from another log, it is built again from the
//! beginning.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use studio_entities::ai::document;
use studio_events::{EventStore, Recorded, StoreError};
use studio_kernel::{DomainEvent, Id, TenantId, kind};
use studio_service::DocumentText;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::files::{BuiltFrom, Change, IndexError, SearchIndex};
use crate::{domain::IndexedEvent, projections::documents};

/// Events that are taken in together.
const BATCH: usize = 256;
/// Bytes of text after which what was read so far is written.
const TEXT_AT_ONCE: usize = 8 * 1024 * 1024;
/// Pauses between the attempts to read a document's text.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// How often documents are tried whose text could not be read.
const RETRY: Duration = Duration::from_secs(60);
/// Pause before the index is built again after it failed.
const RECOVER: Duration = Duration::from_secs(5);

/// Why the index does not follow for now.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] sea_orm::DbErr),
    #[error("an event cannot be read: {0}")]
    Decode(#[from] studio_kernel::DecodeError),
    #[error("an id cannot be read: {0}")]
    Id(#[from] studio_kernel::IdError),
}

/// A document of an organization.
pub(crate) type Key = (TenantId, Id<kind::Document>);

/// Documents that wait to be read again; more are dropped, and come up at the next question.
const DOUBTED: usize = 64;

/// Follows the log.
pub(crate) struct Follower {
    store: EventStore,
    text: Arc<dyn DocumentText>,
    index: Arc<SearchIndex>,
    reached: watch::Sender<i64>,
    doubts: (mpsc::Sender<Key>, mpsc::Receiver<Key>),
}

impl Follower {
    pub(crate) fn new(
        store: EventStore,
        text: Arc<dyn DocumentText>,
        index: Arc<SearchIndex>,
    ) -> Self {
        Self { store, text, index, reached: watch::Sender::new(0), doubts: mpsc::channel(DOUBTED) }
    }

    /// The position up to which searches see the log.
    pub(crate) fn reached(&self) -> watch::Receiver<i64> {
        self.reached.subscribe()
    }

    /// Takes documents whose passages turned out not to stand in them any more.
    pub(crate) fn doubts(&self) -> mpsc::Sender<Key> {
        self.doubts.0.clone()
    }

    /// Follows until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let error = tokio::select! {
                () = shutdown.cancelled() => return,
                Err(error) = self.follow() => error,
            };
            tracing::error!(%error, "the full-text index does not follow the log for now");
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(RECOVER) => {}
            }
            let damaged = matches!(error, FollowError::Index(_));
            if damaged && let Err(error) = self.blocking(SearchIndex::reset).await {
                tracing::error!(%error, "the full-text index cannot be built again");
            }
        }
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, FollowError> {
        let mut built = self.index.built_from();
        if !self.is_of_this_log(&built).await? {
            tracing::warn!("the full-text index was built from another log: it is built again");
            self.blocking(SearchIndex::reset).await?;
            built = BuiltFrom::default();
        }
        self.reached.send_replace(built.position);
        let mut tail = std::pin::pin!(self.store.tail(built.position));
        let mut retry = tokio::time::interval(RETRY);
        loop {
            let mut due = BTreeSet::new();
            tokio::select! {
                first = tail.next() => {
                    let mut next = first;
                    let mut taken = 0;
                    while let Some(event) = next.transpose()? {
                        due.extend(document_of(&event)?);
                        (built.position, built.hash) = (event.position, hex(&event.hash));
                        taken += 1;
                        next = if taken < BATCH { tail.next().now_or_never().flatten() } else { None };
                    }
                }
                Some(doubted) = self.doubts.1.recv() => {
                    due.insert(doubted);
                }
                _ = retry.tick(), if !built.pending.is_empty() => {
                    due.extend(built.pending.iter().copied());
                }
            }
            if !due.is_empty() {
                self.take_in(due, &mut built).await?;
            }
            self.reached.send_replace(built.position);
        }
    }

    /// Reads the documents anew and writes them. The position goes with the last of them, so that
    /// a kill in between makes them be read again.
    async fn take_in(&self, due: BTreeSet<Key>, built: &mut BuiltFrom) -> Result<(), FollowError> {
        let before = self.index.built_from();
        let mut pending: BTreeSet<Key> = built.pending.drain(..).collect();
        let (mut changes, mut size) = (Vec::new(), 0);
        for key in due {
            let Some(newest) = documents::newest(&self.store, key.0, key.1).await? else {
                continue;
            };
            match self.read(key.0, &newest).await? {
                Read::Done(text) => {
                    pending.remove(&key);
                    size += text.as_ref().map_or(0, String::len);
                    changes.push(Change { newest, text });
                }
                Read::Later => {
                    pending.insert(key);
                }
            }
            if size > TEXT_AT_ONCE {
                self.write(std::mem::take(&mut changes), before.clone()).await?;
                size = 0;
            }
        }
        built.pending = pending.into_iter().collect();
        self.write(changes, built.clone()).await
    }

    async fn read(&self, tenant: TenantId, newest: &document::Model) -> Result<Read, FollowError> {
        let version = newest.version.parse()?;
        for pause in PAUSES.into_iter().map(Some).chain([None]) {
            // Why it failed is in the log already.
            if let Ok(text) = self.text.text(tenant, version).await {
                return Ok(Read::Done(text));
            }
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
        tracing::warn!(%tenant, %version, "a document's text cannot be read for now");
        Ok(Read::Later)
    }

    async fn write(&self, changes: Vec<Change>, built: BuiltFrom) -> Result<(), FollowError> {
        Ok(self.blocking(move |index| index.replace(&changes, built)).await?)
    }

    async fn blocking(
        &self,
        work: impl FnOnce(&SearchIndex) -> Result<(), IndexError> + Send + 'static,
    ) -> Result<(), IndexError> {
        let index = self.index.clone();
        tokio::task::spawn_blocking(move || work(&index)).await.map_err(IndexError::Broken)?
    }

    /// Whether the log has the event that the index was built up to.
    async fn is_of_this_log(&self, built: &BuiltFrom) -> Result<bool, StoreError> {
        if built.position == 0 {
            return Ok(true);
        }
        let at = self.store.read(built.position - 1, 1).await?;
        Ok(at.first().is_some_and(|event| {
            event.position == built.position && hex(&event.hash) == built.hash
        }))
    }
}

/// What came of reading a document.
enum Read {
    Done(Option<String>),
    Later,
}

fn document_of(event: &Recorded) -> Result<Option<Key>, FollowError> {
    if !IndexedEvent::event_types().contains(&event.event_type.as_str()) {
        return Ok(None);
    }
    let document = match event.decode()? {
        IndexedEvent::DocumentVersionNoted(noted) => noted.stored.document,
        IndexedEvent::DocumentClassNoted(noted) => noted.classified.document,
    };
    Ok(Some((event.tenant, document)))
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
