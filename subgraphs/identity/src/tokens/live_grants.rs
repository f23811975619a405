//! What people allowed apps and has not run out, known by heart as keys are (`live_keys`).

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, TenantId, Timestamp, kind};

/// Entries that ran out are dropped whenever the map grows to a power of two of at least this.
const SWEEP_FROM: usize = 1024;
/// Seconds for which what ran out is remembered: another process, whose clock is behind, may have
/// extended it.
pub(crate) const MARGIN: i64 = 3600;
/// Seconds for which an end is remembered: far longer than an access token holds.
const ENDED_SECONDS: i64 = 86_400;

/// What a person allowed an app, as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnownGrant {
    pub(crate) grant: Id<kind::AppGrant>,
    pub(crate) tenant: TenantId,
    pub(crate) user: Id<kind::User>,
    pub(crate) client: Id<kind::OAuthClient>,
    pub(crate) expires_at: Timestamp,
}

enum Entry {
    Holds(KnownGrant),
    /// It was ended, and is remembered until then.
    Ended(Timestamp),
}

impl Entry {
    fn holds(&self, now: Timestamp) -> Option<&KnownGrant> {
        match self {
            Self::Holds(known) if known.expires_at > now => Some(known),
            _ => None,
        }
    }
}

/// What apps may act by.
#[derive(Default)]
pub(crate) struct LiveGrants {
    entries: RwLock<HashMap<Id<kind::AppGrant>, Entry>>,
}

impl LiveGrants {
    /// A person allowed an app something.
    pub(crate) fn add(&self, grant: KnownGrant, now: Timestamp) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(grant.grant).or_insert_with(|| Entry::Holds(grant.clone()));
        if let Entry::Holds(known) = entry {
            known.expires_at = known.expires_at.max(grant.expires_at);
        }
        if entries.len() >= SWEEP_FROM && entries.len().is_power_of_two() {
            entries.retain(|_, entry| match entry {
                Entry::Holds(known) => known.expires_at.plus_seconds(MARGIN) > now,
                Entry::Ended(until) => *until > now,
            });
        }
    }

    /// An app got tokens, which hold until then.
    pub(crate) fn extended(&self, grant: Id<kind::AppGrant>, until: Timestamp) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(Entry::Holds(known)) = entries.get_mut(&grant) {
            known.expires_at = known.expires_at.max(until);
        }
    }

    /// It was ended.
    pub(crate) fn ended(&self, grant: Id<kind::AppGrant>, now: Timestamp) {
        let until = now.plus_seconds(ENDED_SECONDS);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.insert(grant, Entry::Ended(until));
    }

    /// Whether it is known that it goes on, or that it was ended. What seems to have run out may have been
    /// extended elsewhere.
    pub(crate) fn knows(&self, grant: Id<kind::AppGrant>, now: Timestamp) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        match entries.get(&grant) {
            Some(Entry::Ended(_)) => true,
            Some(entry) => entry.holds(now).is_some(),
            None => false,
        }
    }

    /// What was allowed, if it goes on.
    pub(crate) fn find(&self, grant: Id<kind::AppGrant>, now: Timestamp) -> Option<KnownGrant> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(&grant)?.holds(now).cloned()
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    fn grant(env: &Env, until: Timestamp) -> KnownGrant {
        let (grant, tenant, user, client) = (env.id(), env.id(), env.id(), env.id());
        KnownGrant { grant, tenant, user, client, expires_at: until }
    }

    #[test]
    fn an_end_wins_in_any_order_and_the_latest_end_counts() {
        let (env, now) = (Env::system(), Timestamp::from_micros(0));
        let grants = LiveGrants::default();
        let one = grant(&env, now.plus_seconds(60));
        assert!(!grants.knows(one.grant, now));
        grants.extended(one.grant, now.plus_seconds(99));
        assert!(grants.find(one.grant, now).is_none(), "nothing is known of it");
        grants.add(one.clone(), now);
        grants.extended(one.grant, now.plus_seconds(600));
        grants.add(one.clone(), now);
        assert!(grants.find(one.grant, now.plus_seconds(599)).is_some());
        assert!(grants.find(one.grant, now.plus_seconds(600)).is_none());
        assert!(!grants.knows(one.grant, now.plus_seconds(600)), "it may have been extended");
        grants.ended(one.grant, now);
        grants.add(one.clone(), now);
        grants.extended(one.grant, now.plus_seconds(900));
        assert!(grants.find(one.grant, now).is_none() && grants.knows(one.grant, now));
    }

    #[test]
    fn what_ran_out_is_forgotten() {
        let (env, grants) = (Env::system(), LiveGrants::default());
        for n in 0..5000 {
            let now = Timestamp::from_micros(0).plus_seconds(n * 10);
            grants.add(grant(&env, now.plus_seconds(60)), now);
        }
        assert!(grants.entries.read().unwrap().len() < 2048);
    }
}
