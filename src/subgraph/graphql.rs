//! A subgraph's schema over HTTP, for the router alone: `POST /graphql` with a JSON body, answered
//! with JSON, or with server-sent events (graphql-sse, distinct connections mode) where the router
//! accepts those. When the process is to end, streams of events end without `complete`: the router
//! takes that as broken off.

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
use studio_service::{GraphQlService, RequestId, client_address::ClientAddress, reading::Seen};
use tokio_util::sync::CancellationToken;

/// Bytes of one request. Representations of entities make some of the router's large.
const MOST_BODY: usize = 64 * 1024 * 1024;

#[derive(Clone)]
struct Served {
    schema: Arc<dyn GraphQlService>,
    shutdown: CancellationToken,
}

/// The route. Subscriptions end when `shutdown` is cancelled.
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
    if let Some(address) = ClientAddress::of(&headers) {
        request = request.data(address);
    }
    let wants_events = headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"));
    if wants_events {
        let answers = served.schema.execute_stream(request);
        let events = events(answers, served.shutdown);
        return Sse::new(events).keep_alive(KeepAlive::default()).into_response();
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

/// `next` for each answer, and `complete` at the end where it is not `shutdown` that ends it.
fn events(
    answers: impl Stream<Item = async_graphql::Response> + Send + 'static,
    shutdown: CancellationToken,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let answers = answers.take_until(shutdown.clone().cancelled_owned());
    let next = answers.flat_map(|answer| match serde_json::to_string(&answer) {
        Ok(text) => Either::Left(stream::once(std::future::ready(
            Event::default().event("next").data(text),
        ))),
        Err(error) => {
            tracing::error!(%error, "an answer of a subscription cannot be written");
            Either::Right(stream::empty())
        }
    });
    let complete = async move {
        let whole = !shutdown.is_cancelled();
        whole.then(|| Event::default().event("complete").data(""))
    };
    next.chain(stream::once(complete).filter_map(std::future::ready)).map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_answer() -> impl Stream<Item = async_graphql::Response> + Send + 'static {
        stream::iter([async_graphql::Response::new(async_graphql::Value::Null)])
    }

    async fn body(
        events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
    ) -> String {
        let body = Sse::new(events).into_response().into_body();
        let bytes = axum::body::to_bytes(body, 1000).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_stream_is_complete_where_it_ended_by_itself_and_nowhere_else() {
        let next = "event: next\ndata: {\"data\":null}\n\n";
        let whole = body(events(one_answer(), CancellationToken::new())).await;
        assert_eq!(whole, format!("{next}event: complete\n\n"));

        let shutdown = CancellationToken::new();
        let stops = shutdown.clone();
        // The process is asked to stop while the subscription waits for its second event.
        let second = stream::once(async move {
            stops.cancel();
            std::future::pending().await
        });
        let cut = body(events(one_answer().chain(second), shutdown)).await;
        assert_eq!(cut, next);
    }
}
