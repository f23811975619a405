//! What was found to be wrong with controls.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, UpdateMany,
    sea_query::Expr,
};
use studio_entities::controls::nonconformity::{self, Column, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::{
    project::{
        NonconformityState,
        events::{
            CorrectionRejected, NonconformityClosed, NonconformityCorrected, NonconformityOpened,
            ProjectEvent,
        },
    },
    score::Grade,
};

use super::{insert, ordinal};

/// What was found to be wrong with controls.
pub(crate) struct Nonconformities;

impl Nonconformities {
    /// Its name.
    pub(crate) const NAME: &'static str = "nonconformities";
}

#[async_trait]
impl Projection for Nonconformities {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [
            NonconformityOpened::TYPE,
            NonconformityCorrected::TYPE,
            CorrectionRejected::TYPE,
            NonconformityClosed::TYPE,
        ]
        .contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let at = event.recorded_at.micros();
            let change = match event.decode()? {
                ProjectEvent::NonconformityOpened(opened) => {
                    insert::<Entity>(tx, vec![row(generation, event, opened)]).await?;
                    continue;
                }
                ProjectEvent::NonconformityCorrected(it) => {
                    let id = it.nonconformity.to_string();
                    change(generation, event, &id, NonconformityState::Corrected)
                        .col_expr(Column::Correction, Expr::value(it.correction))
                        .col_expr(Column::CorrectedBy, Expr::value(it.corrected_by.to_string()))
                        .col_expr(Column::CorrectedAt, Expr::value(at))
                }
                ProjectEvent::CorrectionRejected(it) => {
                    let id = it.nonconformity.to_string();
                    change(generation, event, &id, NonconformityState::Open)
                        .col_expr(Column::Rejection, Expr::value(it.reason))
                        .col_expr(Column::RejectedBy, Expr::value(it.rejected_by.to_string()))
                        .col_expr(Column::RejectedAt, Expr::value(at))
                }
                ProjectEvent::NonconformityClosed(it) => {
                    let id = it.nonconformity.to_string();
                    change(generation, event, &id, NonconformityState::Closed)
                        .col_expr(Column::Verification, Expr::value(it.verification))
                        .col_expr(Column::VerifiedBy, Expr::value(it.verified_by.to_string()))
                        .col_expr(Column::ClosedAt, Expr::value(at))
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

fn row(generation: i64, event: &Recorded, opened: NonconformityOpened) -> nonconformity::Model {
    nonconformity::Model {
        generation,
        tenant: event.tenant.to_string(),
        id: opened.nonconformity.to_string(),
        project: opened.project.to_string(),
        control: opened.control.to_string(),
        grade: match opened.grade {
            Grade::Major => "MAJOR",
            Grade::Minor => "MINOR",
        }
        .to_owned(),
        description: opened.description,
        observed: opened.observed,
        evidence: opened.evidence.map(|evidence| evidence.to_string()),
        state: NonconformityState::Open.as_str().to_owned(),
        version: 1,
        opened_by: opened.opened_by.map(|person| person.to_string()),
        opened_at: event.recorded_at.micros(),
        correction: None,
        corrected_by: None,
        corrected_at: None,
        rejection: None,
        rejected_by: None,
        rejected_at: None,
        verification: None,
        verified_by: None,
        closed_at: None,
        ordinal: ordinal(event, 0),
    }
}

/// A change of one, which raises its version.
fn change(
    generation: i64,
    event: &Recorded,
    id: &str,
    state: NonconformityState,
) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Generation.eq(generation))
        .filter(Column::Tenant.eq(event.tenant.to_string()))
        .filter(Column::Id.eq(id))
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
}
