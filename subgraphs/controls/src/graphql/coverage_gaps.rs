//! What nothing proves.

use std::collections::BTreeSet;

use async_graphql::{Context, Enum, Object, Result};
use studio_kernel::{Id, kind};
use studio_service::graphql::{PageArgs, gql};
use studio_stores::graph;

use super::{
    loaders,
    loaders::there,
    reach::{Cut, page, view},
    requirement::Requirement,
    score,
};

/// Why nothing proves a requirement.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "graph::GapReason")]
#[expect(clippy::enum_variant_names, reason = "each says what there is not")]
pub(super) enum GapReason {
    /// No control in force meets it.
    NoControl,
    /// None of its controls has a test.
    NoTest,
    /// None of their tests has a result.
    NoEvidence,
}

/// The requirements of a framework that apply to a project and that nothing proves.
pub(super) async fn of(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    args: PageArgs,
) -> Result<Cut<UnprovenRequirement>> {
    let graph = view(ctx, "controls:graph:read", project).await?;
    let model = score::view(ctx, project, None, None).await?.model;
    let applying: BTreeSet<Id<kind::Requirement>> =
        model.requirements_of(framework).iter().map(|score| score.requirement).collect();
    let without = model.not_applicable();
    let found = graph::coverage_gaps(&*graph, project, &applying, &without).await.map_err(gql)?;
    let key = |gap: &graph::CoverageGap| gap.requirement.to_string();
    Ok(page(found.gaps, found.truncated, &args, key, UnprovenRequirement))
}

/// A requirement that nothing proves: not its own controls, and nothing that it inherits from.
pub(super) struct UnprovenRequirement(graph::CoverageGap);

/// A requirement that nothing proves: not its own controls, and nothing that it inherits from.
#[Object]
impl UnprovenRequirement {
    /// The requirement.
    async fn requirement(&self, ctx: &Context<'_>) -> Result<Requirement> {
        let row = loaders(ctx)?.requirements(self.0.requirement.to_string()).await?;
        there(row, "requirement").map(Requirement)
    }

    /// Why: where its chain to evidence ends.
    async fn reason(&self) -> GapReason {
        self.0.reason.into()
    }
}
