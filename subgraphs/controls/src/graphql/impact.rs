//! What a loss of a control reaches, over the graph, and what it would take, by the score engine.

use std::sync::Arc;

use async_graphql::{Context, Object, Result, SimpleObject, Union};
use futures::future::try_join_all;
use studio_entities::controls::control::Model as Row;
use studio_kernel::{Id, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, gql},
};
use studio_stores::graph::{self, Affected, NodeId, NodeKind, Reached, Weight};

use super::{
    control::Control,
    enums::Verdict,
    framework::Framework,
    loaders,
    loaders::there,
    own_id,
    reach::{Cut, ReachedControl, page, view},
    requirement::Requirement,
    score,
    subscription::ScoreNumbersShown,
};
use crate::domain::score::{
    ControlDifference, Difference, Fixed, FrameworkLoss, Loss, Model, RequirementDifference, Triple,
};

/// What a control or a requirement is worth.
#[derive(SimpleObject)]
pub(super) struct Worth {
    /// What is proven, 0 to 1.
    lo: f64,
    /// What is still possible, 0 to 1.
    hi: f64,
    /// The verdict on it.
    verdict: Verdict,
}

impl From<Triple> for Worth {
    fn from(value: Triple) -> Self {
        let verdict = value.verdict().into();
        Self { lo: value.lo.to_f64(), hi: value.hi.to_f64(), verdict }
    }
}

/// What a control or a requirement would lose.
#[derive(SimpleObject)]
pub(super) struct LostValue {
    /// Of what is proven, 0 to 1.
    lo: f64,
    /// Of what is still possible, 0 to 1.
    hi: f64,
}

impl LostValue {
    pub(super) fn between(before: &Triple, after: &Triple) -> Self {
        let less = |of: fn(&Triple) -> Fixed| {
            Fixed::from_units(of(before).units() - of(after).units()).to_f64()
        };
        Self { lo: less(|value| value.lo), hi: less(|value| value.hi) }
    }
}

/// The points that a framework would lose, with all digits, as decimal numbers.
#[derive(SimpleObject)]
pub(super) struct LostPoints {
    /// Of the points proven, 0 to 100.
    lo: String,
    /// Of the points still possible, 0 to 100.
    hi: String,
}

impl From<Difference> for LostPoints {
    fn from(points: Difference) -> Self {
        Self { lo: points.lo.to_string(), hi: points.hi.to_string() }
    }
}

/// What a loss of a control can reach.
pub(super) struct Impact {
    reached: graph::Impact,
    model: Arc<Model>,
    loss: Loss,
}

/// What a loss of a control can reach.
pub(super) async fn impact(ctx: &Context<'_>, control: &Row) -> Result<Impact> {
    let project = own_id(&control.project)?;
    let control: Id<kind::Control> = own_id(&control.id)?;
    let graph = view(ctx, "controls:graph:read", project).await?;
    let model = score::view(ctx, project, None, None).await?.model;
    let mut reached = graph::impact(&*graph, control, project).await.map_err(gql)?;
    let loss = model.loss(control);
    let others = loss.controls.keys().copied().filter(|id| *id != control);
    with_others(
        &mut reached.controls,
        |reached| reached.control,
        others,
        |control| Reached { control, retired: false, weight: Weight::ZERO, path: Vec::new() },
    );
    let requirements = loss.requirements.keys().copied();
    with_others(&mut reached.requirements, |reached| reached.id, requirements, without_path);
    let frameworks = loss.frameworks.keys().copied();
    with_others(&mut reached.frameworks, |reached| reached.id, frameworks, without_path);
    Ok(Impact { reached, model, loss })
}

/// Adds what would lose something though no path leads there; the list stays in the order of ids.
fn with_others<T, I: Ord>(
    reached: &mut Vec<T>,
    id: impl Fn(&T) -> I,
    others: impl Iterator<Item = I>,
    make: impl Fn(I) -> T,
) {
    let others: Vec<I> =
        others.filter(|other| reached.binary_search_by(|it| id(it).cmp(other)).is_err()).collect();
    reached.extend(others.into_iter().map(make));
    reached.sort_by_key(id);
}

fn without_path<I>(id: I) -> Affected<I> {
    Affected { id, weight: Weight::ZERO, path: Vec::new() }
}

