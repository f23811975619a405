//! Slows guessing down: some passwords for one e-mail address may be tried at once, and then one at a
//! time, first every few seconds and after many of them every quarter of an hour, until one is right.
//! Counted by the keyed hash of the address, so that it does not matter whether the account exists,
//! and by the port of limits, so that another replica is no second chance
//! (docs/decisions/0023-what-replicas-count-together.md).
//!
//! Whoever tries a few passwords at many accounts is slowed down by the network that they come from, where
//! that is a public one: a private address is that of a proxy, or of a colleague.

use std::{sync::Arc, time::Duration};

use studio_kernel::Origin;
use studio_stores::limits::{Limits, LimitsError, Quota};
use tokio::sync::{Mutex, MutexGuard};

/// What a person may mistype at once, and then one try in twelve seconds.
const AT_ONCE: Quota = Quota { burst: 5, per: Duration::from_secs(60) };
/// However slowly they come: so many, and then one try in a quarter of an hour.
const IN_A_ROW: Quota = Quota { burst: 20, per: Duration::from_secs(20 * 900) };

/// Wrong passwords from one network, for whichever accounts, and then one in six seconds: an office has many
/// people behind one address.
const FROM_A_NETWORK: Quota = Quota { burst: 100, per: Duration::from_secs(600) };

/// Why a password is not even looked at.
#[derive(Debug)]
pub(crate) enum Refused {
    /// After that time it is.
    TooMany(Duration),
    /// Too many wrong ones came from there: after that time it is.
    TooManyFromThere(Duration),
    /// A fault of ours.
    Limits(LimitsError),
}

/// Counts tries.
pub(crate) struct Backoff {
    limits: Arc<dyn Limits>,
    /// Tries for one account wait for each other within the process, so that many right ones at once
    /// are not taken for guesses.
    turns: [Mutex<()>; 32],
}

/// A try that counts as wrong until [`Backoff::was_right`] has it.
pub(crate) struct Try<'a> {
    account: String,
    _turn: MutexGuard<'a, ()>,
}

impl Backoff {
    pub(crate) fn new(limits: Arc<dyn Limits>) -> Self {
        Self { limits, turns: Default::default() }
    }

    /// Begins a try. It is counted before it is known whether it is wrong: so many at once, at
    /// whichever replicas, are no way round.
    pub(crate) async fn begin(&self, account: String) -> Result<Try<'_>, Refused> {
        let sum = account.bytes().fold(0_usize, |sum, b| sum.wrapping_mul(31) + usize::from(b));
        let turn = self.turns[sum % self.turns.len()].lock().await;
        for (key, quota) in keys(&account) {
            let decision = self.limits.check(&key, quota, 1).await.map_err(Refused::Limits)?;
            if !decision.allowed {
                return Err(Refused::TooMany(decision.retry_after));
            }
        }
        Ok(Try { account, _turn: turn })
    }

    /// Whether a password from there is looked at.
    pub(crate) async fn admits(&self, origin: Option<&Origin>) -> Result<(), Refused> {
        let Some(key) = network_key(origin) else { return Ok(()) };
        let decision = self.limits.check(&key, FROM_A_NETWORK, 0).await.map_err(Refused::Limits)?;
        if decision.remaining > 0 {
            return Ok(());
        }
        Err(Refused::TooManyFromThere(FROM_A_NETWORK.per / FROM_A_NETWORK.burst))
    }

    /// A password from there was wrong.
    pub(crate) async fn was_wrong(&self, origin: Option<&Origin>) -> Result<(), Refused> {
        if let Some(key) = network_key(origin) {
            // One that came at the same time may have been the last that is admitted.
            let _counted_or_full =
                self.limits.check(&key, FROM_A_NETWORK, 1).await.map_err(Refused::Limits)?;
        }
        Ok(())
    }

    /// The password was right: the count starts over.
    pub(crate) async fn was_right(&self, tried: Try<'_>) {
        self.forget(&tried.account).await;
    }

    /// There is another password, which nobody has mistyped yet.
    pub(crate) async fn forget(&self, account: &str) {
        for (key, _) in keys(account) {
            self.limits.forget(&key).await;
        }
    }
}

