//! What evidence learned from the controls subgraph: which check a control's test rests on, and
//! what became of the check results that a run published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Timestamp, event, events, kind};

/// A control's test rests on a scanner's check: the findings of that check show with the control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ControlCheckLinked {
    /// The control.
    pub control: Id<kind::Control>,
    /// Its test.
    pub test: Id<kind::ControlTest>,
    /// The project.
    pub project: Id<kind::Project>,
    /// The scanner's id of the check.
    pub check: String,
    /// The position in the log of the controls subgraph that says so.
    pub source_position: i64,
}
event!(ControlCheckLinked, "evidence.control_check.linked", 1);

events! {
    /// What happens to a control, as evidence sees it.
    pub(crate) enum ControlLinkEvent { ControlCheckLinked }
}

/// The checks that a control rests on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ControlLink {
    /// How many tests rest on a check.
    pub tests: u32,
}

impl Aggregate for ControlLink {
    const STREAM_TYPE: &'static str = "evidence.control_link";
    const STATE_VERSION: u32 = 1;
    type Event = ControlLinkEvent;

    fn apply(&mut self, event: &ControlLinkEvent, _recorded_at: Timestamp) {
        match event {
            ControlLinkEvent::ControlCheckLinked(_) => self.tests += 1,
        }
    }
}

/// The controls subgraph has taken in one page of a run's check results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResultsMatched {
    /// The run.
    pub run: Id<kind::IngestRun>,
    /// The position in our log of the page that was taken in.
    pub results_position: i64,
    /// The position in the log of the controls subgraph that says so.
    pub source_position: i64,
    /// How many tests were made.
    pub tests_added: u32,
    /// Requirement ids that match nothing, by the scanner's name of the framework.
    pub unmatched: BTreeMap<String, Vec<String>>,
}
event!(ResultsMatched, "evidence.results.matched", 1);

events! {
    /// What becomes of the check results of a run.
    pub(crate) enum MatchingEvent { ResultsMatched }
}

/// What became of a run's check results. A stream of its own, so that the reaction never meets
/// the run that is still writing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Matching {
    /// How many pages were taken in.
    pub pages: u32,
}

impl Aggregate for Matching {
    const STREAM_TYPE: &'static str = "evidence.matching";
    const STATE_VERSION: u32 = 1;
    type Event = MatchingEvent;

    fn apply(&mut self, event: &MatchingEvent, _recorded_at: Timestamp) {
        match event {
            MatchingEvent::ResultsMatched(_) => self.pages += 1,
        }
    }
}
