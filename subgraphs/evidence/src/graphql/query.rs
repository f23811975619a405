//! The queries, and how entities are found by their ids.

use async_graphql::{Context, ID, Object, Result, dataloader::DataLoader};
use studio_access::{Clearance, Extent};
use studio_kernel::{Id, TenantId, id::Kind, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, gql},
};

use super::{
    allowed,
    asset::{self, Asset, AssetConnection},
    cleared,
    control::Control,
    control_test::{ControlTest, RuleTrial, tried},
    evidence::Evidence,
    finding::{self, Finding, FindingConnection, FindingStatus, Severity},
    ingest_run::{self, IngestRun, IngestRunConnection},
    loaders::{AssetKey, FindingKey, Rows, RunKey},
    project::Project,
};
use crate::{
    commands::{Core, READ},
    projections::FindingsFilter,
};

pub(super) struct Query;

/// The id in its own spelling, or `BAD_REQUEST`.
fn typed<K: Kind>(given: &ID) -> Result<String> {
    studio_service::graphql::id::<K>(given).map(|id: Id<K>| id.to_string())
}

/// The id of a project that the actor sees, or `NOT_FOUND`: the same whether there is none of that id,
/// another organization has it, or it is not theirs to see.
async fn own_project(core: &Core, extent: &Extent, given: &ID) -> Result<String> {
    let project = studio_service::graphql::id::<kind::Project>(given)?;
    known_project(core, extent.tenant(), extent.holds(&project.to_string()), project).await
}

/// The same by a clearance.
async fn cleared_project(core: &Core, clearance: &Clearance, given: &ID) -> Result<String> {
    let project = studio_service::graphql::id::<kind::Project>(given)?;
    known_project(core, clearance.tenant(), clearance.reaches(&project.to_string()), project).await
}

async fn known_project(
    core: &Core,
    tenant: TenantId,
    seen: bool,
    project: Id<kind::Project>,
) -> Result<String> {
    if seen && core.knows(tenant, project).await.map_err(|error| gql(ApiError::from(error)))? {
        Ok(project.to_string())
    } else {
        Err(gql(ApiError::not_found("project", project)))
    }
}

async fn evidence(ctx: &Context<'_>, id: &ID) -> Result<Option<Evidence>> {
    let (_, clearance) = cleared(ctx, READ, "Evidence")?;
    Evidence::load(ctx, &clearance, typed::<kind::Evidence>(id)?).await
}

async fn finding(ctx: &Context<'_>, id: &ID) -> Result<Option<Finding>> {
    let (_, clearance) = cleared(ctx, "evidence:finding:read", "Finding")?;
    let tenant = clearance.tenant();
    let key = FindingKey(tenant, typed::<kind::Finding>(id)?);
    let rows = ctx.data::<DataLoader<Rows>>()?;
    let Some(row) = rows.load_one(key).await.map_err(gql)? else { return Ok(None) };
    // It is kept as closely as the evidence that it is from.
    let Some(run) = rows.load_one(RunKey(tenant, row.last_run_id.clone())).await.map_err(gql)?
    else {
        return Err(gql(ApiError::internal(format!("{} is missing", row.last_run_id))));
    };
    let seen = Evidence::load(ctx, &clearance, run.evidence_id.clone()).await?.is_some();
    Ok(seen.then_some(Finding { tenant, row }))
}

async fn asset(ctx: &Context<'_>, id: &ID) -> Result<Option<Asset>> {
    let (_, extent) = allowed(ctx, "evidence:asset:read", "Asset")?;
    let tenant = extent.tenant();
    let key = AssetKey(tenant, typed::<kind::Asset>(id)?);
    let row = ctx.data::<DataLoader<Rows>>()?.load_one(key).await.map_err(gql)?;
    Ok(row.filter(|row| extent.holds(&row.project_id)).map(|row| Asset { tenant, row }))
}

async fn ingest_run(ctx: &Context<'_>, id: &ID) -> Result<Option<IngestRun>> {
    let (_, extent) = allowed(ctx, "evidence:run:read", "IngestRun")?;
    let tenant = extent.tenant();
    let key = RunKey(tenant, typed::<kind::IngestRun>(id)?);
    let row = ctx.data::<DataLoader<Rows>>()?.load_one(key).await.map_err(gql)?;
    Ok(row.filter(|row| extent.holds(&row.project_id)).map(|row| IngestRun { tenant, row }))
}

