//! The cache between processes. An entry is a hash (its value, and the state of each of its tags when
//! it was set), a tag a key that holds its state: the server's time when it was made. An entry is
//! good while all of its tags are as they were, so that a tag which the server threw out takes its
//! entries with it. Everything of one organization lies on one node of a cluster.

use std::{sync::LazyLock, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use redis::Script;
use studio_kernel::TenantId;

use super::{
    Cache, CacheOptions,
    pending::{EVERYTHING, Forget, Pending},
};
use crate::redis::{Redis, RedisError};

/// KEYS: the entry. ARGV: what its tags' keys begin with. Of the entry's fields, `value` is the
/// value, the others are the rest of a tag's key.
static GET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local fields = redis.call('HGETALL', KEYS[1])
         local value = false
         for i = 1, #fields, 2 do
             if fields[i] == 'value' then
                 value = fields[i + 1]
             elseif redis.call('GET', ARGV[1] .. fields[i]) ~= fields[i + 1] then
                 redis.call('UNLINK', KEYS[1])
                 return false
             end
         end
         return value",
    )
});

/// KEYS: the entry. ARGV: what its tags' keys begin with, the time to live and the longest one in
/// milliseconds, the value, the rest of each tag's key. A tag outlives every entry that carries it.
static SET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         redis.call('UNLINK', KEYS[1])
         local fields = {'value', ARGV[4]}
         for i = 5, #ARGV do
             local key = ARGV[1] .. ARGV[i]
             local state = redis.call('GET', key)
             if state then
                 redis.call('PEXPIRE', key, ARGV[3])
             else
                 state = time[1] .. '.' .. time[2]
                 redis.call('SET', key, state, 'PX', ARGV[3])
             end
             fields[#fields + 1] = ARGV[i]
             fields[#fields + 1] = state
         end
         redis.call('HSET', KEYS[1], unpack(fields))
         redis.call('PEXPIRE', KEYS[1], ARGV[2])
         return 1",
    )
});

/// Entries on Redis.
pub struct RedisCache {
    redis: Redis,
    options: CacheOptions,
    pending: Pending,
}

impl RedisCache {
    /// The cache on this server.
    pub fn new(redis: Redis, options: CacheOptions) -> Self {
        Self { redis, options, pending: Pending::default() }
    }

    fn place(&self, tenant: TenantId, rest: &str) -> String {
        self.redis.key("cache", &tenant.to_string(), rest)
    }

    fn entry(&self, tenant: TenantId, key: &str) -> String {
        self.place(tenant, &format!(":entry:{key}"))
    }

    async fn tell(&self, forget: &Forget) -> Result<(), RedisError> {
        let key = match forget {
            Forget::Key(tenant, key) => self.entry(*tenant, key),
            Forget::Tag(tenant, tag) => self.place(*tenant, &format!(":tag:{tag}")),
        };
        let mut command = redis::cmd("UNLINK");
        command.arg(key);
        self.redis.run::<i64>(&command).await.map(drop)
    }

    async fn forget(&self, forget: Forget) {
        if let Err(error) = self.tell(&forget).await {
            report(&error);
            self.pending.add(forget);
        }
    }

    /// Tells the server what it has not been told yet. `false` where it still cannot be.
    pub(super) async fn caught_up(&self) -> bool {
        while self.pending.any() {
            let Some(forget) = self.pending.first() else { break };
            if let Err(error) = self.tell(&forget).await {
                report(&error);
                return false;
            }
            self.pending.told(&forget);
        }
        true
    }
}

/// That the server is away, the connection has said already.
fn report(error: &RedisError) {
    if !matches!(error, RedisError::Away { .. }) {
        tracing::error!(%error, "the cache does not work");
    }
}

fn millis(time: Duration) -> String {
    time.as_millis().max(1).to_string()
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, tenant: TenantId, key: &str) -> Option<Bytes> {
        if !self.caught_up().await {
            return None;
        }
        let tags = [self.place(tenant, ":")];
        match self.redis.script(&GET, &self.entry(tenant, key), &tags).await {
            Ok(found) => Option::<Vec<u8>>::map(found, Bytes::from),
            Err(error) => {
                report(&error);
                None
            }
        }
    }

    async fn set(&self, tenant: TenantId, key: &str, value: Bytes, ttl: Duration, tags: &[&str]) {
        let ttl = ttl.min(self.options.longest_ttl);
        if ttl.is_zero() || value.len() > self.options.largest_value {
            return self.delete(tenant, key).await;
        }
        let times = [millis(ttl), millis(self.options.longest_ttl)].map(String::into_bytes);
        let mut arguments = vec![self.place(tenant, ":").into_bytes()];
        arguments.extend(times);
        arguments.push(value.into());
        for tag in tags.iter().chain(&[EVERYTHING]) {
            arguments.push(format!("tag:{tag}").into_bytes());
        }
        let set = self.redis.script::<i64>(&SET, &self.entry(tenant, key), &arguments).await;
        if let Err(error) = set {
            report(&error);
            // What was there before is not what is to be answered now.
            self.pending.add(Forget::Key(tenant, key.to_owned()));
        }
    }

    async fn delete(&self, tenant: TenantId, key: &str) {
        self.forget(Forget::Key(tenant, key.to_owned())).await;
    }

    async fn invalidate(&self, tenant: TenantId, tag: &str) {
        self.forget(Forget::Tag(tenant, tag.to_owned())).await;
    }
}
