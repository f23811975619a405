//! The projects of an organization.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use studio_entities::controls::project::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Payload, Principal};

use crate::domain::project::events::{ProjectCreated, ProjectEvent};

use super::{insert, ordinal};

/// The projects of an organization.
pub(crate) struct Projects;

impl Projects {
    /// Its name.
    pub(crate) const NAME: &'static str = "projects";
}

#[async_trait]
impl Projection for Projects {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [ProjectCreated::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let mut rows = Vec::new();
        for event in events {
            let ProjectEvent::ProjectCreated(created) = event.decode()? else { continue };
            let created_by = match event.metadata().map_err(ProjectionError::other)?.principal {
                Principal::User { user, .. } => Some(user.to_string()),
                Principal::System { .. } => None,
            };
            rows.push(project::Model {
                generation,
                tenant: event.tenant.to_string(),
                id: created.project.to_string(),
                name: created.name,
                created_by,
                created_at: event.recorded_at.micros(),
                ordinal: ordinal(event, 0),
            });
        }
        Ok(insert::<Entity>(tx, rows).await?)
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<Entity>(tx, generation).await
    }
}
