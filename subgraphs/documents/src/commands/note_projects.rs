//! Following the controls subgraph, to know which projects there are and which of them are archived.

use std::time::Duration;

use async_trait::async_trait;
use studio_events::{EventStore, Expected, Handler, HandlerError, Reaction, StreamAppend};
use studio_kernel::{
    Id, TenantId, kind,
    published::{
        CloudEvent,
        controls::{ProjectArchived, ProjectCreated, ProjectRestored},
    },
};
use studio_service::ApiError;

use super::Documents;
use crate::{
    domain::{ArchivingNoted, Project, ProjectEvent, ProjectNoted},
    projections::projects,
};

/// Who notes projects, in metadata and as the consumer's name.
const NAME: &str = "documents.projects";
/// How long an upload waits for a project that was created a moment ago.
const PATIENCE: Duration = Duration::from_secs(5);

/// Records each project that was created, archived or restored.
pub(crate) struct NoteProjects {
    pub(crate) store: EventStore,
}

impl NoteProjects {
    pub(crate) const NAME: &str = NAME;
}

#[async_trait]
impl Handler for NoteProjects {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        let Some((project, noted)) = noted(event)? else { return Ok(Reaction::none(event)) };
        let stream = project.to_string();
        let loaded = self.store.load::<Project>(event.tenant, &stream).await;
        let loaded = loaded.map_err(HandlerError::unavailable)?;
        let known = match &noted {
            ProjectEvent::ProjectNoted(_) => loaded.state.noted,
            // Something newer is known where this is a dead letter.
            ProjectEvent::ArchivingNoted(_) => loaded.state.archiving_at > event.position,
        };
        if known {
            return Ok(Reaction::none(event));
        }
        let mut events = vec![noted];
        if matches!(events[..], [ProjectEvent::ProjectNoted(_)]) && loaded.state.archived {
            // A dead letter that is taken again after the archiving, which found no row to change:
            // it is said once more.
            let source_position = loaded.state.archiving_at;
            events.push(ArchivingNoted { project, archived: true, source_position }.into());
        }
        let expected = Expected::Version(loaded.version);
        let append = StreamAppend::of::<Project>(stream, expected, events);
        Ok(Reaction::to(event, NAME, vec![append.map_err(HandlerError::failed)?]))
    }
}

/// What an event says of a project.
fn noted(event: &CloudEvent) -> Result<Option<(Id<kind::Project>, ProjectEvent)>, HandlerError> {
    let source_position = event.position;
    let archiving =
        |project, archived| (project, ArchivingNoted { project, archived, source_position }.into());
    Ok(Some(if let Some(created) = event.read::<ProjectCreated>() {
        let project = created.map_err(HandlerError::failed)?.project;
        (project, ProjectNoted { project, source_position }.into())
    } else if let Some(archived) = event.read::<ProjectArchived>() {
        archiving(archived.map_err(HandlerError::failed)?.project, true)
    } else if let Some(restored) = event.read::<ProjectRestored>() {
        archiving(restored.map_err(HandlerError::failed)?.project, false)
    } else {
        return Ok(None);
    }))
}

impl Documents {
    /// Whether the organization has the project, archived or not. One that is not known yet may have
    /// been created a moment ago: the answer waits until everything published so far was read.
    pub(crate) async fn knows_project(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
    ) -> Result<bool, ApiError> {
        let id = project.to_string();
        if projects::find(&self.store, tenant, &id).await?.is_some() {
            return Ok(true);
        }
        let Some(controls) = self.controls.get() else { return Ok(false) };
        controls.caught_up_within(PATIENCE).await?;
        Ok(projects::find(&self.store, tenant, &id).await?.is_some())
    }

    /// Whether the project is archived, as far as is heard now: a change of it rests on the log
    /// itself, which no copy for reading lags behind.
    pub(super) async fn is_archived(
        &self,
        tenant: TenantId,
        project: &str,
    ) -> Result<bool, ApiError> {
        Ok(self.store.load::<Project>(tenant, project).await?.state.archived)
    }
}
