//! The score of one control.

use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use studio_kernel::{Id, kind};
use studio_service::{
    ApiError,
    graphql::{Instant, gql},
};

use super::{contribution::ControlContribution, enums::Verdict, score};
use crate::{domain::score::ExplainError, scores::View};

/// What a control is worth by its own tests, before what it rests on.
#[derive(SimpleObject)]
pub(super) struct ControlOwnValue {
    /// What is proven, 0 to 1.
    lo: f64,
    /// What is still possible, 0 to 1.
    hi: f64,
    /// How much is decided, 0 to 1.
    decided: f64,
}

/// What a control is worth.
pub(super) struct ControlScore {
    view: View,
    explained: crate::domain::score::ControlContributions,
}

pub(super) async fn load(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    control: Id<kind::Control>,
    as_of: Option<Instant>,
    at: Option<Instant>,
) -> Result<Option<ControlScore>> {
    let view = score::view(ctx, project, as_of, at).await?;
    match view.model.explain_control(control) {
        Ok(explained) => Ok(Some(ControlScore { view, explained })),
        Err(ExplainError::Unknown) => Ok(None),
        Err(error @ ExplainError::Outdated) => Err(gql(ApiError::internal(error))),
    }
}

/// What a control is worth.
#[Object]
impl ControlScore {
    /// What is proven, 0 to 1, after what it rests on.
    async fn lo(&self) -> f64 {
        self.explained.score.value.lo.to_f64()
    }

    /// What is still possible, 0 to 1, after what it rests on.
    async fn hi(&self) -> f64 {
        self.explained.score.value.hi.to_f64()
    }

    /// How much is decided, 0 to 1.
    async fn decided(&self) -> f64 {
        self.explained.score.value.decided.to_f64()
    }

    /// The verdict.
    async fn verdict(&self) -> Verdict {
        self.explained.score.verdict.into()
    }

    /// What it is worth by its own tests.
    async fn own(&self) -> ControlOwnValue {
        let own = &self.explained.score.own;
        ControlOwnValue { lo: own.lo.to_f64(), hi: own.hi.to_f64(), decided: own.decided.to_f64() }
    }

    /// What was known at this instant is counted.
    async fn as_of(&self) -> DateTime<Utc> {
        self.view.as_of.to_datetime()
    }

    /// Freshness was judged at this instant.
    async fn at(&self) -> DateTime<Utc> {
        self.view.at.to_datetime()
    }

    /// Where it comes from.
    async fn contribution(&self) -> ControlContribution {
        ControlContribution(self.explained.clone())
    }
}
