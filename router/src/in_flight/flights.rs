//! Work that is under way, by what it is for.

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Work that several wait for. It goes on while one of them does, and ends with the last.
pub(super) type Flight<T> = Shared<BoxFuture<'static, T>>;

pub(super) struct Flights<K, T> {
    state: Arc<Mutex<State<K, T>>>,
}

struct State<K, T> {
    flights: HashMap<K, Entry<T>>,
    next: u64,
}

struct Entry<T> {
    number: u64,
    flight: WeakShared<BoxFuture<'static, T>>,
}

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        let state = State { flights: HashMap::new(), next: 0 };
        Flights { state: Arc::new(Mutex::new(state)) }
    }
}

impl<K, T> fmt::Debug for Flights<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}

impl<K, T> Flights<K, T>
where
    K: Eq + Hash + Clone + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// The work for `key` that is under way, or else the work that `begin` makes; and whether it was
    /// under way already.
    pub(super) fn join<F>(&self, key: K, begin: impl FnOnce() -> F) -> (Flight<T>, bool)
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut state = lock(&self.state);
        if let Some(entry) = state.flights.get(&key)
            && let Some(flight) = entry.flight.upgrade()
        {
            return (flight, true);
        }
        let number = state.next;
        state.next += 1;
        // Made before the work is: it is dropped with it, be it done or given up.
        let end = End { state: self.state.clone(), key: key.clone(), number };
        let work = begin();
        let flight = async move {
            let end = end;
            let done = work.await;
            // Before those who wait are told: what begins after that is a read of its own.
            drop(end);
            done
        }
        .boxed()
        .shared();
        if let Some(weak) = flight.downgrade() {
            state.flights.insert(key, Entry { number, flight: weak });
        }
        (flight, false)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        lock(&self.state).flights.len()
    }
}

/// Takes work that has ended out of the map.
struct End<K: Eq + Hash, T> {
    state: Arc<Mutex<State<K, T>>>,
    key: K,
    number: u64,
}

impl<K: Eq + Hash, T> Drop for End<K, T> {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        // Work that was given up may have been followed by other work for the same.
        if state.flights.get(&self.key).is_some_and(|entry| entry.number == self.number) {
            state.flights.remove(&self.key);
        }
    }
}

fn lock<K, T>(state: &Mutex<State<K, T>>) -> MutexGuard<'_, State<K, T>> {
    // No invariant spans a panic: every change is one insertion or one removal.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use tokio::sync::Semaphore;

    /// Work that counts its beginnings and waits until it may end.
    struct Work {
        flights: Flights<&'static str, usize>,
        begun: Arc<AtomicUsize>,
        may_end: Arc<Semaphore>,
    }

    impl Work {
        fn new() -> Work {
            Work {
                flights: Flights::default(),
                begun: Arc::default(),
                may_end: Arc::new(Semaphore::new(0)),
            }
        }

        fn join(&self, key: &'static str) -> Flight<usize> {
            let (begun, may_end) = (self.begun.clone(), self.may_end.clone());
            let work = move || async move {
                let number = begun.fetch_add(1, SeqCst);
                drop(may_end.acquire().await);
                number
            };
            self.flights.join(key, work).0
        }
    }

    #[tokio::test]
    async fn those_who_ask_for_the_same_wait_for_one() {
        let work = Work::new();
        let (first, second, other) = (work.join("a"), work.join("a"), work.join("b"));
        let tasks = [first, second, other].map(tokio::spawn);
        tokio::task::yield_now().await;
        assert_eq!(work.flights.len(), 2);
        work.may_end.add_permits(1);
        let mut numbers = Vec::new();
        for task in tasks {
            numbers.push(task.await.unwrap());
        }
        assert_eq!(numbers[0], numbers[1]);
        assert_ne!(numbers[0], numbers[2]);
        assert_eq!(work.begun.load(SeqCst), 2);
        assert_eq!(work.flights.len(), 0);
    }

    #[tokio::test]
    async fn what_has_ended_is_not_joined() {
        let work = Work::new();
        work.may_end.add_permits(1);
        let first = work.join("a");
        assert_eq!(first.clone().await, 0);
        assert_eq!(work.join("a").await, 1);
        assert_eq!(first.await, 0);
    }

    #[tokio::test]
    async fn it_goes_on_without_the_first_and_ends_with_the_last() {
        let work = Work::new();
        let first = tokio::spawn(work.join("a"));
        tokio::task::yield_now().await;
        let second = tokio::spawn(work.join("a"));
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        work.may_end.add_permits(1);
        assert_eq!(second.await.unwrap(), 0);
        assert_eq!(work.begun.load(SeqCst), 1);

        let given_up = work.join("b");
        assert_eq!(work.flights.len(), 1);
        drop(given_up);
        assert_eq!(work.flights.len(), 0);
    }

    #[tokio::test]
    async fn work_given_up_does_not_end_what_followed_it() {
        let work = Work::new();
        let end = End { state: work.flights.state.clone(), key: "a", number: 7 };
        let flight = work.join("a");
        drop(end);
        assert_eq!(work.flights.len(), 1);
        drop(flight);
        assert_eq!(work.flights.len(), 0);
    }
}
