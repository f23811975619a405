//! Gives every request an id: the client's own if it is fit for logs, else a new one. It comes back
//! in the answer, and stands in every line that is logged on the way to it.

use crate::request::RequestId;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use tracing::Instrument;

/// `X-Request-Id`.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 128;

/// Makes ids for requests that bring none.
pub type RequestIds = Arc<dyn Fn() -> String + Send + Sync>;

/// The middleware, to be the outermost of all that a process answers:
/// `axum::middleware::from_fn_with_state(ids, identify)`. The request goes on with its
/// [`RequestId`], and with a header that says the same.
pub async fn identify(State(ids): State<RequestIds>, mut request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(|| RequestId(ids().into()));
    put(&id, request.headers_mut());
    // As an error, so that the id is there whatever the filter of the log lets through.
    let span = tracing::error_span!(
        "request",
        request_id = %id.0,
        method = %request.method(),
        path = request.uri().path(),
    );
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).instrument(span).await;
    put(&id, response.headers_mut());
    response
}

/// Says in these headers which request they belong to.
pub(super) fn put(id: &RequestId, headers: &mut HeaderMap) {
    match HeaderValue::from_str(&id.0) {
        Ok(value) => headers.insert(REQUEST_ID, value),
        // An id that is no header was made by the embedder: then the log alone has it, and an older
        // one must not stand for it.
        Err(_) => headers.remove(REQUEST_ID),
    };
}

/// The client's id for the request, if it is fit for logs.
pub(super) fn given(headers: &HeaderMap) -> Option<RequestId> {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok())?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    let fit = !given.is_empty() && given.len() <= LONGEST && given.bytes().all(plain);
    fit.then(|| RequestId(given.into()))
}
