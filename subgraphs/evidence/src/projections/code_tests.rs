//! Tests by a rule, with what their rules said last.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use studio_entities::evidence::code_test;
use studio_events::{EventStore, Projection, ProjectionError, Recorded};
use studio_kernel::{Payload, TenantId};

use super::sql::{self, Insert, statement};
use crate::domain::{RuleEvaluated, RuleRecorded};

const NAME: &str = "code_tests";
static INSERT: Insert = Insert::new(
    5,
    "INSERT INTO code_tests (generation, tenant, id, project_id, evidence_name)",
    "ON CONFLICT (generation, tenant, id) DO UPDATE SET evidence_name = excluded.evidence_name",
);
const EVALUATED: &str = "UPDATE code_tests SET evaluated_rule = $1, evidence_id = $2, \
     evidence_version = $3, collected_at = $4, evaluated_at = $5, error = $6, results = $7 \
     WHERE generation = $8 AND tenant = $9 AND id = $10";

/// See the module.
pub(crate) struct CodeTests;

impl CodeTests {
    /// These tests.
    pub(crate) async fn of(
        store: &EventStore,
        tenant: TenantId,
        ids: &[String],
    ) -> Result<Vec<code_test::Model>, DbErr> {
        Self::all(store, tenant)
            .filter(code_test::Column::Id.is_in(ids))
            .all(store.database().reader())
            .await
    }

    /// The ids of the tests of a project that read evidence of that name.
    pub(crate) async fn reading(
        store: &EventStore,
        tenant: TenantId,
        project: &str,
        name: &str,
    ) -> Result<Vec<String>, DbErr> {
        Self::all(store, tenant)
            .select_only()
            .column(code_test::Column::Id)
            .filter(code_test::Column::ProjectId.eq(project))
            .filter(code_test::Column::EvidenceName.eq(name))
            .order_by_desc(code_test::Column::Id)
            .into_tuple()
            .all(store.database().reader())
            .await
    }

    fn all(store: &EventStore, tenant: TenantId) -> sea_orm::Select<code_test::Entity> {
        code_test::Entity::find()
            .filter(code_test::Column::Generation.eq(store.generation(NAME)))
            .filter(code_test::Column::Tenant.eq(tenant.to_string()))
    }
}

#[async_trait]
impl Projection for CodeTests {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [RuleRecorded::TYPE, RuleEvaluated::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            if event.event_type == RuleEvaluated::TYPE {
                evaluated(tx, generation, event).await?;
                continue;
            }
            let rule = RuleRecorded::decode(event.schema_version, &event.payload)?.rule;
            let row = vec![
                generation.into(),
                event.tenant.to_string().into(),
                rule.test.to_string().into(),
                rule.project.to_string().into(),
                rule.evidence_name.into(),
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
        sql::clear(tx, &["code_tests"], generation).await
    }
}

async fn evaluated(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
) -> Result<(), ProjectionError> {
    let evaluated = RuleEvaluated::decode(event.schema_version, &event.payload)?;
    let results = serde_json::to_string(&evaluated.results).map_err(ProjectionError::other)?;
    let values = vec![
        i64::from(evaluated.rule_version).into(),
        evaluated.evidence.to_string().into(),
        i64::from(evaluated.evidence_version).into(),
        evaluated.collected_at.micros().into(),
        event.recorded_at.micros().into(),
        evaluated.error.into(),
        results.into(),
        generation.into(),
        event.tenant.to_string().into(),
        event.stream_id.clone().into(),
    ];
    tx.execute_raw(statement(tx, EVALUATED, values)).await?;
    Ok(())
}
