//! `Evidence` and its versions.

use std::sync::Arc;

use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, EmptyFields},
    dataloader::DataLoader,
};
use chrono::{DateTime, Utc};
use studio_access::Clearance;
use studio_entities::evidence::{item, version};
use studio_kernel::{self as kernel, TenantId};
use studio_service::{
    ApiError,
    graphql::{DataClass, gql},
};

use super::{
    ingest_run::IngestRun,
    instant,
    loaders::{EvidenceKey, Rows, RunKey, VersionsKey},
    project::Project,
};
use crate::{projections::EvidenceItems, rest};

/// A connection of evidence items.
pub(super) type EvidenceConnection = Connection<String, Evidence, EmptyFields, EmptyFields>;

/// An evidence item that was read for the actor of the request.
#[derive(Clone)]
pub(super) struct Evidence {
    pub(super) tenant: TenantId,
    pub(super) row: Arc<item::Model>,
}

impl Evidence {
    /// The item of that id, if there is one that the clearance reaches.
    pub(super) async fn load(
        ctx: &Context<'_>,
        clearance: &Clearance,
        id: String,
    ) -> Result<Option<Self>> {
        let rows = ctx.data::<DataLoader<Rows>>()?;
        let tenant = clearance.tenant();
        let row = rows.load_one(EvidenceKey(tenant, id)).await.map_err(gql)?;
        let row = row.filter(|row| EvidenceItems::reads(clearance, row));
        Ok(row.map(|row| Self { tenant, row }))
    }
}

/// What one source says about a project: one item for each scanner and account, with a version for
/// each scan. A version never changes; it is known by the SHA-256 of the bytes that were uploaded.
#[Object]
impl Evidence {
    /// The id, `evd_…`.
    async fn id(&self) -> ID {
        ID(self.row.id.clone())
    }

    /// Which scanner looked at what, for example `prowler/aws/123456789012`.
    async fn source(&self) -> &str {
        &self.row.source
    }

    /// The project that it is about.
    async fn project(&self) -> Project {
        Project::new(self.tenant, self.row.project_id.clone())
    }

    /// How closely it is kept, with all its versions and what is found in them: see classifyEvidence.
    async fn data_class(&self) -> Result<DataClass> {
        let class: Result<kernel::DataClass, _> = self.row.data_class.parse();
        class.map(Into::into).map_err(|error| gql(ApiError::internal(error)))
    }

    /// How often its class was set, from 1: pass it as expectedVersion.
    async fn data_class_version(&self) -> Result<i32> {
        i32::try_from(self.row.class_version).map_err(|error| gql(ApiError::internal(error)))
    }

    /// The number of its newest version, from 1.
    async fn newest_version(&self) -> i64 {
        self.row.newest_version
    }

    /// All versions, the oldest first.
    async fn versions(&self, ctx: &Context<'_>) -> Result<Vec<EvidenceVersion>> {
        let rows = ctx.data::<DataLoader<Rows>>()?;
        let key = VersionsKey(self.tenant, self.row.id.clone());
        let versions = rows.load_one(key).await.map_err(gql)?.unwrap_or_default();
        Ok(versions.into_iter().map(|row| EvidenceVersion { tenant: self.tenant, row }).collect())
    }

    /// When its first version was recorded.
    async fn created_at(&self) -> DateTime<Utc> {
        instant(self.row.created_at)
    }
}

/// One version of an evidence item.
#[derive(Clone)]
pub(super) struct EvidenceVersion {
    tenant: TenantId,
    row: version::Model,
}

/// One scan of a source, as it was uploaded.
#[Object]
impl EvidenceVersion {
    /// The number of the version, from 1.
    async fn version(&self) -> i64 {
        self.row.version
    }

    /// SHA-256 of the bytes as they were uploaded, 64 lower-case hexadecimal digits.
    async fn sha256(&self) -> &str {
        &self.row.sha256
    }

    /// How many bytes were uploaded. A float, since GraphQL's Int ends at 2 GiB.
    async fn size(&self) -> f64 {
        self.row.size as f64
    }

    /// Where the bytes are downloaded, as a path on this server; it wants the same access token.
    async fn content_url(&self) -> String {
        rest::content_path(&self.row.evidence_id, self.row.version)
    }

    /// When it was collected, where it is JSON that was handed in; null for a scan.
    async fn collected_at(&self) -> Option<DateTime<Utc>> {
        self.row.collected_at.map(instant)
    }

    /// The run that brought it.
    async fn run(&self, ctx: &Context<'_>) -> Result<IngestRun> {
        let rows = ctx.data::<DataLoader<Rows>>()?;
        let key = RunKey(self.tenant, self.row.run_id.clone());
        match rows.load_one(key).await.map_err(gql)? {
            Some(row) => Ok(IngestRun { tenant: self.tenant, row }),
            None => Err(gql(ApiError::internal(format!("{} is missing", self.row.run_id)))),
        }
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        instant(self.row.recorded_at)
    }

    /// When a reviewer rejected it; null where nobody did. What rests on a rejected version proves
    /// nothing.
    async fn rejected_at(&self) -> Option<DateTime<Utc>> {
        self.row.rejected_at.map(instant)
    }

    /// Why it was rejected.
    async fn rejected_reason(&self) -> Option<&str> {
        self.row.rejected_reason.as_deref()
    }
}
