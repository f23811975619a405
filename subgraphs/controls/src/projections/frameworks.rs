//! The frameworks that an organization imported.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use studio_entities::controls::framework::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::framework::{FrameworkEvent, FrameworkImported};

use super::{insert, ordinal};

/// The frameworks that an organization imported.
pub(crate) struct Frameworks;

impl Frameworks {
    /// Its name.
    pub(crate) const NAME: &'static str = "frameworks";
}

#[async_trait]
impl Projection for Frameworks {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [FrameworkImported::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let mut rows = Vec::new();
        for event in events {
            let FrameworkEvent::FrameworkImported(imported) = event.decode()? else { continue };
            rows.push(framework::Model {
                generation,
                tenant: event.tenant.to_string(),
                id: imported.framework.to_string(),
                sha256: imported.sha256,
                family: imported.family,
                name: imported.name,
                version: imported.version,
                publisher: imported.publisher,
                notice: imported.notice,
                requirement_count: i64::from(imported.requirement_count),
                imported_at: event.recorded_at.micros(),
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
