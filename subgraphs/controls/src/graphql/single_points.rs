//! Single points of failure: controls that requirements rest on entirely.

use std::collections::BTreeSet;

use async_graphql::{Context, Object, Result, connection::Connection};
use studio_kernel::{Code, Id, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, gql},
};
use studio_stores::graph::{self, Resting, SinglePoint};

use super::{
    control::Control,
    impact::{ImpactStep, LostPoints, steps},
    loaders,
    loaders::there,
    reach::{Cut, page, view},
    requirement::Requirement,
    score,
    sliced::sliced,
};
use crate::domain::score::Difference;

/// The single points of failure of a framework in a project, those that would take the most points
/// first.
pub(super) async fn of(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    at_least: i32,
    args: PageArgs,
) -> Result<Cut<SinglePointOfFailure>> {
    let Some(at_least) = usize::try_from(at_least).ok().filter(|least| *least > 0) else {
        let message = format!("atLeast is {at_least}: give the fewest requirements, 1 or more.");
        return Err(gql(ApiError::new(Code::BadRequest, message)));
    };
    let graph = view(ctx, "controls:graph:read", project).await?;
    let model = score::view(ctx, project, None, None).await?.model;
    let applying: BTreeSet<Id<kind::Requirement>> =
        model.requirements_of(framework).iter().map(|score| score.requirement).collect();
    let found = graph::single_points(&*graph, project, &applying, at_least).await.map_err(gql)?;
    let with_points = |point: SinglePoint| {
        let loss = model.loss(point.control).frameworks.get(&framework).copied();
        let points = loss.map(|loss| loss.points()).unwrap_or_default();
        SinglePointOfFailure { point, points }
    };
    let mut points: Vec<_> = found.points.into_iter().map(with_points).collect();
    points.sort_by_cached_key(SinglePointOfFailure::place);
    Ok(page(points, found.truncated, &args, SinglePointOfFailure::place, |point| point))
}

/// A control that requirements rest on entirely: every control that meets one of them, each alternative
/// of an any-of group included, is this one or rests on it at full strength. If it failed, nothing of
/// them could be proven, whatever else holds.
pub(super) struct SinglePointOfFailure {
    point: SinglePoint,
    points: Difference,
}

impl SinglePointOfFailure {
    /// The text behind its cursor: sorts by the points lost, the most first.
    fn place(&self) -> String {
        let less = |units: i64| i64::MAX - units;
        let (lo, hi) = (less(self.points.lo.units()), less(self.points.hi.units()));
        format!("{lo:020}/{hi:020}/{}", self.point.control)
    }
}

/// A control that requirements rest on entirely: every control that meets one of them, each alternative
/// of an any-of group included, is this one or rests on it at full strength. If it failed, nothing of
/// them could be proven, whatever else holds.
#[Object]
impl SinglePointOfFailure {
    /// The control.
    async fn control(&self, ctx: &Context<'_>) -> Result<Control> {
        let row = loaders(ctx)?.controls(self.point.control.to_string()).await?;
        there(row, "control").map(Control)
    }

    /// How many requirements rest on it.
    async fn requirement_count(&self) -> usize {
        self.point.requirements.len()
    }

    /// These requirements, in the order of their ids.
    async fn requirements(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, RestingRequirement>> {
        let page = PageArgs::new(first, after)?;
        sliced(&self.point.requirements, &page, |resting| RestingRequirement(resting.clone()))
    }

    /// The points that the framework would lose if it failed entirely, by all that rests on it in any
    /// strength.
    async fn loses(&self) -> LostPoints {
        self.points.into()
    }
}

/// A requirement that rests on a control entirely.
pub(super) struct RestingRequirement(Resting);

/// A requirement that rests on a control entirely.
#[Object]
impl RestingRequirement {
    /// The requirement.
    async fn requirement(&self, ctx: &Context<'_>) -> Result<Requirement> {
        let row = loaders(ctx)?.requirements(self.0.requirement.to_string()).await?;
        there(row, "requirement").map(Requirement)
    }

    /// A shortest way that the loss takes, from the control to the requirement.
    async fn path(&self, ctx: &Context<'_>) -> Result<Vec<ImpactStep>> {
        steps(ctx, &self.0.path).await
    }
}
