//! REST: framework documents as they are published, without wrapping them into a GraphQL string.

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use studio_kernel::{Actor, Code};
use studio_service::{ApiError, rest::problem};

use crate::{
    app::App,
    commands::{self, CommandError},
    projections::read::Read,
};

/// The routes of this subgraph.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route("/v1/frameworks", post(import))
        // One byte more than is read, so that a longer document is refused by name.
        .layer(DefaultBodyLimit::max(app.catalog_limit.saturating_add(1)))
        .with_state(app.clone())
}

async fn import(
    State(app): State<Arc<App>>,
    actor: Option<Extension<Actor>>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, ApiError> {
    let Extension(actor) = actor.ok_or_else(ApiError::unauthenticated)?;
    let body = body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large(app.catalog_limit)
        } else {
            ApiError::new(Code::BadRequest, "The body broke off: send the whole document.")
        }
    })?;
    if body.len() > app.catalog_limit {
        return Err(too_large(app.catalog_limit));
    }
    let document = String::from_utf8(Vec::from(body)).map_err(|_| {
        ApiError::new(Code::BadRequest, "The document is not UTF-8: send it as it was published.")
    })?;
    let imported = commands::import_framework(&app, &actor, document).await.map_err(api)?;
    let rows = Read::new(&app.store, actor.tenant)
        .frameworks_by_id(&[imported.framework.to_string()])
        .await?;
    let Some(framework) = rows.into_iter().next() else {
        return Err(ApiError::internal("the imported framework is missing"));
    };
    let status = if imported.now { StatusCode::CREATED } else { StatusCode::OK };
    let answer = json!({
        "id": framework.id,
        "name": framework.name,
        "version": framework.version,
        "family": framework.family,
        "sha256": framework.sha256,
        "requirementCount": framework.requirement_count,
    });
    Ok((status, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(
        Code::TooLarge,
        format!(
            "The document has more than {limit} bytes: raise limits.catalog, or import a baseline \
             instead of the whole catalog."
        ),
    )
}

fn api(error: CommandError) -> ApiError {
    match error {
        CommandError::User(error) => ApiError::new(Code::BadRequest, error.message),
        CommandError::Users(errors) => {
            let messages: Vec<_> = errors.into_iter().map(|error| error.message).collect();
            ApiError::new(Code::BadRequest, messages.join(" "))
        }
        CommandError::Api(error) => error,
    }
}

/// What these routes add to the OpenAPI document.
pub fn openapi() -> Value {
    let framework = |description: &str| {
        json!({
            "description": description,
            "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/ImportedFramework" }
            } }
        })
    };
    json!({
        "paths": {
            "/v1/frameworks": { "post": {
                "operationId": "importFramework",
                "summary": "Import a framework",
                "description": "Imports an OSCAL 1.x catalog or resolved baseline, or a \
                    studio-catalog/1, sent as it was published. The same bytes again give the \
                    framework that is there already.",
                "tags": ["controls"],
                "security": [{ "bearer": [] }],
                "requestBody": {
                    "required": true,
                    "content": { "application/json": { "schema": { "type": "object" } } }
                },
                "responses": {
                    "201": framework("It was imported."),
                    "200": framework("The same document had been imported before."),
                    "400": problem("The document does not read; detail names the place."),
                    "401": problem("No valid credentials."),
                    "403": problem("The actor may not import frameworks."),
                    "413": problem("The document is over limits.catalog.")
                }
            } }
        },
        "components": { "schemas": {
            "ImportedFramework": {
                "type": "object",
                "required": ["id", "name", "version", "family", "sha256", "requirementCount"],
                "properties": {
                    "id": { "type": "string", "pattern": "^frw_[0-9a-f]{32}$" },
                    "name": { "type": "string" },
                    "version": { "type": "string" },
                    "family": { "type": "string" },
                    "sha256": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                    "requirementCount": { "type": "integer", "minimum": 1 }
                }
            }
        } }
    })
}
