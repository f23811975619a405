//! The documents' text as the ai subgraph asks for it.

use std::sync::Arc;

use async_trait::async_trait;
use studio_events::EventStore;
use studio_kernel::{Id, TenantId, kind};
use studio_service::{ApiError, DocumentText};
use studio_stores::blobs::{BlobError, Blobs, ContentHash};
use tokio::io::AsyncReadExt;

use super::{MOST_SOURCE, can_be_read, extract, matches};
use crate::projections::documents;

/// Reads the text of stored versions. What is read is checked against the version's hash.
pub(crate) struct StoredText {
    pub(crate) store: EventStore,
    pub(crate) blobs: Arc<dyn Blobs>,
}

#[async_trait]
impl DocumentText for StoredText {
    async fn text(
        &self,
        tenant: TenantId,
        version: Id<kind::DocumentVersion>,
    ) -> Result<Option<String>, ApiError> {
        let Some(row) = documents::version(&self.store, tenant, version).await? else {
            return Ok(None);
        };
        if !can_be_read(&row.media_type, row.size.unsigned_abs()) {
            return Ok(None);
        }
        let name: ContentHash = row.sha256.parse().map_err(ApiError::internal)?;
        let reader = self.blobs.open(tenant, name).await?;
        let mut bytes = Vec::new();
        reader
            .take(MOST_SOURCE + 1)
            .read_to_end(&mut bytes)
            .await
            .map_err(BlobError::of_reading)?;
        let extracted = tokio::task::spawn_blocking(move || {
            matches(&bytes, &row.sha256).then(|| extract(&row.media_type, &bytes))
        });
        match extracted.await {
            Ok(Some(Ok(text))) => Ok(Some(text)),
            Ok(Some(Err(reason))) => {
                tracing::info!(%tenant, %version, %reason, "a document gives no text");
                Ok(None)
            }
            Ok(None) => Err(ApiError::internal(BlobError::Damaged {
                name,
                what: "its bytes no longer have that hash",
            })),
            Err(panicked) => {
                tracing::error!(%tenant, %version, %panicked, "reading a document's text failed");
                Ok(None)
            }
        }
    }
}
