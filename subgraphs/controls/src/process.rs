//! The process manager: what the evidence subgraph publishes becomes tests, summaries and
//! rejections of a project. Its answer is appended together with its checkpoint, so each published
//! event has its effect exactly once; its own state is the project's stream. Results that make more
//! tests than one append takes are taken in by parts, and the checkpoint moves with the last.

use std::sync::Arc;

use async_trait::async_trait;
use studio_access::Resource;
use studio_events::{
    EventStore, Expected, Handler, HandlerError, MAX_EVENTS, Reaction, StreamAppend,
};
use studio_kernel::{
    Actor, Id, TenantId, kind,
    published::{
        CloudEvent,
        evidence::{CheckResultsRecorded, EvidenceRejected},
    },
};

use crate::{
    app::{App, Ids},
    domain::project::{MOST_TESTS_AT_ONCE, Project, TakenIn, discount, take_in},
    projections::read::Read,
};

/// Its name: of the consumer, and of who did what it does.
pub(crate) const NAME: &str = "controls.process_manager";

// Tests, and the few events beside them, go into one append.
const _: () = assert!(MOST_TESTS_AT_ONCE + 4 <= MAX_EVENTS);

/// Takes in what the evidence subgraph publishes.
pub(crate) struct ProcessManager(pub(crate) Arc<App>);

#[async_trait]
impl Handler for ProcessManager {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        if let Some(results) = event.read::<CheckResultsRecorded>() {
            return self.results(event, &results.map_err(HandlerError::failed)?).await;
        }
        if let Some(rejected) = event.read::<EvidenceRejected>() {
            return self.rejection(event, &rejected.map_err(HandlerError::failed)?).await;
        }
        Ok(Reaction::none(event))
    }
}

impl ProcessManager {
    fn store(&self) -> &EventStore {
        &self.0.store
    }

    /// The process manager is an actor like any other.
    fn may(&self, event: &CloudEvent, action: &str) -> Result<(), HandlerError> {
        let actor = Actor::system(event.tenant, NAME);
        self.0
            .require(&actor, action, &Resource::any("ControlTest", event.tenant))
            .map_err(HandlerError::failed)
    }

    async fn results(
        &self,
        event: &CloudEvent,
        results: &CheckResultsRecorded,
    ) -> Result<Reaction, HandlerError> {
        self.may(event, "controls:test:create")?;
        let stream = results.project.to_string();
        let loaded = self
            .store()
            .load::<Project>(event.tenant, &stream)
            .await
            .map_err(HandlerError::unavailable)?;
        if !loaded.state.exists() {
            return Err(HandlerError::failed(format!("there is no project {stream}")));
        }
        let catalogs = self
            .0
            .catalogs
            .of(event.tenant, &loaded.state)
            .await
            .map_err(HandlerError::unavailable)?;
        let from = TakenIn { event: event.id, position: event.position };
        let taken = take_in(&loaded.state, results, from, &catalogs, &mut Ids(&self.0.env))
            .map_err(HandlerError::failed)?;
        let expected = Expected::Version(loaded.version);
        let append = StreamAppend::of::<Project>(stream, expected, taken.events)
            .map_err(HandlerError::failed)?;
        let reaction = Reaction::to(event, NAME, vec![append]);
        Ok(if taken.part { reaction.as_part() } else { reaction })
    }

    async fn rejection(
        &self,
        event: &CloudEvent,
        rejected: &EvidenceRejected,
    ) -> Result<Reaction, HandlerError> {
        self.may(event, "controls:test:update")?;
        let projects = self.projects_of(event.tenant, rejected).await?;
        let from = TakenIn { event: event.id, position: event.position };
        let mut streams = Vec::new();
        for project in projects {
            // What a stream begins with is the creation of its project.
            let stream = project.to_string();
            let loaded = self.store().load::<Project>(event.tenant, &stream).await;
            if !loaded.map_err(HandlerError::unavailable)?.state.exists() {
                return Err(HandlerError::failed(format!("there is no project {stream}")));
            }
            let events = vec![discount(project, rejected, from)];
            let append = StreamAppend::of::<Project>(stream, Expected::Any, events)
                .map_err(HandlerError::failed)?;
            streams.push(append);
        }
        Ok(Reaction::to(event, NAME, streams))
    }

    /// The projects whose scores rest on the evidence, or will: the rejection can come before the
    /// results, which are still being published, or wait as a dead letter. So it says itself which
    /// project the evidence is of. One of an older log does not, and reaches whoever is known to
    /// use it.
    async fn projects_of(
        &self,
        tenant: TenantId,
        rejected: &EvidenceRejected,
    ) -> Result<Vec<Id<kind::Project>>, HandlerError> {
        if let Some(project) = rejected.project {
            return Ok(vec![project]);
        }
        let projects = Read::new(self.store(), tenant)
            .projects_of_evidence(&rejected.evidence.to_string())
            .await
            .map_err(HandlerError::unavailable)?;
        projects.iter().map(|id| id.parse().map_err(HandlerError::failed)).collect()
    }
}
