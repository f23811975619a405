//! The cache of one process, by moka.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use moka::{Expiry, sync};
use studio_kernel::TenantId;

use super::{Cache, CacheOptions};

/// What an entry takes beside its key and value, roughly.
const OVERHEAD: usize = 128;
/// A tag that is thrown out takes its entries with it, so there is room for many.
const TAGS: u64 = 100_000;

type Key = (TenantId, Box<str>);

/// Entries in a bounded table, where those that are seldom asked for make room.
pub struct InProcessCache {
    options: CacheOptions,
    entries: sync::Cache<Key, Entry>,
    /// The state of each tag; an entry is good while all of its tags are as they were.
    tags: sync::Cache<Key, u64>,
    next: AtomicU64,
}

#[derive(Clone)]
struct Entry {
    value: Bytes,
    ttl: Duration,
    tags: Vec<(Box<str>, u64)>,
}

struct ByEntry;

impl Expiry<Key, Entry> for ByEntry {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &Key,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl InProcessCache {
    /// An empty cache.
    pub fn new(options: CacheOptions) -> Self {
        let entries = sync::Cache::builder()
            .max_capacity(options.capacity)
            .weigher(|(_, key): &Key, entry: &Entry| {
                let tags: usize = entry.tags.iter().map(|(tag, _)| tag.len() + 24).sum();
                let bytes = OVERHEAD + key.len() + entry.value.len() + tags;
                u32::try_from(bytes).unwrap_or(u32::MAX)
            })
            .expire_after(ByEntry)
            .build();
        let tags = sync::Cache::builder().max_capacity(TAGS).build();
        Self { options, entries, tags, next: AtomicU64::new(0) }
    }

    fn fresh(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

#[async_trait]
impl Cache for InProcessCache {
    async fn get(&self, tenant: TenantId, key: &str) -> Option<Bytes> {
        let key = (tenant, key.into());
        let entry = self.entries.get(&key)?;
        let good = entry
            .tags
            .iter()
            .all(|(tag, state)| self.tags.get(&(tenant, tag.clone())) == Some(*state));
        if !good {
            self.entries.invalidate(&key);
        }
        good.then_some(entry.value)
    }

    async fn set(&self, tenant: TenantId, key: &str, value: Bytes, ttl: Duration, tags: &[&str]) {
        let ttl = ttl.min(self.options.longest_ttl);
        let key = (tenant, key.into());
        if ttl.is_zero() || value.len() > self.options.largest_value {
            self.entries.invalidate(&key);
            return;
        }
        let tags = tags
            .iter()
            .map(|tag| {
                let tag: Box<str> = (*tag).into();
                let state = self.tags.get_with((tenant, tag.clone()), || self.fresh());
                (tag, state)
            })
            .collect();
        self.entries.insert(key, Entry { value, ttl, tags });
    }

    async fn delete(&self, tenant: TenantId, key: &str) {
        self.entries.invalidate(&(tenant, key.into()));
    }

    async fn invalidate(&self, tenant: TenantId, tag: &str) {
        self.tags.invalidate(&(tenant, tag.into()));
    }
}
