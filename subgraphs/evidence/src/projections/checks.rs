//! What scanners say about their checks.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use studio_entities::evidence::check;
use studio_events::{EventStore, ProjectionError};
use studio_kernel::TenantId;

use super::{population::NAME, sql::Insert};
use crate::domain::{FindingsObserved, ObservedCheck};

static UPSERT: Insert = Insert::new(
    7,
    "INSERT INTO checks (generation, tenant, project_id, check_id, title, severity, requirements)",
    "ON CONFLICT (generation, tenant, project_id, check_id) DO UPDATE SET title = excluded.title, \
     severity = excluded.severity, requirements = excluded.requirements",
);

/// See the module.
pub(crate) struct Checks;

impl Checks {
    /// These checks of a project.
    pub(crate) async fn of(
        store: &EventStore,
        tenant: TenantId,
        project: &str,
        ids: &[String],
    ) -> Result<Vec<check::Model>, DbErr> {
        check::Entity::find()
            .filter(check::Column::Generation.eq(store.generation(NAME)))
            .filter(check::Column::Tenant.eq(tenant.to_string()))
            .filter(check::Column::ProjectId.eq(project))
            .filter(check::Column::CheckId.is_in(ids))
            .all(store.database().reader())
            .await
    }

    /// The ids of up to `limit` checks of a project after an id, by id.
    pub(crate) async fn ids(
        store: &EventStore,
        tenant: TenantId,
        project: &str,
        after: &str,
        limit: u64,
    ) -> Result<Vec<String>, DbErr> {
        check::Entity::find()
            .select_only()
            .column(check::Column::CheckId)
            .filter(check::Column::Generation.eq(store.generation(NAME)))
            .filter(check::Column::Tenant.eq(tenant.to_string()))
            .filter(check::Column::ProjectId.eq(project))
            .filter(check::Column::CheckId.gt(after))
            .order_by_asc(check::Column::CheckId)
            .limit(limit)
            .into_tuple()
            .all(store.database().reader())
            .await
    }
}

/// Writes the checks of a batch.
pub(super) async fn write(
    tx: &DatabaseTransaction,
    generation: i64,
    tenant: &str,
    batch: &FindingsObserved,
) -> Result<(), ProjectionError> {
    let project = batch.project.to_string();
    let last: HashMap<&str, &ObservedCheck> =
        batch.checks.iter().map(|check| (check.id.as_str(), check)).collect();
    let mut rows = Vec::with_capacity(last.len() * 7);
    for check in last.into_values() {
        let requirements =
            serde_json::to_string(&check.requirements).map_err(ProjectionError::other)?;
        rows.extend([
            generation.into(),
            tenant.into(),
            project.clone().into(),
            check.id.clone().into(),
            check.title.clone().into(),
            check.severity.clone().into(),
            requirements.into(),
        ]);
    }
    UPSERT.run(tx, rows).await?;
    Ok(())
}
