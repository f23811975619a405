//! A subgraph that waits for the test.

use std::sync::Arc;
use studio_router::transport::{
    Encoding, InProcess, SubgraphRequest, SubgraphResponse, SubgraphStream, SubgraphTransport,
    TransportError,
};
use tokio::sync::Semaphore;

/// A subgraph that answers queries only when it may, and says that it was asked.
pub struct Gated {
    inner: InProcess,
    asked: Semaphore,
    pub answers: Semaphore,
}

impl Gated {
    pub fn new(inner: InProcess) -> Arc<Gated> {
        Arc::new(Gated { inner, asked: Semaphore::new(0), answers: Semaphore::new(0) })
    }

    pub async fn was_asked(&self) {
        self.asked.acquire().await.unwrap().forget();
    }
}

#[async_trait::async_trait]
impl SubgraphTransport for Gated {
    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        self.asked.add_permits(1);
        self.answers.acquire().await.unwrap().forget();
        self.inner.execute(request).await
    }

    async fn subscribe(&self, _: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        self.asked.add_permits(1);
        std::future::pending().await
    }
}
