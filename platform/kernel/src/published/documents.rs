//! What the documents subgraph publishes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    data_class::DataClass,
    event,
    id::{Id, kind},
};

/// A version of a document was stored. Its text is read through the documents' content port,
/// never carried in an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentVersionStored {
    /// The document.
    pub document: Id<kind::Document>,
    /// This version of it.
    pub version: Id<kind::DocumentVersion>,
    /// The number of the version, from 1.
    pub number: u32,
    /// What the document is called as of this version. Names of documents are no place for
    /// personal data: they are kept for good.
    pub name: String,
    /// The project that it belongs to, if to one.
    pub project: Option<Id<kind::Project>>,
    /// The media type, for example `text/markdown`.
    pub media_type: String,
    /// SHA-256 of the bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// How closely the document is kept, as of this version.
    #[serde(default)]
    pub data_class: DataClass,
    /// Who uploaded its first version, if a person.
    #[serde(default)]
    pub owner: Option<Id<kind::User>>,
}
event!(DocumentVersionStored, "documents.version.stored", 1);

/// A document got another data class, with all its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentClassified {
    /// The document.
    pub document: Id<kind::Document>,
    /// Its class from now on.
    pub data_class: DataClass,
    /// Who uploaded its first version, if a person.
    pub owner: Option<Id<kind::User>>,
}
event!(DocumentClassified, "documents.document.classified", 1);