/// What a loss of a control can reach: where its value falls, theirs can. What they would lose is
/// what is left of the live score if the control failed entirely, and everything else stayed as it
/// is.
#[Object]
impl Impact {
    /// The controls in force that rest on it, directly or through others, and those that it makes up
    /// for a failure of.
    async fn controls(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<ReachedControl>> {
        let args = PageArgs::new(first, after)?;
        let key = |reached: &Reached| reached.control.to_string();
        let node = |reached: Reached| {
            let id = reached.control;
            let same = || {
                Some(self.model.control(id)?).map(|at| ControlDifference { before: at, after: at })
            };
            let loss = self.loss.controls.get(&id).copied().or_else(same);
            ReachedControl { reached, loss }
        };
        Ok(page(self.reached.controls.clone(), self.reached.truncated, &args, key, node))
    }

    /// The requirements that it or one of these controls covers, and those that inherit from them, in
    /// any framework.
    async fn requirements(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<AffectedRequirement>> {
        let args = PageArgs::new(first, after)?;
        let key = |affected: &Affected<Id<kind::Requirement>>| affected.id.to_string();
        let node = |affected: Affected<Id<kind::Requirement>>| {
            let id = affected.id;
            let same = || {
                self.model.requirement(id).map(|at| RequirementDifference { before: at, after: at })
            };
            let loss = self.loss.requirements.get(&id).copied().or_else(same);
            AffectedRequirement { affected, loss }
        };
        Ok(page(self.reached.requirements.clone(), self.reached.truncated, &args, key, node))
    }

    /// The frameworks of these requirements.
    async fn frameworks(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<AffectedFramework>> {
        let args = PageArgs::new(first, after)?;
        let key = |affected: &Affected<Id<kind::Framework>>| affected.id.to_string();
        let node = |affected: Affected<Id<kind::Framework>>| {
            let id = affected.id;
            let same =
                || self.model.framework(id).map(|at| FrameworkLoss { before: at, after: at });
            let loss = self.loss.frameworks.get(&id).copied().or_else(same);
            AffectedFramework { affected, loss }
        };
        Ok(page(self.reached.frameworks.clone(), self.reached.truncated, &args, key, node))
    }
}

/// A requirement that a loss of a control can reach.
pub(super) struct AffectedRequirement {
    affected: Affected<Id<kind::Requirement>>,
    loss: Option<RequirementDifference>,
}

/// A requirement that a loss of a control can reach.
#[Object]
impl AffectedRequirement {
    /// The requirement.
    async fn requirement(&self, ctx: &Context<'_>) -> Result<Requirement> {
        let row = loaders(ctx)?.requirements(self.affected.id.to_string()).await?;
        there(row, "requirement").map(Requirement)
    }

    /// At most such a share of a loss of the control reaches it along paths: the product of the
    /// strengths and shares along the strongest one. 0 where no path of at most 16 dependencies leads
    /// there: then the control makes up for a failure on the way.
    async fn weight(&self) -> f64 {
        self.affected.weight.to_f64()
    }

    /// That path, from the control to the requirement; empty where there is none.
    async fn path(&self, ctx: &Context<'_>) -> Result<Vec<ImpactStep>> {
        steps(ctx, &self.affected.path).await
    }

    /// What it is worth; null where the project has not adopted its framework.
    async fn before(&self) -> Option<Worth> {
        self.loss.map(|loss| loss.before.value.into())
    }

    /// What it would be worth if the control failed entirely.
    async fn after(&self) -> Option<Worth> {
        self.loss.map(|loss| loss.after.value.into())
    }

    /// What it would lose.
    async fn loses(&self) -> Option<LostValue> {
        self.loss.map(|loss| LostValue::between(&loss.before.value, &loss.after.value))
    }
}

/// A framework that a loss of a control can reach.
pub(super) struct AffectedFramework {
    affected: Affected<Id<kind::Framework>>,
    loss: Option<FrameworkLoss>,
}

/// A framework that a loss of a control can reach.
#[Object]
impl AffectedFramework {
    /// The framework.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Framework> {
        let row = loaders(ctx)?.frameworks(self.affected.id.to_string()).await?;
        there(row, "framework").map(Framework)
    }

    /// The weight of the requirement in it that is reached most strongly.
    async fn weight(&self) -> f64 {
        self.affected.weight.to_f64()
    }

    /// The way there, from the control to the framework; empty where the weight is 0.
    async fn path(&self, ctx: &Context<'_>) -> Result<Vec<ImpactStep>> {
        steps(ctx, &self.affected.path).await
    }

    /// Its score; null where the project has not adopted it.
    async fn before(&self) -> Option<ScoreNumbersShown> {
        self.loss.map(|loss| ScoreNumbersShown::of(&loss.before))
    }

    /// What its score would be if the control failed entirely.
    async fn after(&self) -> Option<ScoreNumbersShown> {
        self.loss.map(|loss| ScoreNumbersShown::of(&loss.after))
    }

    /// The points that it would lose.
    async fn loses(&self) -> Option<LostPoints> {
        self.loss.map(|loss| loss.points().into())
    }
}

/// Something on the way that a loss takes.
#[derive(Union)]
pub(super) enum ImpactStep {
    Control(Control),
    Requirement(Requirement),
    Framework(Framework),
}

pub(super) async fn steps(ctx: &Context<'_>, path: &[NodeId]) -> Result<Vec<ImpactStep>> {
    try_join_all(path.iter().map(|node| step(ctx, *node))).await
}

async fn step(ctx: &Context<'_>, node: NodeId) -> Result<ImpactStep> {
    let (loaders, id) = (loaders(ctx)?, node.to_string());
    Ok(match node.kind() {
        NodeKind::Control => {
            ImpactStep::Control(Control(there(loaders.controls(id).await?, "control")?))
        }
        NodeKind::Requirement => {
            let row = there(loaders.requirements(id).await?, "requirement")?;
            ImpactStep::Requirement(Requirement(row))
        }
        NodeKind::Framework => {
            ImpactStep::Framework(Framework(there(loaders.frameworks(id).await?, "framework")?))
        }
        other => {
            return Err(gql(ApiError::internal(format!("{other:?} is no step of an impact"))));
        }
    })
}