/// The shorter one first: a try that it refuses is not counted by the longer one, so that impatience
/// does not lead to a long wait.
fn keys(account: &str) -> [(String, Quota); 2] {
    [("once", AT_ONCE), ("row", IN_A_ROW)]
        .map(|(name, quota)| (format!("sign-in-{name}:{account}"), quota))
}

fn network_key(origin: Option<&Origin>) -> Option<String> {
    origin?.public_network().map(|network| format!("sign-in-from:{network}"))
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Env, FixedEntropy, ManualClock, Timestamp};
    use studio_stores::limits::InProcessLimits;

    use super::*;

    #[tokio::test]
    async fn one_network_does_not_try_every_account() {
        let clock = ManualClock::at(Timestamp::from_micros(0));
        let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
        let backoff = Backoff::new(Arc::new(InProcessLimits::new(env)));
        let admits = async |address: &str| {
            let origin: Origin = address.parse().unwrap();
            match backoff.admits(Some(&origin)).await {
                Ok(()) => true,
                Err(Refused::TooManyFromThere(wait)) => {
                    assert_eq!(wait.as_secs(), 6);
                    false
                }
                Err(other) => panic!("{other:?}"),
            }
        };
        let attackers = ["192.0.2.1", "2001:db8:0:7::1", "10.0.0.1", "127.0.0.1", "fd00::1"];
        for attacker in attackers {
            let origin: Origin = attacker.parse().unwrap();
            for _ in 0..100 {
                assert!(admits(attacker).await);
                backoff.was_wrong(Some(&origin)).await.unwrap();
            }
        }
        for stopped in ["192.0.2.1", "2001:db8:0:7::1", "2001:db8:0:7:ffff::2"] {
            assert!(!admits(stopped).await, "{stopped}");
        }
        for other in ["192.0.2.2", "2001:db8:0:8::1", "10.0.0.1", "127.0.0.1", "fd00::1"] {
            assert!(admits(other).await, "{other}");
        }
        assert!(backoff.admits(None).await.is_ok());
        clock.advance_micros(6_000_000);
        assert!(admits("192.0.2.1").await);
    }

    #[tokio::test]
    async fn tries_become_rarer_and_a_right_one_ends_that() {
        let clock = ManualClock::at(Timestamp::from_micros(0));
        let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
        let backoff = Backoff::new(Arc::new(InProcessLimits::new(env)));
        let guess = async || match backoff.begin("a".to_owned()).await {
            Ok(_wrong) => Ok(()),
            Err(Refused::TooMany(wait)) => Err(wait.as_secs()),
            Err(other) => panic!("{other:?}"),
        };
        for _ in 0..5 {
            assert_eq!(guess().await, Ok(()));
        }
        assert_eq!(guess().await, Err(12));
        let other = backoff.begin("b".to_owned()).await;
        assert!(other.is_ok(), "another account does not wait");
        // As fast as they are let, until there are twenty.
        for _ in 5..20 {
            clock.advance_micros(12_000_000);
            assert_eq!(guess().await, Ok(()));
        }
        // In the meantime, some of the quarter of an hour has gone.
        assert_eq!(guess().await, Err(12));
        clock.advance_micros(12_000_000);
        assert_eq!(guess().await, Err(900 - 16 * 12));
        let mut tried = 0;
        for _second in 0..86_400 {
            clock.advance_micros(1_000_000);
            tried += u32::from(guess().await.is_ok());
        }
        // One in a quarter of an hour, or twelve seconds later.
        assert!((94..=96).contains(&tried), "{tried}");
        clock.advance_micros(900_000_000);
        backoff.was_right(backoff.begin("a".to_owned()).await.unwrap_or_else(|_| panic!())).await;
        for _ in 0..5 {
            assert_eq!(guess().await, Ok(()));
        }
    }
}
