//! The API keys that hold, known by heart, as sessions are (`live`): filled from the read model at the
//! start, and kept by the feed of the log and by the commands of this process, in any order. A key that
//! was revoked stays so, whatever is told of it later.
//!
//! When keys were last used is gathered here for whoever writes it down: of each key once in a few
//! minutes, however often it comes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use serde::{Deserialize, Serialize};
use studio_kernel::{ActionScope, Actor, Id, Principal, TenantId, Timestamp, kind};
use tokio::sync::Notify;

use super::api_key::{Presented, is_right};

/// Entries that ran out are dropped whenever the map grows to a power of two of at least this.
const SWEEP_FROM: usize = 1024;
/// Seconds for which a use of a key that was told stands for all others.
const TOLD_EVERY: i64 = 300;

/// A key as it is known.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnownKey {
    pub(crate) key: Id<kind::ApiKey>,
    pub(crate) tenant: TenantId,
    pub(crate) user: Id<kind::User>,
    pub(crate) scopes: Vec<ActionScope>,
    pub(crate) secret_hash: String,
    pub(crate) expires_at: Timestamp,
}

/// When a key was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Use {
    pub(crate) tenant: TenantId,
    pub(crate) key: Id<kind::ApiKey>,
    pub(crate) at: Timestamp,
}

enum Entry {
    Holds(Arc<KnownKey>),
    Revoked,
}

/// Which keys hold.
#[derive(Default)]
pub(crate) struct LiveKeys {
    entries: RwLock<HashMap<Id<kind::ApiKey>, Entry>>,
    uses: Mutex<Uses>,
    /// Told of a use that is to be written down.
    used: Notify,
}

#[derive(Default)]
struct Uses {
    /// When each key was last told of.
    told: HashMap<Id<kind::ApiKey>, Timestamp>,
    waiting: Vec<Use>,
}

impl LiveKeys {
    /// There is such a key.
    pub(crate) fn add(&self, key: KnownKey, now: Timestamp) {
        let mut entries = self.write();
        entries.entry(key.key).or_insert_with(|| Entry::Holds(Arc::new(key)));
        if entries.len() >= SWEEP_FROM && entries.len().is_power_of_two() {
            entries.retain(|_, entry| match entry {
                Entry::Holds(key) => key.expires_at > now,
                Entry::Revoked => true,
            });
        }
    }

    /// A key was revoked.
    pub(crate) fn revoked(&self, key: Id<kind::ApiKey>) {
        self.write().insert(key, Entry::Revoked);
    }

    /// Whether anything is known of the key.
    pub(crate) fn knows(&self, key: Id<kind::ApiKey>) -> bool {
        self.read().contains_key(&key)
    }

    /// Whether the key holds.
    pub(crate) fn is_live(&self, key: Id<kind::ApiKey>, now: Timestamp) -> bool {
        self.find(key, now).is_some()
    }

    /// The key behind what somebody sent, if it holds.
    pub(crate) fn check(&self, presented: &Presented<'_>, now: Timestamp) -> Option<Arc<KnownKey>> {
        let key = self.find(presented.key, now)?;
        is_right(presented.secret, &key.secret_hash).then_some(key)
    }

    fn find(&self, key: Id<kind::ApiKey>, now: Timestamp) -> Option<Arc<KnownKey>> {
        match self.read().get(&key)? {
            Entry::Holds(key) if key.expires_at > now => Some(key.clone()),
            _ => None,
        }
    }

    /// A key was used.
    pub(crate) fn used(&self, key: &KnownKey, now: Timestamp) {
        let mut uses = self.uses();
        let told = uses.told.get(&key.key);
        if told.is_some_and(|told| told.plus_seconds(TOLD_EVERY) > now && *told <= now) {
            return;
        }
        if uses.told.len() >= SWEEP_FROM && uses.told.len().is_power_of_two() {
            uses.told.retain(|_, told| told.plus_seconds(TOLD_EVERY) > now);
        }
        uses.told.insert(key.key, now);
        uses.waiting.push(Use { tenant: key.tenant, key: key.key, at: now });
        drop(uses);
        self.used.notify_one();
    }

    /// Waits for uses that are to be written down, and takes them.
    pub(crate) async fn take_uses(&self) -> Vec<Use> {
        loop {
            let waiting = std::mem::take(&mut self.uses().waiting);
            if !waiting.is_empty() {
                return waiting;
            }
            self.used.notified().await;
        }
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Id<kind::ApiKey>, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Id<kind::ApiKey>, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KnownKey {
    /// Who acts by it, before it is said what its person may do.
    pub(crate) fn actor(&self) -> Actor {
        let principal = Principal::ApiKey { user: self.user, key: self.key };
        Actor::program(self.tenant, principal, Vec::new(), self.scopes.clone())
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;
    use crate::tokens::api_key::{NewSecret, write};

    fn key(env: &Env, secret: &NewSecret, until: Timestamp) -> KnownKey {
        KnownKey {
            key: env.id(),
            tenant: env.id(),
            user: env.id(),
            scopes: Vec::new(),
            secret_hash: secret.hash.clone(),
            expires_at: until,
        }
    }

    #[test]
    fn a_key_holds_until_it_runs_out_or_is_revoked() {
        let (env, now) = (Env::system(), Timestamp::from_micros(0));
        let (keys, secret) = (LiveKeys::default(), NewSecret::make(&env));
        let (one, two) =
            (key(&env, &secret, now.plus_seconds(10)), key(&env, &secret, now.plus_seconds(10)));
        let text = write(one.key, &secret);
        let presented = Presented::read(&text).unwrap();
        assert!(keys.check(&presented, now).is_none());
        keys.add(one.clone(), now);
        assert!(keys.check(&presented, now).is_some());
        assert!(keys.check(&presented, now.plus_seconds(10)).is_none());
        let other = write(one.key, &NewSecret::make(&env));
        assert!(keys.check(&Presented::read(&other).unwrap(), now).is_none());
        keys.revoked(one.key);
        keys.add(one.clone(), now);
        assert!(!keys.is_live(one.key, now), "told again, it stays revoked");
        keys.revoked(two.key);
        keys.add(two.clone(), now);
        assert!(keys.knows(two.key) && !keys.is_live(two.key, now));
    }

    #[tokio::test]
    async fn a_use_is_told_now_and_then() {
        let (env, now) = (Env::system(), Timestamp::from_micros(0));
        let keys = LiveKeys::default();
        let key = key(&env, &NewSecret::make(&env), now.plus_seconds(10_000));
        for at in [0, 1, 299, 300, 301, 700] {
            keys.used(&key, now.plus_seconds(at));
        }
        let told: Vec<_> = keys.take_uses().await.iter().map(|told| told.at.micros()).collect();
        assert_eq!(told, [0, 300_000_000, 700_000_000]);
    }
}
