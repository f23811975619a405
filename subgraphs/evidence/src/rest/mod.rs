//! The REST endpoints, version 1: scans and other evidence come in here and go out as they came, and a run can be looked
//! at again.

mod answer;
mod content;
mod hand_in;
mod openapi;

use std::time::Duration;

use axum::{
    Extension, Json, Router,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use studio_kernel::{Actor, Code, Id, kind};
use studio_service::{
    ApiError,
    rest::{Path, data_class},
};

use crate::commands::{Core, Encoding, Ingested, Upload};

pub(crate) use content::content_path;
pub use openapi::openapi;

/// Seconds that the answer waits for the controls, unless the client says otherwise.
const WAIT: u64 = 10;
/// The most that a client may ask for.
const MOST_WAIT: u64 = 60;

/// The routes of the subgraph.
pub(crate) fn routes(core: Core) -> Router {
    Router::new()
        .route("/v1/ingest/prowler", post(prowler))
        .route("/v1/ingest/json/{name}", post(hand_in::hand_in))
        .route("/v1/ingest/runs/{id}", get(run))
        .route("/v1/evidence/{id}/versions/{number}/content", get(content::content))
        .with_state(core)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    project: Option<String>,
    wait: Option<u64>,
    #[serde(rename = "dataClass")]
    data_class: Option<String>,
}

async fn prowler(
    State(core): State<Core>,
    actor: Option<Extension<Actor>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let checked = check(actor, parameters, &headers);
    let (actor, upload, patience) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            Core::turn_away(body).await;
            return Err(error);
        }
    };
    let ingested = core.ingest(&actor, upload, body).await?;
    core.matched(actor.tenant, ingested.run, patience).await?;
    brought(&core, &actor, ingested).await
}

/// The run that somebody has just brought in.
async fn brought(core: &Core, actor: &Actor, ingested: Ingested) -> Result<Response, ApiError> {
    let (_, answer) = answer::run(core, actor.tenant, ingested.run, None)
        .await?
        .ok_or_else(|| ApiError::internal("the run that was just recorded is missing"))?;
    let status = if ingested.created { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = (status, Json(answer)).into_response();
    let location = format!("/v1/ingest/runs/{}", ingested.run);
    let location = HeaderValue::from_str(&location).map_err(ApiError::internal)?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

fn check(
    actor: Option<Extension<Actor>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<(Actor, Upload, Duration), ApiError> {
    let actor = signed_in(actor)?;
    let bad = |message: String| ApiError::new(Code::BadRequest, message);
    let Query(parameters) = parameters.map_err(|rejected| bad(rejected.body_text()))?;
    let project = parameters.project.ok_or_else(|| {
        bad("Say which project the scan belongs to: add project=prj_… to the address.".to_owned())
    })?;
    let wait = parameters.wait.unwrap_or(WAIT);
    if wait > MOST_WAIT {
        return Err(bad(format!("wait is {wait}: ask for 0 to {MOST_WAIT} seconds.")));
    }
    let upload = Upload {
        project: project.parse()?,
        data_class: parameters.data_class.as_deref().map(data_class).transpose()?,
        length: length(headers),
        encoding: encoding(headers)?,
    };
    Ok((actor, upload, Duration::from_secs(wait)))
}

/// How long the body is, where the client says so.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok())
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Unsaid) };
    match value.as_bytes().to_ascii_lowercase().as_slice() {
        b"" | b"identity" => Ok(Encoding::Unsaid),
        b"gzip" | b"x-gzip" => Ok(Encoding::Gzip),
        _ => Err(ApiError::new(
            Code::BadRequest,
            "That Content-Encoding is not one of ours: send gzip, or the JSON as it is.",
        )),
    }
}

async fn run(
    State(core): State<Core>,
    actor: Option<Extension<Actor>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let actor = signed_in(actor)?;
    let extent = core.extent(&actor, "evidence:run:read", "IngestRun")?;
    let clearance = core.clearance(&actor, "evidence:run:read", "IngestRun")?;
    let id: Id<kind::IngestRun> = id.parse()?;
    match answer::run(&core, extent.tenant(), id, Some(&clearance)).await? {
        Some((project, answer)) if extent.holds(&project) => Ok(Json(answer).into_response()),
        _ => Err(ApiError::not_found("ingest run", id)),
    }
}

/// The actor that the server authenticated.
fn signed_in(actor: Option<Extension<Actor>>) -> Result<Actor, ApiError> {
    actor.map(|Extension(actor)| actor).ok_or_else(ApiError::unauthenticated)
}
