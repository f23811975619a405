//! The wake-up bus: "log L has grown to position P", so that whoever follows a log looks at once and
//! not at its next poll. A message may be lost, come twice or late; the log is what counts, and
//! polling goes on behind the bus. After a gap every subscriber is told to look anew.

#[cfg(test)]
mod contract;
mod in_process;
mod redis;

use futures::stream::BoxStream;

pub use self::{in_process::InProcessBus, redis::RedisBus};

/// What a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// A log has grown.
    Grown {
        /// Its name: the subgraph's.
        log: String,
        /// The newest position.
        position: i64,
    },
    /// Messages may have been missed: look at every log.
    LookAnew,
}

/// Carries wake-ups between everything that follows a log.
pub trait Bus: Send + Sync + 'static {
    /// Says that a log has grown. It never waits and never fails: of positions that follow each
    /// other faster than they can be sent, only the newest arrives.
    fn publish(&self, log: &str, position: i64);

    /// Everything published from now on, also by this process. It ends with the bus.
    fn subscribe(&self) -> BoxStream<'static, Wake>;
}
