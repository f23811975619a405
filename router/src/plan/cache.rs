//! A bounded cache in which each value is made once, however many ask for it at the same time.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::OnceCell;

/// A cache of at most `capacity` values; the clock algorithm chooses what goes.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    capacity: usize,
    entries: Mutex<Entries<K, V>>,
}

#[derive(Debug)]
struct Entries<K, V> {
    slots: HashMap<K, Arc<Slot<V>>>,
    /// Keys in the order in which they are considered for removal.
    ring: VecDeque<K>,
}

#[derive(Debug)]
struct Slot<V> {
    used: AtomicBool,
    value: OnceCell<Arc<V>>,
}

impl<K: Eq + Hash + Clone, V> Cache<K, V> {
    pub(crate) fn new(capacity: usize) -> Cache<K, V> {
        Cache {
            capacity: capacity.max(1),
            entries: Mutex::new(Entries { slots: HashMap::new(), ring: VecDeque::new() }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        // No invariant spans a panic: every change below is one insertion or one removal.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value, if it is there.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let slot = self.lock().slots.get(key).cloned()?;
        slot.used.store(true, Ordering::Relaxed);
        slot.value.get().cloned()
    }

    /// The value, made by `make` if it is not there. One caller makes it, the others wait; a failure
    /// is told to its caller, is not kept, and the next caller tries again.
    pub(crate) async fn get_or_make<E, F: Future<Output = Result<V, E>>>(
        &self,
        key: &K,
        make: impl FnOnce() -> F,
    ) -> Result<Arc<V>, E> {
        let slot = self.slot(key);
        let made =
            slot.value.get_or_try_init(|| async { make().await.map(Arc::new) }).await.cloned();
        if made.is_err() {
            self.forget(key, &slot);
        }
        made
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut entries = self.lock();
        if let Some(slot) = entries.slots.get(key) {
            slot.used.store(true, Ordering::Relaxed);
            return slot.clone();
        }
        while entries.slots.len() >= self.capacity {
            let Some(candidate) = entries.ring.pop_front() else { break };
            let spared = entries
                .slots
                .get(&candidate)
                .is_some_and(|slot| slot.used.swap(false, Ordering::Relaxed));
            if spared {
                entries.ring.push_back(candidate);
            } else {
                entries.slots.remove(&candidate);
            }
        }
        let slot = Arc::new(Slot { used: AtomicBool::new(false), value: OnceCell::new() });
        entries.slots.insert(key.clone(), slot.clone());
        entries.ring.push_back(key.clone());
        slot
    }

    fn forget(&self, key: &K, slot: &Arc<Slot<V>>) {
        let mut entries = self.lock();
        let same = entries
            .slots
            .get(key)
            .is_some_and(|present| Arc::ptr_eq(present, slot) && !present.value.initialized());
        if same {
            entries.slots.remove(key);
            entries.ring.retain(|candidate| candidate != key);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.lock().slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[tokio::test]
    async fn a_value_is_made_once_for_all_who_wait() {
        let cache = Cache::<u32, u32>::new(4);
        let made = AtomicUsize::new(0);
        let ask = || {
            cache.get_or_make(&1, || async {
                made.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok::<_, ()>(7)
            })
        };
        let all = futures::future::join_all((0..20).map(|_| ask())).await;
        assert!(all.iter().all(|value| **value.as_ref().unwrap() == 7));
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn it_stays_within_its_bounds_and_keeps_what_is_used() {
        let cache = Cache::<u32, u32>::new(4);
        for key in 0..100 {
            cache.get_or_make(&key, || async { Ok::<_, ()>(key) }).await.unwrap();
            assert!(cache.len() <= 4);
            assert_eq!(*cache.get(&0).unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let cache = Cache::<u32, u32>::new(4);
        assert!(cache.get_or_make(&1, || async { Err::<u32, _>("no") }).await.is_err());
        assert_eq!(cache.len(), 0);
        assert_eq!(*cache.get_or_make(&1, || async { Ok::<_, ()>(2) }).await.unwrap(), 2);
    }
}
