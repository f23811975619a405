//! Projects.

use async_graphql::{Context, ID, Object, Result, connection::Connection};
use chrono::{DateTime, Utc};
use studio_entities::controls::project;
use studio_kernel::{Id, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{Instant, PageArgs, connection, gql, id},
};

use super::{
    control::Control,
    control_list::{self, ControlFilter, ControlSort, Wanted},
    coverage::{self, PersonBehindScore},
    coverage_gaps::{self, UnprovenRequirement},
    crosswalk::{self, ControlMapping},
    enums::{ImplementationState, NonconformityState, ReviewState},
    exception::RiskException,
    framework::Framework,
    from, loaders,
    loaders::there,
    nonconformity::{self, Nonconformity},
    not_applicable::NotApplicable,
    own_id,
    reach::{self, Cut, DependencyCycle},
    read,
    references::User,
    requirement::Requirement,
    score::{self, Score},
    score_alert::{ScoreAlert, ScoreAlertState},
    score_diff::{self, ScoreDiff},
    score_forecast::{self, ScoreForecast},
    score_history::{self, HistoryResolution, ScorePoint},
    score_target::{self, ScoreTarget},
    simulated_changes::SimulateInput,
    simulation::{self, Simulation},
    single_points::{self, SinglePointOfFailure},
    test_result::{self, Of, TestResult, TestResultState},
};
use crate::projections::ReviewKind;

/// A system, a product or a company whose compliance is managed: it adopts frameworks, states
/// controls and has a score for each framework.
pub(super) struct Project(pub(super) project::Model);

impl Project {
    pub(super) fn key(&self) -> Result<Id<kind::Project>> {
        own_id(&self.0.id)
    }
}

/// A system, a product or a company whose compliance is managed: it adopts frameworks, states
/// controls and has a score for each framework.
#[Object]
impl Project {
    /// The project's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How often it was created, renamed, archived or restored; give it as expectedVersion.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// When it was archived; null where it is in use. An archived project takes no change, no scan
    /// and no document, and stays readable with its scores and its history.
    async fn archived_at(&self) -> Option<DateTime<Utc>> {
        self.0.archived_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }

    /// Who created it; null where Studio did.
    async fn created_by(&self) -> Option<User> {
        self.0.created_by.clone().map(|id| User { id: ID(id) })
    }

    /// The frameworks that it has adopted, in the order of adoption.
    async fn frameworks(&self, ctx: &Context<'_>) -> Result<Vec<Framework>> {
        let loaders = loaders(ctx)?;
        let adopted = loaders.adoptions(self.0.id.clone()).await?.unwrap_or_default();
        let mut frameworks = Vec::with_capacity(adopted.len());
        for adoption in adopted {
            let row = loaders.frameworks(adoption.framework).await?;
            frameworks.push(Framework(there(row, "framework")?));
        }
        Ok(frameworks)
    }

