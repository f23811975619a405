//! What time alone will do to a score, on a copy of the live model.

use studio_kernel::{Code, Id, TenantId, Timestamp, kind};
use studio_service::ApiError;

use super::{Scores, View};
use crate::domain::score::{BeforeHorizon, FrameworkScore, Passed, Walk};

/// The most days that a forecast looks ahead.
pub(crate) const MOST_DAYS_AHEAD: i64 = 400;

/// What will move the score of a framework if nobody does anything.
pub(crate) struct Forecast {
    /// The model that it begins with.
    pub(crate) view: View,
    pub(crate) until: Timestamp,
    pub(crate) before: FrameworkScore,
    /// What moves the score, in order.
    pub(crate) moves: Vec<Passed>,
}

impl Forecast {
    /// The score at an instant of the forecast, and since when it is that.
    pub(crate) fn at(&self, at: Timestamp) -> (Timestamp, FrameworkScore) {
        let so_far = self.moves.partition_point(|moved| moved.step.at <= at);
        let last = so_far.checked_sub(1).and_then(|last| self.moves.get(last));
        let moved = last.and_then(|last| Some((last.step.at, last.step.after?)));
        moved.unwrap_or((self.view.at, self.before))
    }
}

impl Scores {
    /// What will move the score of a framework until an instant; `None` where the project has not
    /// adopted the framework.
    pub(crate) async fn forecast(
        &self,
        (tenant, project): (TenantId, Id<kind::Project>),
        framework: Id<kind::Framework>,
        until: Timestamp,
    ) -> Result<Option<Forecast>, ApiError> {
        let view = self.view(tenant, project, None, None).await?;
        if until <= view.at || until > view.at.plus_days(MOST_DAYS_AHEAD) {
            return Err(ApiError::new(
                Code::BadRequest,
                format!(
                    "until is {until}: give an instant that is yet to come and at most \
                     {MOST_DAYS_AHEAD} days ahead."
                ),
            ));
        }
        let Some(before) = view.model.framework(framework) else { return Ok(None) };
        let moves = walk(&view, framework, move |walk| walk.foresee(until)).await?;
        Ok(Some(Forecast { view, until, before, moves }))
    }

    /// When the score of a framework first ceases to be as it should, until an instant or as far as
    /// forecasts look ahead.
    pub(crate) async fn holds_until(
        &self,
        view: &View,
        framework: Id<kind::Framework>,
        until: Timestamp,
        holds: impl Fn(&FrameworkScore) -> bool,
    ) -> Result<Option<Timestamp>, ApiError> {
        let until = until.min(view.at.plus_days(MOST_DAYS_AHEAD));
        if until <= view.at {
            return Ok(None);
        }
        let steps = walk(view, framework, move |walk| walk.pass(until)).await?;
        let lost = steps.iter().find(|step| !step.after.as_ref().is_some_and(&holds));
        Ok(lost.map(|step| step.at))
    }
}

/// Leads a copy of a model through time. A large one takes a while: no thread that answers requests is
/// held up.
async fn walk<T: Send + 'static>(
    view: &View,
    framework: Id<kind::Framework>,
    lead: impl FnOnce(&mut Walk) -> Result<T, BeforeHorizon> + Send + 'static,
) -> Result<T, ApiError> {
    let (model, at) = (view.model.clone(), view.at);
    let led =
        tokio::task::spawn_blocking(move || lead(&mut Walk::new((*model).clone(), framework, at)?));
    led.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
}
