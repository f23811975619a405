//! The two things that a decision may take from the world: the time and randomness. Both are
//! parameters, so that a test can hold them still. Nothing else in Studio reads the system clock
//! or the system's random source (`clippy.toml` bans it).

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use uuid::Uuid;

use crate::{
    id::{Id, Kind},
    time::Timestamp,
};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The present instant. It may jump backwards; the event store guards its own order.
    fn now(&self) -> Timestamp;
}

/// Gives random bytes fit for keys and tokens.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_datetime(chrono::Utc::now())
    }
}

/// The random source of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::expect_used,
        clippy::disallowed_methods,
        reason = "without randomness no key is safe: stopping is right"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system's random source answers");
    }
}

/// A clock that stands still until it is moved, for tests and for replays.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now.micros())))
    }

    /// Moves the clock to `now`, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }

    /// Moves the clock by so many microseconds.
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A repeatable sequence of bytes (SplitMix64). For tests only: it is no secret.
#[derive(Debug)]
pub struct FixedEntropy(AtomicU64);

impl FixedEntropy {
    /// The sequence that starts from `seed`.
    pub fn seeded(seed: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seed)))
    }
}

impl Entropy for FixedEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let mut z = self
                .0
                .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst)
                .wrapping_add(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Time and randomness together, cheap to clone.
#[derive(Clone)]
pub struct Env {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Env {
    /// The machine's own clock and randomness.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
    }

    /// A clock and randomness of the caller's choice.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Fills the buffer with random bytes.
    pub fn fill(&self, buffer: &mut [u8]) {
        self.entropy.fill(buffer);
    }

    /// So many random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A new UUIDv7 (RFC 9562, section 5.7): milliseconds, then randomness.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().micros().div_euclid(1000)).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    /// A new id.
    pub fn id<K: Kind>(&self) -> Id<K> {
        Id::from_uuid(self.uuid())
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("now", &self.now()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::kind;

    #[test]
    fn ids_follow_the_clock() {
        let clock = ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000));
        let env = Env::new(clock.clone(), FixedEntropy::seeded(7));
        let first = env.id::<kind::Control>();
        clock.advance_micros(1_000);
        let second = env.id::<kind::Control>();
        assert!(first < second);
        assert_eq!(first.uuid().get_version_num(), 7);
    }
}
