//! `DocumentVersion`.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, dataloader::DataLoader};
use chrono::{DateTime, Utc};
use studio_entities::documents::version;
use studio_kernel::{TenantId, Timestamp};
use studio_service::{ApiError, graphql::gql};

use super::{document::Document, loaders::DocumentById, stubs::User};
use crate::{rest, text};

/// A version that was read for the actor of the request.
pub(super) struct DocumentVersion {
    pub(super) tenant: TenantId,
    pub(super) row: Arc<version::Model>,
}

/// One version of a document. It never changes.
#[Object]
impl DocumentVersion {
    /// The id, `dvr_…`.
    async fn id(&self) -> ID {
        ID(self.row.id.clone())
    }

    /// The document.
    async fn document(&self, ctx: &Context<'_>) -> Result<Document> {
        let loader = ctx.data::<DataLoader<DocumentById>>()?;
        let key = (self.tenant, self.row.document.clone());
        match loader.load_one(key).await.map_err(gql)? {
            Some(row) => Ok(Document { tenant: self.tenant, row }),
            None => Err(gql(ApiError::internal(format!("{} has no document", self.row.id)))),
        }
    }

    /// The number of the version, from 1.
    async fn number(&self) -> Result<i32> {
        i32::try_from(self.row.number).map_err(|error| gql(ApiError::internal(error)))
    }

    /// The media type, for example `text/markdown`.
    async fn media_type(&self) -> &str {
        &self.row.media_type
    }

    /// SHA-256 of the bytes, 64 lower-case hexadecimal digits.
    async fn sha256(&self) -> &str {
        &self.row.sha256
    }

    /// Bytes: a whole number, as a Float because it can pass 2^31.
    async fn size(&self) -> f64 {
        self.row.size as f64
    }

    /// When it was stored.
    async fn stored_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.row.stored_at).to_datetime()
    }

    /// Who uploaded it; null where Studio itself stored it.
    async fn uploaded_by(&self) -> Option<User> {
        self.row.uploaded_by.clone().map(|id| User { id: ID(id) })
    }

    /// Where the bytes are downloaded, as a path on this server; it wants the same access token.
    async fn content_url(&self) -> String {
        rest::content_path(&self.row.document, self.row.number)
    }

    /// Whether text can be read from it, so that search finds it: plain text, Markdown, CSV, JSON,
    /// HTML and Word documents of up to 32 MiB.
    async fn searchable(&self) -> bool {
        text::can_be_read(&self.row.media_type, self.row.size.unsigned_abs())
    }
}
