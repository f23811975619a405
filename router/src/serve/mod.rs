//! Serves a router to clients: GraphQL over HTTP, server-sent events, multipart subscriptions and
//! WebSockets.

mod accept;
mod envelope;
mod http;
mod identify;
mod origin;
mod parts;
mod status;
mod stream;
pub(crate) mod websocket;

pub use identify::{RequestIds, identify};
use identify::{given, put};
pub(crate) use origin::Origin;
pub use origin::OriginError;

use crate::{
    authenticate::AuthError,
    error::{GraphqlError, code},
    request::{Caller, GraphqlResponse, RequestId},
    router::Router,
};
use ::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::{
    body::Body,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

/// The type of every answer that is a GraphQL response, whatever its status.
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json; charset=utf-8";

/// The router's paths: `/graphql`, `/graphql/ws`, `/health/live`, `/health/ready`, `/schema.graphql`.
/// Put [`identify`] around all that the process answers.
pub fn routes(router: Arc<Router>) -> axum::Router {
    paths().with_state(router)
}

/// The router's paths alone: whatever else is asked for is told where GraphQL is.
pub(crate) fn alone(router: Arc<Router>) -> axum::Router {
    let ids = router.request_ids.clone();
    paths()
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing_here)
        .with_state(router)
        .layer(middleware::from_fn_with_state(ids, identify))
}

fn paths() -> axum::Router<Arc<Router>> {
    axum::Router::new()
        .route("/graphql", get(http::get).post(http::post))
        .route("/graphql/ws", get(websocket::upgrade))
        .route("/schema.graphql", get(schema))
        // Health is no GraphQL: its errors are the embedder's.
        .method_not_allowed_fallback(wrong_method)
        .route("/health/live", get(|| async { "live" }))
        .route("/health/ready", get(ready))
}

/// A path that is served, asked by a method that it does not take. `Allow` is added on the way out.
async fn wrong_method(State(router): State<Arc<Router>>, headers: HeaderMap) -> Response {
    let message = "this path does not take that method; the header Allow names those that it takes";
    let error = GraphqlError::new(code::BAD_USER_INPUT, message);
    failure(StatusCode::METHOD_NOT_ALLOWED, error, &request_id(&router, &headers))
}

async fn nothing_here(State(router): State<Arc<Router>>, headers: HeaderMap) -> Response {
    let message = "there is nothing at this path; ask /graphql";
    let error = GraphqlError::new(code::BAD_USER_INPUT, message);
    failure(StatusCode::NOT_FOUND, error, &request_id(&router, &headers))
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
    given(headers).unwrap_or_else(|| router.new_request_id())
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
    name(&mut caller, id.clone());
    Ok(caller)
}

/// Says which request the caller makes, to subgraphs in this process and over HTTP.
fn name(caller: &mut Caller, id: RequestId) {
    put(&id, &mut caller.forward);
    caller.extensions.insert(id);
}

/// The answer to a request that has no caller.
fn refused(error: GraphqlError, id: &RequestId) -> Response {
    if error.code() != Some(code::UNAUTHENTICATED) {
        return failure(StatusCode::BAD_REQUEST, error, id);
    }
    let mut response = failure(StatusCode::UNAUTHORIZED, error, id);
    // Which RFC 9110, section 15.5.2 asks for; RFC 6750, section 3.1 names the reason.
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn with_id(mut response: Response, id: &RequestId) -> Response {
    put(id, response.headers_mut());
    response
}

/// A refusal before GraphQL begins: the error of a request, as GraphQL writes it.
fn failure(status: StatusCode, error: GraphqlError, id: &RequestId) -> Response {
    let body = GraphqlResponse::request_errors(&[error]).body;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(GRAPHQL_RESPONSE);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    with_id(response, id)
}
