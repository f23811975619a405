//! What a log publishes to other subgraphs: CloudEvents 1.0, paged by the log's positions. The port
//! is [`EventFeed`]; [`LogFeed`] serves it from a store of this process.

use async_trait::async_trait;
use serde_json::Value;
use studio_kernel::{DecodeError, Payload, published::CloudEvent};
use tokio::sync::watch;

use crate::{
    error::{BoxError, StoreError},
    event::Recorded,
    store::EventStore,
};

/// Events that one read of a feed looks at, at most.
const SCAN_LIMIT: usize = 10_000;
/// Events that are looked at at a time.
const SCAN_PAGE: usize = 512;

/// Some events of a feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedPage {
    /// Published events, by ascending position.
    pub events: Vec<CloudEvent>,
    /// The position up to which the log was looked at: read on from here.
    pub scanned_to: i64,
}

/// Why a feed could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A published event does not read, so that nothing after it may be read either.
    #[error("the published event at position {position} cannot be read: {cause}")]
    Event {
        /// Its position.
        position: i64,
        /// What is wrong with it.
        cause: BoxError,
    },
    /// The source cannot be reached.
    #[error("the feed of {source_log} cannot be reached: {cause}")]
    Unreachable {
        /// Whose feed it is.
        source_log: String,
        /// Why.
        cause: BoxError,
    },
}

/// The published events of one log.
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// The log's name, for example `evidence`.
    fn source(&self) -> &str;

    /// The events published after a position, at most `limit`.
    async fn read(&self, after: i64, limit: usize) -> Result<FeedPage, FeedError>;

    /// Changes when there may be something new. Changes may be missed.
    fn wake(&self) -> watch::Receiver<i64>;

    /// The newest position of the log: at least that of every append that was answered, by
    /// whichever process, before this was asked.
    async fn head(&self) -> Result<i64, FeedError>;
}

/// One type of event that leaves its subgraph. Old versions are upcast before they do.
#[derive(Debug, Clone, Copy)]
pub struct PublishedType {
    /// As it is recorded;
    recorded: &'static str,
    /// as it is published.
    event_type: &'static str,
    version: u16,
    read: fn(u16, &str) -> Result<Value, DecodeError>,
}

impl PublishedType {
    /// Events with this payload, as they are recorded.
    pub const fn of<P: Payload>() -> Self {
        Self { recorded: P::TYPE, event_type: P::TYPE, version: P::VERSION, read: read::<P> }
    }

    /// Events with the payload `P`, of which others learn `Q` alone.
    pub const fn as_part<P: Payload, Q: Payload + From<P>>() -> Self {
        Self {
            recorded: P::TYPE,
            event_type: Q::TYPE,
            version: Q::VERSION,
            read: read_part::<P, Q>,
        }
    }
}

fn read_part<P: Payload, Q: Payload + From<P>>(
    version: u16,
    payload: &str,
) -> Result<Value, DecodeError> {
    let wrong = |source| DecodeError::Payload { event_type: Q::TYPE, source };
    serde_json::to_value(Q::from(P::decode(version, payload)?)).map_err(wrong)
}

pub(crate) fn read<P: Payload>(version: u16, payload: &str) -> Result<Value, DecodeError> {
    let wrong = |source| DecodeError::Payload { event_type: P::TYPE, source };
    if version == P::VERSION {
        return serde_json::from_str(payload).map_err(wrong);
    }
    serde_json::to_value(P::decode(version, payload)?).map_err(wrong)
}

/// The feed of a store in this process.
#[derive(Clone)]
pub struct LogFeed {
    store: EventStore,
    published: &'static [PublishedType],
}

impl LogFeed {
    /// The events of these types.
    pub fn new(store: EventStore, published: &'static [PublishedType]) -> Self {
        Self { store, published }
    }

    fn publish(&self, event: &Recorded) -> Result<Option<CloudEvent>, FeedError> {
        let Some(published) =
            self.published.iter().find(|published| published.recorded == event.event_type)
        else {
            return Ok(None);
        };
        let data = (published.read)(event.schema_version, &event.payload).map_err(|cause| {
            FeedError::Event { position: event.position, cause: Box::new(cause) }
        })?;
        let event_type = format!("studio.{}.v{}", published.event_type, published.version);
        Ok(Some(cloud_event(self.store.source(), event, event_type, data)))
    }
}

#[async_trait]
impl EventFeed for LogFeed {
    fn source(&self) -> &str {
        self.store.source()
    }

    async fn read(&self, after: i64, limit: usize) -> Result<FeedPage, FeedError> {
        scan(&self.store, after, limit, |event| self.publish(event)).await
    }

    fn wake(&self) -> watch::Receiver<i64> {
        self.store.wake()
    }

    async fn head(&self) -> Result<i64, FeedError> {
        Ok(self.store.newest().await?)
    }
}

/// Reads on in a log until `limit` events are published, many were looked at, or it ends.
pub(crate) async fn scan(
    store: &EventStore,
    after: i64,
    limit: usize,
    publish: impl Fn(&Recorded) -> Result<Option<CloudEvent>, FeedError> + Send + Sync,
) -> Result<FeedPage, FeedError> {
    let mut page = FeedPage { events: Vec::new(), scanned_to: after };
    let mut scanned = 0;
    while page.events.len() < limit && scanned < SCAN_LIMIT {
        let mut events = store.core().page(page.scanned_to, SCAN_PAGE).await?;
        if events.is_empty() {
            // The reader may have been woken by a process that knows more than this one.
            store.newest().await?;
            events = store.core().page(page.scanned_to, SCAN_PAGE).await?;
        }
        if events.is_empty() {
            break;
        }
        for event in events {
            if page.events.len() == limit {
                break;
            }
            // What can be read before a broken event is handed out first.
            match publish(&event) {
                Ok(published) => page.events.extend(published),
                Err(_) if !page.events.is_empty() => return Ok(page),
                Err(error) => return Err(error),
            }
            page.scanned_to = event.position;
            scanned += 1;
        }
    }
    Ok(page)
}

/// An event as a CloudEvent with that type and data.
pub(crate) fn cloud_event(
    source: &str,
    event: &Recorded,
    event_type: String,
    data: Value,
) -> CloudEvent {
    CloudEvent {
        specversion: "1.0".to_owned(),
        id: event.event_id,
        source: format!("/studio/{source}"),
        event_type,
        subject: event.stream_id.clone(),
        time: event.recorded_at,
        datacontenttype: "application/json".to_owned(),
        tenant: event.tenant,
        position: event.position,
        data,
    }
}
