//! [`DocumentText`] between processes: `GET /internal/documents/{tenant}/{version}/text`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use studio_kernel::{Code, Id, TenantId, kind};

use super::InternalClient;
use crate::{error::ApiError, subgraph::DocumentText};

/// More text than any document gives.
const LONGEST: usize = 64 << 20;
/// Text is taken out of the file when it is asked for.
const PATIENCE: Duration = Duration::from_secs(50);

/// The route, to be served behind a [`super::Gate`]. 204 where there is no text.
pub fn text_routes(text: Arc<dyn DocumentText>) -> Router {
    Router::new().route("/internal/documents/{tenant}/{version}/text", get(answer)).with_state(text)
}

async fn answer(
    State(text): State<Arc<dyn DocumentText>>,
    Path((tenant, version)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let tenant: TenantId = tenant.parse()?;
    let version: Id<kind::DocumentVersion> = version.parse()?;
    Ok(match text.text(tenant, version).await? {
        Some(text) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// The text of documents that another process holds.
#[derive(Debug, Clone)]
pub struct HttpDocumentText(InternalClient);

impl HttpDocumentText {
    /// Asks these replicas of the documents subgraph.
    pub fn new(client: InternalClient) -> Self {
        Self(client)
    }
}

#[async_trait]
impl DocumentText for HttpDocumentText {
    async fn text(
        &self,
        tenant: TenantId,
        version: Id<kind::DocumentVersion>,
    ) -> Result<Option<String>, ApiError> {
        let path = format!("/internal/documents/{tenant}/{version}/text");
        let body = self.0.get(&path, &[], LONGEST, PATIENCE).await.map_err(|error| {
            tracing::warn!(%error, "the text of a document cannot be read");
            let hint = "The documents cannot be read just now. Try again in a moment.";
            ApiError::new(Code::SubgraphUnavailable, hint)
        })?;
        if body.status == StatusCode::NO_CONTENT.as_u16() {
            return Ok(None);
        }
        String::from_utf8(body.bytes).map(Some).map_err(ApiError::internal)
    }
}
