//! Following the documents subgraph: every version is noted in this subgraph's own log.

use async_trait::async_trait;
use studio_events::{EventStore, Expected, Handler, HandlerError, Reaction, StreamAppend};
use studio_kernel::published::{CloudEvent, documents::DocumentVersionStored};

use crate::domain::IndexedDocument;

/// Notes each version that was stored.
pub(crate) struct NoteVersions {
    pub(crate) store: EventStore,
}

impl NoteVersions {
    /// Who notes versions, in metadata and as the consumer's name.
    pub(crate) const NAME: &str = "ai.document_versions";
}

#[async_trait]
impl Handler for NoteVersions {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        let Some(stored) = event.read::<DocumentVersionStored>() else {
            return Ok(Reaction::none(event));
        };
        let stored = stored.map_err(HandlerError::failed)?;
        let stream = stored.document.to_string();
        let loaded = self
            .store
            .load::<IndexedDocument>(event.tenant, &stream)
            .await
            .map_err(HandlerError::unavailable)?;
        let events = loaded.state.note(stored, event.position);
        if events.is_empty() {
            return Ok(Reaction::none(event));
        }
        let expected = Expected::Version(loaded.version);
        let append = StreamAppend::of::<IndexedDocument>(stream, expected, events)
            .map_err(HandlerError::failed)?;
        Ok(Reaction::to(event, Self::NAME, vec![append]))
    }
}
