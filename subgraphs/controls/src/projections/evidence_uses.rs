//! Which project's scores rest on which evidence.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use sea_orm::sea_query::OnConflict;
use studio_entities::controls::evidence_use::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::project::events::{CheckSummariesRecorded, ProjectEvent};

use super::upsert;

/// Which project's scores rest on which evidence.
pub(crate) struct EvidenceUses;

impl EvidenceUses {
    /// Its name.
    pub(crate) const NAME: &'static str = "evidence_uses";
}

#[async_trait]
impl Projection for EvidenceUses {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [CheckSummariesRecorded::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let mut uses = std::collections::BTreeSet::new();
        for event in events {
            let ProjectEvent::CheckSummariesRecorded(recorded) = event.decode()? else { continue };
            uses.insert((event.tenant, recorded.evidence, recorded.project));
        }
        let rows = uses
            .into_iter()
            .map(|(tenant, evidence, project)| evidence_use::Model {
                generation,
                tenant: tenant.to_string(),
                evidence: evidence.to_string(),
                project: project.to_string(),
            })
            .collect();
        use evidence_use::Column;
        let keep = OnConflict::columns([
            Column::Generation,
            Column::Tenant,
            Column::Evidence,
            Column::Project,
        ])
        .do_nothing()
        .to_owned();
        Ok(upsert::<Entity>(tx, rows, Some(keep)).await?)
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<Entity>(tx, generation).await
    }
}
