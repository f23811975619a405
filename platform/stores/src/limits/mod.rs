//! Rate limits by the generic cell rate algorithm (GCRA, ITU-T I.371 annex A; the leaky bucket as a
//! meter): `burst` units may come at once, and one more becomes free each `per / burst`. Holds
//! always: a denied request uses nothing up; all arithmetic is in whole microseconds, so that every
//! adapter decides alike for the same instants.

#[cfg(test)]
mod contract;
mod gcra;
mod in_process;
mod redis;

use std::time::Duration;

use async_trait::async_trait;

pub use self::{in_process::InProcessLimits, redis::RedisLimits};

/// How much is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many units may come at once; at least 1.
    pub burst: u32,
    /// The time in which `burst` units become free again; more than zero, at most 366 days.
    pub per: Duration,
}

/// Whether a request may go on, and what to tell whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// It may.
    pub allowed: bool,
    /// Zero where it is allowed; else when the same request would be.
    pub retry_after: Duration,
    /// Units that could come now.
    pub remaining: u32,
    /// When the whole burst is free again.
    pub reset: Duration,
}

/// A question that has no answer: a fault of the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// See [`Quota`].
    #[error("{0:?} is no quota: burst is at least 1, per more than zero and at most 366 days")]
    Quota(Quota),
    /// It could never be allowed.
    #[error("a request that costs {cost} never fits a burst of {burst}")]
    Cost {
        /// Of the request.
        cost: u32,
        /// Of the quota.
        burst: u32,
    },
}

/// Counts requests.
#[async_trait]
pub trait Limits: Send + Sync + 'static {
    /// Whether a request of `cost` units may go on under `key`, and notes it if so. Keys that differ
    /// do not touch each other; the same key is always asked with the same quota. It never fails
    /// because a server is away: then it counts within this process.
    async fn check(&self, key: &str, quota: Quota, cost: u32) -> Result<Decision, LimitsError>;

    /// Gives back all that was used under `key`. What a server that is away has counted stays used
    /// until its time is up.
    async fn forget(&self, key: &str);
}
