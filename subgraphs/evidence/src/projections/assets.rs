//! Assets: the resources that findings are about, each once.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use studio_entities::evidence::asset;
use studio_events::{EventStore, ProjectionError};
use studio_kernel::{TenantId, Timestamp};

use super::{
    population::NAME,
    sql::{Insert, Rows, WithList},
};
use crate::domain::FindingsObserved;

static UPSERT: Insert = Insert::sharing(
    (8, 3),
    "INSERT INTO assets (generation, tenant, id, project_id, uid, name, kind, account, region, \
     first_seen, last_seen)",
    "({1}, {2}, ?, {3}, ?, ?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (generation, tenant, id) DO UPDATE SET name = excluded.name, \
     kind = excluded.kind, region = excluded.region, last_seen = excluded.last_seen \
     WHERE assets.last_seen <= excluded.last_seen",
);
static SEEN: WithList = WithList::new(
    "UPDATE assets SET last_seen = {1} \
     WHERE generation = {2} AND tenant = {3} AND last_seen < {1} AND id IN ({list})",
    3,
);

/// See the module.
pub(crate) struct Assets;

impl Assets {
    /// These assets.
    pub(crate) async fn of(
        store: &EventStore,
        tenant: TenantId,
        ids: &[String],
    ) -> Result<Vec<asset::Model>, DbErr> {
        Self::all(store, tenant)
            .filter(asset::Column::Id.is_in(ids))
            .all(store.database().reader())
            .await
    }

    /// The assets of a project after an id, by id.
    pub(crate) async fn page(
        store: &EventStore,
        tenant: TenantId,
        project: &str,
        kind: Option<&str>,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<asset::Model>, DbErr> {
        let mut query = Self::all(store, tenant).filter(asset::Column::ProjectId.eq(project));
        if let Some(kind) = kind {
            query = query.filter(asset::Column::Kind.eq(kind));
        }
        if let Some(after) = after {
            query = query.filter(asset::Column::Id.gt(after));
        }
        query.order_by_asc(asset::Column::Id).limit(limit).all(store.database().reader()).await
    }

    fn all(store: &EventStore, tenant: TenantId) -> sea_orm::Select<asset::Entity> {
        asset::Entity::find()
            .filter(asset::Column::Generation.eq(store.generation(NAME)))
            .filter(asset::Column::Tenant.eq(tenant.to_string()))
    }
}

/// Marks assets as named again.
pub(super) async fn seen(
    tx: &DatabaseTransaction,
    generation: i64,
    tenant: &str,
    at: Timestamp,
    ids: &[String],
) -> Result<(), DbErr> {
    let fixed = [at.micros().into(), generation.into(), tenant.into()];
    for statement in SEEN.statements(tx, &fixed, ids, |id| [id.clone().into()]) {
        tx.execute_raw(statement).await?;
    }
    Ok(())
}

/// Writes the assets that the new and changed findings of a batch name.
pub(super) async fn write(
    tx: &DatabaseTransaction,
    generation: i64,
    tenant: &str,
    batch: &FindingsObserved,
) -> Result<(), ProjectionError> {
    let shared = [generation.into(), tenant.into(), batch.project.to_string().into()];
    Ok(UPSERT.stream(tx, &shared, rows(batch)).await?)
}

fn rows(batch: &FindingsObserved) -> Rows<'_, 8> {
    // One statement must not meet a row twice: the newest of the batch stands. In the order of the
    // index, so that each of its pages is met once.
    let mut newest = BTreeMap::new();
    for group in &batch.groups {
        for asset in group.new.iter().chain(&group.changed).flat_map(|finding| &finding.assets) {
            let stands = newest.entry(asset.id).or_insert((asset, group));
            if stands.1.at <= group.at {
                *stands = (asset, group);
            }
        }
    }
    Box::new(newest.into_iter().map(|(id, (asset, group))| {
        [
            id.to_string().into(),
            asset.uid.as_str().into(),
            asset.name.as_str().into(),
            asset.kind.as_str().into(),
            group.account.as_str().into(),
            asset.region.as_str().into(),
            group.at.micros().into(),
            group.at.micros().into(),
        ]
    }))
}
