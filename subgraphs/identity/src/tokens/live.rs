//! The sessions that are alive, and what their people may do, known by heart: whether a token's
//! session was ended, or its roles were changed, must not cost a query. Filled from the read model
//! at the start, and kept by the feed of the log (`follow`) and, so that a sign-out or a change of
//! roles takes effect at once, by the commands of this process. The two may tell the same thing in
//! any order: an end always wins, and of roles the newest.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use studio_kernel::{Id, Role, Timestamp, kind, published::identity::RolesHeld};
use tokio::sync::watch;

use super::{
    live_clients::LiveClients, live_grants::LiveGrants, live_keys::LiveKeys,
    live_organizations::LiveOrganizations,
};

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// When it runs out; an entry is forgotten after that.
    until: Timestamp,
    ended: bool,
}

/// What a person may do.
#[derive(Debug, Clone)]
struct Known {
    roles: RolesHeld,
    /// The position of identity's log at which it was so.
    position: i64,
}

/// Which sessions are alive, and until when unless they are refreshed.
#[derive(Default)]
pub(crate) struct LiveSessions {
    entries: RwLock<HashMap<Id<kind::Session>, Entry>>,
    /// Of everybody who had a session, a key or an app at the start, or got one of the latter, or whose roles were
    /// changed since: there are no more of them than people.
    roles: RwLock<HashMap<Id<kind::User>, Known>>,
    /// Who was suspended or reactivated, and at which position of identity's log. Of everybody who was
    /// suspended at the start, and of all changes since.
    suspended: RwLock<HashMap<Id<kind::User>, (bool, i64)>>,
    /// The keys by which programs act for people.
    pub(crate) keys: LiveKeys,
    /// The programs that organizations let in.
    pub(crate) clients: LiveClients,
    /// In which state organizations are.
    pub(crate) organizations: LiveOrganizations,
    /// What people allowed apps.
    pub(crate) grants: LiveGrants,
    /// Everything up to this position of identity's log is in it.
    reached: watch::Sender<i64>,
}

/// Entries that ran out are dropped whenever the map grows to a power of two of at least this.
const SWEEP_FROM: usize = 1024;
/// How long the end of a session whose start is not known here is remembered.
const UNKNOWN_SECONDS: i64 = 86_400;

impl LiveSessions {
    /// A session was started or refreshed and lives until then, unless it was ended.
    pub(crate) fn live(&self, session: Id<kind::Session>, until: Timestamp, now: Timestamp) {
        let mut sessions = self.write();
        let entry = sessions.entry(session).or_insert(Entry { until, ended: false });
        entry.until = entry.until.max(until);
        if sessions.len() >= SWEEP_FROM && sessions.len().is_power_of_two() {
            sessions.retain(|_, entry| entry.until > now);
        }
    }

    /// A session was ended.
    pub(crate) fn ended(&self, session: Id<kind::Session>, now: Timestamp) {
        let until = now.plus_seconds(UNKNOWN_SECONDS);
        self.write().entry(session).or_insert(Entry { until, ended: true }).ended = true;
    }

    /// Whether the session is alive.
    pub(crate) fn is_live(&self, session: Id<kind::Session>, now: Timestamp) -> bool {
        self.read().get(&session).is_some_and(|entry| !entry.ended && entry.until > now)
    }

    /// What a person may do, as it was at a position of identity's log.
    pub(crate) fn roles_are(&self, user: Id<kind::User>, roles: RolesHeld, position: i64) {
        let mut known = self.roles.write().unwrap_or_else(PoisonError::into_inner);
        let newest = known.get(&user).map_or(i64::MIN, |known| known.position);
        if position >= newest {
            known.insert(user, Known { roles, position });
        }
    }

    /// What a person could do when something of theirs was recorded, unless more is known.
    pub(crate) fn roles_were(&self, user: Id<kind::User>, roles: Vec<Role>, position: i64) {
        let mut known = self.roles.write().unwrap_or_else(PoisonError::into_inner);
        let roles = RolesHeld { always: roles, ..RolesHeld::default() };
        known.entry(user).or_insert(Known { roles, position });
    }

