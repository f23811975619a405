//! The state and the model of a project at one instant, to suppose things about.

use studio_kernel::{Aggregate, Id, TenantId, Timestamp, kind};
use studio_service::ApiError;

use super::{PAGE, Scores};
use crate::domain::{
    project::{Project, events::ProjectEvent},
    simulation::Simulation,
};

/// A simulation that has not supposed anything yet.
pub(crate) struct Begun {
    pub(crate) simulation: Simulation,
    /// What was recorded by then is counted.
    pub(crate) as_of: Timestamp,
    /// When freshness is judged before anything is supposed.
    pub(crate) at: Timestamp,
}

impl Scores {
    /// Begins a simulation on a project as of an instant; by default, as it is.
    pub(crate) async fn simulation(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
        as_of: Option<Timestamp>,
    ) -> Result<Begun, ApiError> {
        let stream = project.to_string();
        // The state first: what the model has beyond it was made by others in this very moment.
        let state = match as_of {
            None => self.0.store.load::<Project>(tenant, &stream).await?.state,
            Some(as_of) => self.state_as_of(tenant, &stream, as_of).await?,
        };
        let view = self.view(tenant, project, as_of, None).await?;
        Ok(Begun {
            simulation: Simulation::new(project, state, view.model, view.at),
            as_of: view.as_of,
            at: view.at,
        })
    }

    async fn state_as_of(
        &self,
        tenant: TenantId,
        stream: &str,
        as_of: Timestamp,
    ) -> Result<Project, ApiError> {
        let (mut project, mut version) = (Project::default(), 0);
        loop {
            let events = self
                .0
                .store
                .read_stream(tenant, Project::STREAM_TYPE, stream, version, PAGE)
                .await?;
            let full = events.len() == PAGE;
            for event in events {
                if event.recorded_at > as_of {
                    return Ok(project);
                }
                let decoded: ProjectEvent = event.decode().map_err(ApiError::internal)?;
                project.apply(&decoded, event.recorded_at);
                version = event.stream_version;
            }
            if !full {
                return Ok(project);
            }
        }
    }
}
