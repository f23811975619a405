//! The cache: bytes that could be made again, kept for a while. Holds always: it may forget anything
//! at any time and answers then that it has nothing; a server that is away is no error; entries of
//! one organization are never seen by another.
//!
//! An entry may carry tags, and invalidating a tag makes every entry that carries it unreadable at
//! once. It is not the place for what must never be stale: a value that was computed before an
//! invalidation and is set after it stays until its time is up, and so does, for other processes,
//! one whose invalidation could not reach the server.

#[cfg(test)]
mod contract;
mod in_process;
mod pending;
mod redis;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use studio_kernel::TenantId;

pub use self::{in_process::InProcessCache, redis::RedisCache};

/// How much a cache keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheOptions {
    /// In process: the bytes of all entries together. A server has a limit of its own
    /// (`maxmemory`, with the policy `allkeys-lru`).
    pub capacity: u64,
    /// A value larger than this is not kept.
    pub largest_value: usize,
    /// The longest that an entry is kept, whatever its own time.
    pub longest_ttl: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            capacity: 64 << 20,
            largest_value: 1 << 20,
            longest_ttl: Duration::from_secs(86_400),
        }
    }
}

/// Keeps bytes for a while.
#[async_trait]
pub trait Cache: Send + Sync + 'static {
    /// What was set under the key, if it is still there.
    async fn get(&self, tenant: TenantId, key: &str) -> Option<Bytes>;

    /// Keeps a value for `ttl`. Every tag is one that [`Cache::invalidate`] may be asked for.
    async fn set(&self, tenant: TenantId, key: &str, value: Bytes, ttl: Duration, tags: &[&str]);

    /// Forgets one entry.
    async fn delete(&self, tenant: TenantId, key: &str);

    /// Forgets every entry of the organization that carries the tag.
    async fn invalidate(&self, tenant: TenantId, tag: &str);
}
