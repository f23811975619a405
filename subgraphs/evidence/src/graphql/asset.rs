//! `Asset`.

use std::sync::Arc;

use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, EmptyFields},
};
use chrono::{DateTime, Utc};
use studio_entities::evidence::asset;
use studio_events::EventStore;
use studio_kernel::TenantId;
use studio_service::graphql::{PageArgs, connection, gql};

use super::{
    cleared_in,
    finding::{self, FindingConnection},
    instant,
    project::Project,
};
use crate::projections::{Assets, FindingsFilter};

/// A connection of assets.
pub(super) type AssetConnection = Connection<String, Asset, EmptyFields, EmptyFields>;

/// An asset that was read for the actor of the request.
#[derive(Clone)]
pub(super) struct Asset {
    pub(super) tenant: TenantId,
    pub(super) row: Arc<asset::Model>,
}

/// A resource that findings are about, for example a bucket or a user of a cloud account.
#[Object]
impl Asset {
    /// The id, `ast_…`.
    async fn id(&self) -> ID {
        ID(self.row.id.clone())
    }

    /// Its id with the provider, for example an ARN.
    async fn uid(&self) -> &str {
        &self.row.uid
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Its type with the provider, for example `AwsS3Bucket`; empty where the scanner says none.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.row.kind
    }

    /// The cloud account.
    async fn account(&self) -> &str {
        &self.row.account
    }

    /// The region, or `global`.
    async fn region(&self) -> &str {
        &self.row.region
    }

    /// The project that it belongs to.
    async fn project(&self) -> Project {
        Project::new(self.tenant, self.row.project_id.clone())
    }

    /// When a finding first named it.
    async fn first_seen(&self) -> DateTime<Utc> {
        instant(self.row.first_seen)
    }

    /// The newest instant at which a finding named it.
    async fn last_seen(&self) -> DateTime<Utc> {
        instant(self.row.last_seen)
    }

    /// The findings about it that are in the population.
    async fn findings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<FindingConnection> {
        let project = &self.row.project_id;
        let (core, clearance) = cleared_in(ctx, "evidence:finding:read", "Finding", project)?;
        let filter =
            FindingsFilter { asset: Some(self.row.id.clone()), ..FindingsFilter::default() };
        finding::page(&core.store, clearance, filter, &PageArgs::new(first, after)?).await
    }
}

/// A page of the assets of a project.
pub(super) async fn page(
    store: &EventStore,
    tenant: TenantId,
    project: &str,
    kind: Option<&str>,
    page: &PageArgs,
) -> Result<AssetConnection> {
    let after = page.after.as_deref();
    let rows =
        Assets::page(store, tenant, project, kind, after, page.limit()).await.map_err(gql)?;
    Ok(connection(rows, page, |row| row.id.clone(), |row| Asset { tenant, row: Arc::new(row) }))
}
