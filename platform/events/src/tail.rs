//! The log as a stream that never ends.

use std::{collections::VecDeque, sync::Arc};

use futures::{Stream, stream};
use tokio::sync::watch;

use crate::{error::StoreError, event::Recorded, log::Core};

/// Events taken from the ring or the database at a time.
const PAGE: usize = 256;

struct Tail {
    core: Arc<Core>,
    head: watch::Receiver<i64>,
    position: i64,
    ready: VecDeque<Arc<Recorded>>,
    ended: bool,
}

pub(crate) fn tail(
    core: Arc<Core>,
    after: i64,
) -> impl Stream<Item = Result<Arc<Recorded>, StoreError>> + Send + 'static {
    let head = core.head.subscribe();
    let start = Tail { core, head, position: after, ready: VecDeque::new(), ended: false };
    stream::unfold(start, |mut tail| async move {
        if tail.ended {
            return None;
        }
        let next = tail.next().await;
        tail.ended = next.is_err();
        Some((next, tail))
    })
}

impl Tail {
    async fn next(&mut self) -> Result<Arc<Recorded>, StoreError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.position = event.position;
                return Ok(event);
            }
            self.ready = self.core.page(self.position, PAGE).await?.into();
            if self.ready.is_empty() {
                let position = self.position;
                tokio::select! {
                    () = self.core.cancel.cancelled() => return Err(StoreError::Closed),
                    // The sender lives in `core`, which this stream holds: it cannot be gone.
                    _ = self.head.wait_for(|head| *head > position) => {}
                }
            }
        }
    }
}
