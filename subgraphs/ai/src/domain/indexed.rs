//! A document as search knows it: which version is the newest.

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Aggregate, Timestamp, event, events, published::documents::DocumentVersionStored,
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

events! {
    /// What is learned of a document.
    pub(crate) enum IndexedEvent { DocumentVersionNoted }
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
        let IndexedEvent::DocumentVersionNoted(noted) = event;
        self.newest = self.newest.max(noted.stored.number);
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
