//! Reads a GraphQL request out of an HTTP request (GraphQL over HTTP, September 2026, sections "GET"
//! and "POST"), and refuses what a browser could be tricked into sending.

use crate::{
    error::{GraphqlError, code},
    limits::Limits,
    request::GraphqlRequest,
};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

/// Why an HTTP request holds no GraphQL request, and the status that tells it.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) StatusCode, pub(super) GraphqlError);

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Refusal {
        Refusal(status, GraphqlError::new(code::BAD_USER_INPUT, message))
    }

    /// A request that can be read and is not well-formed.
    fn malformed(error: GraphqlError) -> Refusal {
        Refusal(StatusCode::UNPROCESSABLE_ENTITY, error)
    }
}

/// The request of a GET: everything stands in the address.
pub(super) fn from_address(uri: &Uri) -> Result<GraphqlRequest, Refusal> {
    GraphqlRequest::from_value(parameters(uri)?.into()).map_err(Refusal::malformed)
}

/// The request of a POST: JSON, or a document with its parameters in the address.
pub(super) async fn from_body(
    parts: &Parts,
    body: Body,
    limits: &Limits,
) -> Result<GraphqlRequest, Refusal> {
    let content = content_type(&parts.headers)?;
    let body = receive(body, limits).await?;
    let fields = match content {
        Content::Json => GraphqlRequest::parse_json(&body)
            .map_err(|error| Refusal(StatusCode::BAD_REQUEST, error))?,
        Content::Document => {
            let text = std::str::from_utf8(&body).map_err(|_| {
                Refusal::new(StatusCode::BAD_REQUEST, "the document is not in UTF-8")
            })?;
            let mut fields = parameters(&parts.uri)?;
            fields.insert("query".to_owned(), text.into());
            fields.into()
        }
    };
    GraphqlRequest::from_value(fields).map_err(Refusal::malformed)
}

/// What a body is.
enum Content {
    Json,
    Document,
}

/// Form types and plain text are what a page of another origin can post without asking; they are
/// refused, so that no other page can act with a signed-in user's credentials.
fn content_type(headers: &HeaderMap) -> Result<Content, Refusal> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    let utf8 = charset.is_none_or(|charset| charset.trim_matches('"') == "utf-8");
    match kind {
        "application/json" | "application/graphql+json" if utf8 => Ok(Content::Json),
        "application/graphql" if utf8 => Ok(Content::Document),
        _ => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send Content-Type: application/json (or application/graphql) in UTF-8",
        )),
    }
}

/// The whole body, where it is not too large and not too slow.
async fn receive(body: Body, limits: &Limits) -> Result<Bytes, Refusal> {
    let (most, within) = (limits.body_bytes, limits.receiving);
    let received = Limited::new(body, most).collect();
    match tokio::time::timeout(within, received).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("the body is larger than {most} bytes; send less");
            let error = GraphqlError::new(code::TOO_LARGE, message);
            Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, error))
        }
        Ok(Err(_)) => {
            Err(Refusal::new(StatusCode::BAD_REQUEST, "the body could not be read to its end"))
        }
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not arrive within {within:?}; send it again, and all of it"),
        )),
    }
}

/// The parameters of an address that mean something, decoded. The empty text stands for a parameter
/// that is not given, except for the document.
fn parameters(uri: &Uri) -> Result<Map<String, Value>, Refusal> {
    let malformed =
        |message: String| Refusal::malformed(GraphqlError::new(code::BAD_USER_INPUT, message));
    let given = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| malformed("the parameters of the address cannot be read".to_owned()))?;
    let mut fields = Map::new();
    for (name, text) in given.0 {
        let value = match name.as_str() {
            "query" => text.into(),
            "operationName" | "variables" | "extensions" if text.is_empty() => continue,
            "operationName" => text.into(),
            "variables" | "extensions" => serde_json::from_str(&text)
                .map_err(|error| malformed(format!("\"{name}\" is not JSON ({error})")))?,
            _ => continue,
        };
        if fields.contains_key(&name) {
            return Err(malformed(format!("\"{name}\" stands in the address twice; give it once")));
        }
        fields.insert(name, value);
    }
    Ok(fields)
}
