//! How a router ends. Queries and mutations end by themselves and are let to; subscriptions would go on
//! for ever, so they end at once, in a way that tells clients to subscribe again elsewhere.

use futures::{Stream, StreamExt};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// Whether the router is to end, and what has to end with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    asked: CancellationToken,
    sockets: TaskTracker,
}

impl Stop {
    pub(super) fn on(asked: CancellationToken) -> Stop {
        Stop { asked, sockets: TaskTracker::new() }
    }

    /// Whether the router was asked to end.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Ends when the router is asked to.
    pub(crate) async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Held by a WebSocket while it is open.
    pub(crate) fn socket(&self) -> TaskTrackerToken {
        self.sockets.token()
    }

    /// Ends when no WebSocket is open.
    pub(super) async fn closed(&self) {
        self.sockets.close();
        self.sockets.wait().await;
    }

    /// The same stream, which ends when the router is asked to.
    pub(super) fn cut<S: Stream + Send + 'static>(
        &self,
        stream: S,
    ) -> impl Stream<Item = S::Item> + Send + use<S> {
        stream.take_until(self.asked.clone().cancelled_owned())
    }
}
