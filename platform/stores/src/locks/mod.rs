//! Leases: at most one holder of a name at a time, for as long as it renews, with a fencing token.
//! Holds always: each lease of a name has a greater token than every one before it, also after the
//! lease ended, the process restarted or the server lost its memory. A lease alone is no proof (a
//! holder that was asleep does not know that it expired): whoever writes under a lease hands its
//! token along, and the store refuses one that is older than what it has seen.

#[cfg(test)]
mod contract;
mod in_process;
mod redis;

use std::time::Duration;

use async_trait::async_trait;

pub use self::{in_process::InProcessLocks, redis::RedisLocks};

/// A name that is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// What is held.
    pub name: String,
    /// Greater than that of every earlier lease of this name; about the microseconds since 1970 at
    /// which it was given.
    pub token: i64,
}

/// Why a lease can be neither given nor kept.
#[derive(Debug, thiserror::Error)]
pub enum LocksError {
    /// The server that keeps them is away: act as one who holds nothing.
    #[error("no lease can be had: {0}")]
    Away(String),
}

/// Gives leases.
#[async_trait]
pub trait Locks: Send + Sync + 'static {
    /// Takes the name for `ttl`, unless it is held: then the answer is `None`.
    async fn acquire(&self, name: &str, ttl: Duration) -> Result<Option<Lease>, LocksError>;

    /// Makes the lease last `ttl` from now. `false` if it ended already: it must be acquired anew.
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, LocksError>;

    /// Gives the name back. `false` if it was not held by this lease any more.
    async fn release(&self, lease: Lease) -> Result<bool, LocksError>;
}
