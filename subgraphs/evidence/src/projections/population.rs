//! What a project consists of, as the scans saw it last: findings, assets and checks, written
//! together from each batch. Also what the end of a run asks of them: which findings are gone,
//! the counts of each check, and which resources began or ceased to fail since the last summary.
//!
//! An observation that is older than the one on record changes nothing here, in whatever order
//! runs are recorded.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Value};
use studio_events::{EventStore, Projection, ProjectionError, Recorded};
use studio_kernel::{
    DomainEvent, Id, Payload, TenantId, Timestamp, kind,
    published::evidence::{CheckResultsRecorded, CheckSummary},
};

use super::{
    assets, checks, findings,
    sql::{self, statement},
};
use crate::domain::{FindingsGone, FindingsObserved, RunEvent, SummaryKey};

pub(super) const NAME: &str = "population";

/// What a run observed, and when last.
const OBSERVED: &str = "SELECT check_id, account, region, MAX(last_seen) FROM findings \
     WHERE generation = $1 AND tenant = $2 AND project_id = $3 AND last_run_id = $4 \
     GROUP BY check_id, account, region";

/// The findings of a check that are there and that a run did not list, in pages. A join with what
/// the run observed would do too, but a planner without statistics makes it quadratic.
const NOT_LISTED: &str = "SELECT id, account, region, last_seen FROM findings \
     WHERE generation = $1 AND tenant = $2 AND project_id = $3 AND last_run_id <> $4 \
       AND present = 1 AND check_id = $5 AND id > $6 ORDER BY id LIMIT $7";

/// Counts of resources by (check, account, region), for those that the run observed, in pages.
/// Where several findings of a check are about one resource, the worst stands for it.
const COUNTS: &str = "SELECT check_id, account, region, COUNT(*), \
       SUM(CASE WHEN standing = 0 THEN 1 ELSE 0 END), \
       SUM(CASE WHEN standing = 2 THEN 1 ELSE 0 END), MIN(seen) \
     FROM (SELECT check_id, account, region, resource_uid, MAX(standing) AS standing, \
             MIN(CASE WHEN last_run_id = $4 THEN last_seen END) AS seen \
           FROM findings WHERE generation = $1 AND tenant = $2 AND project_id = $3 \
             AND present = 1 AND check_id >= $5 \
           GROUP BY check_id, account, region, resource_uid) resources \
     WHERE check_id > $5 OR account > $6 OR (account = $6 AND region > $7) \
     GROUP BY check_id, account, region HAVING MIN(seen) IS NOT NULL \
     ORDER BY check_id, account, region LIMIT $8";

/// Resources that fail now and did not in the last summary (1), or the other way round (0).
const CHANGES: &str = "SELECT resource_uid, now_failing FROM ( \
       SELECT resource_uid, CAST(MAX(CASE WHEN present = 1 AND standing = 2 THEN 1 ELSE 0 END) \
         AS BIGINT) AS now_failing, MAX(published_failing) AS was_failing \
       FROM findings WHERE generation = $1 AND tenant = $2 AND project_id = $3 AND check_id = $4 \
         AND account = $5 AND region = $6 \
         AND (published_failing = 1 OR (present = 1 AND standing = 2)) \
       GROUP BY resource_uid) resources \
     WHERE now_failing <> was_failing ORDER BY resource_uid";

const PUBLISHED: &str = "UPDATE findings SET published_failing = 1 - published_failing \
     WHERE generation = $1 AND tenant = $2 AND project_id = $3 AND check_id = $4 AND account = $5 \
       AND region = $6 AND published_failing <> \
         (CASE WHEN present = 1 AND standing = 2 THEN 1 ELSE 0 END)";

/// See the module.
pub(crate) struct Population;

/// A finding that a run did not list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotListed {
    /// `fnd_…`.
    pub(crate) id: String,
    /// Whose summary counts it.
    pub(crate) key: SummaryKey,
    /// The newest instant at which it was observed.
    pub(crate) last_seen: Timestamp,
}

/// The counts of one check in one account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SummaryRow {
    /// Which.
    pub(crate) key: SummaryKey,
    /// Resources looked at.
    pub(crate) population: u32,
    /// Resources that pass.
    pub(crate) passed: u32,
    /// Resources that fail.
    pub(crate) failed: u32,
    /// The earliest observation of the run.
    pub(crate) effective_from: Timestamp,
}

/// A resource that began or ceased to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceChange {
    /// Its id with the provider.
    pub(crate) resource: String,
    /// Whether it fails now.
    pub(crate) fails: bool,
}

impl Population {
    /// What a run observed, and the latest instant at which it did.
    pub(crate) async fn observed(
        store: &EventStore,
        tenant: TenantId,
        project: Id<kind::Project>,
        run: Id<kind::IngestRun>,
    ) -> Result<BTreeMap<SummaryKey, Timestamp>, DbErr> {
        let reader = store.database().reader();
        let mut values = scope(store, tenant, project);
        values.push(run.to_string().into());
        let rows = reader.query_all_raw(statement(reader, OBSERVED, values)).await?;
        rows.iter()
            .map(|row| {
                let key = SummaryKey {
                    check: row.try_get_by_index(0)?,
                    account: row.try_get_by_index(1)?,
                    region: row.try_get_by_index(2)?,
                };
                Ok((key, Timestamp::from_micros(row.try_get_by_index(3)?)))
            })
            .collect()
    }

