//! Evidence items and their versions.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, sea_query::SelectStatement,
};
use studio_access::Clearance;
use studio_entities::evidence::{item, version};
use studio_events::{EventStore, Projection, ProjectionError, Recorded};
use studio_kernel::{Payload, TenantId, published::evidence::EvidenceRejected};
use studio_service::clearance::{ClassColumns, cleared};

use super::sql::{self, Insert, count, statement};
use crate::domain::{DataClassSet, EvidenceVersionAdded};

const NAME: &str = "evidence";
static ITEM: Insert = Insert::new(
    9,
    "INSERT INTO evidence_items (generation, tenant, id, project_id, source, newest_version, \
     created_at, data_class, owner)",
    "ON CONFLICT (generation, tenant, id) DO UPDATE SET newest_version = excluded.newest_version",
);
static VERSION: Insert = Insert::new(
    9,
    "INSERT INTO evidence_versions (generation, tenant, evidence_id, version, run_id, sha256, \
     size, recorded_at, collected_at)",
    "ON CONFLICT (generation, tenant, evidence_id, version) DO NOTHING",
);
const CLASSIFY: &str = "UPDATE evidence_items SET data_class = $1, class_version = class_version + 1 \
     WHERE generation = $2 AND tenant = $3 AND id = $4";
const REJECT: &str = "UPDATE evidence_versions SET rejected_at = $1, rejected_reason = $2 \
     WHERE generation = $3 AND tenant = $4 AND evidence_id = $5 AND version = $6";

/// What tells whether somebody reads an item.
const CLASSED: ClassColumns<item::Column> = ClassColumns {
    project: item::Column::ProjectId,
    class: item::Column::DataClass,
    owner: item::Column::Owner,
};

/// See the module.
pub(crate) struct EvidenceItems;

impl EvidenceItems {
    /// Whether somebody reads an item.
    pub(crate) fn reads(clearance: &Clearance, row: &item::Model) -> bool {
        clearance.holds(&row.project_id, &row.data_class, row.owner.as_deref())
    }

    /// The ids of the items that somebody reads; `None` where that is all of the organization.
    pub(super) fn cleared(store: &EventStore, clearance: &Clearance) -> Option<SelectStatement> {
        let cleared = cleared(clearance, CLASSED)?;
        let ids = item::Entity::find()
            .select_only()
            .column(item::Column::Id)
            .filter(item::Column::Generation.eq(store.generation(NAME)))
            .filter(item::Column::Tenant.eq(clearance.tenant().to_string()))
            .filter(cleared);
        Some(ids.into_query())
    }

    /// These items.
    pub(crate) async fn of(
        store: &EventStore,
        tenant: TenantId,
        ids: &[String],
    ) -> Result<Vec<item::Model>, DbErr> {
        item::Entity::find()
            .filter(item::Column::Generation.eq(store.generation(NAME)))
            .filter(item::Column::Tenant.eq(tenant.to_string()))
            .filter(item::Column::Id.is_in(ids))
            .all(store.database().reader())
            .await
    }

    /// All versions of these items, oldest first.
    pub(crate) async fn versions(
        store: &EventStore,
        tenant: TenantId,
        ids: &[String],
    ) -> Result<Vec<version::Model>, DbErr> {
        version::Entity::find()
            .filter(version::Column::Generation.eq(store.generation(NAME)))
            .filter(version::Column::Tenant.eq(tenant.to_string()))
            .filter(version::Column::EvidenceId.is_in(ids))
            .order_by_asc(version::Column::EvidenceId)
            .order_by_asc(version::Column::Version)
            .all(store.database().reader())
            .await
    }
}

#[async_trait]
impl Projection for EvidenceItems {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [EvidenceVersionAdded::TYPE, EvidenceRejected::TYPE, DataClassSet::TYPE]
            .contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            match event.event_type.as_str() {
                EvidenceRejected::TYPE => reject(tx, generation, event).await?,
                DataClassSet::TYPE => classify(tx, generation, event).await?,
                _ => add(tx, generation, event).await?,
            }
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        sql::clear(tx, &["evidence_items", "evidence_versions"], generation).await
    }
}

async fn add(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
) -> Result<(), ProjectionError> {
    let added = EvidenceVersionAdded::decode(event.schema_version, &event.payload)?;
    let at = event.recorded_at.micros();
    let metadata = event.metadata().map_err(ProjectionError::other)?;
    let item = vec![
        generation.into(),
        event.tenant.to_string().into(),
        event.stream_id.clone().into(),
        added.project.to_string().into(),
        added.source.into(),
        i64::from(added.version).into(),
        at.into(),
        added.data_class.as_str().into(),
        // Of the first version: an item that is there keeps its owner and its class.
        metadata.principal.user_id().map(|user| user.to_string()).into(),
    ];
    ITEM.run(tx, item).await?;
    let version = vec![
        generation.into(),
        event.tenant.to_string().into(),
        event.stream_id.clone().into(),
        i64::from(added.version).into(),
        added.run.to_string().into(),
        added.sha256.into(),
        count(added.size).into(),
        at.into(),
        added.handed_in.map(|it| it.collected_at.micros()).into(),
    ];
    VERSION.run(tx, version).await?;
    Ok(())
}

async fn classify(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
) -> Result<(), ProjectionError> {
    let classified = DataClassSet::decode(event.schema_version, &event.payload)?;
    let values = vec![
        classified.data_class.as_str().into(),
        generation.into(),
        event.tenant.to_string().into(),
        event.stream_id.clone().into(),
    ];
    tx.execute_raw(statement(tx, CLASSIFY, values)).await?;
    Ok(())
}

async fn reject(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
) -> Result<(), ProjectionError> {
    let rejected = EvidenceRejected::decode(event.schema_version, &event.payload)?;
    let values = vec![
        event.recorded_at.micros().into(),
        rejected.reason.into(),
        generation.into(),
        event.tenant.to_string().into(),
        event.stream_id.clone().into(),
        i64::from(rejected.evidence_version).into(),
    ];
    tx.execute_raw(statement(tx, REJECT, values)).await?;
    Ok(())
}
