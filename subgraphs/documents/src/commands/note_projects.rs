//! Following the controls subgraph, to know which projects there are.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use studio_events::{
    ConsumerHandle, EventFeed, EventStore, Expected, Handler, HandlerError, Reaction, StreamAppend,
};
use studio_kernel::{
    Id, TenantId, kind,
    published::{CloudEvent, controls::ProjectCreated},
};
use studio_service::ApiError;

use super::Documents;
use crate::{
    domain::{Project, ProjectNoted},
    projections::projects,
};

/// Who notes projects, in metadata and as the consumer's name.
const NAME: &str = "documents.projects";
/// How long an upload waits for a project that was created a moment ago.
const PATIENCE: Duration = Duration::from_secs(5);

/// The feed of the controls subgraph and how far it was followed.
pub(crate) struct ProjectsKnown {
    pub(crate) feed: Arc<dyn EventFeed>,
    pub(crate) consumer: Arc<ConsumerHandle>,
}

/// Records each project that was created.
pub(crate) struct NoteProjects {
    pub(crate) store: EventStore,
}

impl NoteProjects {
    pub(crate) const NAME: &str = NAME;
}

#[async_trait]
impl Handler for NoteProjects {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        let Some(created) = event.read::<ProjectCreated>() else {
            return Ok(Reaction::none(event));
        };
        let project = created.map_err(HandlerError::failed)?.project;
        let stream = project.to_string();
        let loaded = self.store.load::<Project>(event.tenant, &stream).await;
        if loaded.map_err(HandlerError::unavailable)?.version > 0 {
            return Ok(Reaction::none(event));
        }
        let noted = ProjectNoted { project, source_position: event.position };
        let append = StreamAppend::of::<Project>(stream, Expected::NoStream, vec![noted.into()]);
        Ok(Reaction::to(event, NAME, vec![append.map_err(HandlerError::failed)?]))
    }
}

impl Documents {
    /// Whether the organization has the project. One that is not known yet may have been created
    /// a moment ago: the answer waits until everything published so far was read.
    pub(crate) async fn knows_project(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
    ) -> Result<bool, ApiError> {
        if projects::exists(&self.store, tenant, project).await? {
            return Ok(true);
        }
        let Some(known) = self.projects.get() else { return Ok(false) };
        let caught_up = async {
            let head = known.feed.head().await?;
            Ok::<_, ApiError>(known.consumer.caught_up_to(head).await?)
        };
        match tokio::time::timeout(PATIENCE, caught_up).await {
            Ok(result) => result?,
            Err(_) => {
                let cause = "the consumer of the controls subgraph's projects does not catch up";
                return Err(ApiError::unavailable(cause));
            }
        }
        Ok(projects::exists(&self.store, tenant, project).await?)
    }
}
