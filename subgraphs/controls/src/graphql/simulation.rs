//! What the scores of a project would be.

use async_graphql::{Context, Object, Result, SimpleObject, connection::Connection};
use chrono::{DateTime, Utc};
use studio_kernel::{Id, kind};
use studio_service::{
    ApiError,
    graphql::{Instant, PageArgs, UserError, gql},
};

use super::{
    app,
    control::Control,
    enums::Verdict,
    framework::Framework,
    loaders,
    loaders::there,
    requirement::Requirement,
    score,
    simulated_changes::{SimulateInput, SimulatedChange},
    sliced::sliced,
    subscription::ScoreNumbersShown,
};
use crate::{
    commands::sentence,
    domain::{
        score::{
            ControlDifference, Difference, FrameworkDifference, RequirementDifference, Triple,
        },
        simulation::{MOST_CHANGES, Outcomes, Simulation as Supposed},
    },
    scores::Begun,
};

/// What the scores would be after what was supposed.
#[derive(SimpleObject)]
pub(super) struct Simulation {
    /// What was known at this instant was there before the changes.
    as_of: DateTime<Utc>,
    /// Freshness was judged at this instant before the changes.
    from: DateTime<Utc>,
    /// Freshness is judged at this instant after them: the same, unless time passes among them.
    at: DateTime<Utc>,
    /// The score of each framework that the project has adopted, in the order of their ids; none where
    /// there are user errors.
    frameworks: Vec<SimulatedScore>,
    /// What you can mend, of every change that cannot be: `path` names it by its place in the list,
    /// from 0.
    user_errors: Vec<UserError>,
}

/// One score less another, with all digits, as decimal numbers; a score that is not there counts as 0.
#[derive(SimpleObject)]
pub(super) struct ScoreDifference {
    /// Points proven, -100 to 100.
    lo: String,
    /// Points still possible, -100 to 100.
    hi: String,
    /// The share of the weight that is decided, -1 to 1.
    coverage: String,
}

impl From<Difference> for ScoreDifference {
    fn from(difference: Difference) -> Self {
        Self {
            lo: difference.lo.to_string(),
            hi: difference.hi.to_string(),
            coverage: difference.coverage.to_string(),
        }
    }
}

/// The score of a framework before and after what was supposed.
pub(super) struct SimulatedScore(FrameworkDifference);

