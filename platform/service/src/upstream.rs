//! The log of another subgraph, which this one follows.

use std::{sync::Arc, time::Duration};

use studio_events::{ConsumerHandle, EventFeed};
use studio_kernel::Code;

use crate::ApiError;

/// What another subgraph publishes, and how far it was taken in.
pub struct Upstream {
    /// What it publishes.
    pub feed: Arc<dyn EventFeed>,
    /// Who takes it in.
    pub consumer: Arc<ConsumerHandle>,
}

impl Upstream {
    /// Waits until everything published by now has had its effect here, by whichever process.
    ///
    /// # Errors
    /// When the other subgraph does not answer, or the consumer was stopped.
    pub async fn caught_up(&self) -> Result<(), ApiError> {
        let head = self.feed.head().await?;
        Ok(self.consumer.caught_up_to(head).await?)
    }

    /// The same for at most so long: what is not known then is neither there nor refuted.
    ///
    /// # Errors
    /// As [`Upstream::caught_up`], and `SUBGRAPH_UNAVAILABLE` when the time is over.
    pub async fn caught_up_within(&self, patience: Duration) -> Result<(), ApiError> {
        tokio::time::timeout(patience, self.caught_up()).await.unwrap_or_else(|_| {
            let reached = self.consumer.position();
            tracing::warn!(reached, "what another subgraph published is not taken in in time");
            Err(ApiError::new(
                Code::SubgraphUnavailable,
                "What another part of Studio published is still being taken in: try again shortly.",
            ))
        })
    }
}
