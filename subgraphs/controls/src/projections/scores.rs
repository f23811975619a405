//! Where the newest recorded score of each framework stands in the log.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use sea_orm::sea_query::OnConflict;
use studio_entities::controls::score::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::score_log::{ScoreChanged, ScoreEvent};

use super::upsert;

/// Where the newest recorded score of each framework stands in the log.
pub(crate) struct Scores;

impl Scores {
    /// Its name.
    pub(crate) const NAME: &'static str = "scores";
}

#[async_trait]
impl Projection for Scores {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [ScoreChanged::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let mut newest = std::collections::BTreeMap::new();
        for event in events {
            let ScoreEvent::ScoreChanged(changed) = event.decode()? else { continue };
            let key = (event.tenant, changed.project, changed.framework);
            newest.insert(key, event.position);
        }
        let rows = newest
            .into_iter()
            .map(|((tenant, project, framework), position)| score::Model {
                generation,
                tenant: tenant.to_string(),
                project: project.to_string(),
                framework: framework.to_string(),
                position,
            })
            .collect();
        use score::Column;
        let replace = OnConflict::columns([
            Column::Generation,
            Column::Tenant,
            Column::Project,
            Column::Framework,
        ])
        .update_column(Column::Position)
        .to_owned();
        Ok(upsert::<Entity>(tx, rows, Some(replace)).await?)
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<Entity>(tx, generation).await
    }
}
