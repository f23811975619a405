//! What a project consists of, as the scans saw it last: findings, assets and checks, written
//! together from each batch. Also what the end of a run asks of them: which findings are gone,
//! the counts of each check, and which resources began or ceased to fail since the last summary.
//!
//! An observation that is older than the one on record changes nothing here, in whatever order
//! runs are recorded.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use futures::future::join;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult, Value};
use studio_events::{EventStore, Projection, ProjectionError, Recorded};
use studio_kernel::{
    Id, Payload, TenantId, Timestamp, kind, published::evidence::CheckResultsRecorded,
};

use super::{
    assets, checks, findings,
    sql::{self, WithList, statement},
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

/// Counts of resources by (check, account, region) of a range of checks, for those that the run
/// observed, in pages. Where several findings of a check are about one resource, the worst stands
/// for it.
const COUNTS: &str = "SELECT check_id, account, region, COUNT(*), \
       SUM(CASE WHEN standing = 0 THEN 1 ELSE 0 END), \
       SUM(CASE WHEN standing = 2 THEN 1 ELSE 0 END), MIN(seen) \
     FROM (SELECT check_id, account, region, resource_uid, MAX(standing) AS standing, \
             MIN(CASE WHEN last_run_id = $4 THEN last_seen END) AS seen \
           FROM findings WHERE generation = $1 AND tenant = $2 AND project_id = $3 \
             AND present = 1 AND check_id >= $5 AND check_id <= $6 \
           GROUP BY check_id, account, region, resource_uid) resources \
     WHERE check_id > $7 OR (check_id = $7 AND (account > $8 OR (account = $8 AND region > $9))) \
     GROUP BY check_id, account, region HAVING MIN(seen) IS NOT NULL \
     ORDER BY check_id, account, region LIMIT $10";

/// Resources that fail now and did not in the last summary (1), or the other way round (0), of a
/// range of checks.
const CHANGES: &str = "SELECT check_id, account, region, resource_uid, now_failing FROM ( \
       SELECT check_id, account, region, resource_uid, \
         CAST(MAX(CASE WHEN present = 1 AND standing = 2 THEN 1 ELSE 0 END) AS BIGINT) \
           AS now_failing, MAX(published_failing) AS was_failing \
       FROM findings WHERE generation = $1 AND tenant = $2 AND project_id = $3 \
         AND check_id >= $4 AND check_id <= $5 \
         AND (published_failing = 1 OR (present = 1 AND standing = 2)) \
       GROUP BY check_id, account, region, resource_uid) resources \
     WHERE now_failing <> was_failing ORDER BY check_id, account, region, resource_uid";

/// What the summaries of a check say is published; the list is of accounts with regions.
static PUBLISHED: WithList<2> = WithList::new(
    "UPDATE findings SET published_failing = 1 - published_failing \
     WHERE generation = {1} AND tenant = {2} AND project_id = {3} AND check_id = {4} \
       AND (account, region) IN ({list}) AND published_failing <> \
         (CASE WHEN present = 1 AND standing = 2 THEN 1 ELSE 0 END)",
    4,
);

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
            .map(|row| Ok((key(row)?, Timestamp::from_micros(row.try_get_by_index(3)?))))
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

    /// Up to `limit` summaries of what `run` observed of the checks from one to another, after a
    /// key, in the order of the keys.
    pub(crate) async fn summaries(
        store: &EventStore,
        tenant: TenantId,
        project: Id<kind::Project>,
        run: Id<kind::IngestRun>,
        checks: (&str, &str),
        after: Option<&SummaryKey>,
        limit: u32,
    ) -> Result<Vec<SummaryRow>, DbErr> {
        let reader = store.database().reader();
        let mut values = scope(store, tenant, project);
        // No check, account or region is empty: before the first key there is nothing.
        let after = after.map_or(["", "", ""], |key| [&key.check, &key.account, &key.region]);
        values.extend([run.to_string().into(), checks.0.into(), checks.1.into()]);
        values.extend(after.map(Value::from));
        values.push(i64::from(limit).into());
        let rows = reader.query_all_raw(statement(reader, COUNTS, values)).await?;
        rows.iter()
            .map(|row| {
                let count = |index| -> Result<u32, DbErr> {
                    let number: i64 = row.try_get_by_index(index)?;
                    Ok(u32::try_from(number).unwrap_or(u32::MAX))
                };
                Ok(SummaryRow {
                    key: key(row)?,
                    population: count(3)?,
                    passed: count(4)?,
                    failed: count(5)?,
                    effective_from: Timestamp::from_micros(row.try_get_by_index(6)?),
                })
            })
            .collect()
    }

    /// The resources of the checks from one to another that began or ceased to fail since the last
    /// summary, in order.
    pub(crate) async fn changes(
        store: &EventStore,
        tenant: TenantId,
        project: Id<kind::Project>,
        checks: (&str, &str),
    ) -> Result<HashMap<SummaryKey, Vec<ResourceChange>>, DbErr> {
        let reader = store.database().reader();
        let mut values = scope(store, tenant, project);
        values.extend([checks.0.into(), checks.1.into()]);
        let mut changes: HashMap<SummaryKey, Vec<ResourceChange>> = HashMap::new();
        for row in reader.query_all_raw(statement(reader, CHANGES, values)).await? {
            let fails: i64 = row.try_get_by_index(4)?;
            let change = ResourceChange { resource: row.try_get_by_index(3)?, fails: fails == 1 };
            changes.entry(key(&row)?).or_default().push(change);
        }
        Ok(changes)
    }
}

/// The key in the first three columns.
fn key(row: &QueryResult) -> Result<SummaryKey, DbErr> {
    Ok(SummaryKey {
        check: row.try_get_by_index(0)?,
        account: row.try_get_by_index(1)?,
        region: row.try_get_by_index(2)?,
    })
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
        let mut next = events.first().map(Recorded::decode);
        for (number, event) in events.iter().enumerate() {
            let Some(content) = next.transpose()? else { break };
            // The database has something to do while the next event is read.
            let following = async { events.get(number + 1).map(Recorded::decode) };
            let (taken, read) = join(take(tx, generation, event, content), following).await;
            taken?;
            next = read;
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

async fn take(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
    content: RunEvent,
) -> Result<(), ProjectionError> {
    let tenant = event.tenant.to_string();
    match content {
        RunEvent::FindingsObserved(batch) => {
            checks::write(tx, generation, &tenant, &batch).await?;
            seen(tx, generation, &tenant, &event.stream_id, &batch).await?;
            assets::write(tx, generation, &tenant, &batch).await?;
            findings::write(tx, generation, &tenant, &event.stream_id, &batch).await
        }
        RunEvent::FindingsGone(gone) => {
            Ok(findings::leave(tx, generation, &tenant, &gone.findings).await?)
        }
        RunEvent::CheckResultsRecorded(results) => {
            Ok(published(tx, generation, &tenant, &results).await?)
        }
        RunEvent::RunStarted(_) | RunEvent::RunCompleted(_) => Ok(()),
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
    results: &CheckResultsRecorded,
) -> Result<(), DbErr> {
    let project = results.project.to_string();
    let mut by_check: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for summary in &results.summaries {
        by_check.entry(&summary.check).or_default().push((&summary.account, &summary.region));
    }
    for (check, places) in by_check {
        let fixed = [generation.into(), tenant.into(), project.as_str().into(), check.into()];
        let place = |(account, region): &(&str, &str)| [(*account).into(), (*region).into()];
        for statement in PUBLISHED.statements(tx, &fixed, &places, place) {
            tx.execute_raw(statement).await?;
        }
    }
    Ok(())
}
