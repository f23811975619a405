//! `POST /v1/documents`: the body is the document, as it is.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use studio_kernel::{Actor, Code};
use studio_service::{ApiError, rest::data_class};

use super::{answer, signed_in};
use crate::commands::{Documents, Upload};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    project: Option<String>,
    document: Option<String>,
    name: Option<String>,
    #[serde(rename = "dataClass")]
    data_class: Option<String>,
}

pub(super) async fn upload(
    State(documents): State<Arc<Documents>>,
    actor: Option<Extension<Actor>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let actor = signed_in(actor)?;
    let Query(parameters) =
        parameters.map_err(|rejected| ApiError::new(Code::BadRequest, rejected.body_text()))?;
    let project = parameters.project.ok_or_else(|| {
        let hint = "Say which project the document belongs to: add project=prj_… to the address.";
        ApiError::new(Code::BadRequest, hint)
    })?;
    let upload = Upload {
        project: project.parse()?,
        document: parameters.document.map(|id| id.parse()).transpose()?,
        name: parameters.name,
        data_class: parameters.data_class.as_deref().map(data_class).transpose()?,
        content_type: text(&headers, header::CONTENT_TYPE)?,
        content_length: text(&headers, header::CONTENT_LENGTH)?.and_then(|n| n.parse().ok()),
    };
    let uploaded = documents.upload(&actor, upload, body.into_data_stream()).await?;
    let path = format!("/v1/documents/{}", uploaded.document.id);
    let note = if uploaded.changed {
        "A new version was stored."
    } else {
        "These are the bytes of the newest version already: no new version was made."
    };
    let body = json!({
        "document": {
            "id": uploaded.document.id,
            "project": uploaded.document.project,
            "name": uploaded.document.name,
            "dataClass": uploaded.document.data_class.to_ascii_uppercase(),
            "links": { "self": path },
        },
        "version": answer::version(&uploaded.version),
        "changed": uploaded.changed,
        "message": note,
    });
    let status = if uploaded.changed { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = (status, Json(body)).into_response();
    let location = HeaderValue::from_str(&path).map_err(ApiError::internal)?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Result<Option<String>, ApiError> {
    let value = headers.get(&name).map(|value| value.to_str().map(str::to_owned));
    value.transpose().map_err(|_| {
        ApiError::new(Code::BadRequest, format!("The header {name} holds more than ASCII."))
    })
}
