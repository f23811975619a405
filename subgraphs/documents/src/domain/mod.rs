//! Documents and the projects that they may belong to: state and decisions, without I/O.

mod document;
mod media_type;
mod name;
mod project;

pub(crate) use document::{
    Classification, ClassifyRefused, ControlLinked, ControlUnlinked, Document, DocumentCreated,
    DocumentEvent, DocumentRenamed, Link, LinkRefused, NewVersion, UploadRefused,
};
pub(crate) use media_type::MediaType;
pub(crate) use name::DocumentName;
pub(crate) use project::{ArchivingNoted, Project, ProjectEvent, ProjectNoted};
