//! What a project takes in. One run at a time is recorded in a project: how a finding compares
//! with what is on record must not change between the look and the append, whichever process does
//! it. A run that holds the claim and was cut is brought to its end by whoever comes next.

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Timestamp, event, events, kind};

/// The controls subgraph says that the project exists, and what it is called; said again, it is
/// called otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProjectRecorded {
    /// The project.
    pub project: Id<kind::Project>,
    /// Its name.
    pub name: String,
    /// The position in the log of the controls subgraph that says so.
    pub source_position: i64,
}
event!(ProjectRecorded, "evidence.project.recorded", 1);

/// The controls subgraph says whether the project is archived: then no scan may begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ArchivingRecorded {
    /// The project.
    pub project: Id<kind::Project>,
    /// Whether it is from now on.
    pub archived: bool,
    /// The position in the log of the controls subgraph that says so.
    pub source_position: i64,
}
event!(ArchivingRecorded, "evidence.project.archiving_recorded", 1);

/// A run began to record: no other may until it is released.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IntakeClaimed {
    /// The run.
    pub run: Id<kind::IngestRun>,
}
event!(IntakeClaimed, "evidence.intake.claimed", 1);

/// The run is complete, or cannot go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IntakeReleased {
    /// The run.
    pub run: Id<kind::IngestRun>,
}
event!(IntakeReleased, "evidence.intake.released", 1);

events! {
    /// What happens to a project, as evidence sees it.
    pub(crate) enum IntakeEvent {
        ProjectRecorded, ArchivingRecorded, IntakeClaimed, IntakeReleased,
    }
}

/// The intake of a project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Intake {
    /// Whether the project is known.
    pub known: bool,
    /// Whether it is archived.
    pub archived: bool,
    /// Where the controls subgraph's log says what it is called, and
    pub named_at: i64,
    /// whether it is archived.
    pub archiving_at: i64,
    /// The run that records now.
    pub active: Option<Id<kind::IngestRun>>,
}

impl Aggregate for Intake {
    const STREAM_TYPE: &'static str = "evidence.intake";
    const STATE_VERSION: u32 = 2;
    type Event = IntakeEvent;

    fn apply(&mut self, event: &IntakeEvent, _recorded_at: Timestamp) {
        match event {
            IntakeEvent::ProjectRecorded(recorded) => {
                self.known = true;
                self.named_at = recorded.source_position;
            }
            IntakeEvent::ArchivingRecorded(recorded) => {
                self.archived = recorded.archived;
                self.archiving_at = recorded.source_position;
            }
            IntakeEvent::IntakeClaimed(claimed) => self.active = Some(claimed.run),
            IntakeEvent::IntakeReleased(released) => {
                self.active = self.active.filter(|run| *run != released.run);
            }
        }
    }
}
