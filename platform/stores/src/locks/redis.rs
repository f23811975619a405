//! Leases on Redis: one hash for each name, with the last token and when its lease ends, by the
//! server's clock. The token is at least the server's time, so that it grows also when the server
//! lost its memory; then two may hold a name for a moment, and the token tells who is right.

use std::{sync::LazyLock, time::Duration};

use async_trait::async_trait;
use redis::Script;

use super::{Lease, Locks, LocksError};
use crate::redis::Redis;

/// ARGV: ttl in microseconds. Answers the token, or 0 where the name is held.
static ACQUIRE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000000 + time[2]
         local held = redis.call('HMGET', KEYS[1], 'token', 'until')
         if held[2] and tonumber(held[2]) > now then return 0 end
         local token = math.max(now, tonumber(held[1] or '0') + 1)
         local ends = now + tonumber(ARGV[1])
         redis.call('HSET', KEYS[1], 'token', string.format('%.0f', token),
             'until', string.format('%.0f', ends))
         redis.call('PEXPIRE', KEYS[1], 86400000 + math.ceil(tonumber(ARGV[1]) / 1000))
         return token",
    )
});

/// ARGV: token, ttl in microseconds (0 ends the lease). Answers whether the lease held.
static CHANGE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000000 + time[2]
         local held = redis.call('HMGET', KEYS[1], 'token', 'until')
         if held[1] ~= ARGV[1] or tonumber(held[2]) <= now then return 0 end
         redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + tonumber(ARGV[2])))
         redis.call('PEXPIRE', KEYS[1], 86400000 + math.ceil(tonumber(ARGV[2]) / 1000))
         return 1",
    )
});

/// Leases that hold between processes.
#[derive(Debug, Clone)]
pub struct RedisLocks(Redis);

impl RedisLocks {
    /// Leases on this server.
    pub fn new(redis: Redis) -> Self {
        Self(redis)
    }

    fn key(&self, name: &str) -> String {
        self.0.key("lock", name, "")
    }

    async fn change(&self, lease: &Lease, ttl: Duration) -> Result<bool, LocksError> {
        let arguments = [lease.token, micros(ttl)];
        let changed: i64 =
            self.0.script(&CHANGE, &self.key(&lease.name), &arguments).await.map_err(away)?;
        Ok(changed == 1)
    }
}

fn micros(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX).min(31_536_000_000_000)
}

fn away(error: crate::redis::RedisError) -> LocksError {
    LocksError::Away(error.to_string())
}

#[async_trait]
impl Locks for RedisLocks {
    async fn acquire(&self, name: &str, ttl: Duration) -> Result<Option<Lease>, LocksError> {
        let arguments = [micros(ttl)];
        let token: i64 =
            self.0.script(&ACQUIRE, &self.key(name), &arguments).await.map_err(away)?;
        Ok((token != 0).then(|| Lease { name: name.to_owned(), token }))
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, LocksError> {
        self.change(lease, ttl).await
    }

    async fn release(&self, lease: Lease) -> Result<bool, LocksError> {
        self.change(&lease, Duration::ZERO).await
    }
}
