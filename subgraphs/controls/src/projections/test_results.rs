//! What came out of tests by hand.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, UpdateMany,
    sea_query::Expr,
};
use studio_entities::controls::test_result::{self, Column, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Id, Payload, kind};

use crate::domain::{
    project::events::{ProjectEvent, TestResultRecorded, TestResultRejected, TestResultSignedOff},
    score::Outcome,
};

use super::{insert, ordinal};

/// What came out of tests by hand.
pub(crate) struct TestResults;

/// Where a result stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultState {
    /// It waits for another person, and counts for nothing.
    Pending,
    /// It counts, or did until a newer one.
    Counted,
    /// Another person refused it.
    Rejected,
}

impl ResultState {
    /// As it is written in the read model.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Counted => "COUNTED",
            Self::Rejected => "REJECTED",
        }
    }
}

impl TestResults {
    /// Its name.
    pub(crate) const NAME: &'static str = "test_results";
}

#[async_trait]
impl Projection for TestResults {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [TestResultRecorded::TYPE, TestResultSignedOff::TYPE, TestResultRejected::TYPE]
            .contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let change = match event.decode()? {
                ProjectEvent::TestResultRecorded(recorded) => {
                    let row = row(generation, event, recorded)?;
                    insert::<Entity>(tx, vec![row]).await?;
                    continue;
                }
                ProjectEvent::TestResultSignedOff(it) => {
                    decided(generation, event, it.result, ResultState::Counted, it.signed_by)
                }
                ProjectEvent::TestResultRejected(it) => {
                    decided(generation, event, it.result, ResultState::Rejected, it.rejected_by)
                        .col_expr(Column::Rejection, Expr::value(it.reason))
                }
                _ => continue,
            };
            change.exec(tx).await?;
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<Entity>(tx, generation).await
    }
}

fn row(
    generation: i64,
    event: &Recorded,
    recorded: TestResultRecorded,
) -> Result<test_result::Model, ProjectionError> {
    let metadata = event.metadata().map_err(ProjectionError::other)?;
    let id = recorded.result.unwrap_or_else(|| Id::from_uuid(event.event_id.uuid()));
    let state = match recorded.awaits_other_than {
        Some(_) => ResultState::Pending,
        None => ResultState::Counted,
    };
    Ok(test_result::Model {
        generation,
        tenant: event.tenant.to_string(),
        id: id.to_string(),
        project: recorded.project.to_string(),
        test: recorded.test.to_string(),
        outcome: match recorded.outcome {
            Outcome::Passed => "PASSED",
            Outcome::Failed => "FAILED",
            Outcome::Unknown => "UNKNOWN",
        }
        .to_owned(),
        note: recorded.note,
        evidence: serde_json::to_string(&recorded.evidence).map_err(ProjectionError::other)?,
        effective_from: recorded.effective_from.micros(),
        effective_to: recorded.effective_to.map(|until| until.micros()),
        state: state.as_str().to_owned(),
        version: 1,
        recorded_by: metadata.principal.user_id().map(|user| user.to_string()),
        recorded_at: event.recorded_at.micros(),
        decided_by: None,
        decided_at: None,
        rejection: None,
        ordinal: ordinal(event, 0),
    })
}

/// A decision on one, which raises its version.
fn decided(
    generation: i64,
    event: &Recorded,
    id: Id<kind::TestResult>,
    state: ResultState,
    by: Id<kind::User>,
) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Generation.eq(generation))
        .filter(Column::Tenant.eq(event.tenant.to_string()))
        .filter(Column::Id.eq(id.to_string()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::DecidedBy, Expr::value(by.to_string()))
        .col_expr(Column::DecidedAt, Expr::value(event.recorded_at.micros()))
}
