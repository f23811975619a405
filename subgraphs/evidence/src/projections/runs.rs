//! Ingest runs, with what each brought.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, sea_query::SelectStatement,
};
use serde::{Deserialize, de::IgnoredAny};
use studio_access::Clearance;
use studio_entities::evidence::run;
use studio_events::{EventStore, Projection, ProjectionError, Recorded};
use studio_kernel::{DomainEvent, Payload, TenantId};

use super::{
    evidence::EvidenceItems,
    sql::{self, Insert, count, statement},
};
use crate::domain::{FindingsObserved, ObservedGroup, RefusedItem, RunEvent, RunStarted};

/// A row of the read model.
pub(crate) type RunRow = run::Model;

const NAME: &str = "runs";
static INSERT: Insert = Insert::new(
    20,
    "INSERT INTO ingest_runs (generation, tenant, id, project_id, evidence_id, evidence_version, \
     source, sha256, size, started_at, uploaded_by, items, new_count, changed, unchanged, \
     superseded, gone, refused, refused_items, results_events)",
    "ON CONFLICT (generation, tenant, id) DO NOTHING",
);
const ROW: &str = "WHERE generation = $1 AND tenant = $2 AND id = $3";

/// See the module.
pub(crate) struct Runs;

impl Runs {
    /// These runs.
    pub(crate) async fn of(
        store: &EventStore,
        tenant: TenantId,
        ids: &[String],
    ) -> Result<Vec<RunRow>, DbErr> {
        Self::all(store, tenant)
            .filter(run::Column::Id.is_in(ids))
            .all(store.database().reader())
            .await
    }

    /// The runs of a project before a run, newest first.
    pub(crate) async fn page(
        store: &EventStore,
        tenant: TenantId,
        project: &str,
        after: Option<(i64, String)>,
        limit: u64,
    ) -> Result<Vec<RunRow>, DbErr> {
        let mut query = Self::all(store, tenant).filter(run::Column::ProjectId.eq(project));
        if let Some((started_at, id)) = after {
            query = query.filter(
                Condition::any().add(run::Column::StartedAt.lt(started_at)).add(
                    Condition::all()
                        .add(run::Column::StartedAt.eq(started_at))
                        .add(run::Column::Id.lt(id)),
                ),
            );
        }
        query
            .order_by_desc(run::Column::StartedAt)
            .order_by_desc(run::Column::Id)
            .limit(limit)
            .all(store.database().reader())
            .await
    }

    /// Runs of all organizations that are not complete, for the start of the process.
    pub(crate) async fn unfinished(store: &EventStore) -> Result<Vec<RunRow>, DbErr> {
        run::Entity::find()
            .filter(run::Column::Generation.eq(store.generation(NAME)))
            .filter(run::Column::CompletedAt.is_null())
            .order_by_asc(run::Column::StartedAt)
            .all(store.database().reader())
            .await
    }

    /// The ids of the runs whose evidence somebody reads; `None` where that is all of the organization.
    pub(super) fn cleared(store: &EventStore, clearance: &Clearance) -> Option<SelectStatement> {
        let evidence = EvidenceItems::cleared(store, clearance)?;
        let ids = Self::all(store, clearance.tenant())
            .select_only()
            .column(run::Column::Id)
            .filter(run::Column::EvidenceId.in_subquery(evidence));
        Some(ids.into_query())
    }

    /// Whether a run of the organization rests on the blob of this hash.
    pub(crate) async fn rests_on(
        store: &EventStore,
        tenant: TenantId,
        sha256: &str,
    ) -> Result<bool, DbErr> {
        let found = Self::all(store, tenant)
            .filter(run::Column::Sha256.eq(sha256))
            .one(store.database().reader())
            .await?;
        Ok(found.is_some())
    }

    fn all(store: &EventStore, tenant: TenantId) -> sea_orm::Select<run::Entity> {
        run::Entity::find()
            .filter(run::Column::Generation.eq(store.generation(NAME)))
            .filter(run::Column::Tenant.eq(tenant.to_string()))
    }
}

