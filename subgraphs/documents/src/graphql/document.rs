//! `Document`.

use std::sync::Arc;

use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, EmptyFields},
    dataloader::DataLoader,
};
use chrono::{DateTime, Utc};
use studio_entities::documents::document;
use studio_kernel::{self as kernel, Code, TenantId, Timestamp};
use studio_service::{
    ApiError,
    graphql::{DataClass, PageArgs, connection, gql},
};

use super::{
    control::Control,
    loaders::{ControlsOfDocument, VersionByNumber},
    stubs::Project,
    version::DocumentVersion,
};
use crate::{commands::Documents, projections::documents};

/// A connection of documents.
pub(super) type DocumentConnection = Connection<String, Document, EmptyFields, EmptyFields>;

/// A document that was read for the actor of the request.
#[derive(Clone)]
pub(super) struct Document {
    pub(super) tenant: TenantId,
    pub(super) row: Arc<document::Model>,
}

/// A file that people wrote or collected, with every version of it. What a version holds never
/// changes: its bytes are known by their SHA-256.
#[Object]
impl Document {
    /// The id, `doc_…`.
    async fn id(&self) -> ID {
        ID(self.row.id.clone())
    }

    /// What it is called; also the file name of a download.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The project that it belongs to.
    async fn project(&self) -> Project {
        Project { id: ID(self.row.project.clone()) }
    }

    /// How closely it is kept, with all its versions: see classifyDocument.
    async fn data_class(&self) -> Result<DataClass> {
        let class: Result<kernel::DataClass, _> = self.row.data_class.parse();
        class.map(Into::into).map_err(|error| gql(ApiError::internal(error)))
    }

    /// How often its class was set, from 1: pass it as expectedVersion.
    async fn data_class_version(&self) -> Result<i32> {
        i32::try_from(self.row.class_version).map_err(|error| gql(ApiError::internal(error)))
    }

    /// When its first version was stored.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.row.created_at).to_datetime()
    }

    /// When its newest version was stored.
    async fn updated_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.row.updated_at).to_datetime()
    }

    /// The newest version.
    async fn newest(&self, ctx: &Context<'_>) -> Result<DocumentVersion> {
        let loader = ctx.data::<DataLoader<VersionByNumber>>()?;
        let key = (self.tenant, (self.row.id.clone(), self.row.newest_number));
        match loader.load_one(key).await.map_err(gql)? {
            Some(row) => Ok(DocumentVersion { tenant: self.tenant, row }),
            None => Err(gql(ApiError::internal(format!("{} has no newest version", self.row.id)))),
        }
    }

    /// One version by its number, from 1.
    async fn version(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of the version, from 1.")] number: i32,
    ) -> Result<Option<DocumentVersion>> {
        let loader = ctx.data::<DataLoader<VersionByNumber>>()?;
        let key = (self.tenant, (self.row.id.clone(), i64::from(number)));
        let row = loader.load_one(key).await.map_err(gql)?;
        Ok(row.map(|row| DocumentVersion { tenant: self.tenant, row }))
    }

    /// All versions, the newest first.
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, DocumentVersion, EmptyFields, EmptyFields>> {
        let page = PageArgs::new(first, after)?;
        let before = page.after.as_deref().map(str::parse).transpose().map_err(|_| {
            gql(ApiError::new(Code::BadRequest, "That cursor is not one of this list."))
        })?;
        let store = &ctx.data::<Arc<Documents>>()?.store;
        let rows = documents::versions_page(store, self.tenant, &self.row.id, before, page.limit())
            .await
            .map_err(gql)?;
        Ok(connection(
            rows,
            &page,
            |row| row.number.to_string(),
            |row| DocumentVersion { tenant: self.tenant, row: Arc::new(row) },
        ))
    }

    /// The controls that the document speaks of, as people have linked them.
    async fn controls(&self, ctx: &Context<'_>) -> Result<Vec<Control>> {
        let loader = ctx.data::<DataLoader<ControlsOfDocument>>()?;
        let key = (self.tenant, self.row.id.clone());
        let links = loader.load_one(key).await.map_err(gql)?.unwrap_or_default();
        Ok(links.into_iter().map(|link| Control::new(self.tenant, link.control)).collect())
    }
}

/// A page of documents, read with [`PageArgs::limit`].
pub(super) fn page(
    tenant: TenantId,
    rows: Vec<document::Model>,
    page: &PageArgs,
) -> DocumentConnection {
    connection(rows, page, |row| row.id.clone(), |row| Document { tenant, row: Arc::new(row) })
}
