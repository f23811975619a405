//! Which project adopted which framework.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use studio_entities::controls::adoption::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::project::events::{FrameworkAdopted, ProjectEvent};

use super::{insert, ordinal};

/// Which project adopted which framework.
pub(crate) struct Adoptions;

impl Adoptions {
    /// Its name.
    pub(crate) const NAME: &'static str = "adoptions";
}

#[async_trait]
impl Projection for Adoptions {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [FrameworkAdopted::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let mut rows = Vec::new();
        for event in events {
            let ProjectEvent::FrameworkAdopted(adopted) = event.decode()? else { continue };
            rows.push(adoption::Model {
                generation,
                tenant: event.tenant.to_string(),
                project: adopted.project.to_string(),
                framework: adopted.framework.to_string(),
                adopted_at: event.recorded_at.micros(),
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
