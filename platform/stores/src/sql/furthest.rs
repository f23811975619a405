//! How far each organization's writes are known to have got.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use studio_kernel::TenantId;

use super::Positions;

/// So many organizations are kept one by one.
const TENANTS: usize = 10_000;

/// A place, or several, in something that only grows.
pub trait Advance: Clone + Default {
    /// Goes on to where the other one is; never back.
    fn advance(&mut self, to: &Self);
}

impl Advance for i64 {
    fn advance(&mut self, to: &Self) {
        *self = (*self).max(*to);
    }
}

impl Advance for Positions {
    fn advance(&mut self, to: &Self) {
        self.merge(to);
    }
}

/// The furthest place for each organization. It takes a bounded space, however many there are: when
/// they are too many, all of them are told the furthest of any, which is never less than before.
#[derive(Debug, Default)]
pub struct Furthest<P>(Mutex<State<P>>);

#[derive(Debug, Default)]
struct State<P> {
    /// What everybody is told.
    floor: P,
    tenants: HashMap<TenantId, P>,
}

impl<P: Advance> Furthest<P> {
    /// Notes a place for an organization, or for everybody.
    pub fn note(&self, tenant: Option<TenantId>, place: &P) {
        let mut state = self.state();
        let Some(tenant) = tenant else { return state.floor.advance(place) };
        if state.tenants.len() >= TENANTS && !state.tenants.contains_key(&tenant) {
            let all = std::mem::take(&mut state.tenants);
            all.values().for_each(|known| state.floor.advance(known));
        }
        state.tenants.entry(tenant).or_default().advance(place);
    }

    /// The furthest place for an organization; for nobody in particular what everybody is told.
    pub fn of(&self, tenant: Option<TenantId>) -> P {
        let state = self.state();
        let mut place = state.floor.clone();
        if let Some(own) = tenant.and_then(|tenant| state.tenants.get(&tenant)) {
            place.advance(own);
        }
        place
    }

    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    #[test]
    fn nobody_is_forgotten_when_there_are_too_many() {
        let (furthest, env) = (Furthest::default(), Env::system());
        let first: TenantId = env.id();
        furthest.note(Some(first), &5);
        furthest.note(Some(first), &1);
        furthest.note(None, &2);
        assert_eq!((furthest.of(Some(first)), furthest.of(None)), (5, 2));
        assert_eq!(furthest.of(Some(env.id())), 2);
        for place in 6..10_006 {
            furthest.note(Some(env.id()), &place);
        }
        // All of them in one, and nobody is told less than before.
        assert!(furthest.of(Some(first)) >= 5);
        assert_eq!(furthest.of(Some(env.id())), 10_004);
        assert_eq!(furthest.0.lock().unwrap().tenants.len(), 1);
    }
}
