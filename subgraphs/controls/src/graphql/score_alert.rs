//! Alerts on scores.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use studio_entities::controls::score_watch::alert;
use studio_kernel::{Id, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{encode_cursor, gql},
};

use super::{
    app, framework::Framework, loaders, loaders::there, project::Project, references::User,
    subscription::ScoreCause,
};
use crate::{
    domain::{
        score::Fixed,
        score_log::{ScoreAlertCleared, ScoreAlertRaised, ScoreEvent},
        score_watch::{AlertTerms, Condition},
    },
    projections::score_watches::{QUIET, RAISED},
    scores::Told,
};

/// Whether an alert is raised.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScoreAlertState {
    /// Nothing is the matter.
    Quiet,
    /// The score came to where it is raised, and is not back by the margin.
    Raised,
}

impl ScoreAlertState {
    /// The name in the read models.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Quiet => QUIET,
            Self::Raised => RAISED,
        }
    }

    fn of(name: &str) -> Self {
        if name == RAISED { Self::Raised } else { Self::Quiet }
    }
}

/// When an alert is raised: one of these is given.
#[derive(SimpleObject)]
pub(super) struct ScoreAlertCondition {
    /// Fewer points are proven than this.
    below: Option<f64>,
    /// A smaller share of the weight is decided than this, 0 to 1.
    coverage_below: Option<f64>,
    /// So much less is proven than at some time within the last days.
    drops_by: Option<ScoreDrop>,
}

/// A drop of a score.
#[derive(SimpleObject)]
pub(super) struct ScoreDrop {
    /// So many points or more.
    points: f64,
    /// Compared with today and so many UTC days before it.
    within_days: u32,
}

impl From<Condition> for ScoreAlertCondition {
    fn from(when: Condition) -> Self {
        let none = Self { below: None, coverage_below: None, drops_by: None };
        match when {
            Condition::Below { score } => Self { below: Some(score.to_f64()), ..none },
            Condition::CoverageBelow { coverage } => {
                Self { coverage_below: Some(coverage.to_f64()), ..none }
            }
            Condition::DropsBy { points, within_days } => {
                Self { drops_by: Some(ScoreDrop { points: points.to_f64(), within_days }), ..none }
            }
        }
    }
}

/// An alert on the score of a framework: it is raised when the score comes to where somebody wanted to
/// be told, and cleared once it is back by half a point (of coverage, half a hundredth).
pub(super) struct ScoreAlert(pub(super) alert::Model);

impl ScoreAlert {
    fn terms(&self) -> Result<AlertTerms> {
        serde_json::from_str(&self.0.terms).map_err(|error| gql(ApiError::internal(error)))
    }
}

/// An alert on the score of a framework: it is raised when the score comes to where somebody wanted to
/// be told, and cleared once it is back by half a point (of coverage, half a hundredth).
#[Object]
impl ScoreAlert {
    /// The alert's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// How often it was stated: pass it as expectedVersion.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// The project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let row = loaders(ctx)?.projects(self.0.project.clone()).await?;
        Ok(Project(there(row, "project")?))
    }

    /// The framework whose score it watches.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Framework> {
        let row = loaders(ctx)?.frameworks(self.0.framework.clone()).await?;
        Ok(Framework(there(row, "framework")?))
    }

    /// Its name.
    async fn name(&self) -> Result<String> {
        Ok(self.terms()?.name)
    }

    /// When it is raised.
    async fn when(&self) -> Result<ScoreAlertCondition> {
        Ok(self.terms()?.when.into())
    }

    /// Who set it; null where a program did.
    async fn created_by(&self) -> Option<User> {
        self.0.created_by.clone().map(|id| User { id: ID(id) })
    }

    /// When.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }

    /// Whether it is raised.
    async fn state(&self) -> ScoreAlertState {
        ScoreAlertState::of(&self.0.state)
    }

    /// How often it was raised; pass it to acknowledgeScoreAlert.
    async fn raising(&self) -> i64 {
        self.0.raising
    }

    /// How it was raised last, and what moved the score; null where it never was.
    async fn raised(&self, ctx: &Context<'_>) -> Result<Option<ScoreAlertChange>> {
        let Some(position) = self.0.raised_position else { return Ok(None) };
        let events = app(ctx)?.store.read(position - 1, 1).await.map_err(gql)?;
        let event = there(events.into_iter().next(), "raised alert")?;
        let decoded = event.decode().map_err(|error| gql(ApiError::internal(error)))?;
        let recorded_at = event.recorded_at;
        Ok(ScoreAlertChange::of(Told { position, recorded_at, event: decoded }))
    }

    /// When it was cleared last.
    async fn cleared_at(&self) -> Option<DateTime<Utc>> {
        self.0.cleared_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// Whether somebody has seen that it was raised, the last time it was.
    async fn acknowledged(&self) -> bool {
        self.0.raising > 0 && self.0.acknowledged == self.0.raising
    }

    /// Who acknowledged it last.
    async fn acknowledged_by(&self) -> Option<User> {
        self.0.acknowledged_by.clone().map(|id| User { id: ID(id) })
    }

    /// When.
    async fn acknowledged_at(&self) -> Option<DateTime<Utc>> {
        self.0.acknowledged_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }
}