    /// What a person may do; `None` where a token of theirs says it. Whoever has a role that ends by
    /// itself, or one in a project, is known always: tokens say nothing of these.
    pub(crate) fn held_by(&self, user: Id<kind::User>) -> Option<RolesHeld> {
        let known = self.roles.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&user).map(|known| known.roles.clone())
    }

    /// Whether a person is suspended, as it was at a position of identity's log.
    pub(crate) fn suspended_is(&self, user: Id<kind::User>, suspended: bool, position: i64) {
        let mut known = self.suspended.write().unwrap_or_else(PoisonError::into_inner);
        let newest = known.get(&user).map_or(i64::MIN, |(_, position)| *position);
        if position >= newest {
            known.insert(user, (suspended, position));
        }
    }

    /// Whether a person is suspended: nothing of theirs proves anything then.
    pub(crate) fn is_suspended(&self, user: Id<kind::User>) -> bool {
        let known = self.suspended.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&user).is_some_and(|(suspended, _)| *suspended)
    }

    /// Whether anything is known of the session.
    pub(crate) fn knows(&self, session: Id<kind::Session>) -> bool {
        self.read().contains_key(&session)
    }

    /// Everything up to this position of identity's log is known now.
    pub(crate) fn reached(&self, position: i64) {
        self.reached.send_if_modified(|reached| {
            let moved = position > *reached;
            *reached = position.max(*reached);
            moved
        });
    }

    /// Waits until everything up to a position is known.
    pub(crate) async fn caught_up_to(&self, position: i64) {
        let mut reached = self.reached.subscribe();
        // The sender is in `self`: it cannot be gone.
        let _there = reached.wait_for(|reached| *reached >= position).await;
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Id<kind::Session>, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Id<kind::Session>, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Env, published::identity::RoleUntil};

    use super::*;

    #[test]
    fn an_end_wins_in_any_order() {
        let sessions = LiveSessions::default();
        let (env, now) = (Env::system(), Timestamp::from_micros(0));
        let (one, two) = (env.id(), env.id());
        assert!(!sessions.is_live(one, now));
        sessions.live(one, now.plus_seconds(10), now);
        assert!(sessions.is_live(one, now.plus_seconds(9)));
        assert!(!sessions.is_live(one, now.plus_seconds(10)));
        sessions.ended(one, now);
        sessions.live(one, now.plus_seconds(99), now);
        assert!(!sessions.is_live(one, now));
        sessions.ended(two, now);
        sessions.live(two, now.plus_seconds(99), now);
        assert!(!sessions.is_live(two, now));
    }

    #[test]
    fn the_newest_roles_count_in_any_order() {
        let sessions = LiveSessions::default();
        let (user, now) = (Env::system().id(), Timestamp::from_micros(0));
        let roles = |always| RolesHeld { always, ..RolesHeld::default() };
        let roles_at = |now| sessions.held_by(user).map(|held| held.at(now));
        assert_eq!(roles_at(now), None);
        sessions.roles_are(user, roles(vec![Role::Viewer]), 7);
        sessions.roles_are(user, roles(vec![Role::Owner]), 3);
        assert_eq!(roles_at(now), Some(vec![Role::Viewer]));
        let until = RoleUntil { role: Role::Auditor, until: now.plus_seconds(1) };
        sessions.roles_are(user, RolesHeld { until: vec![until], ..RolesHeld::default() }, 8);
        assert_eq!(roles_at(now), Some(vec![Role::Auditor]));
        assert_eq!(roles_at(now.plus_seconds(1)), Some(vec![]));
        sessions.roles_were(user, vec![Role::Owner], 9);
        assert_eq!(roles_at(now.plus_seconds(1)), Some(vec![]));
    }

    #[test]
    fn the_newest_word_on_a_suspension_counts_in_any_order() {
        let (sessions, user) = (LiveSessions::default(), Env::system().id());
        assert!(!sessions.is_suspended(user));
        sessions.suspended_is(user, false, 7);
        sessions.suspended_is(user, true, 3);
        assert!(!sessions.is_suspended(user));
        sessions.suspended_is(user, true, 8);
        assert!(sessions.is_suspended(user));
    }

    #[test]
    fn what_ran_out_is_forgotten() {
        let sessions = LiveSessions::default();
        let env = Env::system();
        for n in 0..5000 {
            let now = Timestamp::from_micros(0).plus_seconds(n);
            sessions.live(env.id(), now.plus_seconds(1), now);
        }
        assert!(sessions.read().len() < 2048);
    }
}
