//! Findings: the newest result of a check for a resource. What left the population stays, marked,
//! so that its id can still be read.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Value,
};
use studio_access::Clearance;
use studio_entities::evidence::finding;
use studio_events::{EventStore, ProjectionError};
use studio_kernel::{Id, TenantId, Timestamp, kind};

use super::{
    population::NAME,
    runs::Runs,
    sql::{Insert, Rows, WithList},
};
use crate::{
    domain::{
        FindingStatus, FindingsObserved, Known, ObservedAsset, ObservedFinding, ObservedGroup,
    },
    names,
};

static UPSERT: Insert = Insert::sharing(
    (14, 4),
    "INSERT INTO findings (generation, tenant, id, project_id, uid, check_id, account, region, \
     status, standing, severity, message, asset_id, resource_uid, content, first_seen, last_seen, \
     last_run_id, present, published_failing)",
    "({1}, {2}, ?, {3}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {4}, 1, 0)",
    "ON CONFLICT (generation, tenant, id) DO UPDATE SET status = excluded.status, \
     standing = excluded.standing, severity = excluded.severity, message = excluded.message, \
     asset_id = excluded.asset_id, content = excluded.content, last_seen = excluded.last_seen, \
     last_run_id = excluded.last_run_id, present = 1 \
     WHERE findings.last_seen <= excluded.last_seen",
);
static SEEN: WithList = WithList::new(
    "UPDATE findings SET last_seen = {1}, last_run_id = {2} \
     WHERE generation = {3} AND tenant = {4} AND last_seen <= {1} AND id IN ({list}) \
     RETURNING asset_id",
    4,
);
static LEAVE: WithList = WithList::new(
    "UPDATE findings SET present = 0 WHERE generation = {1} AND tenant = {2} AND id IN ({list})",
    2,
);
static KNOWN: WithList = WithList::new(
    "SELECT id, present, content, last_seen, last_run_id FROM findings \
     WHERE generation = {1} AND tenant = {2} AND id IN ({list})",
    2,
);

/// Which findings to list; all that are in the population by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct FindingsFilter {
    /// The project.
    pub(crate) project: Option<String>,
    /// Of these checks.
    pub(crate) checks: Option<Vec<String>>,
    /// With this result.
    pub(crate) status: Option<FindingStatus>,
    /// Of this severity, lower case.
    pub(crate) severity: Option<String>,
    /// About this asset.
    pub(crate) asset: Option<String>,
}

/// See the module.
pub(crate) struct Findings;

impl Findings {
    /// These findings, whether they are in the population or were.
    pub(crate) async fn of(
        store: &EventStore,
        tenant: TenantId,
        ids: &[String],
    ) -> Result<Vec<finding::Model>, DbErr> {
        Self::all(store, tenant)
            .filter(finding::Column::Id.is_in(ids))
            .all(store.database().reader())
            .await
    }

    /// Findings of the population that somebody reads, after a (check, id), in that order.
    pub(crate) async fn page(
        store: &EventStore,
        clearance: &Clearance,
        filter: &FindingsFilter,
        after: Option<(String, String)>,
        limit: u64,
    ) -> Result<Vec<finding::Model>, DbErr> {
        let mut query = Self::filtered(store, clearance, filter);
        if let Some((check, id)) = after {
            query = query.filter(finding::Column::CheckId.gte(check.clone())).filter(
                Condition::any()
                    .add(finding::Column::CheckId.gt(check))
                    .add(finding::Column::Id.gt(id)),
            );
        }
        query
            .order_by_asc(finding::Column::CheckId)
            .order_by_asc(finding::Column::Id)
            .limit(limit)
            .all(store.database().reader())
            .await
    }

    /// How many findings of the population there are that somebody reads.
    pub(crate) async fn count(
        store: &EventStore,
        clearance: &Clearance,
        filter: &FindingsFilter,
    ) -> Result<u64, DbErr> {
        Self::filtered(store, clearance, filter).count(store.database().reader()).await
    }

    fn filtered(
        store: &EventStore,
        clearance: &Clearance,
        filter: &FindingsFilter,
    ) -> sea_orm::Select<finding::Entity> {
        let all = Self::all(store, clearance.tenant());
        let mut query = all.filter(finding::Column::Present.eq(1));
        // A finding is kept as closely as the evidence that it is from.
        if let Some(runs) = Runs::cleared(store, clearance) {
            query = query.filter(finding::Column::LastRunId.in_subquery(runs));
        }
        if let Some(project) = &filter.project {
            query = query.filter(finding::Column::ProjectId.eq(project));
        }
        if let Some(checks) = &filter.checks {
            query = query.filter(finding::Column::CheckId.is_in(checks));
        }
        if let Some(status) = filter.status {
            query = query.filter(finding::Column::Status.eq(status.as_str()));
        }
        if let Some(severity) = &filter.severity {
            query = query.filter(finding::Column::Severity.eq(severity));
        }
        if let Some(asset) = &filter.asset {
            query = query.filter(finding::Column::AssetId.eq(asset));
        }
        query
    }