/// The score of a framework before and after what was supposed.
#[Object]
impl SimulatedScore {
    /// The framework.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Framework> {
        let row = loaders(ctx)?.frameworks(self.0.before.framework.to_string()).await?;
        Ok(Framework(there(row, "framework")?))
    }

    /// The score before.
    async fn before(&self) -> ScoreNumbersShown {
        ScoreNumbersShown::of(&self.0.before)
    }

    /// The score after.
    async fn after(&self) -> ScoreNumbersShown {
        ScoreNumbersShown::of(&self.0.after)
    }

    /// What it is after, less what it is before.
    async fn difference(&self) -> ScoreDifference {
        Difference::between(Some(&self.0.before), Some(&self.0.after)).into()
    }

    /// The requirements that get another verdict, in the order of their ids.
    async fn verdicts(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, SimulatedVerdict>> {
        let page = PageArgs::new(first, after)?;
        sliced(&self.0.verdicts, &page, |verdict| SimulatedVerdict(*verdict))
    }

    /// The members of its requirements that are worth more or less, those that moved most first.
    async fn controls(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, SimulatedControl>> {
        let page = PageArgs::new(first, after)?;
        sliced(&self.0.controls, &page, |control| SimulatedControl(*control))
    }
}

/// A requirement that gets another verdict.
pub(super) struct SimulatedVerdict(RequirementDifference);

/// A requirement that gets another verdict.
#[Object]
impl SimulatedVerdict {
    /// The requirement.
    async fn requirement(&self, ctx: &Context<'_>) -> Result<Requirement> {
        let row = loaders(ctx)?.requirements(self.0.before.requirement.to_string()).await?;
        Ok(Requirement(there(row, "requirement")?))
    }

    /// The verdict before.
    async fn before(&self) -> Verdict {
        self.0.before.verdict.into()
    }

    /// The verdict after.
    async fn after(&self) -> Verdict {
        self.0.after.verdict.into()
    }
}

/// What a control is worth, after what it rests on.
#[derive(SimpleObject)]
pub(super) struct ControlValue {
    /// What is proven, 0 to 1.
    lo: f64,
    /// What is still possible, 0 to 1.
    hi: f64,
    /// How much is decided, 0 to 1.
    decided: f64,
}

impl From<Triple> for ControlValue {
    fn from(value: Triple) -> Self {
        Self { lo: value.lo.to_f64(), hi: value.hi.to_f64(), decided: value.decided.to_f64() }
    }
}

/// A control that is worth more or less.
pub(super) struct SimulatedControl(ControlDifference);

/// A control that is worth more or less.
#[Object]
impl SimulatedControl {
    /// The control.
    async fn control(&self, ctx: &Context<'_>) -> Result<Control> {
        let row = loaders(ctx)?.controls(self.0.before.control.to_string()).await?;
        Ok(Control(there(row, "control")?))
    }

    /// What it is worth before.
    async fn before(&self) -> ControlValue {
        self.0.before.value.into()
    }

    /// What it is worth after; nothing where it is retired.
    async fn after(&self) -> ControlValue {
        self.0.after.value.into()
    }
}

/// Supposes the changes one after the other. All that are wrong are named; the scores are given where
/// none is.
pub(super) async fn run(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    input: SimulateInput,
) -> Result<Simulation> {
    let actor = score::allow(ctx, project)?;
    let as_of = Instant::optional(input.as_of.as_ref(), "input.asOf")?;
    let app = app(ctx)?;
    let begun = app.scores.simulation(actor.tenant, project, as_of).await.map_err(gql)?;
    let Begun { mut simulation, as_of, at } = begun;
    let mut user_errors = Vec::new();
    if !(1..=MOST_CHANGES).contains(&input.changes.len()) {
        let message = format!(
            "{} changes were given: give 1 to {MOST_CHANGES} at a time.",
            input.changes.len()
        );
        user_errors.push(UserError::field("INVALID", "changes", message));
    } else {
        for (place, change) in input.changes.into_iter().enumerate() {
            user_errors.extend(suppose(ctx, &mut simulation, change, place).await?);
        }
    }
    let (from, as_of) = (at.to_datetime(), as_of.to_datetime());
    if !user_errors.is_empty() {
        return Ok(Simulation { as_of, from, at: from, frameworks: Vec::new(), user_errors });
    }
    let Outcomes { at, frameworks } =
        simulation.outcomes().map_err(|error| gql(ApiError::internal(error)))?;
    let frameworks = frameworks.into_iter().map(SimulatedScore).collect();
    Ok(Simulation { as_of, from, at: at.to_datetime(), frameworks, user_errors })
}

/// Supposes one change; what is wrong with it is for the person to mend.
async fn suppose(
    ctx: &Context<'_>,
    simulation: &mut Supposed,
    change: SimulatedChange,
    place: usize,
) -> Result<Option<UserError>> {
    let app = app(ctx)?;
    let tenant = studio_service::graphql::actor(ctx)?.tenant;
    let name = change.name();
    let error = |code: &str, field: &str, message: &str| UserError {
        code: code.to_owned(),
        message: sentence(message),
        path: ["input", "changes", &place.to_string(), name, field].map(str::to_owned).to_vec(),
    };
    let change = match change.read() {
        Ok(change) => change,
        Err(unread) => return Ok(Some(error("INVALID", unread.field, &unread.message))),
    };
    let catalogs = app.catalogs.of(tenant, simulation.project()).await.map_err(gql)?;
    let supposed = simulation.suppose(&change, &catalogs, &mut app.ids(), app.env.id());
    Ok(supposed.err().map(|why| error(why.code(), why.field(), &why.to_string())))
}
