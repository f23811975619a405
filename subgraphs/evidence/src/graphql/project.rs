//! What evidence adds to `Project`.

use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use studio_kernel::TenantId;
use studio_service::graphql::PageArgs;

use super::{
    allowed_in,
    asset::{self, AssetConnection},
    cleared_in,
    finding::{self, FindingConnection, FindingStatus, Severity},
    ingest_run::{self, IngestRunConnection},
};
use crate::projections::FindingsFilter;

/// A project of the controls subgraph.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct Project {
    /// The id, `prj_…`.
    id: ID,
    #[graphql(skip)]
    tenant: TenantId,
}

impl Project {
    pub(super) fn new(tenant: TenantId, id: String) -> Self {
        Self { id: ID(id), tenant }
    }
}

#[ComplexObject]
impl Project {
    /// The findings of the project that are in the population, by check.
    async fn findings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those with this result.")] status: Option<FindingStatus>,
        #[graphql(desc = "Only those of this severity.")] severity: Option<Severity>,
        #[graphql(desc = "Only those of this check, by the scanner's id.")] check: Option<String>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<FindingConnection> {
        let (core, clearance) = cleared_in(ctx, "evidence:finding:read", "Finding", &self.id)?;
        let filter = FindingsFilter {
            project: Some(self.id.to_string()),
            checks: check.map(|check| vec![check]),
            status: status.map(Into::into),
            severity: severity.map(|severity| severity.as_str().to_owned()),
            asset: None,
        };
        finding::page(&core.store, clearance, filter, &PageArgs::new(first, after)?).await
    }

    /// The assets that scans of the project have named.
    async fn assets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those of this type, for example AwsS3Bucket.", name = "type")]
        kind: Option<String>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<AssetConnection> {
        let core = allowed_in(ctx, "evidence:asset:read", "Asset", &self.id)?;
        let page = PageArgs::new(first, after)?;
        asset::page(&core.store, self.tenant, &self.id, kind.as_deref(), &page).await
    }

    /// The scans that were brought into the project, the newest first.
    async fn ingest_runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<IngestRunConnection> {
        let core = allowed_in(ctx, "evidence:run:read", "IngestRun", &self.id)?;
        ingest_run::page(&core.store, self.tenant, &self.id, &PageArgs::new(first, after)?).await
    }
}
