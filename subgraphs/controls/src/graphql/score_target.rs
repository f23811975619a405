//! Where scores are to be, and what is lacking.

use std::cmp::Reverse;

use async_graphql::{Context, Enum, ID, Object, Result, connection::Connection};
use chrono::{DateTime, Utc};
use studio_entities::controls::score_watch::target;
use studio_kernel::{Id, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, gql},
};

use super::{
    app,
    contribution::RequirementScore,
    framework::Framework,
    loaders,
    loaders::there,
    own_id, read,
    references::User,
    score::{self, Score},
    sliced::sliced,
};
use crate::{
    domain::{
        score::{Fixed, RequirementPoints},
        score_watch::TargetTerms,
    },
    scores::View,
};

/// How a score stands to its target.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScoreTargetState {
    /// It is there.
    Met,
    /// It is not there, and there is time left.
    Open,
    /// It is not there, and the time is over.
    Missed,
}

/// Where the score of a framework is to be, and by when.
pub(super) struct ScoreTarget {
    row: target::Model,
    terms: TargetTerms,
    view: View,
    score: crate::domain::score::FrameworkScore,
}

/// The targets of a project, against the scores of a view.
pub(super) async fn of(ctx: &Context<'_>, project: &str, view: &View) -> Result<Vec<ScoreTarget>> {
    let rows = read(ctx, "controls:score:read")?.targets(project).await.map_err(gql)?;
    let mut targets = Vec::with_capacity(rows.len());
    for row in rows {
        // Of an instant before the adoption there is no score to compare with.
        let Some(score) = view.model.framework(own_id(&row.framework)?) else { continue };
        let terms = serde_json::from_str(&row.terms);
        let terms = terms.map_err(|error| gql(ApiError::internal(error)))?;
        targets.push(ScoreTarget { row, terms, view: view.clone(), score });
    }
    Ok(targets)
}

/// The targets of a project as it is now.
pub(super) async fn live(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
) -> Result<Vec<ScoreTarget>> {
    let view = score::view(ctx, project, None, None).await?;
    of(ctx, &project.to_string(), &view).await
}

/// The target of one framework.
pub(super) async fn one(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    view: &View,
) -> Result<Option<ScoreTarget>> {
    let targets = of(ctx, &project.to_string(), view).await?;
    Ok(targets.into_iter().find(|target| target.score.framework == framework))
}

impl ScoreTarget {
    fn is_met(&self) -> bool {
        self.terms.is_met(&self.score)
    }

    /// What each requirement costs that is not wholly proven, the most first.
    fn losses(&self) -> Result<Vec<RequirementPoints>> {
        let points = self.view.model.points_lost(self.score.framework);
        let mut points = points.map_err(|error| gql(ApiError::internal(error)))?;
        points.retain(|points| points.lost_lo > Fixed::ZERO);
        // Stable: among equals the order of the ids stays.
        points.sort_by_key(|points| Reverse(points.lost_lo));
        Ok(points)
    }
}

/// Where the score of a framework is to be, and by when.
#[Object]
impl ScoreTarget {
    /// The framework.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Framework> {
        let row = loaders(ctx)?.frameworks(self.row.framework.clone()).await?;
        Ok(Framework(there(row, "framework")?))
    }

    /// How often it was set; give it as expectedVersion.
    async fn version(&self) -> i64 {
        self.row.version
    }

    /// Points that are to be proven.
    async fn points(&self) -> f64 {
        self.terms.score.to_f64()
    }

    /// The share of the weight that is to be decided, 0 to 1; null where that does not matter.
    async fn coverage(&self) -> Option<f64> {
        self.terms.coverage.map(Fixed::to_f64)
    }

    /// By when.
    async fn by(&self) -> DateTime<Utc> {
        self.terms.by.to_datetime()
    }

    /// Who set it; null where a program did.
    async fn set_by(&self) -> Option<User> {
        self.row.set_by.clone().map(|id| User { id: ID(id) })
    }

    /// When.
    async fn set_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.row.set_at).to_datetime()
    }

    /// How the score stands to it.
    async fn state(&self) -> ScoreTargetState {
        if self.is_met() {
            ScoreTargetState::Met
        } else if self.view.at < self.terms.by {
            ScoreTargetState::Open
        } else {
            ScoreTargetState::Missed
        }
    }

    /// The score that is compared with it.
    async fn score(&self) -> Result<Option<Score>> {
        let project = own_id(&self.row.project)?;
        Ok(Score::of(&self.view, project, self.score.framework))
    }

    /// Points that are still to be proven; 0 where that is reached.
    async fn points_missing(&self) -> f64 {
        self.terms.points_missing(&self.score).to_f64()
    }

    /// The share of the weight that is still to be decided, 0 to 1; 0 where that is enough.
    async fn coverage_missing(&self) -> f64 {
        self.terms.coverage_missing(&self.score).to_f64()
    }

    /// The fewest requirements that give the missing points if they are proven in full; 0 where none is
    /// missing. What one proves for another by a mapping is not counted.
    async fn requirements_missing(&self) -> Result<usize> {
        let mut missing = self.terms.points_missing(&self.score).units();
        let losses = self.losses()?;
        let needed = losses.iter().take_while(|points| {
            let needed = missing > 0;
            missing -= points.lost_lo.units();
            needed
        });
        Ok(needed.count())
    }

    /// The requirements that would give most if they were proven in full, the most first.
    async fn requirements(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, RequirementScore>> {
        let page = PageArgs::new(first, after)?;
        let explained = self.view.model.explain_framework(self.score.framework);
        let explained = explained.map_err(|error| gql(ApiError::internal(error)))?;
        let mut lines: Vec<_> =
            explained.requirements.iter().filter(|line| line.lost_lo > Fixed::ZERO).collect();
        lines.sort_by_key(|line| Reverse(line.lost_lo));
        sliced(&lines, &page, |line| RequirementScore::of(line))
    }

    /// When the target will be lost again if nobody does anything, before the day by which it is to be
    /// met and at most 400 days ahead; null where it holds until then, and where it is not met.
    async fn holds_until(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        if !self.is_met() {
            return Ok(None);
        }
        let (terms, scores) = (self.terms, &app(ctx)?.scores);
        let lost = scores
            .holds_until(&self.view, self.score.framework, terms.by, |score| terms.is_met(score))
            .await
            .map_err(gql)?;
        Ok(lost.map(|at| at.to_datetime()))
    }
}
