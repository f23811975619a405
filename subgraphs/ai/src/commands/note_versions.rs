//! Following the documents subgraph: every version, and every class that a document gets, is noted in this
//! subgraph's own log.

use async_trait::async_trait;
use studio_events::{EventStore, Expected, Handler, HandlerError, Reaction, StreamAppend};
use studio_kernel::{
    Id, kind,
    published::{
        CloudEvent,
        documents::{DocumentClassified, DocumentVersionStored},
    },
};

use crate::domain::{DocumentClassNoted, IndexedDocument, IndexedEvent};

/// Notes each version that was stored, and each class.
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
        if let Some(classified) = event.read::<DocumentClassified>() {
            let classified = classified.map_err(HandlerError::failed)?;
            let document = classified.document;
            let noted = DocumentClassNoted { classified, source_position: event.position };
            return self.note(event, document, |_| vec![noted.into()]).await;
        }
        let Some(stored) = event.read::<DocumentVersionStored>() else {
            return Ok(Reaction::none(event));
        };
        let stored = stored.map_err(HandlerError::failed)?;
        let document = stored.document;
        self.note(event, document, |known| known.note(stored, event.position)).await
    }
}

impl NoteVersions {
    async fn note(
        &self,
        event: &CloudEvent,
        document: Id<kind::Document>,
        decide: impl FnOnce(&IndexedDocument) -> Vec<IndexedEvent>,
    ) -> Result<Reaction, HandlerError> {
        let stream = document.to_string();
        let loaded = self
            .store
            .load::<IndexedDocument>(event.tenant, &stream)
            .await
            .map_err(HandlerError::unavailable)?;
        let events = decide(&loaded.state);
        if events.is_empty() {
            return Ok(Reaction::none(event));
        }
        let expected = Expected::Version(loaded.version);
        let append = StreamAppend::of::<IndexedDocument>(stream, expected, events)
            .map_err(HandlerError::failed)?;
        Ok(Reaction::to(event, Self::NAME, vec![append]))
    }
}
