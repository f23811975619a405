//! Whether the server answers. While it does not, commands fail at once, and one in each
//! [`PAUSE`] is let through to see whether it is back: a request never waits for a server that is
//! known to be away.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// How long a server that did not answer is left alone.
const PAUSE: Duration = Duration::from_millis(200);

/// How the server does, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisStatus {
    /// It answered the last command.
    pub up: bool,
    /// Commands that it did not answer since the start.
    pub failures: u64,
}

pub(super) struct Health {
    address: String,
    started: Instant,
    away: AtomicBool,
    failures: AtomicU64,
    /// Milliseconds after `started` at which the next command is let through.
    next_try: AtomicU64,
}

impl Health {
    pub(super) fn new(address: String) -> Self {
        Self {
            address,
            started: Instant::now(),
            away: AtomicBool::new(false),
            failures: AtomicU64::new(0),
            next_try: AtomicU64::new(0),
        }
    }

    pub(super) fn status(&self) -> RedisStatus {
        RedisStatus {
            up: !self.away.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether a command may try.
    pub(super) fn admits(&self) -> bool {
        if !self.away.load(Ordering::Relaxed) {
            return true;
        }
        let (now, due) = (self.now(), self.next_try.load(Ordering::Relaxed));
        now >= due
            && self
                .next_try
                .compare_exchange(due, now + pause(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    pub(super) fn answered(&self) {
        if self.away.load(Ordering::Relaxed) && self.away.swap(false, Ordering::Relaxed) {
            tracing::info!(address = %self.address, "Redis answers again");
        }
    }

    pub(super) fn failed(&self, cause: &str) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.next_try.store(self.now() + pause(), Ordering::Relaxed);
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                address = %self.address,
                cause,
                "Redis does not answer: until it does, nothing is cached, limits hold for each \
                 process by itself, no lock is given, and processes find each other's events by \
                 polling"
            );
        }
    }
}

fn pause() -> u64 {
    PAUSE.as_millis() as u64
}
