//! What one person proposes and another one approves.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, UpdateMany,
    sea_query::Expr,
};
use studio_entities::controls::review::{self, Column, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::project::{
    ReviewState,
    events::{
        ExceptionApproved, ExceptionProposed, ExceptionRejected, ExceptionRevoked, MappingApproved,
        MappingProposed, MappingRejected, MappingWithdrawn, NotApplicableApproved,
        NotApplicableProposed, NotApplicableRejected, NotApplicableWithdrawn, ProjectEvent,
    },
};

use super::{insert, ordinal};

/// What one person proposes and another one approves.
pub(crate) struct Reviews;

/// What is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReviewKind {
    /// A declaration that a requirement does not apply.
    NotApplicable,
    /// An exception.
    Exception,
    /// A mapping between requirements.
    Mapping,
}

impl ReviewKind {
    /// As it is written in the read model.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "NOT_APPLICABLE",
            Self::Exception => "EXCEPTION",
            Self::Mapping => "MAPPING",
        }
    }
}

impl Reviews {
    /// Its name.
    pub(crate) const NAME: &'static str = "reviews";
}

#[async_trait]
impl Projection for Reviews {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [
            NotApplicableProposed::TYPE,
            NotApplicableApproved::TYPE,
            NotApplicableRejected::TYPE,
            NotApplicableWithdrawn::TYPE,
            ExceptionProposed::TYPE,
            ExceptionApproved::TYPE,
            ExceptionRejected::TYPE,
            ExceptionRevoked::TYPE,
            MappingProposed::TYPE,
            MappingApproved::TYPE,
            MappingRejected::TYPE,
            MappingWithdrawn::TYPE,
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
            let change = match event.decode()? {
                ProjectEvent::NotApplicableProposed(proposed) => {
                    let about = (proposed.declaration.to_string(), proposed.project.to_string());
                    let by = (proposed.reason, proposed.proposed_by.to_string());
                    let row = row(generation, event, ReviewKind::NotApplicable, about, by);
                    let requirement = Some(proposed.requirement.to_string());
                    insert::<Entity>(tx, vec![review::Model { requirement, ..row }]).await?;
                    continue;
                }
                ProjectEvent::ExceptionProposed(proposed) => {
                    let about = (proposed.exception.to_string(), proposed.project.to_string());
                    let by = (proposed.reason, proposed.proposed_by.to_string());
                    let row = row(generation, event, ReviewKind::Exception, about, by);
                    let terms = serde_json::to_string(&proposed.terms);
                    let terms = Some(terms.map_err(ProjectionError::other)?);
                    insert::<Entity>(tx, vec![review::Model { terms, ..row }]).await?;
                    continue;
                }
                ProjectEvent::MappingProposed(proposed) => {
                    let about = (proposed.mapping.to_string(), proposed.project.to_string());
                    let by = (proposed.rationale, proposed.proposed_by.to_string());
                    let row = row(generation, event, ReviewKind::Mapping, about, by);
                    let terms = serde_json::to_string(&proposed.terms);
                    let terms = Some(terms.map_err(ProjectionError::other)?);
                    insert::<Entity>(tx, vec![review::Model { terms, ..row }]).await?;
                    continue;
                }
                ProjectEvent::MappingApproved(it) => {
                    let change = change(generation, event, &it.mapping.to_string());
                    decided(change, event, ReviewState::Approved, &it.approved_by.to_string(), None)
                }
                ProjectEvent::MappingRejected(it) => {
                    let change = change(generation, event, &it.mapping.to_string());
                    let (by, reason) = (it.rejected_by.to_string(), Some(it.reason));
                    decided(change, event, ReviewState::Rejected, &by, reason)
                }
                ProjectEvent::MappingWithdrawn(it) => {
                    let change = change(generation, event, &it.mapping.to_string());
                    ended(change, event, &it.withdrawn_by.to_string(), it.reason)
                }
                ProjectEvent::NotApplicableApproved(it) => {
                    let change = change(generation, event, &it.declaration.to_string());
                    decided(change, event, ReviewState::Approved, &it.approved_by.to_string(), None)
                }
                ProjectEvent::ExceptionApproved(it) => {
                    let change = change(generation, event, &it.exception.to_string());
                    decided(change, event, ReviewState::Approved, &it.approved_by.to_string(), None)
                }
                ProjectEvent::NotApplicableRejected(it) => {
                    let change = change(generation, event, &it.declaration.to_string());
                    let (by, reason) = (it.rejected_by.to_string(), Some(it.reason));
                    decided(change, event, ReviewState::Rejected, &by, reason)
                }
                ProjectEvent::ExceptionRejected(it) => {
                    let change = change(generation, event, &it.exception.to_string());
                    let (by, reason) = (it.rejected_by.to_string(), Some(it.reason));
                    decided(change, event, ReviewState::Rejected, &by, reason)
                }
                ProjectEvent::NotApplicableWithdrawn(it) => {
                    let change = change(generation, event, &it.declaration.to_string());
                    ended(change, event, &it.withdrawn_by.to_string(), it.reason)
                }
                ProjectEvent::ExceptionRevoked(it) => {
                    let change = change(generation, event, &it.exception.to_string());
                    ended(change, event, &it.revoked_by.to_string(), it.reason)
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
    kind: ReviewKind,
    (id, project): (String, String),
    (reason, proposed_by): (String, String),
) -> review::Model {
    review::Model {
        generation,
        tenant: event.tenant.to_string(),
        id,
        kind: kind.as_str().to_owned(),
        project,
        requirement: None,
        terms: None,
        reason,
        state: ReviewState::Proposed.as_str().to_owned(),
        version: 1,
        proposed_by,
        proposed_at: event.recorded_at.micros(),
        decided_by: None,
        decided_at: None,
        decision_reason: None,
        ended_by: None,
        ended_at: None,
        end_reason: None,
        ordinal: ordinal(event, 0),
    }
}

/// A change of one, which raises its version.
fn change(generation: i64, event: &Recorded, id: &str) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Generation.eq(generation))
        .filter(Column::Tenant.eq(event.tenant.to_string()))
        .filter(Column::Id.eq(id))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
}

fn decided(
    change: UpdateMany<Entity>,
    event: &Recorded,
    state: ReviewState,
    by: &str,
    reason: Option<String>,
) -> UpdateMany<Entity> {
    change
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::DecidedBy, Expr::value(by))
        .col_expr(Column::DecidedAt, Expr::value(event.recorded_at.micros()))
        .col_expr(Column::DecisionReason, Expr::value(reason))
}

fn ended(
    change: UpdateMany<Entity>,
    event: &Recorded,
    by: &str,
    reason: String,
) -> UpdateMany<Entity> {
    change
        .col_expr(Column::State, Expr::value(ReviewState::Withdrawn.as_str()))
        .col_expr(Column::EndedBy, Expr::value(by))
        .col_expr(Column::EndedAt, Expr::value(event.recorded_at.micros()))
        .col_expr(Column::EndReason, Expr::value(reason))
}
