//! What evidence adds to `Control`: what its tests rest on.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject, dataloader::DataLoader};
use studio_access::Clearance;
use studio_kernel::TenantId;
use studio_service::graphql::{PageArgs, connection, gql};

use super::{
    cleared,
    evidence::{Evidence, EvidenceConnection},
    finding::{self, FindingConnection, FindingStatus},
    loaders::{ControlKey, RestsOn, Rows},
};
use crate::{
    commands::READ,
    projections::{EvidenceItems, FindingsFilter, Summaries},
};

/// A control of the controls subgraph.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct Control {
    /// The id, `ctl_…`.
    id: ID,
    #[graphql(skip)]
    tenant: TenantId,
}

impl Control {
    pub(super) fn new(tenant: TenantId, id: String) -> Self {
        Self { id: ID(id), tenant }
    }

    /// `None` also where its project is not seen.
    async fn rests_on(&self, ctx: &Context<'_>, clearance: &Clearance) -> Result<Option<RestsOn>> {
        let rows = ctx.data::<DataLoader<Rows>>()?;
        let key = ControlKey(self.tenant, self.id.to_string());
        let found = rows.load_one(key).await.map_err(gql)?;
        Ok(found.filter(|it| clearance.reaches(&it.project)))
    }
}

#[ComplexObject]
impl Control {
    /// The evidence that the newest results of the control's checks rest on.
    async fn evidence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<EvidenceConnection> {
        let (core, clearance) = cleared(ctx, READ, "Evidence")?;
        let page = PageArgs::new(first, after)?;
        let mut rows = Vec::new();
        if let Some(RestsOn { project, checks }) = self.rests_on(ctx, &clearance).await? {
            let after = page.after.as_deref();
            let (tenant, limit) = (self.tenant, page.limit());
            let ids =
                Summaries::evidence_of(&core.store, &clearance, &project, &checks, after, limit)
                    .await
                    .map_err(gql)?;
            rows = EvidenceItems::of(&core.store, tenant, &ids).await.map_err(gql)?;
            rows.sort_by(|one, other| one.id.cmp(&other.id));
        }
        Ok(connection(
            rows,
            &page,
            |row| row.id.clone(),
            |row| Evidence { tenant: self.tenant, row: Arc::new(row) },
        ))
    }

    /// The findings of the control's checks that are in the population.
    async fn findings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those with this result.")] status: Option<FindingStatus>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<FindingConnection> {
        let (core, clearance) = cleared(ctx, "evidence:finding:read", "Finding")?;
        let page = PageArgs::new(first, after)?;
        let Some(RestsOn { project, checks }) = self.rests_on(ctx, &clearance).await? else {
            return Ok(finding::none(clearance, &page));
        };
        let filter = FindingsFilter {
            project: Some(project),
            checks: Some(checks),
            status: status.map(Into::into),
            ..FindingsFilter::default()
        };
        finding::page(&core.store, clearance, filter, &page).await
    }
}