#[async_trait]
impl Projection for Runs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        RunEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let key = vec![
                generation.into(),
                event.tenant.to_string().into(),
                event.stream_id.clone().into(),
            ];
            if event.event_type == FindingsObserved::TYPE {
                observe(tx, key, Brought::read(event)?).await?;
                continue;
            }
            let (set, extra): (&str, Vec<sea_orm::Value>) = match event.decode()? {
                RunEvent::RunStarted(started) => {
                    INSERT.run(tx, start(key, event, started)).await?;
                    continue;
                }
                RunEvent::FindingsObserved(_) => continue,
                RunEvent::FindingsGone(gone) => {
                    ("gone = gone + $4", vec![count(gone.findings.len() as u64).into()])
                }
                RunEvent::CheckResultsRecorded(_) => {
                    ("results_events = results_events + 1", vec![])
                }
                RunEvent::RunCompleted(_) => {
                    ("completed_at = $4", vec![event.recorded_at.micros().into()])
                }
            };
            update(tx, set, key, extra).await?;
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        sql::clear(tx, &["ingest_runs"], generation).await
    }
}

async fn update(
    tx: &DatabaseTransaction,
    set: &str,
    mut key: Vec<sea_orm::Value>,
    extra: Vec<sea_orm::Value>,
) -> Result<(), DbErr> {
    key.extend(extra);
    let text = format!("UPDATE ingest_runs SET {set} {ROW}");
    tx.execute_raw(statement(tx, &text, key)).await?;
    Ok(())
}

fn start(
    mut row: Vec<sea_orm::Value>,
    event: &Recorded,
    started: RunStarted,
) -> Vec<sea_orm::Value> {
    row.extend([
        started.project.to_string().into(),
        started.evidence.to_string().into(),
        i64::from(started.evidence_version).into(),
        started.source.into(),
        started.sha256.into(),
        count(started.size).into(),
        event.recorded_at.micros().into(),
        started.uploaded_by.map(|user| user.to_string()).into(),
        count(started.items).into(),
    ]);
    // New, changed, unchanged, superseded, gone, refused.
    row.extend(std::iter::repeat_n(0_i64.into(), 6));
    row.extend(["[]".into(), 0_i64.into()]);
    row
}

/// What a batch adds to its run. The findings are counted and not read: they are nearly all of it.
#[derive(Deserialize)]
struct Brought {
    #[serde(default)]
    groups: Vec<Counted>,
    superseded: u64,
    refused: u64,
    #[serde(default)]
    refused_items: Vec<RefusedItem>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    new: Vec<IgnoredAny>,
    #[serde(default)]
    changed: Vec<IgnoredAny>,
    #[serde(default)]
    unchanged: Vec<IgnoredAny>,
}

impl Brought {
    fn read(event: &Recorded) -> Result<Self, ProjectionError> {
        if event.schema_version == FindingsObserved::VERSION {
            return serde_json::from_str(&event.payload).map_err(ProjectionError::other);
        }
        // One of an older version has to be read whole.
        let batch = FindingsObserved::decode(event.schema_version, &event.payload)?;
        let counted = |group: &ObservedGroup| Counted {
            new: vec![IgnoredAny; group.new.len()],
            changed: vec![IgnoredAny; group.changed.len()],
            unchanged: vec![IgnoredAny; group.unchanged.len()],
        };
        Ok(Self {
            groups: batch.groups.iter().map(counted).collect(),
            superseded: batch.superseded,
            refused: batch.refused,
            refused_items: batch.refused_items,
        })
    }
}

async fn observe(
    tx: &DatabaseTransaction,
    key: Vec<sea_orm::Value>,
    batch: Brought,
) -> Result<(), ProjectionError> {
    let sum = |of: fn(&Counted) -> usize| {
        count(batch.groups.iter().map(|group| of(group) as u64).sum()).into()
    };
    let counts = vec![
        sum(|group| group.new.len()),
        sum(|group| group.changed.len()),
        sum(|group| group.unchanged.len()),
        count(batch.superseded).into(),
        count(batch.refused).into(),
    ];
    let set = "new_count = new_count + $4, changed = changed + $5, unchanged = unchanged + $6, \
               superseded = superseded + $7, refused = refused + $8";
    update(tx, set, key.clone(), counts).await?;
    if batch.refused_items.is_empty() {
        return Ok(());
    }
    let text = format!("SELECT refused_items FROM ingest_runs {ROW}");
    let row = tx.query_one_raw(statement(tx, &text, key.clone())).await?;
    let mut listed: Vec<RefusedItem> = match row {
        Some(row) => serde_json::from_str(&row.try_get_by_index::<String>(0)?)
            .map_err(ProjectionError::other)?,
        None => Vec::new(),
    };
    listed.extend(batch.refused_items);
    let listed = serde_json::to_string(&listed).map_err(ProjectionError::other)?;
    update(tx, "refused_items = $4", key, vec![listed.into()]).await?;
    Ok(())
}
