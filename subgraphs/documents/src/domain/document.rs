//! A document: its versions, of which the newest counts, and the controls that it speaks of.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Aggregate, DataClass, Id, Timestamp, event, events, kind,
    published::documents::{DocumentClassified, DocumentVersionStored},
};

use super::{DocumentName, MediaType};

/// A document was made, with its first version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DocumentCreated {
    pub(crate) document: Id<kind::Document>,
    pub(crate) project: Id<kind::Project>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) data_class: DataClass,
}
event!(DocumentCreated, "documents.document.created", 1);

/// The document got another name, with a version that was uploaded under it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DocumentRenamed {
    pub(crate) document: Id<kind::Document>,
    pub(crate) name: String,
}
event!(DocumentRenamed, "documents.document.renamed", 1);

/// Somebody said that the document speaks of a control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ControlLinked {
    pub(crate) document: Id<kind::Document>,
    pub(crate) control: Id<kind::Control>,
}
event!(ControlLinked, "documents.control.linked", 1);

/// The link to a control was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ControlUnlinked {
    pub(crate) document: Id<kind::Document>,
    pub(crate) control: Id<kind::Control>,
}
event!(ControlUnlinked, "documents.control.unlinked", 1);

events! {
    /// What happens to a document.
    pub(crate) enum DocumentEvent {
        DocumentCreated, DocumentRenamed, DocumentClassified, DocumentVersionStored, ControlLinked,
        ControlUnlinked,
    }
}

/// The most controls that one document can be linked to.
const MOST_CONTROLS: usize = 1_000;

/// What is known of a document. The default is a document that does not exist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Document {
    project: Option<Id<kind::Project>>,
    name: String,
    data_class: DataClass,
    /// How often its class was set: what `expectedVersion` is compared with.
    class_version: u32,
    newest: Option<Newest>,
    controls: BTreeSet<Id<kind::Control>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Newest {
    number: u32,
    sha256: String,
    media_type: String,
}

impl Aggregate for Document {
    const STREAM_TYPE: &'static str = "documents.document";
    const STATE_VERSION: u32 = 2;
    type Event = DocumentEvent;

    fn apply(&mut self, event: &DocumentEvent, _recorded_at: Timestamp) {
        match event {
            DocumentEvent::DocumentCreated(created) => {
                self.project = Some(created.project);
                self.name.clone_from(&created.name);
                (self.data_class, self.class_version) = (created.data_class, 1);
            }
            DocumentEvent::DocumentRenamed(renamed) => self.name.clone_from(&renamed.name),
            DocumentEvent::DocumentClassified(classified) => {
                self.data_class = classified.data_class;
                self.class_version += 1;
            }
            DocumentEvent::DocumentVersionStored(stored) => {
                self.newest = Some(Newest {
                    number: stored.number,
                    sha256: stored.sha256.clone(),
                    media_type: stored.media_type.clone(),
                });
            }
            DocumentEvent::ControlLinked(linked) => {
                self.controls.insert(linked.control);
            }
            DocumentEvent::ControlUnlinked(unlinked) => {
                self.controls.remove(&unlinked.control);
            }
        }
    }
}

/// Bytes that were taken in and are to become a version.
#[derive(Debug, Clone)]
pub(crate) struct NewVersion {
    pub(crate) document: Id<kind::Document>,
    pub(crate) version: Id<kind::DocumentVersion>,
    pub(crate) project: Id<kind::Project>,
    pub(crate) media_type: MediaType,
    pub(crate) sha256: String,
    pub(crate) size: u64,
    /// The class that whoever uploads it asks for.
    pub(crate) data_class: Option<DataClass>,
    /// Who uploaded the document's first version, if a person.
    pub(crate) owner: Option<Id<kind::User>>,
}

/// Why bytes do not become a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UploadRefused {
    /// There is no such document in the project.
    #[error("there is no such document in that project")]
    NoSuchDocument,
    /// The bytes are none at all.
    #[error("the body is empty: send the bytes of the document as the body of the request")]
    Empty,
}

/// A control to be linked or unlinked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) document: Id<kind::Document>,
    pub(crate) control: Id<kind::Control>,
}

/// Why a document is not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkRefused {
    /// There is no such document.
    #[error("there is no such document")]
    NoSuchDocument,
    /// Its project is archived.
    #[error("the document's project is archived: restore it first (restoreProject)")]
    Archived,
    /// The document is linked to as many controls as can be.
    #[error(
        "the document is linked to {MOST_CONTROLS} controls already: unlink one first, or split it"
    )]
    TooMany,
}

/// A class for a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Classification {
    pub(crate) document: Id<kind::Document>,
    pub(crate) data_class: DataClass,
    /// How often the class was set when whoever asks for this looked at it.
    pub(crate) expected: u32,
    /// Who uploaded the document's first version, if a person.
    pub(crate) owner: Option<Id<kind::User>>,
}

