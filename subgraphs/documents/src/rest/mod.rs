//! The REST endpoints, version 1. Bytes come and go here; everything else is GraphQL too.

mod answer;
mod content;
mod openapi;
mod upload;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use studio_kernel::{Actor, Id, kind};
use studio_service::{ApiError, rest::Path};

use crate::{commands::Documents, projections::documents};

pub(crate) use answer::content_path;
pub use openapi::openapi;

/// The routes of the subgraph.
pub(crate) fn routes(documents: Arc<Documents>) -> Router {
    Router::new()
        .route("/v1/documents", post(upload::upload))
        .route("/v1/documents/{id}", get(document))
        .route("/v1/documents/{id}/versions/{number}/content", get(content::content))
        .with_state(documents)
}

/// The actor that the server authenticated.
fn signed_in(actor: Option<Extension<Actor>>) -> Result<Actor, ApiError> {
    actor.map(|Extension(actor)| actor).ok_or_else(ApiError::unauthenticated)
}

/// How many versions an answer lists; GraphQL pages through all.
const LISTED: u64 = 100;

async fn document(
    State(documents): State<Arc<Documents>>,
    actor: Option<Extension<Actor>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let actor = signed_in(actor)?;
    let clearance = documents.may_read(&actor)?;
    let tenant = clearance.tenant();
    let id: Id<kind::Document> = id.parse()?;
    let row = documents.readable(&clearance, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("document", id))?;
    let versions =
        documents::versions_page(&documents.store, tenant, &row.id, None, LISTED).await?;
    Ok(axum::Json(answer::document(&row, &versions)).into_response())
}