/// An alert that was raised or cleared.
pub(super) struct ScoreAlertChange {
    position: i64,
    recorded_at: Timestamp,
    change: Change,
}

enum Change {
    Raised(ScoreAlertRaised),
    Cleared(ScoreAlertCleared),
}

impl ScoreAlertChange {
    /// `None` for what is about no alert.
    pub(super) fn of(Told { position, recorded_at, event }: Told<ScoreEvent>) -> Option<Self> {
        let change = match event {
            ScoreEvent::ScoreAlertRaised(raised) => Change::Raised(raised),
            ScoreEvent::ScoreAlertCleared(cleared) => Change::Cleared(cleared),
            ScoreEvent::ScoreChanged(_) => return None,
        };
        Some(Self { position, recorded_at, change })
    }

    fn raised(&self) -> Option<&ScoreAlertRaised> {
        match &self.change {
            Change::Raised(raised) => Some(raised),
            Change::Cleared(_) => None,
        }
    }

    /// The alert, the framework, the how many-th time, and when.
    fn about(&self) -> (Id<kind::ScoreAlert>, Id<kind::Framework>, u32, Timestamp) {
        match &self.change {
            Change::Raised(it) => (it.alert, it.framework, it.raising, it.at),
            Change::Cleared(it) => (it.alert, it.framework, it.raising, it.at),
        }
    }

    fn number(&self, of: fn(&ScoreAlertRaised) -> Option<&String>) -> Result<Option<f64>> {
        let Some(text) = self.raised().and_then(of) else { return Ok(None) };
        let number: Fixed = text.parse().map_err(|error| gql(ApiError::internal(error)))?;
        Ok(Some(number.to_f64()))
    }
}

/// An alert that was raised or cleared.
#[Object]
impl ScoreAlertChange {
    /// Where it stands: pass it as `after` to go on from here.
    async fn cursor(&self) -> String {
        encode_cursor(&format!("alert/{}", self.position))
    }

    /// Whether it is raised from then on.
    async fn state(&self) -> ScoreAlertState {
        if self.raised().is_some() { ScoreAlertState::Raised } else { ScoreAlertState::Quiet }
    }

    /// The alert as it is now; null where it was removed.
    async fn alert(&self, ctx: &Context<'_>) -> Result<Option<ScoreAlert>> {
        Ok(loaders(ctx)?.alerts(self.about().0.to_string()).await?.map(ScoreAlert))
    }

    /// The alert's id.
    async fn alert_id(&self) -> ID {
        ID(self.about().0.to_string())
    }

    /// The framework.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Framework> {
        let row = loaders(ctx)?.frameworks(self.about().1.to_string()).await?;
        Ok(Framework(there(row, "framework")?))
    }

    /// The how many-th time that it was raised this is, or ended.
    async fn raising(&self) -> u32 {
        self.about().2
    }

    /// When the score came there, or was back.
    async fn at(&self) -> DateTime<Utc> {
        self.about().3.to_datetime()
    }

    /// When that was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.recorded_at.to_datetime()
    }

    /// What it was called when it was raised; null where it was cleared.
    async fn name(&self) -> Option<&str> {
        self.raised().map(|raised| raised.name.as_str())
    }

    /// Points proven when it was raised; null where it was cleared.
    async fn lo(&self) -> Result<Option<f64>> {
        self.number(|raised| Some(&raised.lo))
    }

    /// The share of the weight that was decided when it was raised, 0 to 1; null where it was cleared.
    async fn coverage(&self) -> Result<Option<f64>> {
        self.number(|raised| Some(&raised.coverage))
    }

    /// The most points proven within the days that it looks back, when it was raised; null where it does
    /// not, and where it was cleared.
    async fn highest(&self) -> Result<Option<f64>> {
        self.number(|raised| raised.highest.as_ref())
    }

    /// What moved the score to where it was raised, the first 100 of it in the order of the log; nothing
    /// where it was cleared.
    async fn causes(&self) -> Vec<ScoreCause> {
        self.raised().map_or_else(Vec::new, |raised| ScoreCause::of(&raised.causes, raised.at))
    }

    /// How many events moved it; 0 where the clock alone did.
    async fn cause_count(&self) -> u32 {
        self.raised().map_or(0, |raised| raised.cause_count)
    }
}
