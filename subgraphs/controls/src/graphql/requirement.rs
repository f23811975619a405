//! Requirements and their members.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use studio_entities::controls::requirement;
use studio_kernel::{Id, kind};
use studio_service::graphql::{Instant, PageArgs, gql, id};

use super::{
    control::Control,
    coverage::{self, CoveragePath},
    enums::Importance,
    framework::Framework,
    loaders,
    loaders::there,
    own_id,
    period_coverage::{self, Asked, RequirementPeriodCoverage},
    project,
    reach::Cut,
    read,
};
use crate::domain::score::Fixed;

/// What a framework requires. What an organization does about it is a control.
pub(super) struct Requirement(pub(super) requirement::Model);

/// A control that is a member of a requirement within a project.
#[derive(SimpleObject)]
pub(super) struct RequirementMember {
    /// The control.
    control: Control,
    /// The share that it covers, more than 0; of the group, where it is in one.
    share: f64,
    /// The any-of group that it is in: of its controls the best counts.
    any_of: Option<String>,
}

/// What a framework requires. What an organization does about it is a control.
#[Object]
impl Requirement {
    /// The requirement's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// The identifier, unique in the framework: `ac-2.1`, `CC6.1`.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// The identifier as people write it: `AC-2(1)`.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// A short name.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// What is required, as plain text.
    async fn text(&self) -> &str {
        &self.0.body
    }

    /// The group of the framework that holds it.
    async fn group(&self) -> &str {
        &self.0.group_title
    }

    /// How much of the score it moves.
    async fn importance(&self) -> Importance {
        Importance::of(&self.0.importance)
    }

    /// The framework that it is of.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Framework> {
        let row = loaders(ctx)?.frameworks(self.0.framework.clone()).await?;
        Ok(Framework(there(row, "framework")?))
    }

    /// The ways from it to what proves it in a project: control, test, evidence. The own ones come
    /// first, then those of requirements that carry to it by the mappings approved in the project, over
    /// at most two; retired controls, and requirements that do not apply, are left out.
    async fn coverage_paths(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] project_id: ID,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<CoveragePath>> {
        let project: Id<kind::Project> = id(&project_id)?;
        coverage::paths(ctx, own_id(&self.0.id)?, project, PageArgs::new(first, after)?).await
    }

    /// How it held in a project over a period that is over: as the least of its members did. Null where
    /// the project did not have the requirement at the end of the period.
    async fn period_coverage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] project_id: ID,
        #[graphql(desc = "Where the period begins.")] from: Instant,
        #[graphql(desc = "Where it ends; by default, now.")] to: Option<Instant>,
        #[graphql(default = 1.0, desc = "How much has to be proven, above 0 and at most 1.")]
        threshold: f64,
    ) -> Result<Option<RequirementPeriodCoverage>> {
        let project = project::own(ctx, &project_id).await?;
        let asked = Asked { from, to, threshold };
        period_coverage::of_requirement(ctx, project, own_id(&self.0.id)?, &asked).await
    }

    /// The controls of a project that are members of it, retired ones left out.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] project_id: ID,
    ) -> Result<Vec<RequirementMember>> {
        let project = project::own(ctx, &project_id).await?;
        let rows = read(ctx, "controls:mapping:read")?
            .members(&project.to_string(), &self.0.id)
            .await
            .map_err(gql)?;
        let mut members = Vec::with_capacity(rows.len());
        for row in rows {
            let control = there(loaders(ctx)?.controls(row.control).await?, "control")?;
            members.push(RequirementMember {
                control: Control(control),
                share: Fixed::from_units(row.share).to_f64(),
                any_of: (!row.any_of.is_empty()).then_some(row.any_of),
            });
        }
        Ok(members)
    }
}
