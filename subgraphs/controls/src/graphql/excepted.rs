//! Failures that are excepted, as they count.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::{control::Control, exception::RiskException, loaders, loaders::there};
use crate::domain::score;

/// A failure that counts and is excepted.
#[derive(SimpleObject)]
pub(super) struct ExceptedFailure {
    /// The account; empty for a manual test.
    account: String,
    /// The region; empty for a manual test.
    region: String,
    /// The resource; empty for a manual test.
    resource: String,
    /// How much of a pass it counts as in what is proven, 0 to 1: the most that one of its
    /// exceptions gives.
    credit_lo: f64,
    /// How much of a pass it counts as in what is still possible, 0 to 1.
    credit_hi: f64,
    /// Its exceptions.
    exceptions: Vec<ExceptionCredit>,
}

impl ExceptedFailure {
    pub(super) fn of(failure: score::ExceptedFailure) -> Self {
        Self {
            account: failure.account,
            region: failure.region,
            resource: failure.resource,
            credit_lo: failure.lo.to_f64(),
            credit_hi: failure.hi.to_f64(),
            exceptions: failure.exceptions.into_iter().map(ExceptionCredit).collect(),
        }
    }
}

/// What one exception gives.
pub(super) struct ExceptionCredit(score::Credit);

/// What one exception gives.
#[Object]
impl ExceptionCredit {
    /// The exception.
    async fn exception(&self, ctx: &Context<'_>) -> Result<RiskException> {
        let row = loaders(ctx)?.exceptions(self.0.exception.to_string()).await?;
        Ok(RiskException(there(row, "exception")?))
    }

    /// The control that makes up for the failure; null where the risk is accepted alone.
    async fn compensating_control(&self, ctx: &Context<'_>) -> Result<Option<Control>> {
        let Some(control) = self.0.compensating else { return Ok(None) };
        Ok(loaders(ctx)?.controls(control.to_string()).await?.map(Control))
    }

    /// What that control proves while no failure has any credit; 0 where it has no test.
    async fn lo(&self) -> f64 {
        self.0.lo.to_f64()
    }

    /// What is still possible of it while no failure has any credit; 0 where it has no test.
    async fn hi(&self) -> f64 {
        self.0.hi.to_f64()
    }
}
