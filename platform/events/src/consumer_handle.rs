//! A consumer as others see it: how patient it is, and how far it has come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// How patient a consumer is.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// Events asked for at a time.
    pub page: usize,
    /// How often an event is tried before it becomes a dead letter, at least once.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles up to `longest_pause`.
    pub first_pause: Duration,
    /// The longest pause between attempts.
    pub longest_pause: Duration,
    /// How often to look without being woken.
    pub poll: Duration,
    /// How long a position without any effect may wait to be stored, which those who stand by
    /// learn of it from.
    pub save_after: Duration,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        Self {
            page: 200,
            attempts: 5,
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(30),
            poll: Duration::from_secs(5),
            save_after: Duration::from_millis(200),
        }
    }
}

/// A consumer that has stopped takes nothing in any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the consumer {0} has stopped")]
pub struct ConsumerStopped(pub String);

/// Those who wait for a consumer: one that stands by looks more often meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    count: AtomicUsize,
    came: Notify,
}

impl Waiting {
    /// Whether somebody waits.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    /// Waits until somebody begins to.
    pub(crate) async fn came(&self) {
        self.came.notified().await;
    }
}

struct Waiter<'a>(&'a Waiting);

impl<'a> Waiter<'a> {
    fn new(waiting: &'a Waiting) -> Self {
        waiting.count.fetch_add(1, Ordering::SeqCst);
        waiting.came.notify_one();
        Self(waiting)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A running consumer.
#[derive(Debug)]
pub struct ConsumerHandle {
    pub(crate) name: String,
    pub(crate) position: watch::Receiver<i64>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) cancel: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl ConsumerHandle {
    /// Waits until everything up to a position of the source has had its effect here, by whichever
    /// process.
    pub async fn caught_up_to(&self, position: i64) -> Result<(), ConsumerStopped> {
        let mut reached = self.position.clone();
        if *reached.borrow() >= position {
            return Ok(());
        }
        let _waiter = Waiter::new(&self.waiting);
        reached
            .wait_for(|reached| *reached >= position)
            .await
            .map(|_| ())
            .map_err(|_| ConsumerStopped(self.name.clone()))
    }

    /// The last position of the source that has had its effect here, as far as is known.
    pub fn position(&self) -> i64 {
        *self.position.borrow()
    }

    /// Waits until it has stopped.
    pub async fn stopped(&self) {
        let mut reached = self.position.clone();
        while reached.changed().await.is_ok() {}
    }

    /// Stops it after the event in hand.
    pub async fn stop(self) {
        self.cancel.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(consumer = self.name, %error, "a consumer ended badly");
        }
    }
}
