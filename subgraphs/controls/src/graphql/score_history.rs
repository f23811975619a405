//! The score of a framework through time, from the scores that were recorded.

use async_graphql::{
    Enum, Result, SimpleObject,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use studio_kernel::{Id, Timestamp, kind};
use studio_service::graphql::{Instant, Page, PageArgs, encode_cursor, gql};

use super::{app, bad_cursor, score, subscription::ScoreNumbersShown};
use crate::{
    domain::score::FrameworkScore,
    projections::{
        read::Read,
        score_history::{Lived, Of},
    },
    scores::{
        Period,
        history::{Step, instants},
    },
};

/// How far the points of a history are apart.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HistoryResolution {
    /// Where an hour begins.
    Hour,
    /// Where a day begins.
    Day,
    /// Where a week begins, on Monday.
    Week,
    /// Where a month begins.
    Month,
    /// Wherever the score changed.
    Change,
}

impl From<HistoryResolution> for Option<Step> {
    fn from(resolution: HistoryResolution) -> Self {
        match resolution {
            HistoryResolution::Hour => Some(Step::Hour),
            HistoryResolution::Day => Some(Step::Day),
            HistoryResolution::Week => Some(Step::Week),
            HistoryResolution::Month => Some(Step::Month),
            HistoryResolution::Change => None,
        }
    }
}

/// The score of a framework at an instant.
#[derive(SimpleObject)]
pub(super) struct ScorePoint {
    /// The instant.
    at: DateTime<Utc>,
    /// From when on this score was live; null before the first score.
    since: Option<DateTime<Utc>>,
    /// What was live; null before the first score.
    score: Option<ScoreNumbersShown>,
}

impl ScorePoint {
    /// A score that is live from an instant on.
    pub(super) fn live(at: Timestamp, since: Timestamp, score: &FrameworkScore) -> Self {
        Self {
            at: at.to_datetime(),
            since: Some(since.to_datetime()),
            score: Some(ScoreNumbersShown::of(score)),
        }
    }

    fn of(framework: Id<kind::Framework>, at: Timestamp, lived: Option<Lived>) -> Self {
        Self {
            at: at.to_datetime(),
            since: lived.as_ref().map(|lived| lived.since.to_datetime()),
            score: lived
                .map(|lived| ScoreNumbersShown::of(&lived.numbers.shown(framework, lived.since))),
        }
    }
}

/// A point, and the text behind its cursor.
type Placed = (String, ScorePoint);

/// A page of a history. Without a step, every change is a point.
pub(super) async fn load(
    ctx: &async_graphql::Context<'_>,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    (from, to): (Instant, Option<Instant>),
    step: Option<Step>,
    page: PageArgs,
) -> Result<Connection<String, ScorePoint>> {
    let actor = score::allow(ctx, project)?;
    let app = app(ctx)?;
    let (from, to) = (from.named("from")?, Instant::optional(to.as_ref(), "to")?);
    let period = app.scores.period(from, to).await.map_err(gql)?;
    let read = Read::new(&app.store, actor.tenant);
    let history = History { read, project: project.to_string(), framework, period };
    let points = match step {
        Some(step) => history.by_step(step, &page).await?,
        None => history.by_change(&page).await?,
    };
    let cut = Page::cut(points, &page);
    let mut connection = Connection::new(page.after.is_some(), cut.more);
    connection
        .edges
        .extend(cut.rows.into_iter().map(|(key, point)| Edge::new(encode_cursor(&key), point)));
    Ok(connection)
}

struct History {
    read: Read,
    project: String,
    framework: Id<kind::Framework>,
    period: Period,
}

impl History {
    async fn at(&self, instants: &[Timestamp]) -> Result<Vec<Option<Lived>>> {
        let framework = self.framework.to_string();
        let of = Of { project: &self.project, framework: &framework };
        self.read.scores_at(of, instants).await.map_err(gql)
    }

    async fn by_step(&self, step: Step, page: &PageArgs) -> Result<Vec<Placed>> {
        let after = page.after.as_deref().map(micros).transpose()?;
        let instants = instants(self.period, step, after, page.first + 1).map_err(gql)?;
        let lived = self.at(&instants).await?;
        let points = instants.into_iter().zip(lived);
        Ok(points
            .map(|(at, lived)| (at.micros().to_string(), ScorePoint::of(self.framework, at, lived)))
            .collect())
    }

    async fn by_change(&self, page: &PageArgs) -> Result<Vec<Placed>> {
        let from = self.period.from;
        // What became live at the very beginning is in the first point already.
        let beginning = (from, i64::MAX);
        let (mut points, after) = match page.after.as_deref() {
            None => {
                let lived = self.at(&[from]).await?.pop().flatten();
                let first = ScorePoint::of(self.framework, from, lived);
                (vec![(key(beginning), first)], beginning)
            }
            Some(after) => (Vec::new(), place(after)?.max(beginning)),
        };
        let framework = self.framework.to_string();
        let of = Of { project: &self.project, framework: &framework };
        let limit = page.limit();
        let lived =
            self.read.scores_between(of, after, self.period.to, limit).await.map_err(gql)?;
        points.extend(lived.into_iter().map(|lived| {
            let at = lived.since;
            (key((at, lived.position)), ScorePoint::of(self.framework, at, Some(lived)))
        }));
        Ok(points)
    }
}

fn micros(cursor: &str) -> Result<Timestamp> {
    cursor.parse().map(Timestamp::from_micros).map_err(|_| bad_cursor())
}

fn key((at, position): (Timestamp, i64)) -> String {
    format!("{}/{position}", at.micros())
}

fn place(cursor: &str) -> Result<(Timestamp, i64)> {
    let (at, position) = cursor.split_once('/').ok_or_else(bad_cursor)?;
    Ok((micros(at)?, position.parse().map_err(|_| bad_cursor())?))
}