    /// What is on record of these findings.
    pub(crate) async fn known(
        store: &EventStore,
        tenant: TenantId,
        ids: &[Id<kind::Finding>],
    ) -> Result<HashMap<Id<kind::Finding>, Known>, ProjectionError> {
        let reader = store.database().reader();
        let fixed = [store.generation(NAME).into(), tenant.to_string().into()];
        let mut known = HashMap::with_capacity(ids.len());
        for statement in KNOWN.statements(reader, &fixed, ids, |id| [id.to_string().into()]) {
            for row in reader.query_all_raw(statement).await? {
                let (id, run): (String, String) =
                    (row.try_get_by_index(0)?, row.try_get_by_index(4)?);
                let present: i64 = row.try_get_by_index(1)?;
                let on_record = Known {
                    present: present == 1,
                    content: row.try_get_by_index(2)?,
                    last_seen: Timestamp::from_micros(row.try_get_by_index(3)?),
                    last_run: run.parse().map_err(ProjectionError::other)?,
                };
                known.insert(id.parse().map_err(ProjectionError::other)?, on_record);
            }
        }
        Ok(known)
    }

    fn all(store: &EventStore, tenant: TenantId) -> sea_orm::Select<finding::Entity> {
        finding::Entity::find()
            .filter(finding::Column::Generation.eq(store.generation(NAME)))
            .filter(finding::Column::Tenant.eq(tenant.to_string()))
    }
}

/// Marks findings as observed again by `run`, and gives the assets that they are about.
pub(super) async fn seen(
    tx: &DatabaseTransaction,
    generation: i64,
    tenant: &str,
    run: &str,
    at: Timestamp,
    ids: &[Id<kind::Finding>],
) -> Result<BTreeSet<String>, DbErr> {
    let fixed = [at.micros().into(), run.into(), generation.into(), tenant.into()];
    let mut assets = BTreeSet::new();
    for statement in SEEN.statements(tx, &fixed, ids, |id| [id.to_string().into()]) {
        for row in tx.query_all_raw(statement).await? {
            assets.insert(row.try_get_by_index(0)?);
        }
    }
    Ok(assets)
}

/// Writes the new and changed findings of a batch of `run`.
pub(super) async fn write(
    tx: &DatabaseTransaction,
    generation: i64,
    tenant: &str,
    run: &str,
    batch: &FindingsObserved,
) -> Result<(), ProjectionError> {
    let shared = [generation.into(), tenant.into(), batch.project.to_string().into(), run.into()];
    Ok(UPSERT.stream(tx, &shared, rows(batch)?).await?)
}

fn rows(batch: &FindingsObserved) -> Result<Rows<'_, 14>, ProjectionError> {
    let findings = batch.groups.iter().flat_map(|group| {
        group.new.iter().chain(&group.changed).map(move |finding| (group, finding))
    });
    if let Some((_, finding)) = findings.clone().find(|(_, finding)| finding.assets.is_empty()) {
        let id = finding.id;
        return Err(ProjectionError::other(format!("finding {id} is about no resource")));
    }
    Ok(Box::new(findings.filter_map(|(group, finding)| {
        finding.assets.first().map(|resource| row(group, finding, resource))
    })))
}

fn row(group: &ObservedGroup, finding: &ObservedFinding, resource: &ObservedAsset) -> [Value; 14] {
    [
        finding.id.to_string().into(),
        finding.uid.as_str().into(),
        group.check.as_str().into(),
        group.account.as_str().into(),
        group.region.as_str().into(),
        finding.status.as_str().into(),
        i64::from(finding.status.standing()).into(),
        finding.severity.as_str().into(),
        finding.message.as_str().into(),
        resource.id.to_string().into(),
        resource.uid.as_str().into(),
        names::content(finding).into(),
        group.at.micros().into(),
        group.at.micros().into(),
    ]
}

/// Takes findings out of the population.
pub(super) async fn leave(
    tx: &DatabaseTransaction,
    generation: i64,
    tenant: &str,
    ids: &[Id<kind::Finding>],
) -> Result<(), ProjectionError> {
    let fixed = [generation.into(), tenant.into()];
    for statement in LEAVE.statements(tx, &fixed, ids, |id| [id.to_string().into()]) {
        tx.execute_raw(statement).await?;
    }
    Ok(())
}
