//! The score of a framework in a project.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use async_graphql::{
    Context, ID, Object, Result, SimpleObject,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use studio_access::Resource;
use studio_kernel::{Actor, Id, kind};
use studio_service::{
    ApiError,
    graphql::{Instant, PageArgs, actor, encode_cursor, gql, id},
};

use super::{
    app, bad_cursor,
    contribution::{self, Contribution, RequirementScore},
    enums::Verdict,
    framework::Framework,
    loaders,
    loaders::there,
    not_applicable::NotApplicable,
    project::Project,
    read,
    requirement::Requirement,
    score_target::{self, ScoreTarget},
};
use crate::{
    domain::score::{self, FrameworkContributions, FrameworkScore},
    scores::View,
};

/// A score with more digits than are shown.
#[derive(SimpleObject)]
pub(super) struct ExactScore {
    /// Points proven, as a decimal number.
    lo: String,
    /// Points still possible, as a decimal number.
    hi: String,
    /// The share of the weight that is decided, from 0 to 1, as a decimal number.
    coverage: String,
}

impl ExactScore {
    pub(super) fn of(score: &FrameworkScore) -> Option<Self> {
        score.value.as_ref().map(|value| Self {
            lo: value.lo.to_string(),
            hi: value.hi.to_string(),
            coverage: value.coverage.to_string(),
        })
    }
}

/// The score of a framework in a project: what is proven, what is still possible, and how much is
/// decided. What is unknown never counts as proven.
pub(super) struct Score {
    view: View,
    project: Id<kind::Project>,
    score: FrameworkScore,
    explained: OnceLock<Arc<FrameworkContributions>>,
    removed: Vec<score::RemovedRequirement>,
}

/// A requirement that does not apply, and so counts nowhere.
pub(super) struct RemovedRequirement(score::RemovedRequirement);

/// A requirement that does not apply, and so counts nowhere.
#[Object]
impl RemovedRequirement {
    /// The requirement.
    async fn requirement(&self, ctx: &Context<'_>) -> Result<Requirement> {
        let row = loaders(ctx)?.requirements(self.0.requirement.to_string()).await?;
        Ok(Requirement(there(row, "requirement")?))
    }

    /// The weight that it would have: 1, 2 or 3.
    async fn weight(&self) -> u32 {
        self.0.weight
    }

    /// The declaration by which it does not apply: why, who said so and who approved it.
    async fn declaration(&self, ctx: &Context<'_>) -> Result<NotApplicable> {
        let row = loaders(ctx)?.declarations(self.0.declaration.to_string()).await?;
        Ok(NotApplicable(there(row, "declaration")?))
    }
}

/// Lets the actor see the scores of a project.
pub(super) fn allow(ctx: &Context<'_>, project: Id<kind::Project>) -> Result<Actor> {
    let actor = actor(ctx)?;
    let resource = Resource::one("Project", project, actor.tenant).of_project(project);
    app(ctx)?.require(actor, "controls:score:read", &resource).map_err(gql)?;
    Ok(actor.clone())
}

/// The model of a project as of an instant, judged at an instant.
pub(super) async fn view(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    as_of: Option<Instant>,
    at: Option<Instant>,
) -> Result<View> {
    let actor = allow(ctx, project)?;
    let as_of = Instant::optional(as_of.as_ref(), "asOf")?;
    let at = Instant::optional(at.as_ref(), "at")?;
    app(ctx)?.scores.view(actor.tenant, project, as_of, at).await.map_err(gql)
}

pub(super) async fn load(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    as_of: Option<Instant>,
    at: Option<Instant>,
) -> Result<Option<Score>> {
    let view = view(ctx, project, as_of, at).await?;
    Ok(Score::of(&view, project, framework))
}

/// The live scores of all frameworks of a project, of one moment.
pub(super) async fn live(ctx: &Context<'_>, project: Id<kind::Project>) -> Result<Vec<Score>> {
    let view = view(ctx, project, None, None).await?;
    let adopted = loaders(ctx)?.adoptions(project.to_string()).await?.unwrap_or_default();
    let mut scores = Vec::with_capacity(adopted.len());
    for adoption in adopted {
        let framework = super::own_id(&adoption.framework)?;
        scores.extend(Score::of(&view, project, framework));
    }
    Ok(scores)
}

