//! REST: errors as problem details (RFC 9457) with the same stable codes as GraphQL, kept bytes as
//! answers, and the description of all endpoints (OpenAPI 3.1).

mod content;
mod data_class;
mod described;

use axum::{
    extract::{self, FromRequestParts},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use studio_kernel::Code;

pub use content::{Kept, attachment, unchanged, version_number};
pub use data_class::{data_class, data_class_schema};
pub use described::{Download, download, problem};

use crate::error::ApiError;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "code": self.code().as_str(),
            "detail": self.message(),
        });
        let mut response = (status, body.to_string()).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

/// The parts of the path, as `axum::extract::Path` gives them. What does not read is refused as all
/// else is.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match extract::Path::from_request_parts(parts, state).await {
            Ok(extract::Path(read)) => Ok(Self(read)),
            Err(refused) => Err(ApiError::new(Code::BadRequest, refused.body_text())),
        }
    }
}

/// The description of every REST endpoint, from what each subgraph says of its own: objects with
/// `paths` and `components` of OpenAPI 3.1.
pub fn openapi(parts: impl IntoIterator<Item = Value>) -> Value {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Studio REST API",
            "version": "1",
            "description": "Uploads and downloads; everything else is GraphQL at /graphql. The \
                version stands in the path. A version is retired no sooner than twelve months \
                after its successor is there; until then it answers with the headers Deprecation \
                (RFC 9745) and Sunset (RFC 8594). Every answer carries X-Request-Id: the one that \
                was sent, or a new one.",
        },
        "paths": {},
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
            "schemas": {
                "Problem": {
                    "type": "object",
                    "description": "What went wrong (RFC 9457).",
                    "required": ["type", "title", "status", "code", "detail"],
                    "properties": {
                        "type": { "type": "string" },
                        "title": { "type": "string" },
                        "status": { "type": "integer" },
                        "code": { "type": "string", "description": "Stable; branch on it." },
                        "detail": { "type": "string", "description": "What to do about it." },
                    },
                },
            },
        },
        "security": [{ "bearer": [] }],
    });
    for part in parts {
        merge(&mut document, part);
    }
    document
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
