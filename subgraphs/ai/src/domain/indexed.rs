//! A document as search knows it: which version is the newest, and how closely it is kept.

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Aggregate, Timestamp, event, events,
    published::documents::{DocumentClassified, DocumentVersionStored},
};

/// The documents subgraph published a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DocumentVersionNoted {
    /// What was published.
    pub(crate) stored: DocumentVersionStored,
    /// Where the documents subgraph's log says so.
    pub(crate) source_position: i64,
}
event!(DocumentVersionNoted, "ai.document_version.noted", 1);

/// The documents subgraph published that a document has another data class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DocumentClassNoted {
    /// What was published.
    pub(crate) classified: DocumentClassified,
    /// Where the documents subgraph's log says so.
    pub(crate) source_position: i64,
}
event!(DocumentClassNoted, "ai.document_class.noted", 1);

events! {
    /// What is learned of a document.
    pub(crate) enum IndexedEvent { DocumentVersionNoted, DocumentClassNoted }
}

/// The newest version that was heard of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct IndexedDocument {
    newest: u32,
}

impl Aggregate for IndexedDocument {
    const STREAM_TYPE: &'static str = "ai.document";
    const STATE_VERSION: u32 = 1;
    type Event = IndexedEvent;

    fn apply(&mut self, event: &IndexedEvent, _recorded_at: Timestamp) {
        match event {
            IndexedEvent::DocumentVersionNoted(noted) => {
                self.newest = self.newest.max(noted.stored.number);
            }
            // Read models know the class; no decision asks for it.
            IndexedEvent::DocumentClassNoted(_) => {}
        }
    }
}

impl IndexedDocument {
    /// Notes a version; one that is not newer than what is known adds nothing.
    pub(crate) fn note(
        &self,
        stored: DocumentVersionStored,
        source_position: i64,
    ) -> Vec<IndexedEvent> {
        if stored.number <= self.newest {
            return Vec::new();
        }
        vec![DocumentVersionNoted { stored, source_position }.into()]
    }
}