impl Score {
    pub(super) fn of(
        view: &View,
        project: Id<kind::Project>,
        framework: Id<kind::Framework>,
    ) -> Option<Self> {
        let score = view.model.framework(framework)?;
        let removed = view.model.removed(framework);
        Some(Self { view: view.clone(), project, score, explained: OnceLock::new(), removed })
    }

    fn explained(&self) -> Result<Arc<FrameworkContributions>> {
        if let Some(explained) = self.explained.get() {
            return Ok(explained.clone());
        }
        let explained = self.view.model.explain_framework(self.score.framework);
        let explained = Arc::new(explained.map_err(|error| gql(ApiError::internal(error)))?);
        Ok(self.explained.get_or_init(|| explained).clone())
    }

    /// The requirements in the framework's order: their places and ids.
    async fn order(&self, ctx: &Context<'_>) -> Result<Vec<(i64, String)>> {
        let framework = self.score.framework.to_string();
        read(ctx, "controls:framework:read")?.requirement_order(&framework).await.map_err(gql)
    }
}

/// The score of a framework in a project: what is proven, what is still possible, and how much is
/// decided. What is unknown never counts as proven.
#[Object]
impl Score {
    /// The framework.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Framework> {
        let row = loaders(ctx)?.frameworks(self.score.framework.to_string()).await?;
        Ok(Framework(there(row, "framework")?))
    }

    /// The project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let row = loaders(ctx)?.projects(self.project.to_string()).await?;
        Ok(Project(there(row, "project")?))
    }

    /// Points proven, 0 to 100, to a tenth, rounded down. Null where no requirement applies.
    async fn lo(&self) -> Option<f64> {
        self.score.value.as_ref().map(|value| value.shown_lo())
    }

    /// Points still possible, 0 to 100, to a tenth, rounded up. Null where no requirement applies.
    async fn hi(&self) -> Option<f64> {
        self.score.value.as_ref().map(|value| value.shown_hi())
    }

    /// How much is decided, in whole percent, rounded down.
    async fn coverage(&self) -> Option<i64> {
        self.score.value.as_ref().map(|value| value.shown_coverage())
    }

    /// All digits.
    async fn exact(&self) -> Option<ExactScore> {
        ExactScore::of(&self.score)
    }

    /// The score in a line.
    async fn headline(&self) -> String {
        self.score.headline()
    }

    /// Requirements that are satisfied.
    async fn satisfied(&self) -> u32 {
        self.score.counts.satisfied
    }

    /// Requirements that are known not to be satisfied.
    async fn other_than_satisfied(&self) -> u32 {
        self.score.counts.other_than_satisfied
    }

    /// Requirements of which that is not known.
    async fn undetermined(&self) -> u32 {
        self.score.counts.undetermined
    }

    /// The weight of the requirements that do not apply, which the score is without.
    async fn removed_weight(&self) -> u32 {
        self.removed.iter().map(|removed| removed.weight).sum()
    }

    /// The requirements that do not apply, which the score is without, in the framework's order.
    async fn removed_requirements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, RemovedRequirement>> {
        let page = PageArgs::new(first, after)?;
        let from = super::from(&page)?;
        let removed: HashMap<String, score::RemovedRequirement> =
            self.removed.iter().map(|it| (it.requirement.to_string(), *it)).collect();
        let found = self.order(ctx).await?.into_iter();
        let found = found
            .filter(|(ordinal, _)| *ordinal > from.after)
            .filter_map(|(ordinal, id)| Some((ordinal, *removed.get(&id)?)));
        let mut found: Vec<_> = found.take(page.first + 1).collect();
        let more = found.len() > page.first;
        found.truncate(page.first);
        let mut removed = Connection::new(page.after.is_some(), more);
        removed.edges.extend(found.into_iter().map(|(ordinal, it)| {
            Edge::new(encode_cursor(&ordinal.to_string()), RemovedRequirement(it))
        }));
        Ok(removed)
    }

    /// The target that is set for it now, against this score; null where there is none.
    async fn target(&self, ctx: &Context<'_>) -> Result<Option<ScoreTarget>> {
        score_target::one(ctx, self.project, self.score.framework, &self.view).await
    }

    /// The version of the formula.
    async fn formula_version(&self) -> u16 {
        self.score.formula
    }

    /// What was known at this instant is counted.
    async fn as_of(&self) -> DateTime<Utc> {
        self.view.as_of.to_datetime()
    }

    /// Freshness was judged at this instant.
    async fn at(&self) -> DateTime<Utc> {
        self.view.at.to_datetime()
    }

    /// The score of each requirement, in the framework's order.
    async fn requirements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only requirements with this verdict.")] verdict: Option<Verdict>,
    ) -> Result<Connection<String, RequirementScore>> {
        let page = PageArgs::new(first, after)?;
        let from = super::from(&page)?;
        let explained = self.explained()?;
        let lines = contribution::by_requirement(&explained);
        let wanted = self
            .order(ctx)
            .await?
            .into_iter()
            .filter(|(ordinal, _)| *ordinal > from.after)
            .filter_map(|(ordinal, id)| Some((ordinal, RequirementScore::of(lines.get(&*id)?))))
            .filter(|(_, score)| verdict.is_none_or(|verdict| score.is(verdict)));
        let mut found: Vec<(i64, RequirementScore)> = wanted.take(page.first + 1).collect();
        let more = found.len() > page.first;
        found.truncate(page.first);
        let mut requirements = Connection::new(page.after.is_some(), more);
        requirements.edges.extend(
            found
                .into_iter()
                .map(|(ordinal, score)| Edge::new(encode_cursor(&ordinal.to_string()), score)),
        );
        Ok(requirements)
    }

    /// Where the score comes from: each requirement's members, down to tests, checks and evidence.
    async fn contributions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only the members of this requirement.")] requirement_id: Option<ID>,
        #[graphql(desc = "Only what comes through this control.")] control_id: Option<ID>,
    ) -> Result<Connection<String, Contribution>> {
        let requirement: Option<Id<kind::Requirement>> =
            requirement_id.as_ref().map(id).transpose()?;
        let control: Option<Id<kind::Control>> = control_id.as_ref().map(id).transpose()?;
        let page = PageArgs::new(first, after)?;
        let after = page.after.as_deref().map(place).transpose()?;
        let explained = self.explained()?;
        let lines = contribution::by_requirement(&explained);
        let only = requirement.map(|requirement| requirement.to_string());
        let mut found = Vec::new();
        for (ordinal, id) in self.order(ctx).await? {
            let before = after.is_some_and(|(after, _)| ordinal < after);
            if before || only.as_ref().is_some_and(|only| *only != id) {
                continue;
            }
            let Some(line) = lines.get(&*id) else { continue };
            let members = contribution::members(line, control);
            found.extend(
                members
                    .into_iter()
                    .enumerate()
                    .map(|(index, member)| ((ordinal, index), member))
                    .filter(|(place, _)| after.is_none_or(|after| *place > after)),
            );
            if found.len() > page.first {
                break;
            }
        }
        let more = found.len() > page.first;
        found.truncate(page.first);
        let mut contributions = Connection::new(page.after.is_some(), more);
        contributions.edges.extend(found.into_iter().map(|((ordinal, index), member)| {
            Edge::new(encode_cursor(&format!("{ordinal}/{index}")), member)
        }));
        Ok(contributions)
    }
}

/// A place among the contributions: the requirement's, and the member's within it.
fn place(cursor: &str) -> Result<(i64, usize)> {
    let read = || {
        let (ordinal, index) = cursor.split_once('/')?;
        Some((ordinal.parse().ok()?, index.parse().ok()?))
    };
    read().ok_or_else(bad_cursor)
}
