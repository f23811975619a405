//! A document: its versions, of which the newest counts, and the controls that it speaks of.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Aggregate, Id, Timestamp, event, events, kind, published::documents::DocumentVersionStored,
};

use super::{DocumentName, MediaType};

/// A document was made, with its first version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DocumentCreated {
    pub(crate) document: Id<kind::Document>,
    pub(crate) project: Id<kind::Project>,
    pub(crate) name: String,
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
        DocumentCreated, DocumentRenamed, DocumentVersionStored, ControlLinked, ControlUnlinked,
    }
}

/// The most controls that one document can be linked to.
const MOST_CONTROLS: usize = 1_000;

/// What is known of a document. The default is a document that does not exist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Document {
    project: Option<Id<kind::Project>>,
    name: String,
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
    const STATE_VERSION: u32 = 1;
    type Event = DocumentEvent;

    fn apply(&mut self, event: &DocumentEvent, _recorded_at: Timestamp) {
        match event {
            DocumentEvent::DocumentCreated(created) => {
                self.project = Some(created.project);
                self.name.clone_from(&created.name);
            }
            DocumentEvent::DocumentRenamed(renamed) => self.name.clone_from(&renamed.name),
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
        };
        Ok(vec![created.into(), stored(version, 1, name.as_str()).into()])
    }

    /// Adds a version, unless its bytes and its media type are those of the newest one. A name
    /// other than the present one becomes the document's.
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
        let same = self.newest.as_ref().is_some_and(|newest| {
            newest.sha256 == version.sha256 && newest.media_type == version.media_type.as_str()
        });
        if !same {
            let number = self.newest_number() + 1;
            let name = name.map_or(self.name.as_str(), DocumentName::as_str);
            events.push(stored(version, number, name).into());
        }
        Ok(events)
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

fn stored(version: NewVersion, number: u32, name: &str) -> DocumentVersionStored {
    DocumentVersionStored {
        document: version.document,
        version: version.version,
        number,
        name: name.to_owned(),
        project: Some(version.project),
        media_type: version.media_type.as_str().to_owned(),
        sha256: version.sha256,
        size: version.size,
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Env, FixedEntropy, ManualClock};

    use super::*;

    fn env() -> Env {
        Env::new(ManualClock::at(Timestamp::from_micros(1)), FixedEntropy::seeded(1))
    }

    fn version(
        env: &Env,
        of: Id<kind::Document>,
        project: Id<kind::Project>,
        sha256: &str,
    ) -> NewVersion {
        NewVersion {
            document: of,
            version: env.id(),
            project,
            media_type: MediaType::parse("text/plain").unwrap(),
            sha256: sha256.to_owned(),
            size: 3,
        }
    }

    fn fold(document: &mut Document, events: &[DocumentEvent]) {
        for event in events {
            document.apply(event, Timestamp::from_micros(1));
        }
    }

    #[test]
    fn versions_count_from_one_and_the_same_bytes_add_none() {
        let env = env();
        let (id, project) = (env.id(), env.id());
        let mut document = Document::default();
        let name = DocumentName::parse("Policy.txt").unwrap();
        let events = document.create(&name, version(&env, id, project, "a")).unwrap();
        fold(&mut document, &events);
        assert_eq!(document.newest_number(), 1);
        assert!(document.add_version(None, version(&env, id, project, "a")).unwrap().is_empty());
        let events = document.add_version(None, version(&env, id, project, "b")).unwrap();
        fold(&mut document, &events);
        assert_eq!(document.newest_number(), 2);
        let renamed = DocumentName::parse("Policy 2.txt").unwrap();
        let events = document.add_version(Some(&renamed), version(&env, id, project, "b")).unwrap();
        assert!(matches!(&events[..], [DocumentEvent::DocumentRenamed(_)]));
        // Going back to older bytes is a change, and so a version.
        let events = document.add_version(None, version(&env, id, project, "a")).unwrap();
        assert_eq!(events.len(), 1);
    }

    #[test]
    fn refuses_another_project_and_nothing_at_all() {
        let env = env();
        let (id, project) = (env.id(), env.id());
        let mut document = Document::default();
        let refused = document.add_version(None, version(&env, id, project, "a")).unwrap_err();
        assert_eq!(refused, UploadRefused::NoSuchDocument);
        let name = DocumentName::parse("Policy.txt").unwrap();
        let empty = NewVersion { size: 0, ..version(&env, id, project, "a") };
        assert_eq!(document.create(&name, empty.clone()).unwrap_err(), UploadRefused::Empty);
        let events = document.create(&name, version(&env, id, project, "a")).unwrap();
        fold(&mut document, &events);
        assert_eq!(document.add_version(None, empty).unwrap_err(), UploadRefused::Empty);
        let other = version(&env, id, env.id(), "b");
        assert_eq!(document.add_version(None, other).unwrap_err(), UploadRefused::NoSuchDocument);
    }

    #[test]
    fn links_are_idempotent_and_bounded() {
        let env = env();
        let (id, project) = (env.id(), env.id());
        let mut document = Document::default();
        let link = |env: &Env| Link { document: id, control: env.id() };
        assert_eq!(document.link(link(&env)).unwrap_err(), LinkRefused::NoSuchDocument);
        let name = DocumentName::parse("Policy.txt").unwrap();
        let events = document.create(&name, version(&env, id, project, "a")).unwrap();
        fold(&mut document, &events);
        let first = link(&env);
        let events = document.link(first).unwrap();
        fold(&mut document, &events);
        assert!(document.link(first).unwrap().is_empty());
        for _ in 1..MOST_CONTROLS {
            let events = document.link(link(&env)).unwrap();
            fold(&mut document, &events);
        }
        assert_eq!(document.link(link(&env)).unwrap_err(), LinkRefused::TooMany);
        let events = document.unlink(first).unwrap();
        fold(&mut document, &events);
        assert!(document.unlink(first).unwrap().is_empty());
    }
}
