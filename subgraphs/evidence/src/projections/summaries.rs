//! The newest published summary of each check in each account and region.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use studio_access::Clearance;
use studio_entities::evidence::summary;
use studio_events::{EventStore, Projection, ProjectionError, Recorded};
use studio_kernel::{
    Id, Payload, TenantId, Timestamp, kind, published::evidence::CheckResultsRecorded,
};

use super::{
    evidence::EvidenceItems,
    sql::{self, Insert, WithList},
};
use crate::domain::SummaryKey;

const NAME: &str = "check_summaries";
static INSERT: Insert = Insert::new(
    14,
    "INSERT INTO check_summaries (generation, tenant, project_id, check_id, account, region, \
     population, passed, failed, unknown_count, effective_from, evidence_id, evidence_version, \
     run_id)",
    "ON CONFLICT (generation, tenant, project_id, check_id, account, region) DO UPDATE SET \
     population = excluded.population, passed = excluded.passed, failed = excluded.failed, \
     unknown_count = excluded.unknown_count, effective_from = excluded.effective_from, \
     evidence_id = excluded.evidence_id, evidence_version = excluded.evidence_version, \
     run_id = excluded.run_id",
);
static NEWEST: WithList = WithList::new(
    "SELECT check_id, account, region, effective_from FROM check_summaries \
     WHERE generation = {1} AND tenant = {2} AND project_id = {3} AND check_id IN ({list})",
    3,
);

/// See the module.
pub(crate) struct Summaries;

impl Summaries {
    /// The instant of the newest summary of each of these checks, by account and region.
    pub(crate) async fn newest(
        store: &EventStore,
        tenant: TenantId,
        project: Id<kind::Project>,
        checks: &[String],
    ) -> Result<HashMap<SummaryKey, Timestamp>, DbErr> {
        let reader = store.database().reader();
        let fixed =
            [store.generation(NAME).into(), tenant.to_string().into(), project.to_string().into()];
        let mut newest = HashMap::new();
        for statement in NEWEST.statements(reader, &fixed, checks, |check| [check.clone().into()]) {
            for row in reader.query_all_raw(statement).await? {
                let key = SummaryKey {
                    check: row.try_get_by_index(0)?,
                    account: row.try_get_by_index(1)?,
                    region: row.try_get_by_index(2)?,
                };
                newest.insert(key, Timestamp::from_micros(row.try_get_by_index(3)?));
            }
        }
        Ok(newest)
    }
}

impl Summaries {
    /// The evidence that the summaries of these checks rest on and somebody reads, after an id, by id.
    pub(crate) async fn evidence_of(
        store: &EventStore,
        clearance: &Clearance,
        project: &str,
        checks: &[String],
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<String>, DbErr> {
        let mut found = summary::Entity::find()
            .select_only()
            .column(summary::Column::EvidenceId)
            .distinct()
            .filter(summary::Column::Generation.eq(store.generation(NAME)))
            .filter(summary::Column::Tenant.eq(clearance.tenant().to_string()))
            .filter(summary::Column::ProjectId.eq(project))
            .filter(summary::Column::CheckId.is_in(checks))
            .filter(summary::Column::EvidenceId.gt(after.unwrap_or_default()));
        if let Some(cleared) = EvidenceItems::cleared(store, clearance) {
            found = found.filter(summary::Column::EvidenceId.in_subquery(cleared));
        }
        found
            .order_by_asc(summary::Column::EvidenceId)
            .limit(limit)
            .into_tuple()
            .all(store.database().reader())
            .await
    }
}

#[async_trait]
impl Projection for Summaries {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == CheckResultsRecorded::TYPE
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let results = CheckResultsRecorded::decode(event.schema_version, &event.payload)?;
            let tenant = event.tenant.to_string();
            let mut rows = Vec::with_capacity(results.summaries.len() * 14);
            for summary in results.summaries {
                rows.extend([
                    generation.into(),
                    tenant.clone().into(),
                    results.project.to_string().into(),
                    summary.check.into(),
                    summary.account.into(),
                    summary.region.into(),
                    i64::from(summary.population).into(),
                    i64::from(summary.passed).into(),
                    i64::from(summary.failed).into(),
                    i64::from(summary.unknown).into(),
                    summary.effective_from.micros().into(),
                    results.evidence.to_string().into(),
                    i64::from(results.evidence_version).into(),
                    results.run.to_string().into(),
                ]);
            }
            INSERT.run(tx, rows).await?;
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        sql::clear(tx, &["check_summaries"], generation).await
    }
}
