//! The bus of one process.

use futures::{StreamExt, stream, stream::BoxStream};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Bus, Wake};

/// What a slow subscriber may be behind before it is told to look anew.
const KEPT: usize = 1_024;

/// Wake-ups by a tokio broadcast channel.
#[derive(Debug, Clone)]
pub struct InProcessBus(broadcast::Sender<Wake>);

impl InProcessBus {
    /// A bus that nobody listens to yet.
    pub fn new() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }

    pub(super) fn send(&self, wake: Wake) {
        // An error says that nobody listens.
        let _heard = self.0.send(wake);
    }
}

impl Default for InProcessBus {
    fn default() -> Self {
        Self::new()
    }
}

impl Bus for InProcessBus {
    fn publish(&self, log: &str, position: i64) {
        self.send(Wake::Grown { log: log.to_owned(), position });
    }

    fn subscribe(&self) -> BoxStream<'static, Wake> {
        let receiver = self.0.subscribe();
        stream::unfold(receiver, |mut receiver| async move {
            let wake = match receiver.recv().await {
                Ok(wake) => wake,
                Err(RecvError::Lagged(_)) => Wake::LookAnew,
                Err(RecvError::Closed) => return None,
            };
            Some((wake, receiver))
        })
        .boxed()
    }
}
