//! What evidence learns from the controls subgraph: which projects there are and which of them are
//! archived, which checks and rules the controls' tests rest on, and what became of published check results.
//! Each foreign fact is recorded in the own log with its source position.

pub(crate) mod rules;

use async_trait::async_trait;
use studio_events::{
    EncodeError, EventStore, Expected, Handler, HandlerError, Reaction, StreamAppend,
};
use studio_kernel::{
    Id, kind,
    published::{
        CloudEvent,
        controls::{
            CheckResultsMatched, ControlTestAdded, ControlTestRuleSet, ProjectArchived,
            ProjectCreated, ProjectRenamed, ProjectRestored,
        },
    },
};

use crate::domain::{
    ArchivingRecorded, CodeTest, ControlCheckLinked, ControlLink, Intake, IntakeEvent, Matching,
    ProjectRecorded, ResultsMatched, RuleRecorded,
};

/// The name of the consumer, and of the part of Studio that acts.
pub(crate) const NAME: &str = "evidence.controls";

/// Takes in what the controls subgraph publishes.
pub(crate) struct FromControls {
    pub(crate) store: EventStore,
}

impl FromControls {
    /// What is known of a project.
    async fn intake(
        &self,
        event: &CloudEvent,
        project: Id<kind::Project>,
    ) -> Result<Intake, HandlerError> {
        let loaded = self.store.load::<Intake>(event.tenant, &project.to_string()).await;
        Ok(loaded.map_err(HandlerError::unavailable)?.state)
    }

    /// What it is called: unless something newer is known, where this is a dead letter.
    async fn named(
        &self,
        event: &CloudEvent,
        project: Id<kind::Project>,
        name: String,
    ) -> Result<Option<Append>, HandlerError> {
        let intake = self.intake(event, project).await?;
        if intake.named_at > event.position {
            return Ok(None);
        }
        let mut events =
            vec![ProjectRecorded { project, name, source_position: event.position }.into()];
        if intake.archived && !intake.known {
            // A dead letter that is taken again after the archiving, which found no row to change:
            // it is said once more.
            let source_position = intake.archiving_at;
            events.push(ArchivingRecorded { project, archived: true, source_position }.into());
        }
        Ok(Some(of_project(project, events)))
    }

    /// Whether it is archived: unless something newer is known.
    async fn archiving(
        &self,
        event: &CloudEvent,
        project: Id<kind::Project>,
        archived: bool,
    ) -> Result<Option<Append>, HandlerError> {
        let newer = self.intake(event, project).await?.archiving_at > event.position;
        let recorded = ArchivingRecorded { project, archived, source_position: event.position };
        Ok((!newer).then(|| of_project(project, vec![recorded.into()])))
    }

    /// Which rule a test is: unless a newer version is known, where this is a dead letter.
    async fn rule(
        &self,
        event: &CloudEvent,
        rule: ControlTestRuleSet,
    ) -> Result<Option<Append>, HandlerError> {
        let stream = rule.test.to_string();
        let known = self.store.load::<CodeTest>(event.tenant, &stream).await;
        let known = known.map_err(HandlerError::unavailable)?.state.rule;
        if known.is_some_and(|known| known.version >= rule.version) {
            return Ok(None);
        }
        let recorded = RuleRecorded { rule, source_position: event.position };
        Ok(Some(StreamAppend::of::<CodeTest>(stream, Expected::Any, vec![recorded.into()])))
    }
}

type Append = Result<StreamAppend, EncodeError>;

#[async_trait]
impl Handler for FromControls {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        let stream = if let Some(created) = event.read::<ProjectCreated>() {
            let created = created.map_err(HandlerError::failed)?;
            self.named(event, created.project, created.name).await?
        } else if let Some(renamed) = event.read::<ProjectRenamed>() {
            let renamed = renamed.map_err(HandlerError::failed)?;
            self.named(event, renamed.project, renamed.name).await?
        } else if let Some(archived) = event.read::<ProjectArchived>() {
            let project = archived.map_err(HandlerError::failed)?.project;
            self.archiving(event, project, true).await?
        } else if let Some(restored) = event.read::<ProjectRestored>() {
            let project = restored.map_err(HandlerError::failed)?.project;
            self.archiving(event, project, false).await?
        } else if let Some(added) = event.read::<ControlTestAdded>() {
            link(event, added.map_err(HandlerError::failed)?)
        } else if let Some(set) = event.read::<ControlTestRuleSet>() {
            self.rule(event, set.map_err(HandlerError::failed)?).await?
        } else if let Some(matched) = event.read::<CheckResultsMatched>() {
            Some(results(event, matched.map_err(HandlerError::failed)?))
        } else {
            None
        };
        let Some(stream) = stream else { return Ok(Reaction::none(event)) };
        Ok(Reaction::to(event, NAME, vec![stream.map_err(HandlerError::failed)?]))
    }

    // What is known of a project holds back dead letters alone, which are taken one by one.
    fn rests_on_the_event_alone(&self) -> bool {
        true
    }
}

fn of_project(project: Id<kind::Project>, events: Vec<IntakeEvent>) -> Append {
    StreamAppend::of::<Intake>(project.to_string(), Expected::Any, events)
}

/// `None` where the test rests on no check.
fn link(event: &CloudEvent, added: ControlTestAdded) -> Option<Append> {
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

fn results(event: &CloudEvent, matched: CheckResultsMatched) -> Append {
    let recorded = ResultsMatched {
        run: matched.run,
        results_position: matched.source_position,
        source_position: event.position,
        tests_added: matched.tests_added,
        unmatched: matched.unmatched,
    };
    StreamAppend::of::<Matching>(matched.run.to_string(), Expected::Any, vec![recorded.into()])
}
