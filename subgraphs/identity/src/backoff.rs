//! Slows guessing down: after five wrong passwords for one e-mail address, each further one makes
//! the address wait twice as long, up to fifteen minutes. Kept in this process's memory, by the
//! keyed hash of the address, so that it does not matter whether the account exists.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use studio_kernel::Timestamp;

const FREE_TRIES: u32 = 5;
const LONGEST_WAIT_SECONDS: i64 = 900;
/// A series of failures is forgotten after that.
const FORGET_SECONDS: i64 = 3600;
/// Addresses remembered at most; beyond that the oldest half is forgotten.
const REMEMBERED: usize = 100_000;

struct Failures {
    count: u32,
    last: Timestamp,
    blocked_until: Timestamp,
}

/// Counts failures.
#[derive(Default)]
pub(crate) struct Backoff {
    accounts: Mutex<HashMap<String, Failures>>,
    /// Tries for one account wait for each other, so that many at once are no way round the count.
    turns: [tokio::sync::Mutex<()>; 32],
}

impl Backoff {
    /// Waits until no other try for the account is under way; hold it until the try is counted.
    pub(crate) async fn turn(&self, account: &str) -> tokio::sync::MutexGuard<'_, ()> {
        let sum = account.bytes().fold(0_usize, |sum, b| sum.wrapping_mul(31) + usize::from(b));
        self.turns[sum % self.turns.len()].lock().await
    }

    /// Whether the account may be tried now, or else after how many seconds.
    pub(crate) fn check(&self, account: &str, now: Timestamp) -> Result<(), i64> {
        match self.lock().get(account) {
            Some(failures) if failures.blocked_until > now => {
                let micros = failures.blocked_until.micros() - now.micros();
                Err(micros.div_euclid(1_000_000) + 1)
            }
            _ => Ok(()),
        }
    }

    /// The password was wrong.
    pub(crate) fn failed(&self, account: &str, now: Timestamp) {
        let mut accounts = self.lock();
        if accounts.len() >= REMEMBERED && !accounts.contains_key(account) {
            forget_oldest(&mut accounts, now);
        }
        let failures = accounts.entry(account.to_owned()).or_insert(Failures {
            count: 0,
            last: now,
            blocked_until: now,
        });
        if failures.last.plus_seconds(FORGET_SECONDS) < now {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        if failures.count >= FREE_TRIES {
            let doublings = (failures.count - FREE_TRIES).min(20);
            let wait = (1_i64 << doublings).min(LONGEST_WAIT_SECONDS);
            failures.blocked_until = now.plus_seconds(wait);
        }
    }

    /// The password was right: the count starts over.
    pub(crate) fn succeeded(&self, account: &str) {
        self.lock().remove(account);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_oldest(accounts: &mut HashMap<String, Failures>, now: Timestamp) {
    accounts.retain(|_, it| it.last.plus_seconds(FORGET_SECONDS) >= now);
    if accounts.len() >= REMEMBERED {
        let mut ages: Vec<_> = accounts.values().map(|it| it.last).collect();
        let middle = ages.len() / 2;
        let cut = *ages.select_nth_unstable(middle).1;
        // Those who wait now stay: filling the memory must not set a guesser free.
        accounts.retain(|_, it| it.last > cut || it.blocked_until > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    #[test]
    fn waits_double_and_a_success_ends_them() {
        let backoff = Backoff::default();
        for _ in 0..5 {
            assert_eq!(backoff.check("a", at(0)), Ok(()));
            backoff.failed("a", at(0));
        }
        assert!(backoff.check("a", at(0)).is_err());
        assert_eq!(backoff.check("b", at(0)), Ok(()), "another account does not wait");
        let mut now = 0;
        let mut tries = Vec::new();
        while tries.len() < 12 {
            match backoff.check("a", at(now)) {
                Ok(()) => {
                    backoff.failed("a", at(now));
                    tries.push(now);
                }
                Err(_) => now += 1,
            }
        }
        assert_eq!(&tries[..6], [1, 3, 7, 15, 31, 63]);
        assert_eq!(tries[11] - tries[10], 900);
        backoff.succeeded("a");
        assert_eq!(backoff.check("a", at(now)), Ok(()));
        backoff.failed("a", at(now));
        assert_eq!(backoff.check("a", at(now)), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let backoff = Backoff::default();
        for n in 0..(REMEMBERED + 10) {
            backoff.failed(&n.to_string(), at(n as i64 / 100));
        }
        assert!(backoff.lock().len() <= REMEMBERED);
    }
}