    /// Its controls.
    #[expect(clippy::too_many_arguments, reason = "a filter, a sort and a page")]
    async fn controls(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(default = false, desc = "Whether retired controls are listed too.")]
        include_retired: bool,
        #[graphql(desc = "Only controls in this state.")] implementation: Option<
            ImplementationState,
        >,
        #[graphql(desc = "Only controls of which this holds.")] filter: Option<ControlFilter>,
        #[graphql(desc = "How they are sorted; by default, the oldest first.")] sort: Option<
            ControlSort,
        >,
    ) -> Result<Connection<String, Control>> {
        let page = PageArgs::new(first, after)?;
        let wanted = Wanted { include_retired, implementation, filter, sort, page };
        control_list::of(ctx, &self.0.id, &wanted).await
    }

    /// The score of a framework: as of an instant (by default now), judged at an instant (by
    /// default the same; a later one gives a forecast of what goes stale until then). Null where
    /// the project had not adopted the framework by then.
    async fn score(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The framework.")] framework_id: ID,
        #[graphql(desc = "What was known at this instant; by default, now.")] as_of: Option<
            Instant,
        >,
        #[graphql(desc = "When freshness is judged; by default, at asOf.")] at: Option<Instant>,
    ) -> Result<Option<Score>> {
        let framework = id(&framework_id)?;
        score::load(ctx, self.key()?, framework, as_of, at).await
    }

    /// The people whose work is behind the score of a framework as it is now, the weightiest first;
    /// nobody where the project has not adopted the framework.
    async fn behind_score(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The framework.")] framework_id: ID,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<PersonBehindScore>> {
        let framework = id(&framework_id)?;
        coverage::people(ctx, self.key()?, framework, PageArgs::new(first, after)?).await
    }

    /// The controls that at least so many requirements of a framework rest on entirely, those first
    /// whose failure would take the most points; none where the project has not adopted it.
    async fn single_points_of_failure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The framework.")] framework_id: ID,
        #[graphql(default = 2, desc = "The fewest requirements that rest on it, 1 or more.")]
        at_least: i32,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<SinglePointOfFailure>> {
        let (framework, page) = (id(&framework_id)?, PageArgs::new(first, after)?);
        single_points::of(ctx, self.key()?, framework, at_least, page).await
    }

    /// The requirements of a framework that apply and that nothing proves, in the order of their ids: no
    /// control with a test that has a result, neither of their own nor of what carries to them by
    /// approved mappings; none where the project has not adopted it.
    async fn coverage_gaps(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The framework.")] framework_id: ID,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<UnprovenRequirement>> {
        let page = PageArgs::new(first, after)?;
        coverage_gaps::of(ctx, self.key()?, id(&framework_id)?, page).await
    }

    /// The circles of dependencies among its controls in force, one way round for each set of controls
    /// that all rest on each other.
    async fn dependency_cycles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<DependencyCycle>> {
        reach::project_cycles(ctx, self.key()?, PageArgs::new(first, after)?).await
    }

    /// The score of a framework through a period that is over: what was live at `from`, at the beginning
    /// of each hour, day, week or month after it (UTC; weeks begin on Monday), and at `to`. Between two
    /// changes the earlier one goes on. With CHANGE, each recorded change after `from` is a point.
    #[expect(clippy::too_many_arguments, reason = "a period and a page")]
    async fn score_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The framework.")] framework_id: ID,
        #[graphql(desc = "Where the period begins.")] from: Instant,
        #[graphql(desc = "Where it ends; by default, now.")] to: Option<Instant>,
        #[graphql(
            default_with = "HistoryResolution::Day",
            desc = "How far the points are apart. There are at most 10000 of them, but for CHANGE."
        )]
        resolution: HistoryResolution,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, ScorePoint>> {
        let framework = id(&framework_id)?;
        let page = PageArgs::new(first, after)?;
        score_history::load(ctx, self.key()?, framework, (from, to), resolution.into(), page).await
    }

    /// What became of the score of a framework within a period that is over: which events moved it, who
    /// caused them, on which days time did, and by how much each.
    async fn score_diff(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The framework.")] framework_id: ID,
        #[graphql(desc = "Where the period begins.")] from: Instant,
        #[graphql(desc = "Where it ends; by default, now.")] to: Option<Instant>,
    ) -> Result<ScoreDiff> {
        score_diff::load(ctx, self.key()?, id(&framework_id)?, (from, to)).await
    }

    /// What becomes of the score of a framework if nobody does anything: which passes grow old and which
    /// exceptions end, when, and what that takes. Null where the project has not adopted the framework.
    async fn score_forecast(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The framework.")] framework_id: ID,
        #[graphql(desc = "Where it ends: yet to come, and at most 400 days ahead.")] until: Instant,
    ) -> Result<Option<ScoreForecast>> {
        score_forecast::load(ctx, self.key()?, id(&framework_id)?, until).await
    }

    /// Where its scores are to be, and how they stand to that now.
    async fn score_targets(&self, ctx: &Context<'_>) -> Result<Vec<ScoreTarget>> {
        score_target::live(ctx, self.key()?).await
    }

    /// The alerts on its scores, the oldest first.
    async fn score_alerts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only what stands so.")] state: Option<ScoreAlertState>,
    ) -> Result<Connection<String, ScoreAlert>> {
        let page = PageArgs::new(first, after)?;
        let state = state.map(ScoreAlertState::name);
        let rows = read(ctx, "controls:alert:read")?
            .alerts(&self.0.id, state, from(&page)?)
            .await
            .map_err(gql)?;
        Ok(connection(rows, &page, |row| row.ordinal.to_string(), ScoreAlert))
    }

    /// What the scores would be if some changes were made, one after the other, by the rules of the
    /// mutations that they are named after. Nothing is recorded.
    async fn simulate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is supposed to happen.")] input: SimulateInput,
    ) -> Result<Simulation> {
        simulation::run(ctx, self.key()?, input).await
    }

    /// The live score of each framework that the project has adopted.
    async fn scores(&self, ctx: &Context<'_>) -> Result<Vec<Score>> {
        score::live(ctx, self.key()?).await
    }

    /// What was declared not to apply to it, the oldest first.
    async fn not_applicable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only what stands so.")] state: Option<ReviewState>,
    ) -> Result<Connection<String, NotApplicable>> {
        let page = PageArgs::new(first, after)?;
        let state = state.map(ReviewState::name);
        let rows = read(ctx, "controls:applicability:read")?
            .reviews(&self.0.id, ReviewKind::NotApplicable, state, from(&page)?)
            .await
            .map_err(gql)?;
        Ok(connection(rows, &page, |row| row.ordinal.to_string(), NotApplicable))
    }

    /// The exceptions on failures in it, the oldest first.
    async fn exceptions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only what stands so.")] state: Option<ReviewState>,
    ) -> Result<Connection<String, RiskException>> {
        let page = PageArgs::new(first, after)?;
        let state = state.map(ReviewState::name);
        let rows = read(ctx, "controls:exception:read")?
            .reviews(&self.0.id, ReviewKind::Exception, state, from(&page)?)
            .await
            .map_err(gql)?;
        Ok(connection(rows, &page, |row| row.ordinal.to_string(), RiskException))
    }

    /// The mappings between requirements of its frameworks, the oldest first.
    async fn mappings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only what stands so.")] state: Option<ReviewState>,
    ) -> Result<Connection<String, ControlMapping>> {
        let page = PageArgs::new(first, after)?;
        let state = state.map(ReviewState::name);
        let rows = read(ctx, "controls:crosswalk:read")?
            .reviews(&self.0.id, ReviewKind::Mapping, state, from(&page)?)
            .await
            .map_err(gql)?;
        Ok(connection(rows, &page, |row| row.ordinal.to_string(), ControlMapping))
    }

    /// The requirements of one framework that apply and to which no approved mapping that carries
    /// anything leads from another one, over at most two: what is left to be covered.
    async fn mapping_gaps(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The framework that is mapped.")] from_framework_id: ID,
        #[graphql(desc = "The framework whose gaps are listed.")] to_framework_id: ID,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, Requirement>> {
        let between = (id(&from_framework_id)?, id(&to_framework_id)?);
        crosswalk::gaps(ctx, self.key()?, between, PageArgs::new(first, after)?).await
    }

    /// What came out of its tests by hand, what was recorded last first.
    async fn test_results(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only what stands so: PENDING waits to be signed off.")] state: Option<
            TestResultState,
        >,
    ) -> Result<Connection<String, TestResult>> {
        test_result::of(ctx, Of::Project(&self.0.id), PageArgs::new(first, after)?, state).await
    }

    /// What was found to be wrong with its controls, the oldest first.
    async fn nonconformities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only what stands so.")] state: Option<NonconformityState>,
    ) -> Result<Connection<String, Nonconformity>> {
        nonconformity::of(ctx, (&self.0.id, None), PageArgs::new(first, after)?, state).await
    }
}

/// The id of a project that the organization has, or `NOT_FOUND`: the same whether there is none of
/// that id or another organization has it.
pub(super) async fn own(ctx: &Context<'_>, given: &ID) -> Result<Id<kind::Project>> {
    let project: Id<kind::Project> = id(given)?;
    match loaders(ctx)?.projects(project.to_string()).await? {
        Some(_) => Ok(project),
        None => Err(gql(ApiError::not_found("project", project))),
    }
}
