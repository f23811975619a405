//! Scores as they move.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt};
use studio_access::Resource;
use studio_kernel::{Actor, Code, Id, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{actor, decode_cursor, encode_cursor, gql, id},
};

use super::{
    app, enums::ScoreCauseKind, framework::Framework, loaders, loaders::there, project::Project,
    score::ExactScore, score_alert::ScoreAlertChange,
};
use crate::{
    app::App,
    domain::{
        score::FrameworkScore,
        score_log::{Cause, ScoreChanged},
    },
    projections::read::Read,
    scores::{Told, alerts, changes},
};

/// What the score engine tells.
pub(crate) struct Subscription;

/// What can be followed as it happens.
#[async_graphql::Subscription]
impl Subscription {
    /// Each change of a score of the project, within moments of what moved it. Without `after` it
    /// starts with the newest score of each framework; with the cursor of a change it goes on right
    /// after that change, and skips and repeats nothing.
    async fn score_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] project_id: ID,
        #[graphql(desc = "The cursor of the last change that was seen.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<ScoreChange>> + 'static> {
        let (app, actor) = (app(ctx)?.clone(), actor(ctx)?.clone());
        let project = followed(&app, &actor, &project_id, "controls:score:read").await?;
        let after = after.map(|after| position(&after, "score/", "scoreChanged")).transpose()?;
        let changes = changes(app, actor, project, after).await.map_err(gql)?;
        Ok(changes.map(|change| change.map(ScoreChange).map_err(gql)))
    }

    /// Each time that an alert on a score of the project is raised or cleared. Without `after` it
    /// starts with those that are raised now; with the cursor of one it goes on right after that, and
    /// skips and repeats nothing.
    async fn score_alerts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] project_id: ID,
        #[graphql(desc = "The cursor of the last one that was seen.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<ScoreAlertChange>> + 'static> {
        let (app, actor) = (app(ctx)?.clone(), actor(ctx)?.clone());
        let project = followed(&app, &actor, &project_id, "controls:alert:read").await?;
        let after = after.map(|after| position(&after, "alert/", "scoreAlerts")).transpose()?;
        let changes = alerts(app, actor, project, after).await.map_err(gql)?;
        Ok(changes
            .filter_map(|told| async { told.map(ScoreAlertChange::of).map_err(gql).transpose() }))
    }
}

/// The project whose scores somebody may follow.
async fn followed(
    app: &App,
    actor: &Actor,
    project_id: &ID,
    action: &str,
) -> Result<Id<kind::Project>> {
    let project: Id<kind::Project> = id(project_id)?;
    let resource = Resource::one("Project", project, actor.tenant).of_project(project);
    app.require(actor, action, &resource).map_err(gql)?;
    let read = Read::new(&app.store, actor.tenant);
    let known = read.projects_by_id(&[project.to_string()]).await.map_err(gql)?;
    if known.is_empty() {
        return Err(gql(ApiError::not_found("project", project)));
    }
    Ok(project)
}

fn position(cursor: &str, prefix: &str, subscription: &str) -> Result<i64> {
    let place = decode_cursor(cursor)?.strip_prefix(prefix).and_then(|rest| rest.parse().ok());
    place.ok_or_else(|| {
        gql(ApiError::new(
            Code::BadRequest,
            format!(
                "after is no cursor of {subscription}: pass the cursor of a change as it came."
            ),
        ))
    })
}

/// A change of the score of a framework in a project.
pub(super) struct ScoreChange(Told<ScoreChanged>);

impl ScoreChange {
    fn shown(&self) -> FrameworkScore {
        self.0.event.now.shown(self.0.event.framework, self.0.event.at)
    }
}

/// A change of the score of a framework in a project.
#[Object]
impl ScoreChange {
    /// Where the change stands: pass it as `after` to go on from here.
    async fn cursor(&self) -> String {
        encode_cursor(&format!("score/{}", self.0.position))
    }

