//! Limits that hold between processes: one key for each, decided by a script on the server, by the
//! server's clock.

use std::sync::LazyLock;

use async_trait::async_trait;
use redis::Script;
use studio_kernel::Env;

use super::{Decision, InProcessLimits, Limits, LimitsError, Quota, gcra::Question};
use crate::redis::{Redis, RedisError};

/// ARGV: tolerance and cost in microseconds, and the instant, or an empty text for the server's own.
/// The same arithmetic as [`Question::decide`]. Answers allowed, retry after, ahead.
static CHECK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now = tonumber(ARGV[3])
         if not now then
             local time = redis.call('TIME')
             now = time[1] * 1000000 + time[2]
         end
         local tolerance, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
         local arrival = tonumber(redis.call('GET', KEYS[1]) or now)
         arrival = math.min(math.max(arrival, now), now + tolerance)
         local moved = arrival + cost
         local early = moved - now - tolerance
         if early > 0 then return {0, early, arrival - now} end
         if moved > now then
             redis.call('SET', KEYS[1], string.format('%.0f', moved), 'PXAT',
                 string.format('%.0f', math.ceil(moved / 1000)))
         end
         return {1, 0, moved - now}",
    )
});

/// Limits on Redis.
pub struct RedisLimits {
    redis: Redis,
    /// Counts while the server is away: a limit is then one for each process, never none.
    meanwhile: InProcessLimits,
}

impl RedisLimits {
    /// Limits on this server.
    pub fn new(redis: Redis, env: Env) -> Self {
        Self { redis, meanwhile: InProcessLimits::new(env) }
    }

    fn key(&self, key: &str) -> String {
        self.redis.key("limit", key, "")
    }

    #[cfg(test)]
    pub(super) fn redis_is_up(&self) -> bool {
        self.redis.status().up
    }

    /// Decides by the server's clock, or for a given instant.
    pub(super) async fn ask(
        &self,
        key: &str,
        question: Question,
        now: Option<i64>,
    ) -> Result<Decision, RedisError> {
        let key = self.key(key);
        let arguments = [
            question.tolerance.to_string(),
            question.cost.to_string(),
            now.map(|now| now.to_string()).unwrap_or_default(),
        ];
        let (allowed, retry_after, ahead): (i64, i64, i64) =
            self.redis.script(&CHECK, &key, &arguments).await?;
        Ok(question.answer(allowed == 1, retry_after, ahead))
    }
}

#[async_trait]
impl Limits for RedisLimits {
    async fn check(&self, key: &str, quota: Quota, cost: u32) -> Result<Decision, LimitsError> {
        let question = Question::new(quota, cost)?;
        match self.ask(key, question, None).await {
            Ok(decision) => Ok(decision),
            // The connection has said so in the log, once.
            Err(RedisError::Away { .. }) => self.meanwhile.check(key, quota, cost).await,
            Err(error) => {
                tracing::error!(%error, "a limit was counted within this process alone");
                self.meanwhile.check(key, quota, cost).await
            }
        }
    }

    async fn forget(&self, key: &str) {
        self.meanwhile.forget(key).await;
        match self.redis.run::<()>(redis::cmd("DEL").arg(self.key(key))).await {
            // The connection has said so in the log, once.
            Ok(()) | Err(RedisError::Away { .. }) => {}
            Err(error) => tracing::error!(%error, "a limit was not forgotten"),
        }
    }
}
