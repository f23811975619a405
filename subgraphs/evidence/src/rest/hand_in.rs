//! `POST /v1/ingest/json/{name}`: JSON that is handed in under a name, for rules to look at.

use axum::{
    Extension,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, header},
    response::Response,
};
use serde::Deserialize;
use studio_kernel::{Actor, Code, Timestamp};
use studio_service::{
    ApiError,
    rest::{Path, data_class},
};

use super::{brought, length, signed_in};
use crate::commands::{Core, HandIn};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    project: Option<String>,
    #[serde(rename = "collectedAt")]
    collected_at: Option<String>,
    #[serde(rename = "dataClass")]
    data_class: Option<String>,
}

pub(super) async fn hand_in(
    State(core): State<Core>,
    actor: Option<Extension<Actor>>,
    Path(name): Path<String>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (actor, hand_in) = match check(actor, name, parameters, &headers) {
        Ok(checked) => checked,
        Err(error) => {
            Core::turn_away(body).await;
            return Err(error);
        }
    };
    let ingested = core.hand_in(&actor, hand_in, body).await?;
    brought(&core, &actor, ingested).await
}

fn check(
    actor: Option<Extension<Actor>>,
    name: String,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<(Actor, HandIn), ApiError> {
    let actor = signed_in(actor)?;
    let bad = |message: String| ApiError::new(Code::BadRequest, message);
    let Query(parameters) = parameters.map_err(|rejected| bad(rejected.body_text()))?;
    let project = parameters.project.ok_or_else(|| {
        bad("Say which project the evidence is of: add project=prj_… to the address.".to_owned())
    })?;
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        return Err(bad("Send the JSON as it is, without a Content-Encoding.".to_owned()));
    }
    let instant = |given: &str| -> Result<Timestamp, ApiError> {
        given.parse().map_err(|error| bad(format!("collectedAt: {error}.")))
    };
    let hand_in = HandIn {
        project: project.parse()?,
        name,
        collected_at: parameters.collected_at.as_deref().map(instant).transpose()?,
        data_class: parameters.data_class.as_deref().map(data_class).transpose()?,
        length: length(headers),
    };
    Ok((actor, hand_in))
}
