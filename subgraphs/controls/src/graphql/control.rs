//! Controls.

use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use studio_entities::controls::control;
use studio_kernel::Timestamp;
use studio_service::graphql::{Instant, Page, PageArgs, connection, encode_cursor, gql};

use super::{
    app,
    control_score::{self, ControlScore},
    dependency::ControlDependency,
    enums::{ImplementationState, NonconformityState},
    from,
    impact::{self, Impact},
    loaders,
    loaders::there,
    nonconformity::{self, Nonconformity},
    own_id,
    period_coverage::{self, Asked, PeriodCoverage},
    project::Project,
    reach::{self, Cut, DependencyCycle, Follow, ReachedControl},
    read,
    references::User,
    requirement::Requirement,
    test::ControlTest,
};
use crate::projections::read::TestFilter;

/// What an organization does to meet requirements: it is in place or not, it is tested, it rests on
/// other controls.
pub(super) struct Control(pub(super) control::Model);

impl Control {
    /// When it has to be reviewed, if it is in force.
    fn due(&self) -> Option<i64> {
        self.0.next_review_at.filter(|_| self.0.retired == 0)
    }
}

fn instant(at: Option<i64>) -> Option<DateTime<Utc>> {
    at.map(|at| Timestamp::from_micros(at).to_datetime())
}

/// What an organization does to meet requirements: it is in place or not, it is tested, it rests on
/// other controls.
#[Object]
impl Control {
    /// The control's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// How often it was stated or changed: pass it as expectedVersion.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// Its short name, unique in the project.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// What it is, in a line.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// What it is, in full.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// How far it is in place.
    async fn implementation(&self) -> ImplementationState {
        ImplementationState::of(&self.0.implementation)
    }

    /// Whether it is no longer in force.
    async fn retired(&self) -> bool {
        self.0.retired != 0
    }

    /// What it covers: systems, places, people. Empty where nobody said.
    async fn scope(&self) -> &str {
        &self.0.scope
    }

    /// After how many days somebody has to look at it again; null for never.
    async fn review_every_days(&self) -> Option<i64> {
        self.0.review_every_days
    }

    /// When somebody last looked at it and found it right; null where nobody did.
    async fn reviewed_at(&self) -> Option<DateTime<Utc>> {
        instant(self.0.reviewed_at)
    }

    /// Who did.
    async fn reviewed_by(&self) -> Option<User> {
        self.0.reviewed_by.clone().map(|id| User { id: ID(id) })
    }

    /// What they saw.
    async fn review_note(&self) -> Option<&str> {
        self.0.review_note.as_deref().filter(|note| !note.is_empty())
    }

    /// When somebody has to look at it again: so many days after it was last reviewed, or stated. Null
    /// where it is retired, or need not be reviewed.
    async fn next_review_at(&self) -> Option<DateTime<Utc>> {
        instant(self.due())
    }

    /// Whether that instant is over. It moves no score.
    async fn review_overdue(&self, ctx: &Context<'_>) -> Result<bool> {
        let now = app(ctx)?.env.now().micros();
        Ok(self.due().is_some_and(|due| due <= now))
    }

    /// Who answers for it.
    async fn owner(&self) -> Option<User> {
        self.0.owner.clone().map(|id| User { id: ID(id) })
    }

