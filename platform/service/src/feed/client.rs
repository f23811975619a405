//! Reads the feed of a log that another process serves.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use studio_events::{EventFeed, FeedError, FeedPage};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Head, LONGEST_PAGE, Page, Unreadable};
use crate::internal::{CallError, InternalClient};

/// How long the source may hold a question for its newest position back.
const WAIT: Duration = Duration::from_secs(10);
/// The pause after a question that failed; it doubles up to
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// this one.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A position has at most 20 characters, and JSON round it.
const LONGEST_HEAD: usize = 1_024;

/// The feed of a log in another process. A task of its own keeps asking for the newest position,
/// so that [`EventFeed::wake`] needs no message bus; it ends when the feed is dropped.
#[derive(Debug)]
pub struct HttpFeed {
    client: InternalClient,
    path: &'static str,
    wake: watch::Receiver<i64>,
    _stop: DropGuard,
}

impl HttpFeed {
    /// Reads from these replicas; the subgraph they serve is the source. Starts the task.
    pub fn new(client: InternalClient) -> Arc<Self> {
        Self::at("/internal/feed", client)
    }

    /// As [`HttpFeed::new`], of all events of the log, as the audit log gets them.
    pub fn audit(client: InternalClient) -> Arc<Self> {
        Self::at("/internal/audit", client)
    }

    fn at(path: &'static str, client: InternalClient) -> Arc<Self> {
        let (sender, wake) = watch::channel(0);
        let stop = CancellationToken::new();
        let following = follow(client.clone(), sender);
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = following => {}
            }
        });
        Arc::new(Self { client, path, wake, _stop: stop.drop_guard() })
    }

    fn unreachable(&self, error: CallError) -> FeedError {
        if let CallError::Refused { status: 422, body, .. } = &error
            && let Ok(Unreadable { detail, position }) = serde_json::from_slice(body)
        {
            return FeedError::Event { position, cause: detail.into() };
        }
        self.failed(error)
    }

    fn failed(&self, cause: impl Into<studio_events::BoxError>) -> FeedError {
        FeedError::Unreachable {
            source_log: self.client.audience().to_owned(),
            cause: cause.into(),
        }
    }
}

#[async_trait]
impl EventFeed for HttpFeed {
    fn source(&self) -> &str {
        self.client.audience()
    }

    async fn read(&self, after: i64, limit: usize) -> Result<FeedPage, FeedError> {
        let query = [("after", after.to_string()), ("limit", limit.to_string())];
        let asked = self.client.get(self.path, &query, LONGEST_PAGE, Duration::ZERO);
        let body = asked.await.map_err(|error| self.unreachable(error))?;
        let Page { events, scanned_to }: Page = serde_json::from_slice(&body.bytes)
            .map_err(|error| self.failed(format!("{}: no page: {error}", body.replica)))?;
        let mut position = after;
        for event in &events {
            if event.position <= position {
                let cause = format!("{}: positions out of order in its page", body.replica);
                return Err(self.failed(cause));
            }
            position = event.position;
        }
        if scanned_to < position {
            return Err(self.failed(format!("{}: a page that goes back", body.replica)));
        }
        Ok(FeedPage { events, scanned_to })
    }

    fn wake(&self) -> watch::Receiver<i64> {
        self.wake.clone()
    }

    async fn head(&self) -> Result<i64, FeedError> {
        let asked = self.client.get("/internal/feed/head", &[], LONGEST_HEAD, Duration::ZERO);
        let body = asked.await.map_err(|error| self.unreachable(error))?;
        serde_json::from_slice(&body.bytes)
            .map(|Head { head }| head)
            .map_err(|error| self.failed(format!("{}: no position: {error}", body.replica)))
    }
}

/// Keeps asking for a position beyond the one known.
async fn follow(client: InternalClient, sender: watch::Sender<i64>) {
    let mut known = 0;
    let mut pause = FIRST_PAUSE;
    let mut failing = false;
    loop {
        let asked_at = tokio::time::Instant::now();
        let query = [("beyond", known.to_string()), ("wait", WAIT.as_millis().to_string())];
        let answer = client.get("/internal/feed/head", &query, LONGEST_HEAD, WAIT).await;
        let head = answer.map_err(|error| error.to_string()).and_then(|body| {
            serde_json::from_slice(&body.bytes)
                .map(|Head { head }| head)
                .map_err(|error| error.to_string())
        });
        match head {
            Ok(head) => {
                if failing {
                    tracing::info!(source = client.audience(), "the feed answers again");
                    failing = false;
                }
                if head != known {
                    pause = FIRST_PAUSE;
                    known = head;
                    sender.send_replace(head);
                    continue;
                }
                // It waited as it was asked to; one that is stopping answers at once.
                if asked_at.elapsed() * 2 > WAIT {
                    pause = FIRST_PAUSE;
                    continue;
                }
            }
            Err(error) if !failing => {
                tracing::warn!(source = client.audience(), error, "a feed is not followed for now");
                failing = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
