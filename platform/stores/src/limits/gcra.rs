//! The algorithm. Of a key only the theoretical arrival time is kept: the instant at which its whole
//! burst is free again.

use std::time::Duration;

use super::{Decision, LimitsError, Quota};

const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// A quota and a cost that make sense, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    /// Between two units.
    pub(super) interval: i64,
    /// How far the arrival time may lie ahead.
    pub(super) tolerance: i64,
    /// By how much this request moves it.
    pub(super) cost: i64,
}

impl Question {
    pub(super) fn new(quota: Quota, cost: u32) -> Result<Self, LimitsError> {
        if quota.burst == 0 || quota.per.as_micros() == 0 || quota.per > LONGEST {
            return Err(LimitsError::Quota(quota));
        }
        if cost > quota.burst {
            return Err(LimitsError::Cost { cost, burst: quota.burst });
        }
        let per = i64::try_from(quota.per.as_micros()).map_err(|_| LimitsError::Quota(quota))?;
        let burst = i64::from(quota.burst);
        // Rounded up: never more than what is allowed.
        let interval = per / burst + i64::from(per % burst != 0);
        Ok(Self { interval, tolerance: interval * burst, cost: interval * i64::from(cost) })
    }

    /// What becomes of an arrival time. `None` where it stays as it is.
    pub(super) fn decide(&self, arrival: i64, now: i64) -> (Decision, Option<i64>) {
        // One further ahead than any quota allows was written before a clock was put back.
        let arrival = arrival.clamp(now, now + self.tolerance);
        let moved = arrival + self.cost;
        let too_early = moved - now - self.tolerance;
        if too_early > 0 {
            (self.answer(false, too_early, arrival - now), None)
        } else {
            (self.answer(true, 0, moved - now), Some(moved))
        }
    }

    pub(super) fn answer(&self, allowed: bool, retry_after: i64, ahead: i64) -> Decision {
        Decision {
            allowed,
            retry_after: micros(retry_after),
            remaining: u32::try_from((self.tolerance - ahead) / self.interval).unwrap_or(0),
            reset: micros(ahead),
        }
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