#[Object]
impl Query {
    /// One evidence item; null where there is none of that id that you can see.
    async fn evidence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `evd_…`.")] id: ID,
    ) -> Result<Option<Evidence>> {
        evidence(ctx, &id).await
    }

    /// One finding, also one that the newest scan no longer lists; null where there is none of
    /// that id that you can see.
    async fn finding(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `fnd_…`.")] id: ID,
    ) -> Result<Option<Finding>> {
        finding(ctx, &id).await
    }

    /// One asset; null where there is none of that id that you can see.
    async fn asset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `ast_…`.")] id: ID,
    ) -> Result<Option<Asset>> {
        asset(ctx, &id).await
    }

    /// One ingest run; null where there is none of that id that you can see.
    async fn ingest_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `run_…`.")] id: ID,
    ) -> Result<Option<IngestRun>> {
        ingest_run(ctx, &id).await
    }

    /// The scans that were brought into a project, the newest first.
    async fn ingest_runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project, `prj_…`.")] project_id: ID,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<IngestRunConnection> {
        let (core, extent) = allowed(ctx, "evidence:run:read", "IngestRun")?;
        let project = own_project(core, &extent, &project_id).await?;
        let page = PageArgs::new(first, after)?;
        ingest_run::page(&core.store, extent.tenant(), &project, &page).await
    }

    /// The findings of a project that are in the population, by check.
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the field")]
    async fn findings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project, `prj_…`.")] project_id: ID,
        #[graphql(desc = "Only those with this result.")] status: Option<FindingStatus>,
        #[graphql(desc = "Only those of this severity.")] severity: Option<Severity>,
        #[graphql(desc = "Only those of this check, by the scanner's id.")] check: Option<String>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<FindingConnection> {
        let (core, clearance) = cleared(ctx, "evidence:finding:read", "Finding")?;
        let filter = FindingsFilter {
            project: Some(cleared_project(core, &clearance, &project_id).await?),
            checks: check.map(|check| vec![check]),
            status: status.map(Into::into),
            severity: severity.map(|severity| severity.as_str().to_owned()),
            asset: None,
        };
        finding::page(&core.store, clearance, filter, &PageArgs::new(first, after)?).await
    }

    /// The assets that scans of a project have named.
    async fn assets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project, `prj_…`.")] project_id: ID,
        #[graphql(desc = "Only those of this type, for example AwsS3Bucket.", name = "type")]
        kind: Option<String>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<AssetConnection> {
        let (core, extent) = allowed(ctx, "evidence:asset:read", "Asset")?;
        let project = own_project(core, &extent, &project_id).await?;
        let page = PageArgs::new(first, after)?;
        asset::page(&core.store, extent.tenant(), &project, kind.as_deref(), &page).await
    }

    /// What a rule would say: of JSON that you give, or of the newest evidence of a name. Nothing is
    /// recorded. What is wrong with the rule, or with what it is to look at, is part of the answer.
    async fn try_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project, `prj_…`.")] project_id: ID,
        #[graphql(desc = "The rule, in Rego.")] rule: String,
        #[graphql(desc = "Evidence that you make up, as JSON text.")] input: Option<String>,
        #[graphql(desc = "The name of the evidence to look at, instead of `input`.")]
        evidence_name: Option<String>,
    ) -> Result<RuleTrial> {
        let (core, clearance) = cleared(ctx, READ, "Evidence")?;
        cleared_project(core, &clearance, &project_id).await?;
        let project = studio_service::graphql::id::<kind::Project>(&project_id)?;
        tried(ctx, (core, &clearance), project, rule, (input, evidence_name)).await
    }

    #[graphql(entity)]
    async fn find_evidence_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Evidence>> {
        evidence(ctx, &id).await
    }

    #[graphql(entity)]
    async fn find_finding_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Finding>> {
        finding(ctx, &id).await
    }

    #[graphql(entity)]
    async fn find_asset_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Asset>> {
        asset(ctx, &id).await
    }

    #[graphql(entity)]
    async fn find_ingest_run_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<IngestRun>> {
        ingest_run(ctx, &id).await
    }

    // What evidence adds to these is read field by field, each behind its own policy; an id of
    // another organization has nothing here.
    #[graphql(entity)]
    async fn find_control_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Control>> {
        let actor = studio_service::graphql::actor(ctx)?;
        Ok(Some(Control::new(actor.tenant, typed::<kind::Control>(&id)?)))
    }

    #[graphql(entity)]
    async fn find_project_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Project>> {
        let actor = studio_service::graphql::actor(ctx)?;
        Ok(Some(Project::new(actor.tenant, typed::<kind::Project>(&id)?)))
    }

    #[graphql(entity)]
    async fn find_control_test_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<ControlTest>> {
        let actor = studio_service::graphql::actor(ctx)?;
        Ok(Some(ControlTest::new(actor.tenant, typed::<kind::ControlTest>(&id)?)))
    }
}