    /// The project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let row = loaders(ctx)?.projects(self.0.event.project.to_string()).await?;
        Ok(Project(there(row, "project")?))
    }

    /// The framework.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Framework> {
        let row = loaders(ctx)?.frameworks(self.0.event.framework.to_string()).await?;
        Ok(Framework(there(row, "framework")?))
    }

    /// Points proven, 0 to 100, to a tenth, rounded down. Null where no requirement applies.
    async fn lo(&self) -> Option<f64> {
        self.shown().value.map(|value| value.shown_lo())
    }

    /// Points still possible, 0 to 100, to a tenth, rounded up. Null where no requirement applies.
    async fn hi(&self) -> Option<f64> {
        self.shown().value.map(|value| value.shown_hi())
    }

    /// How much is decided, in whole percent, rounded down.
    async fn coverage(&self) -> Option<i64> {
        self.shown().value.map(|value| value.shown_coverage())
    }

    /// All digits.
    async fn exact(&self) -> Option<ExactScore> {
        ExactScore::of(&self.shown())
    }

    /// The score in a line.
    async fn headline(&self) -> String {
        self.shown().headline()
    }

    /// Requirements that are satisfied.
    async fn satisfied(&self) -> u32 {
        self.0.event.now.satisfied
    }

    /// Requirements that are known not to be satisfied.
    async fn other_than_satisfied(&self) -> u32 {
        self.0.event.now.other_than_satisfied
    }

    /// Requirements of which that is not known.
    async fn undetermined(&self) -> u32 {
        self.0.event.now.undetermined
    }

    /// The version of the formula.
    async fn formula_version(&self) -> u16 {
        self.0.event.now.formula
    }

    /// What was known at this instant is counted: `Project.score(asOf:)` with it gives the same.
    async fn as_of(&self) -> DateTime<Utc> {
        self.0.event.as_of.to_datetime()
    }

    /// Freshness was judged at this instant.
    async fn at(&self) -> DateTime<Utc> {
        self.0.event.at.to_datetime()
    }

    /// What it was before; null for the first score.
    async fn previous(&self) -> Option<ScoreNumbersShown> {
        let changed = &self.0.event;
        let before = changed.before.as_ref()?;
        Some(ScoreNumbersShown::of(&before.shown(changed.framework, changed.at)))
    }

    /// When the change was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at.to_datetime()
    }

    /// What moved the score, the first 100 of it in the order of the log.
    async fn causes(&self) -> Vec<ScoreCause> {
        let changed = &self.0.event;
        ScoreCause::of(&changed.causes, changed.at)
    }

    /// How many events moved it; 0 where the clock alone did.
    async fn cause_count(&self) -> u32 {
        self.0.event.cause_count
    }
}

/// The numbers of a score.
#[derive(SimpleObject)]
#[graphql(name = "ScoreNumbers")]
pub(super) struct ScoreNumbersShown {
    /// Points proven, 0 to 100, to a tenth, rounded down. Null where no requirement applies.
    lo: Option<f64>,
    /// Points still possible, 0 to 100, to a tenth, rounded up. Null where no requirement applies.
    hi: Option<f64>,
    /// How much is decided, in whole percent, rounded down.
    coverage: Option<i64>,
    /// All digits.
    exact: Option<ExactScore>,
    /// The score in a line.
    headline: String,
    /// Requirements that are satisfied.
    satisfied: u32,
    /// Requirements that are known not to be satisfied.
    other_than_satisfied: u32,
    /// Requirements of which that is not known.
    undetermined: u32,
    /// The version of the formula that gave them.
    formula_version: u16,
}

impl ScoreNumbersShown {
    pub(super) fn of(shown: &FrameworkScore) -> Self {
        Self {
            lo: shown.value.map(|value| value.shown_lo()),
            hi: shown.value.map(|value| value.shown_hi()),
            coverage: shown.value.map(|value| value.shown_coverage()),
            exact: ExactScore::of(shown),
            headline: shown.headline(),
            satisfied: shown.counts.satisfied,
            other_than_satisfied: shown.counts.other_than_satisfied,
            undetermined: shown.counts.undetermined,
            formula_version: shown.formula,
        }
    }
}

/// Something that moved a score.
#[derive(SimpleObject)]
pub(super) struct ScoreCause {
    /// What kind of thing it was.
    kind: ScoreCauseKind,
    /// The type of the event; null for the clock.
    #[graphql(name = "type")]
    event_type: Option<String>,
    /// The event; null for the clock.
    event_id: Option<ID>,
    /// When it happened.
    recorded_at: DateTime<Utc>,
}

impl ScoreCause {
    /// What was recorded; or the clock, where nothing was.
    pub(super) fn of(causes: &[Cause], at: Timestamp) -> Vec<Self> {
        if causes.is_empty() {
            return vec![Self {
                kind: ScoreCauseKind::Clock,
                event_type: None,
                event_id: None,
                recorded_at: at.to_datetime(),
            }];
        }
        let fact = |cause: &Cause| Self {
            kind: ScoreCauseKind::Fact,
            event_type: Some(cause.event_type.clone()),
            event_id: Some(ID(cause.event.to_string())),
            recorded_at: cause.recorded_at.to_datetime(),
        };
        causes.iter().map(fact).collect()
    }
}
