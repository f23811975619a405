//! What evidence learns from the controls subgraph: which projects there are, which checks the
//! controls' tests rest on, and what became of published check results. Each foreign fact is
//! recorded in the own log with its source position.

use async_trait::async_trait;
use studio_events::{EncodeError, Expected, Handler, HandlerError, Reaction, StreamAppend};
use studio_kernel::published::{
    CloudEvent,
    controls::{CheckResultsMatched, ControlTestAdded, ProjectCreated},
};

use crate::domain::{
    ControlCheckLinked, ControlLink, Intake, Matching, ProjectRecorded, ResultsMatched,
};

/// The name of the consumer, and of the part of Studio that acts.
pub(crate) const NAME: &str = "evidence.controls";

/// Takes in what the controls subgraph publishes.
pub(crate) struct FromControls;

#[async_trait]
impl Handler for FromControls {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        let stream = if let Some(created) = event.read::<ProjectCreated>() {
            project(event, created.map_err(HandlerError::failed)?)
        } else if let Some(added) = event.read::<ControlTestAdded>() {
            match link(event, added.map_err(HandlerError::failed)?) {
                Some(stream) => stream,
                None => return Ok(Reaction::none(event)),
            }
        } else if let Some(matched) = event.read::<CheckResultsMatched>() {
            results(event, matched.map_err(HandlerError::failed)?)
        } else {
            return Ok(Reaction::none(event));
        };
        Ok(Reaction::to(event, NAME, vec![stream.map_err(HandlerError::failed)?]))
    }

    fn rests_on_the_event_alone(&self) -> bool {
        true
    }
}

fn project(event: &CloudEvent, created: ProjectCreated) -> Result<StreamAppend, EncodeError> {
    let recorded = ProjectRecorded {
        project: created.project,
        name: created.name,
        source_position: event.position,
    };
    StreamAppend::of::<Intake>(created.project.to_string(), Expected::Any, vec![recorded.into()])
}

/// `None` where the test rests on no check.
fn link(event: &CloudEvent, added: ControlTestAdded) -> Option<Result<StreamAppend, EncodeError>> {
    let linked = ControlCheckLinked {
        control: added.control,
        test: added.test,
        project: added.project,
        check: added.check?,
        source_position: event.position,
    };
    let stream = added.control.to_string();
    Some(StreamAppend::of::<ControlLink>(stream, Expected::Any, vec![linked.into()]))
}

fn results(event: &CloudEvent, matched: CheckResultsMatched) -> Result<StreamAppend, EncodeError> {
    let recorded = ResultsMatched {
        run: matched.run,
        results_position: matched.source_position,
        source_position: event.position,
        tests_added: matched.tests_added,
        unmatched: matched.unmatched,
    };
    StreamAppend::of::<Matching>(matched.run.to_string(), Expected::Any, vec![recorded.into()])
}
