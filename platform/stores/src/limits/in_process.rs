//! Limits within one process.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use studio_kernel::Env;

use super::{Decision, Limits, LimitsError, Quota, gcra::Question};

/// So many keys are kept before those that are free again are thrown out.
const SWEEP_AT: usize = 4_096;

/// Limits in a table.
#[derive(Debug)]
pub struct InProcessLimits {
    env: Env,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    arrivals: HashMap<String, i64>,
    sweep_at: usize,
}

impl InProcessLimits {
    /// Nothing was asked yet.
    pub fn new(env: Env) -> Self {
        Self { env, table: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Limits for InProcessLimits {
    async fn check(&self, key: &str, quota: Quota, cost: u32) -> Result<Decision, LimitsError> {
        let question = Question::new(quota, cost)?;
        let now = self.env.now().micros();
        let mut table = self.table();
        let arrival = table.arrivals.get(key).copied().unwrap_or(now);
        let (decision, moved) = question.decide(arrival, now);
        // An arrival that has passed says nothing, should the clock go back.
        if let Some(moved) = moved.filter(|moved| *moved > now) {
            table.put(key, moved, now);
        }
        Ok(decision)
    }

    async fn forget(&self, key: &str) {
        self.table().arrivals.remove(key);
    }
}

impl Table {
    fn put(&mut self, key: &str, arrival: i64, now: i64) {
        if let Some(known) = self.arrivals.get_mut(key) {
            *known = arrival;
            return;
        }
        if self.arrivals.len() >= self.sweep_at.max(SWEEP_AT) {
            // A key whose arrival time has passed is as good as one that was never seen.
            self.arrivals.retain(|_, arrival| *arrival > now);
            self.sweep_at = self.arrivals.len() * 2;
        }
        self.arrivals.insert(key.to_owned(), arrival);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use studio_kernel::{FixedEntropy, ManualClock, Timestamp};

    use super::*;

    #[tokio::test]
    async fn keys_that_are_free_again_are_forgotten() {
        let clock = ManualClock::at(Timestamp::from_micros(0));
        let limits = InProcessLimits::new(Env::new(clock.clone(), FixedEntropy::seeded(1)));
        let quota = Quota { burst: 1, per: Duration::from_secs(1) };
        for number in 0..50_000 {
            clock.advance_micros(1_000);
            assert!(limits.check(&number.to_string(), quota, 1).await.unwrap().allowed);
        }
        let kept = limits.table.lock().unwrap().arrivals.len();
        assert!((1_000..=SWEEP_AT).contains(&kept), "{kept}");
    }
}
