//! Requirements that were declared not to apply.

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use studio_entities::controls::review;
use studio_kernel::Timestamp;

use super::{
    enums::ReviewState, loaders, loaders::there, project::Project, references::User,
    requirement::Requirement,
};

/// A declaration that a requirement does not apply to a project. It counts while it is approved:
/// the requirement is then no part of the scores.
pub(super) struct NotApplicable(pub(super) review::Model);

/// A declaration that a requirement does not apply to a project. It counts while it is approved:
/// the requirement is then no part of the scores.
#[Object]
impl NotApplicable {
    /// The declaration's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// How often its state changed: pass it as expectedVersion.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// The project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let row = loaders(ctx)?.projects(self.0.project.clone()).await?;
        Ok(Project(there(row, "project")?))
    }

    /// The requirement.
    async fn requirement(&self, ctx: &Context<'_>) -> Result<Requirement> {
        let id = there(self.0.requirement.clone(), "requirement")?;
        Ok(Requirement(there(loaders(ctx)?.requirements(id).await?, "requirement")?))
    }

    /// Why it does not apply.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Where it stands.
    async fn state(&self) -> ReviewState {
        ReviewState::of(&self.0.state)
    }

    /// Who declared it.
    async fn proposed_by(&self) -> User {
        User { id: ID(self.0.proposed_by.clone()) }
    }

    /// When it was declared.
    async fn proposed_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.proposed_at).to_datetime()
    }

    /// Who approved or refused it: never who declared it.
    async fn decided_by(&self) -> Option<User> {
        self.0.decided_by.clone().map(|id| User { id: ID(id) })
    }

    /// When it was approved or refused.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// Why it was refused.
    async fn decision_reason(&self) -> Option<&str> {
        self.0.decision_reason.as_deref()
    }

    /// Who took it back.
    async fn withdrawn_by(&self) -> Option<User> {
        self.0.ended_by.clone().map(|id| User { id: ID(id) })
    }

    /// When it was taken back.
    async fn withdrawn_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// Why it was taken back.
    async fn withdrawal_reason(&self) -> Option<&str> {
        self.0.end_reason.as_deref()
    }
}
