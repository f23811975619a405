//! What documents know of a project of the controls subgraph: that it exists.

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

events! {
    /// What documents learn of a project.
    pub(crate) enum ProjectEvent { ProjectNoted }
}

/// Whether the project exists.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Project {
    noted: bool,
}

impl Aggregate for Project {
    const STREAM_TYPE: &'static str = "documents.project";
    const STATE_VERSION: u32 = 1;
    type Event = ProjectEvent;

    fn apply(&mut self, event: &ProjectEvent, _recorded_at: Timestamp) {
        match event {
            ProjectEvent::ProjectNoted(_) => self.noted = true,
        }
    }
}
