//! What the controls subgraph made of the check results of a run.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use sea_orm::{ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter};
use studio_entities::evidence::matching;
use studio_events::{EventStore, Projection, ProjectionError, Recorded};
use studio_kernel::{Payload, TenantId};

use super::{
    RunRow,
    sql::{self, Insert},
};
use crate::domain::ResultsMatched;

const NAME: &str = "run_matchings";
static INSERT: Insert = Insert::new(
    6,
    "INSERT INTO run_matchings (generation, tenant, run_id, pages, tests_added, unmatched)",
    "ON CONFLICT (generation, tenant, run_id) DO UPDATE SET pages = excluded.pages, \
     tests_added = excluded.tests_added, unmatched = excluded.unmatched",
);

/// Requirement ids by the scanner's name of the framework.
type Unmatched = BTreeMap<String, BTreeSet<String>>;

/// What became of the check results of a run so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Matched {
    /// Pages that were taken in.
    pub(crate) pages: i64,
    /// Tests that were made.
    pub(crate) tests_added: i64,
    /// Requirement ids that match nothing.
    pub(crate) unmatched: Unmatched,
}

impl Matched {
    /// Whether everything that the run published was taken in.
    pub(crate) fn covers(&self, run: &RunRow) -> bool {
        run.completed_at.is_some() && self.pages >= run.results_events
    }
}

impl TryFrom<matching::Model> for Matched {
    type Error = serde_json::Error;

    fn try_from(row: matching::Model) -> Result<Self, serde_json::Error> {
        Ok(Self {
            pages: row.pages,
            tests_added: row.tests_added,
            unmatched: serde_json::from_str(&row.unmatched)?,
        })
    }
}

/// See the module.
pub(crate) struct Matchings;

impl Matchings {
    /// What is known of these runs, by run.
    pub(crate) async fn of(
        store: &EventStore,
        tenant: TenantId,
        runs: &[String],
    ) -> Result<Vec<matching::Model>, DbErr> {
        matching::Entity::find()
            .filter(matching::Column::Generation.eq(store.generation(NAME)))
            .filter(matching::Column::Tenant.eq(tenant.to_string()))
            .filter(matching::Column::RunId.is_in(runs))
            .all(store.database().reader())
            .await
    }
}

#[async_trait]
impl Projection for Matchings {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == ResultsMatched::TYPE
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let results = ResultsMatched::decode(event.schema_version, &event.payload)?;
            let tenant = event.tenant.to_string();
            let run = results.run.to_string();
            let key = (generation, tenant.clone(), run.clone());
            let mut matched = match matching::Entity::find_by_id(key).one(tx).await? {
                Some(row) => Matched::try_from(row).map_err(ProjectionError::other)?,
                None => Matched::default(),
            };
            matched.pages += 1;
            matched.tests_added += i64::from(results.tests_added);
            for (framework, ids) in results.unmatched {
                matched.unmatched.entry(framework).or_default().extend(ids);
            }
            let unmatched =
                serde_json::to_string(&matched.unmatched).map_err(ProjectionError::other)?;
            let row = vec![
                generation.into(),
                tenant.into(),
                run.into(),
                matched.pages.into(),
                matched.tests_added.into(),
                unmatched.into(),
            ];
            INSERT.run(tx, row).await?;
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        sql::clear(tx, &["run_matchings"], generation).await
    }
}
