//! `GET /v1/documents/{id}/versions/{number}/content`: the bytes, exactly as they came.

use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use studio_kernel::{Actor, Id, kind, published::audit::AuditTarget};
use studio_service::{
    ApiError,
    rest::{Kept, Path, attachment, unchanged, version_number},
};
use studio_stores::blobs::ContentHash;

use super::signed_in;
use crate::{commands::Documents, projections::documents};

pub(super) async fn content(
    State(documents): State<Arc<Documents>>,
    actor: Option<Extension<Actor>>,
    Path((id, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let actor = signed_in(actor)?;
    let clearance = documents.may_read(&actor)?;
    let tenant = clearance.tenant();
    let id: Id<kind::Document> = id.parse()?;
    let number = version_number(&number)?;
    let document = documents.readable(&clearance, id).await?;
    let document = document.ok_or_else(|| ApiError::not_found("document", id))?;
    let version = documents::version_by_number(&documents.store, tenant, id, number).await?;
    let version = version.ok_or_else(|| ApiError::not_found("version", number))?;

    if let Some(unchanged) = unchanged(&headers, &version.sha256)? {
        return Ok(unchanged);
    }
    let name: ContentHash = version.sha256.parse().map_err(ApiError::internal)?;
    let reader = documents.blobs.open(tenant, name).await?;
    let kept = Kept {
        sha256: &version.sha256,
        size: version.size,
        media_type: &version.media_type,
        name: &document.name,
    };
    let target = AuditTarget { kind: "documents.document".to_owned(), id: id.to_string() };
    documents.notices.exported(&actor, target, (number, version.sha256.as_str()))?;
    attachment(&kept, reader)
}
