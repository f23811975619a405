//! What a consumer is told to do with each event: the port that subgraphs implement.

use async_trait::async_trait;
use studio_kernel::{TenantId, published::CloudEvent};

use crate::{
    error::BoxError,
    event::{Metadata, StreamAppend},
};

/// What a consumer appends in answer to one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Reaction {
    /// The organization: that of the event, as a rule.
    pub tenant: TenantId,
    /// Who did it, and in answer to what.
    pub metadata: Metadata,
    /// What is appended; nothing, where the event is of no concern.
    pub streams: Vec<StreamAppend>,
    /// Whether this is a part only: the handler is asked again, and the event counts as taken in
    /// with the answer that is no part. So an answer may be larger than one append. A part must
    /// bring the handler closer to the end, by what it appends alone: whatever is cut off between
    /// two parts, the next answer is decided on what is recorded.
    pub part: bool,
}

impl Reaction {
    /// The event is of no concern.
    pub fn none(event: &CloudEvent) -> Self {
        Self::of(event, Metadata::system("consumer"), Vec::new())
    }

    /// Appends to these streams, in answer to the event, by a part of Studio.
    pub fn to(event: &CloudEvent, by: &str, streams: Vec<StreamAppend>) -> Self {
        Self::of(event, Metadata::system(by).caused_by(event.id), streams)
    }

    fn of(event: &CloudEvent, metadata: Metadata, streams: Vec<StreamAppend>) -> Self {
        Self { tenant: event.tenant, metadata, streams, part: false }
    }

    /// The same, as a part of the answer.
    #[must_use]
    pub fn as_part(mut self) -> Self {
        self.part = true;
        self
    }

    fn is_empty(&self) -> bool {
        self.streams.iter().all(|stream| stream.events.is_empty())
    }

    /// A part without an event would be asked for again for ever.
    pub(crate) fn leads_nowhere(&self) -> bool {
        self.part && self.is_empty()
    }
}

/// Why a handler did not answer.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// This event cannot be handled: tried a few times more, then kept as a dead letter.
    #[error("{0}")]
    Failed(BoxError),
    /// Something that the handler needs is not there now: tried until it is.
    #[error("{0}")]
    Unavailable(BoxError),
}

impl HandlerError {
    /// This event cannot be handled.
    pub fn failed(error: impl Into<BoxError>) -> Self {
        Self::Failed(error.into())
    }

    /// Something that the handler needs is not there now.
    pub fn unavailable(error: impl Into<BoxError>) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Decides what follows from a published event. It must have no effect but its answer: it can be
/// called again for the same event.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// What is to be appended.
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError>;

    /// Whether each answer rests on its event alone, and on nothing that an earlier answer has
    /// changed: then many events are taken in with one wait for the disk.
    fn rests_on_the_event_alone(&self) -> bool {
        false
    }
}