/// Why a document is not classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClassifyRefused {
    /// There is no such document.
    #[error("there is no such document")]
    NoSuchDocument,
    /// Its project is archived.
    #[error("the document's project is archived: restore it first (restoreProject)")]
    Archived,
    /// Somebody else was first.
    #[error(
        "the document's class is at version {actual}, and you expected {expected}: somebody set it; \
         load it again and decide again"
    )]
    Stale {
        /// What was expected.
        expected: u32,
        /// What it is.
        actual: u32,
    },
}

impl Document {
    /// Makes the document with its first version.
    pub(crate) fn create(
        &self,
        name: &DocumentName,
        version: NewVersion,
    ) -> Result<Vec<DocumentEvent>, UploadRefused> {
        if version.size == 0 {
            return Err(UploadRefused::Empty);
        }
        let created = DocumentCreated {
            document: version.document,
            project: version.project,
            name: name.as_str().to_owned(),
            data_class: version.data_class.unwrap_or_default(),
        };
        let class = created.data_class;
        Ok(vec![created.into(), stored(version, 1, name.as_str(), class).into()])
    }

    /// Adds a version, unless its bytes and its media type are those of the newest one. A name
    /// other than the present one becomes the document's, and so does a higher class: no upload
    /// lowers it.
    pub(crate) fn add_version(
        &self,
        name: Option<&DocumentName>,
        version: NewVersion,
    ) -> Result<Vec<DocumentEvent>, UploadRefused> {
        if self.project != Some(version.project) {
            return Err(UploadRefused::NoSuchDocument);
        }
        if version.size == 0 {
            return Err(UploadRefused::Empty);
        }
        let mut events = Vec::new();
        if let Some(name) = name.filter(|name| name.as_str() != self.name) {
            let name = name.as_str().to_owned();
            events.push(DocumentRenamed { document: version.document, name }.into());
        }
        let class = version.data_class.map_or(self.data_class, |class| class.max(self.data_class));
        if class > self.data_class {
            let (document, owner) = (version.document, version.owner);
            events.push(DocumentClassified { document, data_class: class, owner }.into());
        }
        let same = self.newest.as_ref().is_some_and(|newest| {
            newest.sha256 == version.sha256 && newest.media_type == version.media_type.as_str()
        });
        if !same {
            let number = self.newest_number() + 1;
            let name = name.map_or(self.name.as_str(), DocumentName::as_str);
            events.push(stored(version, number, name, class).into());
        }
        Ok(events)
    }

    /// Gives the document a class; the one that it has changes nothing.
    pub(crate) fn classify(
        &self,
        wanted: Classification,
    ) -> Result<Vec<DocumentEvent>, ClassifyRefused> {
        if self.project.is_none() {
            return Err(ClassifyRefused::NoSuchDocument);
        }
        let (expected, actual) = (wanted.expected, self.class_version);
        if expected != actual {
            return Err(ClassifyRefused::Stale { expected, actual });
        }
        if wanted.data_class == self.data_class {
            return Ok(Vec::new());
        }
        let Classification { document, data_class, owner, .. } = wanted;
        Ok(vec![DocumentClassified { document, data_class, owner }.into()])
    }

    /// Links a control; linking it again changes nothing.
    pub(crate) fn link(&self, link: Link) -> Result<Vec<DocumentEvent>, LinkRefused> {
        if self.project.is_none() {
            return Err(LinkRefused::NoSuchDocument);
        }
        if self.controls.contains(&link.control) {
            return Ok(Vec::new());
        }
        if self.controls.len() >= MOST_CONTROLS {
            return Err(LinkRefused::TooMany);
        }
        Ok(vec![ControlLinked { document: link.document, control: link.control }.into()])
    }

    /// Takes a link back; where there is none, nothing changes.
    pub(crate) fn unlink(&self, link: Link) -> Result<Vec<DocumentEvent>, LinkRefused> {
        if self.project.is_none() {
            return Err(LinkRefused::NoSuchDocument);
        }
        if !self.controls.contains(&link.control) {
            return Ok(Vec::new());
        }
        Ok(vec![ControlUnlinked { document: link.document, control: link.control }.into()])
    }

    /// The number of the newest version; 0 where there is none.
    pub(crate) fn newest_number(&self) -> u32 {
        self.newest.as_ref().map_or(0, |newest| newest.number)
    }
}

fn stored(
    version: NewVersion,
    number: u32,
    name: &str,
    data_class: DataClass,
) -> DocumentVersionStored {
    DocumentVersionStored {
        document: version.document,
        version: version.version,
        number,
        name: name.to_owned(),
        project: Some(version.project),
        media_type: version.media_type.as_str().to_owned(),
        sha256: version.sha256,
        size: version.size,
        data_class,
        owner: version.owner,
    }
}

#[cfg(test)]
mod tests;