    /// Up to `limit` findings of a check that are in the population and that `run` did not list,
    /// after an id, by id.
    pub(crate) async fn not_listed(
        store: &EventStore,
        tenant: TenantId,
        project: Id<kind::Project>,
        run: Id<kind::IngestRun>,
        check: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<NotListed>, DbErr> {
        let reader = store.database().reader();
        let mut values = scope(store, tenant, project);
        let (run, limit) = (run.to_string().into(), i64::from(limit).into());
        values.extend([run, check.into(), after.into(), limit]);
        let rows = reader.query_all_raw(statement(reader, NOT_LISTED, values)).await?;
        rows.iter()
            .map(|row| {
                Ok(NotListed {
                    id: row.try_get_by_index(0)?,
                    key: SummaryKey {
                        check: check.to_owned(),
                        account: row.try_get_by_index(1)?,
                        region: row.try_get_by_index(2)?,
                    },
                    last_seen: Timestamp::from_micros(row.try_get_by_index(3)?),
                })
            })
            .collect()
    }

    /// Up to `limit` summaries of what `run` observed, after a key, in the order of the keys.
    pub(crate) async fn summaries(
        store: &EventStore,
        tenant: TenantId,
        project: Id<kind::Project>,
        run: Id<kind::IngestRun>,
        after: Option<&SummaryKey>,
        limit: u32,
    ) -> Result<Vec<SummaryRow>, DbErr> {
        let reader = store.database().reader();
        let mut values = scope(store, tenant, project);
        values.push(run.to_string().into());
        // No check, account or region is empty: before the first key there is nothing.
        values.extend(
            after
                .map_or(["", "", ""], |key| [&key.check, &key.account, &key.region])
                .map(Value::from),
        );
        values.push(i64::from(limit).into());
        let rows = reader.query_all_raw(statement(reader, COUNTS, values)).await?;
        rows.iter()
            .map(|row| {
                let count = |index| -> Result<u32, DbErr> {
                    let number: i64 = row.try_get_by_index(index)?;
                    Ok(u32::try_from(number).unwrap_or(u32::MAX))
                };
                Ok(SummaryRow {
                    key: SummaryKey {
                        check: row.try_get_by_index(0)?,
                        account: row.try_get_by_index(1)?,
                        region: row.try_get_by_index(2)?,
                    },
                    population: count(3)?,
                    passed: count(4)?,
                    failed: count(5)?,
                    effective_from: Timestamp::from_micros(row.try_get_by_index(6)?),
                })
            })
            .collect()
    }

    /// The resources that began or ceased to fail since the last summary, in order.
    pub(crate) async fn changes(
        store: &EventStore,
        tenant: TenantId,
        project: Id<kind::Project>,
        key: &SummaryKey,
    ) -> Result<Vec<ResourceChange>, DbErr> {
        let reader = store.database().reader();
        let mut values = scope(store, tenant, project);
        values.extend([&key.check, &key.account, &key.region].map(|part| part.clone().into()));
        let rows = reader.query_all_raw(statement(reader, CHANGES, values)).await?;
        rows.iter()
            .map(|row| {
                let fails: i64 = row.try_get_by_index(1)?;
                Ok(ResourceChange { resource: row.try_get_by_index(0)?, fails: fails == 1 })
            })
            .collect()
    }
}

fn scope(store: &EventStore, tenant: TenantId, project: Id<kind::Project>) -> Vec<Value> {
    vec![store.generation(NAME).into(), tenant.to_string().into(), project.to_string().into()]
}

#[async_trait]
impl Projection for Population {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [FindingsObserved::TYPE, FindingsGone::TYPE, CheckResultsRecorded::TYPE]
            .contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let tenant = event.tenant.to_string();
            match RunEvent::decode(&event.event_type, event.schema_version, &event.payload)? {
                RunEvent::FindingsObserved(batch) => {
                    checks::write(tx, generation, &tenant, &batch).await?;
                    seen(tx, generation, &tenant, &event.stream_id, &batch).await?;
                    assets::write(tx, generation, &tenant, &batch).await?;
                    findings::write(tx, generation, &tenant, &event.stream_id, batch).await?;
                }
                RunEvent::FindingsGone(gone) => {
                    findings::leave(tx, generation, &tenant, &gone.findings).await?;
                }
                RunEvent::CheckResultsRecorded(results) => {
                    let project = results.project.to_string();
                    for summary in results.summaries {
                        published(tx, generation, &tenant, &project, summary).await?;
                    }
                }
                RunEvent::RunStarted(_) | RunEvent::RunCompleted(_) => {}
            }
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        sql::clear(tx, &["findings", "assets", "checks"], generation).await
    }
}

/// What a batch says again: one statement or few for each instant, and a scan has few.
async fn seen(
    tx: &DatabaseTransaction,
    generation: i64,
    tenant: &str,
    run: &str,
    batch: &FindingsObserved,
) -> Result<(), DbErr> {
    let mut unchanged: BTreeMap<Timestamp, Vec<Id<kind::Finding>>> = BTreeMap::new();
    for group in batch.groups.iter().filter(|group| !group.unchanged.is_empty()) {
        unchanged.entry(group.at).or_default().extend(&group.unchanged);
    }
    for (at, ids) in unchanged {
        let about = findings::seen(tx, generation, tenant, run, at, &ids).await?;
        let about: Vec<String> = about.into_iter().collect();
        assets::seen(tx, generation, tenant, at, &about).await?;
    }
    Ok(())
}

async fn published(
    tx: &DatabaseTransaction,
    generation: i64,
    tenant: &str,
    project: &str,
    summary: CheckSummary,
) -> Result<(), DbErr> {
    let values = vec![
        generation.into(),
        tenant.into(),
        project.into(),
        summary.check.into(),
        summary.account.into(),
        summary.region.into(),
    ];
    tx.execute_raw(statement(tx, PUBLISHED, values)).await?;
    Ok(())
}
