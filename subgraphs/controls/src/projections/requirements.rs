//! The requirements of imported frameworks.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use studio_entities::controls::requirement::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::{
    framework::{FrameworkEvent, RequirementsImported},
    score::Importance,
};

use super::insert;

/// The requirements of imported frameworks.
pub(crate) struct Requirements;

impl Requirements {
    /// Its name.
    pub(crate) const NAME: &'static str = "requirements";
}

#[async_trait]
impl Projection for Requirements {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [RequirementsImported::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let mut rows = Vec::new();
        for event in events {
            let FrameworkEvent::RequirementsImported(some) = event.decode()? else { continue };
            let first = i64::from(some.first);
            rows.extend(some.requirements.into_iter().zip(first..).map(|(item, ordinal)| {
                let requirement = item.requirement;
                requirement::Model {
                    generation,
                    tenant: event.tenant.to_string(),
                    id: item.id.to_string(),
                    framework: some.framework.to_string(),
                    code: requirement.code,
                    label: requirement.label,
                    title: requirement.title,
                    body: requirement.text,
                    group_title: requirement.group,
                    importance: importance(requirement.importance).to_owned(),
                    ordinal,
                }
            }));
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

fn importance(importance: Importance) -> &'static str {
    match importance {
        Importance::Normal => "NORMAL",
        Importance::High => "HIGH",
        Importance::Critical => "CRITICAL",
    }
}
