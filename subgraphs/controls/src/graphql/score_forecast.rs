//! What expires when, and what the score of a framework loses by it.

use std::sync::Arc;

use async_graphql::{
    Context, Enum, Object, Result,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use studio_kernel::{Id, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{Instant, Page, PageArgs, encode_cursor, gql},
};

use super::{
    app, bad_cursor,
    contribution::CheckContribution,
    control::Control,
    exception::RiskException,
    framework::Framework,
    loaders,
    loaders::there,
    score,
    score_history::{HistoryResolution, ScorePoint},
    simulation::ScoreDifference,
    sliced::sliced,
    subscription::ScoreNumbersShown,
    test::ControlTest,
};
use crate::{
    domain::score::{
        Course, Difference, FrameworkScore, Passed, Passing, SummaryLine, TestId, courses,
    },
    scores::{
        Forecast, Period,
        history::{Step, instants},
    },
};

/// What becomes of the score of a framework if nobody does anything.
pub(super) struct ScoreForecast {
    framework: Id<kind::Framework>,
    forecast: Arc<Forecast>,
}

pub(super) async fn load(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    until: Instant,
) -> Result<Option<ScoreForecast>> {
    let actor = score::allow(ctx, project)?;
    let until = until.named("until")?;
    let scores = &app(ctx)?.scores;
    let forecast = scores.forecast((actor.tenant, project), framework, until).await.map_err(gql)?;
    Ok(forecast.map(|forecast| ScoreForecast { framework, forecast: Arc::new(forecast) }))
}

impl ScoreForecast {
    fn end(&self) -> FrameworkScore {
        self.forecast.at(self.forecast.until).1
    }

    fn point(&self, at: Timestamp) -> ScorePoint {
        let (since, score) = self.forecast.at(at);
        ScorePoint::live(at, since, &score)
    }

    fn thing(&self, thing: Passing) -> ForecastThing {
        ForecastThing { forecast: self.forecast.clone(), thing }
    }
}

/// What becomes of the score of a framework if nobody does anything: what time alone takes, and when.
#[Object]
impl ScoreForecast {
    /// The framework.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Framework> {
        let row = loaders(ctx)?.frameworks(self.framework.to_string()).await?;
        Ok(Framework(there(row, "framework")?))
    }

    /// Where it begins: now.
    async fn from(&self) -> DateTime<Utc> {
        self.forecast.view.at.to_datetime()
    }

    /// Where it ends.
    async fn until(&self) -> DateTime<Utc> {
        self.forecast.until.to_datetime()
    }

    /// The score now.
    async fn before(&self) -> ScoreNumbersShown {
        ScoreNumbersShown::of(&self.forecast.before)
    }

    /// The score at the end.
    async fn after(&self) -> ScoreNumbersShown {
        ScoreNumbersShown::of(&self.end())
    }

    /// The score at the end less the one now.
    async fn difference(&self) -> ScoreDifference {
        Difference::between(Some(&self.forecast.before), Some(&self.end())).into()
    }

    /// What expires, each thing once, what begins to move the score first before the others. Their
    /// differences add up to that of the forecast, to the last digit.
    async fn changes(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, ForecastChange>> {
        let page = PageArgs::new(first, after)?;
        sliced(&courses(&self.forecast.moves), &page, |course| ForecastChange {
            thing: self.thing(course.thing),
            course: *course,
        })
    }

    /// What each thing does on each day, in order. Their differences add up to that of the forecast, to
    /// the last digit, and those of a day to what the day does.
    async fn moves(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, ForecastMove>> {
        let page = PageArgs::new(first, after)?;
        sliced(&self.forecast.moves, &page, |moved| ForecastMove {
            thing: self.thing(moved.thing),
            moved: *moved,
        })
    }

    /// The score through the forecast: now, at the beginning of each hour, day, week or month after it
    /// (UTC; weeks begin on Monday), and at its end. With CHANGE, each instant at which it moves is a
    /// point.
    async fn points(
        &self,
        #[graphql(default_with = "HistoryResolution::Day", desc = "How far the points are apart.")]
        resolution: HistoryResolution,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, ScorePoint>> {
        let page = PageArgs::new(first, after)?;
        let after = match &page.after {
            None => None,
            Some(after) => {
                Some(after.parse().map(Timestamp::from_micros).map_err(|_| bad_cursor())?)
            }
        };
        let Forecast { view, until, .. } = &*self.forecast;
        let period = Period { from: view.at, to: *until };
        let at = match Option::<Step>::from(resolution) {
            Some(step) => instants(period, step, after, page.first + 1).map_err(gql)?,
            None => self.changes_after(after, page.first + 1),
        };
        let cut = Page::cut(at, &page);
        let mut connection = Connection::new(page.after.is_some(), cut.more);
        connection.edges.extend(
            cut.rows
                .into_iter()
                .map(|at| Edge::new(encode_cursor(&at.micros().to_string()), self.point(at))),
        );
        Ok(connection)
    }
}

impl ScoreForecast {
    /// The beginning and the instants at which the score moves, after one of them.
    fn changes_after(&self, after: Option<Timestamp>, limit: usize) -> Vec<Timestamp> {
        let moved = self.forecast.moves.iter().map(|moved| moved.step.at);
        let mut at: Vec<Timestamp> = std::iter::once(self.forecast.view.at).chain(moved).collect();
        at.dedup();
        at.retain(|at| after.is_none_or(|after| *at > after));
        at.truncate(limit);
        at
    }
}

/// All that one thing does to a score within a forecast.
pub(super) struct ForecastChange {
    thing: ForecastThing,
    course: Course,
}

/// All that one thing does to a score within a forecast.
#[Object]
impl ForecastChange {
    /// The thing, and how to renew it.
    async fn thing(&self) -> &ForecastThing {
        &self.thing
    }

    /// When it moves the score first.
    async fn from(&self) -> DateTime<Utc> {
        self.course.from.to_datetime()
    }

    /// When it moves the score last before the end of the forecast.
    async fn to(&self) -> DateTime<Utc> {
        self.course.to.to_datetime()
    }

    /// What it adds to the score between the two: what is lost is negative.
    async fn difference(&self) -> ScoreDifference {
        self.course.difference.into()
    }
}

/// What one thing does to a score on one day.
pub(super) struct ForecastMove {
    thing: ForecastThing,
    moved: Passed,
}

/// What one thing does to a score on one day.
#[Object]
impl ForecastMove {
    /// The thing.
    async fn thing(&self) -> &ForecastThing {
        &self.thing
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.moved.step.at.to_datetime()
    }

    /// What it adds.
    async fn difference(&self) -> ScoreDifference {
        self.moved.step.difference().into()
    }

    /// The score before.
    async fn before(&self) -> Option<ScoreNumbersShown> {
        self.moved.step.before.as_ref().map(ScoreNumbersShown::of)
    }

    /// The score after.
    async fn after(&self) -> Option<ScoreNumbersShown> {
        self.moved.step.after.as_ref().map(ScoreNumbersShown::of)
    }
}

/// What time alone does.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ForecastKind {
    /// The passes of a test grow old: do it again.
    Fading,
    /// What is known of a test already becomes true.
    TakingEffect,
    /// An exception ends: mend the failure, or propose another one.
    ExceptionEnding,
    /// A nonconformity of a control is open from then on, or closed.
    NonconformityMoving,
}

/// Something that time alone does to a score.
pub(super) struct ForecastThing {
    forecast: Arc<Forecast>,
    thing: Passing,
}

impl ForecastThing {
    fn test_id(&self) -> Option<TestId> {
        match self.thing {
            Passing::Fading(test) | Passing::TakingEffect(test) => Some(test),
            Passing::ExceptionEnding(_) | Passing::NonconformityMoving(_) => None,
        }
    }

    /// The results of a fading test that lose freshness before the end of the forecast, and the check.
    fn fading(&self) -> Result<(Option<String>, Vec<SummaryLine>)> {
        let Passing::Fading(test) = self.thing else { return Ok((None, Vec::new())) };
        let line = self.forecast.view.model.explain_test(test);
        let line = line.map_err(|error| gql(ApiError::internal(error)))?;
        let until = self.forecast.until;
        let fades = |line: &SummaryLine| {
            line.reading.passed > 0 && line.next_change.is_some() && line.fades_from <= until
        };
        Ok((line.check, line.summaries.into_iter().filter(fades).collect()))
    }
}

/// Something that time alone does to a score.
#[Object]
impl ForecastThing {
    /// What happens.
    async fn kind(&self) -> ForecastKind {
        match self.thing {
            Passing::Fading(_) => ForecastKind::Fading,
            Passing::TakingEffect(_) => ForecastKind::TakingEffect,
            Passing::ExceptionEnding(_) => ForecastKind::ExceptionEnding,
            Passing::NonconformityMoving(_) => ForecastKind::NonconformityMoving,
        }
    }

    /// The test whose passes grow old, or of which something becomes true.
    async fn test(&self, ctx: &Context<'_>) -> Result<Option<ControlTest>> {
        let Some(test) = self.test_id() else { return Ok(None) };
        let row = loaders(ctx)?.tests(test.to_string()).await?;
        there(row, "test").map(|row| Some(ControlTest(row)))
    }

    /// The control whose nonconformity it is; of a test, ask the test.
    async fn control(&self, ctx: &Context<'_>) -> Result<Option<Control>> {
        let Passing::NonconformityMoving(control) = self.thing else { return Ok(None) };
        let row = loaders(ctx)?.controls(control.to_string()).await?;
        there(row, "control").map(|row| Some(Control(row)))
    }

    /// The exception that ends.
    async fn exception(&self, ctx: &Context<'_>) -> Result<Option<RiskException>> {
        let Passing::ExceptionEnding(exception) = self.thing else { return Ok(None) };
        let row = loaders(ctx)?.exceptions(exception.to_string()).await?;
        there(row, "exception").map(|row| Some(RiskException(row)))
    }

    /// Of a fading test, the results that lose freshness before the end of the forecast, with their
    /// evidence: those to bring anew.
    async fn results(&self) -> Result<Vec<CheckContribution>> {
        let (check, lines) = self.fading()?;
        let of = |line: &SummaryLine| CheckContribution::of(check.as_deref(), line);
        Ok(lines.iter().map(of).collect())
    }

    /// Of a fading test, from when on the first of these results counts less: renew it before. Long ago
    /// where it fades already.
    async fn fades_from(&self) -> Result<Option<DateTime<Utc>>> {
        let (_, lines) = self.fading()?;
        Ok(lines.iter().map(|line| line.fades_from).min().map(|at| at.to_datetime()))
    }

    /// Of a fading test, from when on none of these results counts anything.
    async fn gone_from(&self) -> Result<Option<DateTime<Utc>>> {
        let (_, lines) = self.fading()?;
        Ok(lines.iter().map(|line| line.gone_from).max().map(|at| at.to_datetime()))
    }
}
