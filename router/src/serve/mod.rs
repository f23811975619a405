//! Serves a router to clients: GraphQL over HTTP, server-sent events, multipart subscriptions and
//! WebSockets.

mod accept;
mod http;
mod origin;
mod stream;
pub(crate) mod websocket;

pub(crate) use origin::Origin;
pub use origin::OriginError;

use crate::{
    authenticate::AuthError,
    error::{GraphqlError, code},
    request::{Caller, GraphqlResponse, RequestId},
    router::Router,
};
use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The router's paths: `/graphql`, `/graphql/ws`, `/health/live`, `/health/ready`, `/schema.graphql`.
pub fn routes(router: Arc<Router>) -> axum::Router {
    axum::Router::new()
        .route("/graphql", get(http::get).post(http::post))
        .route("/graphql/ws", get(websocket::upgrade))
        .route("/health/live", get(|| async { "live" }))
        .route("/health/ready", get(ready))
        .route("/schema.graphql", get(schema))
        .with_state(router)
}

async fn ready(State(router): State<Arc<Router>>) -> Response {
    match router.ready() {
        Ok(()) => "ready".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
    }
}

/// The public schema, to whom introspection is allowed.
async fn schema(State(router): State<Arc<Router>>, headers: HeaderMap) -> Response {
    let id = request_id(&router, &headers);
    let caller = match authenticate(&router, &headers, None, &id).await {
        Ok(caller) => caller,
        Err(error) => return refused(error, &id),
    };
    if !caller.may_introspect {
        let message = "the schema is shown to signed-in users only; sign in and ask again";
        return failure(StatusCode::FORBIDDEN, GraphqlError::new(code::FORBIDDEN, message), &id);
    }
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    let mut response = Response::new(Body::from(router.schema_sdl()));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    with_id(response, &id)
}

/// The client's id for the request if it is fit for logs, else a new one.
fn request_id(router: &Router, headers: &HeaderMap) -> RequestId {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let fit = |id: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        !id.is_empty() && id.len() <= 128 && id.bytes().all(plain)
    };
    match given.filter(fit) {
        Some(id) => RequestId(id.into()),
        None => router.new_request_id(),
    }
}

/// Finds out who asks and gives the request its id.
async fn authenticate(
    router: &Router,
    headers: &HeaderMap,
    connection_params: Option<&serde_json::Value>,
    id: &RequestId,
) -> Result<Caller, GraphqlError> {
    let mut caller =
        router.authenticate.authenticate(headers, connection_params).await.map_err(|error| {
            match error {
                AuthError::Token(message) => GraphqlError::new(code::UNAUTHENTICATED, message),
                AuthError::Headers { code, message } => GraphqlError::new(code, message),
            }
        })?;
    caller.extensions.insert(id.clone());
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        caller.forward.insert(REQUEST_ID, value);
    }
    Ok(caller)
}

/// The answer to a request that has no caller.
fn refused(error: GraphqlError, id: &RequestId) -> Response {
    let status = match error.code() {
        Some(code::UNAUTHENTICATED) => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    };
    failure(status, error, id)
}

fn with_id(mut response: Response, id: &RequestId) -> Response {
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A refusal before GraphQL begins.
fn failure(status: StatusCode, error: GraphqlError, id: &RequestId) -> Response {
    let body = GraphqlResponse::request_errors(&[error]).body;
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    with_id(response, id)
}
