//! Noticing what other processes have destroyed.
//!
//! Unwrapped keys are cached. Where several processes share a key store, each asks it every few
//! seconds, at the use of a key, how many keys are destroyed, and forgets all that it has cached
//! when there are more than before. So a destroyed key opens nothing anywhere after
//! [`EVERY_SECONDS`], or after [`super::CACHED_SECONDS`] where the store has not answered since;
//! and nothing is sealed for an erased person from the moment of the erasure on.

use std::sync::{Mutex, PoisonError};

use studio_kernel::Timestamp;

use super::Keyring;

/// How often the store is asked.
const EVERY_SECONDS: i64 = 5;

#[derive(Default)]
pub(super) struct Watch(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    count: Option<u64>,
    next: Option<Timestamp>,
}

impl Watch {
    /// Whether the caller is the one to ask now.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = seen.next.is_none_or(|next| next <= now);
        if due {
            seen.next = Some(now.plus_seconds(EVERY_SECONDS));
        }
        due
    }

    /// Remembers the count, and says whether it is another than before.
    fn moved(&self, count: u64) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.count.replace(count) != Some(count)
    }
}

impl Keyring {
    pub(super) async fn notice_destroyed(&self) {
        if !self.watch.is_due(self.env.now()) {
            return;
        }
        // A key that is being loaded is in the cache before it is cleared, or is loaded after.
        let _changing = self.changing.lock().await;
        match self.store.destroyed().await {
            Ok(Some(count)) if self.watch.moved(count) => self.lock_cache().clear(),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "keys that other processes destroy are noticed later");
            }
        }
    }
}
