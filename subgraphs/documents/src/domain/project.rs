//! What documents know of a project of the controls subgraph: that it exists, and whether it is
//! archived.

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Timestamp, event, events, kind};

/// The controls subgraph published that a project was created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProjectNoted {
    pub(crate) project: Id<kind::Project>,
    /// Where the controls subgraph's log says so.
    pub(crate) source_position: i64,
}
event!(ProjectNoted, "documents.project.noted", 1);

/// The controls subgraph published that a project was archived, or restored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ArchivingNoted {
    pub(crate) project: Id<kind::Project>,
    pub(crate) archived: bool,
    /// Where the controls subgraph's log says so.
    pub(crate) source_position: i64,
}
event!(ArchivingNoted, "documents.project.archiving_noted", 1);

events! {
    /// What documents learn of a project.
    pub(crate) enum ProjectEvent { ProjectNoted, ArchivingNoted }
}

/// What is known of the project.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Project {
    /// Whether it exists.
    pub(crate) noted: bool,
    /// Whether it is archived.
    pub(crate) archived: bool,
    /// Where the controls subgraph's log says so.
    pub(crate) archiving_at: i64,
}

impl Aggregate for Project {
    const STREAM_TYPE: &'static str = "documents.project";
    const STATE_VERSION: u32 = 2;
    type Event = ProjectEvent;

    fn apply(&mut self, event: &ProjectEvent, _recorded_at: Timestamp) {
        match event {
            ProjectEvent::ProjectNoted(_) => self.noted = true,
            ProjectEvent::ArchivingNoted(noted) => {
                self.archived = noted.archived;
                self.archiving_at = noted.source_position;
            }
        }
    }
}
