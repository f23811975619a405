//! REST endpoints, version 1: what is known of a person, as a file.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};
use studio_kernel::{Actor, Id, kind};
use studio_service::{
    ApiError,
    rest::{Path, problem},
};

use crate::commands::{Core, Failure};

/// The routes.
pub(crate) fn routes(core: Arc<Core>) -> Router {
    Router::new().route("/v1/people/{id}/personal-data", get(personal_data)).with_state(core)
}

async fn personal_data(
    State(core): State<Arc<Core>>,
    actor: Option<Extension<Actor>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let Extension(actor) = actor.ok_or_else(ApiError::unauthenticated)?;
    let user: Id<kind::User> = id.parse()?;
    let data = core.personal_data(&actor, user).await.map_err(|failure| match failure {
        Failure::Api(error) => error,
        Failure::Input(faults) => ApiError::internal(format!("{faults:?}")),
    })?;
    let mut response = Response::new(Body::from_stream(data.lines()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = format!("attachment; filename=\"personal-data-{user}.jsonl\"");
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// What `/v1/openapi.json` says of it (OpenAPI 3.1).
pub fn openapi() -> Value {
    let operation = json!({
        "operationId": "exportPersonalData",
        "summary": "What is known of a person",
        "description": "A line of JSON for each thing: the person, how they sign in, their keys and sessions, and \
            what the audit log holds of what they did and what was done to them. A line has a member kind, \
            which is person, login, passkey, apiKey, session or activity. Everybody may have their own; an owner or an admin, \
            everybody's. A body that breaks off is not whole.",
        "parameters": [{ "name": "id", "in": "path", "required": true, "description": "The person.",
            "schema": { "type": "string", "pattern": "^usr_[0-9a-f]{32}$" } }],
        "responses": {
            "200": { "description": "The lines, as an attachment.", "content": {
                "application/jsonl": { "schema": { "type": "string" } } } },
            "400": problem("The id cannot be right."),
            "401": problem("No valid access token came with the request."),
            "403": problem("You may not have that."),
            "404": problem("Nobody of that id is visible to you."),
        },
    });
    json!({ "paths": { "/v1/people/{id}/personal-data": { "get": operation } } })
}
