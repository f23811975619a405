//! Exceptions on failures.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use studio_entities::controls::review;
use studio_kernel::Timestamp;
use studio_service::{ApiError, graphql::gql};

use super::{
    app, control::Control, enums::ReviewState, loaders, loaders::there, project::Project,
    references::User, test::ControlTest,
};
use crate::domain::{project::ExceptionTerms, score::Excepted};

/// A failure that is excepted for a time. While it is approved and has not expired, the failure
/// counts as much as the control that makes up for it is worth; without one it counts in full, and
/// is accepted as a risk.
pub(super) struct RiskException(pub(super) review::Model);

/// An account and a region in which a check is run.
#[derive(SimpleObject)]
pub(super) struct CheckPlace {
    /// The cloud account.
    account: String,
    /// The region, or `global`.
    region: String,
}

impl RiskException {
    fn terms(&self) -> Result<ExceptionTerms> {
        let terms = there(self.0.terms.as_deref(), "exception's content")?;
        serde_json::from_str(terms).map_err(|error| gql(ApiError::internal(error)))
    }
}

/// A failure that is excepted for a time. While it is approved and has not expired, the failure
/// counts as much as the control that makes up for it is worth; without one it counts in full, and
/// is accepted as a risk.
#[Object]
impl RiskException {
    /// The exception's id.
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

    /// The manual test whose failure is excepted; null where a resource is.
    async fn test(&self, ctx: &Context<'_>) -> Result<Option<ControlTest>> {
        let Excepted::Manual { test } = self.terms()?.on else { return Ok(None) };
        Ok(loaders(ctx)?.tests(test.to_string()).await?.map(ControlTest))
    }

    /// The scanner's id of the check that the resource fails; null for a manual test.
    async fn check(&self) -> Result<Option<String>> {
        Ok(match self.terms()?.on {
            Excepted::Resource { check, .. } => Some(check),
            Excepted::Manual { .. } => None,
        })
    }

    /// The id of the resource with its provider; null for a manual test.
    async fn resource(&self) -> Result<Option<String>> {
        Ok(match self.terms()?.on {
            Excepted::Resource { resource, .. } => Some(resource),
            Excepted::Manual { .. } => None,
        })
    }

    /// The places in which it is excepted; null for all, those of later scans too.
    async fn places(&self) -> Result<Option<Vec<CheckPlace>>> {
        let Excepted::Resource { places: Some(places), .. } = self.terms()?.on else {
            return Ok(None);
        };
        let place = |place: crate::domain::score::Place| CheckPlace {
            account: place.account,
            region: place.region,
        };
        Ok(Some(places.into_iter().map(place).collect()))
    }

    /// The control that makes up for the failure; null where the risk is accepted alone.
    async fn compensating_control(&self, ctx: &Context<'_>) -> Result<Option<Control>> {
        let Some(control) = self.terms()?.compensating else { return Ok(None) };
        Ok(loaders(ctx)?.controls(control.to_string()).await?.map(Control))
    }

    /// From when on it does not hold any more.
    async fn expires_at(&self) -> Result<DateTime<Utc>> {
        Ok(self.terms()?.expires_at.to_datetime())
    }

    /// Why the failure is excepted.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Where it stands.
    async fn state(&self) -> ReviewState {
        ReviewState::of(&self.0.state)
    }

    /// Whether it holds now: it is approved and has not expired.
    async fn in_force(&self, ctx: &Context<'_>) -> Result<bool> {
        let approved = ReviewState::of(&self.0.state) == ReviewState::Approved;
        Ok(approved && app(ctx)?.env.now() < self.terms()?.expires_at)
    }

    /// Who proposed it.
    async fn proposed_by(&self) -> User {
        User { id: ID(self.0.proposed_by.clone()) }
    }

    /// When it was proposed.
    async fn proposed_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.proposed_at).to_datetime()
    }

    /// Who approved or refused it: never who proposed it.
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

    /// Who ended it before its time.
    async fn revoked_by(&self) -> Option<User> {
        self.0.ended_by.clone().map(|id| User { id: ID(id) })
    }

    /// When it was ended before its time.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// Why it was ended before its time.
    async fn revocation_reason(&self) -> Option<&str> {
        self.0.end_reason.as_deref()
    }
}
