//! Streams that clients share while they follow them: found by a key, and gone with their last
//! reader.

use super::fan::{Fan, Kept, Read};
use crate::request::Caller;
use futures::{
    FutureExt,
    future::{self, BoxFuture, Shared},
    stream::BoxStream,
};
use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};
use tracing::{Instrument, Span};

/// What can be a key of streams.
pub(super) trait GroupKey: Eq + Hash + Clone + Send + Sync + 'static {}

impl<K: Eq + Hash + Clone + Send + Sync + 'static> GroupKey for K {}

/// What can be an item of a stream, or the reason why one was refused.
pub(super) trait Item: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> Item for T {}

/// How many events a stream has been given. It is counted before anything is read for the event.
#[derive(Clone, Debug, Default)]
pub(super) struct Events(Arc<AtomicU64>);

impl Events {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn so_far(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// All streams of one kind, by what they are streams of.
pub(super) struct Groups<K: GroupKey, T: Item, E: Item> {
    all: Mutex<All<K, T, E>>,
    keep: Kept,
    size: fn(&T) -> usize,
}

type All<K, T, E> = HashMap<K, Weak<Group<K, T, E>>>;

/// A stream with its readers.
pub(super) struct Group<K: GroupKey, T: Item, E: Item> {
    key: K,
    of: Weak<Groups<K, T, E>>,
    /// Who began it: what it reads is read for them.
    pub(super) opener: Arc<Caller>,
    pub(super) events: Events,
    begun: Shared<BoxFuture<'static, Result<(), E>>>,
    fan: Arc<OnceLock<Arc<Fan<T>>>>,
}

/// A reader of a stream.
pub(super) struct Reader<K: GroupKey, T: Item, E: Item> {
    group: Arc<Group<K, T, E>>,
    at: u64,
}

impl<K: GroupKey, T: Item, E: Item> Groups<K, T, E> {
    /// No stream yet. Each will keep as much as `keep` says of items of such sizes.
    pub(super) fn new(keep: Kept, size: fn(&T) -> usize) -> Arc<Self> {
        Arc::new(Groups { all: Mutex::default(), keep, size })
    }

    fn lock(&self) -> MutexGuard<'_, All<K, T, E>> {
        // No invariant spans a panic: every change is one insertion or one removal.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream of that key, if `joins` agrees to it.
    pub(super) fn find(
        &self,
        key: &K,
        joins: impl FnOnce(&Group<K, T, E>) -> bool,
    ) -> Option<Arc<Group<K, T, E>>> {
        // Taken out of the lock: if it is the last one, dropping it takes the lock again.
        let found = self.lock().get(key).and_then(Weak::upgrade)?;
        (!found.is_over() && joins(&found)).then_some(found)
    }

    /// The stream of that key, if `joins` agrees to it, else a new one for `opener`, which takes the
    /// place of the other.
    pub(super) fn find_or_open<F>(
        self: &Arc<Self>,
        key: K,
        opener: &Arc<Caller>,
        joins: impl FnOnce(&Group<K, T, E>) -> bool,
        begin: impl FnOnce(Events) -> F,
    ) -> Arc<Group<K, T, E>>
    where
        F: Future<Output = Result<BoxStream<'static, T>, E>> + Send + 'static,
    {
        let mut all = self.lock();
        let there = all.get(&key).and_then(Weak::upgrade);
        if let Some(group) = &there
            && !group.is_over()
            && joins(group)
        {
            return group.clone();
        }
        let events = Events::default();
        let (begin, fan) = (begin(events.clone()), Arc::new(OnceLock::new()));
        let (keep, size, slot) = (self.keep, self.size, fan.clone());
        let begun = async move {
            let source = begin.await?;
            slot.get_or_init(|| Fan::new(source, 0, Vec::new(), keep, size));
            Ok(())
        };
        // Whoever polls it, what it logs is of the request that began the stream.
        let begun = begun.instrument(Span::current()).boxed().shared();
        let (of, opener) = (Arc::downgrade(self), opener.clone());
        let group = Arc::new(Group { key, of, opener, events, begun, fan });
        all.insert(group.key.clone(), Arc::downgrade(&group));
        drop(all);
        drop(there);
        group
    }

    /// Makes a stream that was read alone until now one that others may join, where there is none of
    /// that key. `last` is the newest item that was taken from it.
    ///
    /// # Errors
    /// The stream itself, where there is one.
    pub(super) fn open_late(
        self: &Arc<Self>,
        key: &K,
        opener: &Arc<Caller>,
        events: &Events,
        source: BoxStream<'static, T>,
        last: T,
    ) -> Result<Reader<K, T, E>, BoxStream<'static, T>> {
        let mut all = self.lock();
        if all.get(key).is_some_and(|group| group.strong_count() > 0) {
            return Err(source);
        }
        let at = events.so_far();
        let fan = Fan::new(source, at, vec![last], self.keep, self.size);
        let group = Arc::new(Group {
            key: key.clone(),
            of: Arc::downgrade(self),
            opener: opener.clone(),
            events: events.clone(),
            begun: future::ready(Ok(())).boxed().shared(),
            fan: Arc::new(OnceLock::from(fan)),
        });
        all.insert(key.clone(), Arc::downgrade(&group));
        drop(all);
        Ok(Reader { group, at })
    }
}

impl<K: GroupKey, T: Item, E: Item> Group<K, T, E> {
    /// Whether it did not begin, or has ended: nobody who comes now is served by it.
    fn is_over(&self) -> bool {
        matches!(self.begun.peek(), Some(Err(_)))
            || self.fan.get().is_some_and(|fan| fan.has_ended())
    }

    /// Reads it from what comes next, once it has begun.
    ///
    /// # Errors
    /// Why it was refused.
    pub(super) async fn reader(self: Arc<Self>) -> Result<Reader<K, T, E>, E> {
        self.begun.clone().await?;
        let at = self.fan.get().map_or(0, |fan| fan.end());
        Ok(Reader { group: self, at })
    }

    /// Reads it from its beginning, once it has begun.
    ///
    /// # Errors
    /// Why it was refused.
    pub(super) async fn reader_of_all(self: Arc<Self>) -> Result<Reader<K, T, E>, E> {
        self.begun.clone().await?;
        Ok(Reader { group: self, at: 0 })
    }

    /// Reads it behind the newest item, from the one numbered `from` on, that `is_it`.
    pub(super) fn reader_behind(
        self: Arc<Self>,
        from: u64,
        is_it: impl Fn(&T) -> bool,
    ) -> Option<Reader<K, T, E>> {
        let at = self.fan.get()?.find(from, is_it)? + 1;
        Some(Reader { group: self, at })
    }
}

impl<K: GroupKey, T: Item, E: Item> Drop for Group<K, T, E> {
    fn drop(&mut self) {
        let Some(of) = self.of.upgrade() else { return };
        let mut all = of.lock();
        // A newer one may have the key by now.
        if all.get(&self.key).is_some_and(|group| group.strong_count() == 0) {
            all.remove(&self.key);
        }
    }
}

impl<K: GroupKey, T: Item, E: Item> Reader<K, T, E> {
    /// The next item.
    pub(super) async fn read(&mut self) -> Read<T> {
        match self.group.fan.get() {
            Some(fan) => fan.read(&mut self.at).await,
            None => Read::End,
        }
    }
}
