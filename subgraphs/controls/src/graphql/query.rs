//! The queries of this subgraph, and its entities by reference.

use async_graphql::{Context, ID, Object, Result, connection::Connection};
use studio_kernel::{Id, id::Kind, kind};
use studio_service::graphql::{PageArgs, actor, connection, gql, id};

use super::{
    control::Control,
    control_list::{self, ControlFilter, ControlSort, Wanted},
    crosswalk::ControlMapping,
    dependency::ControlDependency,
    enums::ImplementationState,
    exception::RiskException,
    framework::{BuiltinFramework, Framework, builtin},
    from, loaders,
    nonconformity::Nonconformity,
    not_applicable::NotApplicable,
    project::{self, Project},
    read,
    references::{self, Organization},
    requirement::Requirement,
    test::ControlTest,
    test_result::TestResult,
};

pub(crate) struct Query;

/// An id that somebody else's answer holds: what is no id names nothing.
fn reference<K: Kind>(given: &ID) -> Option<String> {
    given.parse::<Id<K>>().ok().map(|id| id.to_string())
}

/// What can be asked.
#[Object]
impl Query {
    /// The organization's projects, the oldest first.
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(default = false, desc = "Whether archived projects are listed too.")]
        include_archived: bool,
    ) -> Result<Connection<String, Project>> {
        references::projects(ctx, first, after, include_archived).await
    }

    /// A project, or null where there is none of that id that you can see.
    async fn project(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "The project's id.")] project_id: ID,
    ) -> Result<Option<Project>> {
        let project: Id<kind::Project> = id(&project_id)?;
        Ok(loaders(ctx)?.projects(project.to_string()).await?.map(Project))
    }

    /// The frameworks that the organization has imported, the oldest first.
    async fn frameworks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, Framework>> {
        let page = PageArgs::new(first, after)?;
        let rows =
            read(ctx, "controls:framework:read")?.frameworks(from(&page)?).await.map_err(gql)?;
        Ok(connection(rows, &page, |row| row.ordinal.to_string(), Framework))
    }

    /// A framework, or null where there is none of that id that you can see.
    async fn framework(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "The framework's id.")] framework_id: ID,
    ) -> Result<Option<Framework>> {
        let framework: Id<kind::Framework> = id(&framework_id)?;
        Ok(loaders(ctx)?.frameworks(framework.to_string()).await?.map(Framework))
    }

    /// The frameworks that ship with Studio and can be imported by name.
    async fn builtin_frameworks(&self, ctx: &Context<'_>) -> Result<Vec<BuiltinFramework>> {
        read(ctx, "controls:framework:read")?;
        Ok(builtin())
    }

    /// A control, or null where there is none of that id that you can see.
    async fn control(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "The control's id.")] control_id: ID,
    ) -> Result<Option<Control>> {
        let control: Id<kind::Control> = id(&control_id)?;
        Ok(loaders(ctx)?.controls(control.to_string()).await?.map(Control))
    }

    /// The controls of a project.
    #[expect(clippy::too_many_arguments, reason = "a filter, a sort and a page")]
    async fn controls(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] project_id: ID,
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
        let project = project::own(ctx, &project_id).await?;
        let page = PageArgs::new(first, after)?;
        let wanted = Wanted { include_retired, implementation, filter, sort, page };
        control_list::of(ctx, &project.to_string(), &wanted).await
    }

    #[graphql(entity)]
    async fn find_project_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Project>> {
        let Some(id) = reference::<kind::Project>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.projects(id).await?.map(Project))
    }

    #[graphql(entity)]
    async fn find_framework_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Framework>> {
        let Some(id) = reference::<kind::Framework>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.frameworks(id).await?.map(Framework))
    }

    #[graphql(entity)]
    async fn find_requirement_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Requirement>> {
        let Some(id) = reference::<kind::Requirement>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.requirements(id).await?.map(Requirement))
    }

    #[graphql(entity)]
    async fn find_control_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Control>> {
        let Some(id) = reference::<kind::Control>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.controls(id).await?.map(Control))
    }

    #[graphql(entity)]
    async fn find_control_test_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<ControlTest>> {
        let Some(id) = reference::<kind::ControlTest>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.tests(id).await?.map(ControlTest))
    }

    #[graphql(entity)]
    async fn find_control_dependency_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<ControlDependency>> {
        let Some(id) = reference::<kind::ControlDependency>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.dependencies(id).await?.map(ControlDependency))
    }

    #[graphql(entity)]
    async fn find_not_applicable_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<NotApplicable>> {
        let Some(id) = reference::<kind::NotApplicable>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.declarations(id).await?.map(NotApplicable))
    }

    #[graphql(entity)]
    async fn find_risk_exception_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<RiskException>> {
        let Some(id) = reference::<kind::RiskException>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.exceptions(id).await?.map(RiskException))
    }

    #[graphql(entity)]
    async fn find_control_mapping_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<ControlMapping>> {
        let Some(id) = reference::<kind::ControlMapping>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.mappings(id).await?.map(ControlMapping))
    }

    #[graphql(entity)]
    async fn find_nonconformity_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Nonconformity>> {
        let Some(id) = reference::<kind::Nonconformity>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.nonconformities(id).await?.map(Nonconformity))
    }

    #[graphql(entity)]
    async fn find_test_result_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<TestResult>> {
        let Some(id) = reference::<kind::TestResult>(&id) else { return Ok(None) };
        Ok(loaders(ctx)?.test_results(id).await?.map(TestResult))
    }

    #[graphql(entity)]
    async fn find_organization_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Organization>> {
        let own = actor(ctx)?.tenant.to_string();
        Ok((own == *id).then_some(Organization { id }))
    }
}
