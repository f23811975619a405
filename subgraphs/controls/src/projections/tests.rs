//! The tests of controls.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use studio_entities::controls::test::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::project::events::{ControlTestAdded, ProjectEvent};

use super::{insert, ordinal};

/// The tests of controls.
pub(crate) struct Tests;

impl Tests {
    /// Its name.
    pub(crate) const NAME: &'static str = "tests";
}

#[async_trait]
impl Projection for Tests {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [ControlTestAdded::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let mut rows = Vec::new();
        for event in events {
            let ProjectEvent::ControlTestAdded(added) = event.decode()? else { continue };
            rows.push(test::Model {
                generation,
                tenant: event.tenant.to_string(),
                id: added.test.to_string(),
                project: added.project.to_string(),
                control: added.control.to_string(),
                title: added.title,
                check_id: added.check,
                weight: i64::from(added.weight),
                is_key: i64::from(added.key),
                validity_days: i64::from(added.validity_days),
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
