//! Serves the feeds of a log.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use studio_events::{EventFeed, FeedError, StoreError};
use studio_kernel::Code;
use tokio_util::sync::CancellationToken;

use super::{Head, LONGEST_WAIT, MOST_EVENTS, PAGE_BYTES, Page, Unreadable};
use crate::error::ApiError;

#[derive(Clone)]
struct Served {
    feed: Arc<dyn EventFeed>,
    audit: Arc<dyn EventFeed>,
    shutdown: CancellationToken,
}

/// The routes, to be served behind a [`Gate`](crate::internal::Gate): what is published, and `audit`,
/// all events. Whoever waits gets an answer when `shutdown` is cancelled.
pub fn routes(
    feed: Arc<dyn EventFeed>,
    audit: Arc<dyn EventFeed>,
    shutdown: CancellationToken,
) -> Router {
    Router::new()
        .route("/internal/feed", get(published))
        .route("/internal/feed/head", get(head))
        .route("/internal/audit", get(audited))
        .with_state(Served { feed, audit, shutdown })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    after: i64,
    limit: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadQuery {
    beyond: Option<i64>,
    wait: Option<u64>,
}

async fn published(
    State(served): State<Served>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    page(served.feed.as_ref(), query).await
}

async fn audited(
    State(served): State<Served>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    page(served.audit.as_ref(), query).await
}

async fn page(
    feed: &dyn EventFeed,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(PageQuery { after, limit }) = query.map_err(malformed)?;
    if after < 0 || limit == 0 {
        let message = "\"after\" is a position from 0, and \"limit\" at least 1.";
        return Err(ApiError::new(Code::BadRequest, message));
    }
    let read = match feed.read(after, limit.min(MOST_EVENTS)).await {
        Ok(read) => read,
        Err(error) => return failed(error),
    };
    let mut page = Page { events: Vec::new(), scanned_to: read.scanned_to };
    let mut bytes = 0;
    let mut events = read.events.iter().peekable();
    while let Some(event) = events.next() {
        let text = serde_json::value::to_raw_value(event).map_err(ApiError::internal)?;
        bytes += text.get().len();
        page.events.push(text);
        if bytes >= PAGE_BYTES && events.peek().is_some() {
            page.scanned_to = event.position;
            break;
        }
    }
    Ok(Json::<Page<Box<RawValue>>>(page).into_response())
}

async fn head(
    State(served): State<Served>,
    query: Result<Query<HeadQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(HeadQuery { beyond, wait }) = query.map_err(malformed)?;
    let wait = Duration::from_millis(wait.unwrap_or(0).min(LONGEST_WAIT));
    let until = tokio::time::Instant::now() + wait;
    let mut wake = served.feed.wake();
    loop {
        wake.borrow_and_update();
        let head = match served.feed.head().await {
            Ok(head) => head,
            Err(error) => return failed(error),
        };
        let answer = Json(Head { head });
        if beyond.is_none_or(|beyond| head > beyond) {
            return Ok(answer.into_response());
        }
        tokio::select! {
            () = served.shutdown.cancelled() => return Ok(answer.into_response()),
            () = tokio::time::sleep_until(until) => return Ok(answer.into_response()),
            changed = wake.changed() => if changed.is_err() {
                return failed(FeedError::Store(StoreError::Closed));
            },
        }
    }
}

fn malformed(rejected: QueryRejection) -> ApiError {
    ApiError::new(Code::BadRequest, rejected.body_text())
}

/// The reader is Studio itself: it is told what does not read, so that its log names it.
fn failed(error: FeedError) -> Result<Response, ApiError> {
    match error {
        FeedError::Event { position, cause } => {
            tracing::error!(position, %cause, "a published event does not read");
            let body = Unreadable { detail: cause.to_string(), position };
            let kind = [(header::CONTENT_TYPE, "application/problem+json")];
            Ok((StatusCode::UNPROCESSABLE_ENTITY, kind, Json(body)).into_response())
        }
        FeedError::Store(StoreError::Closed) => {
            let message = "This process is stopping; ask another replica.";
            Err(ApiError::new(Code::SubgraphUnavailable, message))
        }
        other => Err(other.into()),
    }
}
