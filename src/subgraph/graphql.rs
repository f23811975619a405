//! A subgraph's schema over HTTP, for the router alone: `POST /graphql` with a JSON body, answered
//! with JSON, or with server-sent events (graphql-sse, distinct connections mode) where the router
//! accepts those.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::post,
};
use futures::{Stream, StreamExt, future::Either, stream};
use studio_kernel::Actor;
use studio_service::{GraphQlService, RequestId, reading::Seen};
use tokio_util::sync::CancellationToken;

/// Bytes of one request. Representations of entities make some of the router's large.
const MOST_BODY: usize = 64 * 1024 * 1024;

#[derive(Clone)]
struct Served {
    schema: Arc<dyn GraphQlService>,
    shutdown: CancellationToken,
}

/// The route. Subscriptions end, in order, when `shutdown` is cancelled.
pub(super) fn routes(schema: Arc<dyn GraphQlService>, shutdown: CancellationToken) -> Router {
    Router::new()
        .route("/graphql", post(answer))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .with_state(Served { schema, shutdown })
}

async fn answer(
    State(served): State<Served>,
    actor: Option<Extension<Actor>>,
    request_id: Option<Extension<RequestId>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut request: async_graphql::Request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            let message = format!("the body is no GraphQL request: {error}");
            return (StatusCode::BAD_REQUEST, message).into_response();
        }
    };
    if let Some(Extension(actor)) = actor {
        request = request.data(actor);
    }
    if let Some(Extension(id)) = request_id {
        request = request.data(id);
    }
    let seen = match Seen::of(&headers) {
        Ok(seen) => seen,
        Err(error) => return error.into_response(),
    };
    request = request.data(seen.clone());
    let wants_events = headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"));
    if wants_events {
        let answers = served.schema.execute_stream(request);
        let until = served.shutdown.cancelled_owned();
        let sse = Sse::new(events(answers.take_until(until))).keep_alive(KeepAlive::default());
        return sse.into_response();
    }
    let mut response = json(&served.schema.execute(request).await);
    seen.tell(response.headers_mut());
    response
}

fn json(response: &async_graphql::Response) -> Response {
    match serde_json::to_vec(response) {
        Ok(body) => {
            let kind = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, kind)], body).into_response()
        }
        Err(error) => studio_service::ApiError::internal(error).into_response(),
    }
}

/// `next` for each answer and `complete` at the end.
fn events(
    answers: impl Stream<Item = async_graphql::Response> + Send + 'static,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let next = answers.flat_map(|answer| match serde_json::to_string(&answer) {
        Ok(text) => Either::Left(stream::once(std::future::ready(
            Event::default().event("next").data(text),
        ))),
        Err(error) => {
            tracing::error!(%error, "an answer of a subscription cannot be written");
            Either::Right(stream::empty())
        }
    });
    let complete = stream::once(std::future::ready(Event::default().event("complete").data("")));
    next.chain(complete).map(Ok)
}
