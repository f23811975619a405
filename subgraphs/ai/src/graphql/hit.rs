//! `SearchHit`.

use async_graphql::{Object, SimpleObject};
use studio_service::graphql::wire;

use super::{
    Place,
    stubs::{Document, DocumentVersion},
};
use crate::index::Hit;

/// What comes with a page of hits.
#[derive(SimpleObject)]
pub(super) struct SearchNote {
    /// What to do where nothing was found; null where something was.
    pub(super) note: Option<String>,
}

/// A passage that was found.
pub(super) struct SearchHit(pub(super) Hit);

/// A passage of a document in which words of the search stand.
#[Object]
impl SearchHit {
    /// The document.
    async fn document(&self) -> Document {
        Document { id: wire(self.0.document) }
    }

    /// The version that the passage stands in: the newest.
    async fn version(&self) -> DocumentVersion {
        DocumentVersion { id: wire(self.0.version) }
    }

    /// What the document is called.
    async fn document_name(&self) -> &str {
        &self.0.name
    }

    /// The number of the version, from 1.
    async fn version_number(&self) -> u32 {
        self.0.number
    }

    /// SHA-256 of the version's bytes, 64 lower-case hexadecimal digits.
    async fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// The passage, word for word, of at most 1,000 characters.
    async fn passage(&self) -> &str {
        &self.0.text
    }

    /// Where it stands.
    async fn place(&self) -> Place {
        Place {
            start_line: self.0.start_line,
            end_line: self.0.end_line,
            offset: self.0.offset as f64,
        }
    }

    /// How well it fits (BM25, among the documents that you see): only the order within one
    /// search has a meaning.
    async fn score(&self) -> f32 {
        self.0.score
    }
}