    /// The project that it is of.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let row = loaders(ctx)?.projects(self.0.project.clone()).await?;
        Ok(Project(there(row, "project")?))
    }

    /// When it was stated.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.updated_at).to_datetime()
    }

    /// The requirements that it is a member of.
    async fn requirements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, Requirement>> {
        let page = PageArgs::new(first, after)?;
        let rows = read(ctx, "controls:mapping:read")?
            .memberships(&self.0.id, from(&page)?)
            .await
            .map_err(gql)?;
        let cut = Page::cut(rows, &page);
        let mut requirements = Connection::new(page.after.is_some(), cut.more);
        for row in cut.rows {
            let requirement = loaders(ctx)?.requirements(row.requirement).await?;
            let node = Requirement(there(requirement, "requirement")?);
            let cursor = encode_cursor(&row.ordinal.to_string());
            requirements.edges.push(Edge::new(cursor, node));
        }
        Ok(requirements)
    }

    /// Its tests, the oldest first.
    async fn tests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(default = false, desc = "Whether retired tests are listed too.")]
        include_retired: bool,
        #[graphql(desc = "True for key tests alone, false for the others.")] key: Option<bool>,
        #[graphql(desc = "True for tests by hand alone, false for those of checks.")]
        manual: Option<bool>,
    ) -> Result<Connection<String, ControlTest>> {
        let page = PageArgs::new(first, after)?;
        let filter = TestFilter { include_retired, key, manual };
        let rows = read(ctx, "controls:test:read")?
            .tests(&self.0.id, filter, from(&page)?)
            .await
            .map_err(gql)?;
        Ok(connection(rows, &page, |row| row.ordinal.to_string(), ControlTest))
    }

    /// What was found to be wrong with it, the oldest first.
    async fn nonconformities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only what stands so.")] state: Option<NonconformityState>,
    ) -> Result<Connection<String, Nonconformity>> {
        let of = (&*self.0.project, Some(&*self.0.id));
        nonconformity::of(ctx, of, PageArgs::new(first, after)?, state).await
    }

    /// What it rests on, directly.
    async fn dependencies(&self, ctx: &Context<'_>) -> Result<Vec<ControlDependency>> {
        let rows = loaders(ctx)?.rests_on(self.0.id.clone()).await?.unwrap_or_default();
        Ok(rows.into_iter().map(ControlDependency).collect())
    }

    /// What rests on it, directly.
    async fn dependents(&self, ctx: &Context<'_>) -> Result<Vec<ControlDependency>> {
        let rows = loaders(ctx)?.carries(self.0.id.clone()).await?.unwrap_or_default();
        Ok(rows.into_iter().map(ControlDependency).collect())
    }

    /// Every control that it rests on, directly or through others, in the order of their ids. A
    /// retired control is listed, and nothing beyond it.
    async fn all_dependencies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many dependencies a path may have, 1 to 16; 16 by default.")]
        depth: Option<i32>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<ReachedControl>> {
        let page = PageArgs::new(first, after)?;
        reach::reached(ctx, &self.0, Follow::Dependencies, depth, page).await
    }

    /// Every control that rests on it, directly or through others, in the order of their ids. A
    /// retired control is listed, and nothing beyond it.
    async fn all_dependents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many dependencies a path may have, 1 to 16; 16 by default.")]
        depth: Option<i32>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<ReachedControl>> {
        let page = PageArgs::new(first, after)?;
        reach::reached(ctx, &self.0, Follow::Dependents, depth, page).await
    }

    /// The circles of dependencies that it is in or rests on, one way round for each.
    async fn dependency_cycles(&self, ctx: &Context<'_>) -> Result<Vec<DependencyCycle>> {
        reach::cycles(ctx, &self.0).await
    }

    /// What a loss of it can reach: other controls, requirements, frameworks; and how much each of them
    /// would lose if it failed entirely.
    async fn impact(&self, ctx: &Context<'_>) -> Result<Impact> {
        impact::impact(ctx, &self.0).await
    }

    /// How it held over a period that is over: on which of its whole days (UTC) enough was proven at the
    /// end of the day, with what was known at the end of the period. Null where it had not been stated
    /// by then.
    async fn period_coverage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where the period begins.")] from: Instant,
        #[graphql(desc = "Where it ends; by default, now.")] to: Option<Instant>,
        #[graphql(default = 1.0, desc = "How much has to be proven, above 0 and at most 1.")]
        threshold: f64,
    ) -> Result<Option<PeriodCoverage>> {
        let (project, control) = (own_id(&self.0.project)?, own_id(&self.0.id)?);
        period_coverage::of_control(ctx, project, control, &Asked { from, to, threshold }).await
    }

    /// What it is worth: as of an instant (by default now), judged at an instant (by default the
    /// same). Null where it was not stated by then.
    async fn score(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was known at this instant; by default, now.")] as_of: Option<
            Instant,
        >,
        #[graphql(desc = "When freshness is judged; by default, at asOf.")] at: Option<Instant>,
    ) -> Result<Option<ControlScore>> {
        control_score::load(ctx, own_id(&self.0.project)?, own_id(&self.0.id)?, as_of, at).await
    }
}
