//! One stream with many readers. An item is made once, when the first reader waits for it, and kept
//! for the others: a reader that is slower reads what is kept, and one that is slower than that is
//! told so. No reader waits for another, and the stream is dropped with the last of them.

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Shared},
    stream::BoxStream,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tracing::{Instrument, Span};

/// How much is kept for readers that are behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// Items, one at least.
    pub(super) items: usize,
    /// Bytes of all items together; the newest is kept whatever its size.
    pub(super) bytes: usize,
}

/// The stream. It goes on when a reader waits for more than is there.
pub(super) struct Fan<T> {
    state: Mutex<State<T>>,
    keep: Kept,
    /// The size of an item in bytes.
    size: fn(&T) -> usize,
}

struct State<T> {
    kept: VecDeque<T>,
    bytes: usize,
    /// The number of the oldest item kept; the stream's first item has the number 0.
    first: u64,
    /// Makes the next item, whichever reader polls it; nothing once the stream has ended.
    next: Option<Step>,
}

type Step = Shared<BoxFuture<'static, ()>>;

/// What a reader is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read<T> {
    /// The next item.
    Item(T),
    /// The next item is no longer kept.
    Behind,
    /// There is none: the stream has ended.
    End,
}

impl<T: Clone + Send + Sync + 'static> Fan<T> {
    /// The stream `source`. Its next item has the number `at`; those of the numbers before that were
    /// taken from it, the newest of them in `kept`.
    pub(super) fn new(
        source: BoxStream<'static, T>,
        at: u64,
        kept: Vec<T>,
        keep: Kept,
        size: fn(&T) -> usize,
    ) -> Arc<Fan<T>> {
        Arc::new_cyclic(|fan: &Weak<Fan<T>>| {
            let bytes = kept.iter().map(size).sum();
            let next = Some(step(fan.clone(), source));
            let first = at.saturating_sub(kept.len() as u64);
            let state = State { kept: kept.into(), bytes, first, next };
            Fan { state: Mutex::new(state), keep, size }
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that can panic is done while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, state: &mut State<T>, item: T) {
        state.bytes += (self.size)(&item);
        state.kept.push_back(item);
        while state.kept.len() > self.keep.items.max(1)
            || (state.kept.len() > 1 && state.bytes > self.keep.bytes)
        {
            if let Some(gone) = state.kept.pop_front() {
                state.bytes -= (self.size)(&gone);
                state.first += 1;
            }
        }
    }

    /// The number of the newest item that `is_it`, of those from `from` on that are kept.
    pub(super) fn find(&self, from: u64, is_it: impl Fn(&T) -> bool) -> Option<u64> {
        let state = self.lock();
        let oldest = usize::try_from(from.saturating_sub(state.first)).ok()?;
        let newest = state.kept.iter().skip(oldest).rposition(is_it)?;
        Some(state.first + (oldest + newest) as u64)
    }

    /// The number of the next item.
    pub(super) fn end(&self) -> u64 {
        let state = self.lock();
        state.first + state.kept.len() as u64
    }

    /// Whether nothing more comes; there may still be items that not everybody has read.
    pub(super) fn has_ended(&self) -> bool {
        self.lock().next.is_none()
    }

    /// Reads on at the item `at`, and moves `at` behind what is read.
    pub(super) async fn read(&self, at: &mut u64) -> Read<T> {
        loop {
            let step = {
                let state = self.lock();
                let Some(index) = at.checked_sub(state.first) else { return Read::Behind };
                if let Some(item) =
                    usize::try_from(index).ok().and_then(|index| state.kept.get(index))
                {
                    *at += 1;
                    return Read::Item(item.clone());
                }
                match &state.next {
                    Some(step) => step.clone(),
                    None => return Read::End,
                }
            };
            step.await;
        }
    }
}

/// Makes the next item, and prepares the step after it. It does not keep the stream alive.
fn step<T: Clone + Send + Sync + 'static>(
    fan: Weak<Fan<T>>,
    mut source: BoxStream<'static, T>,
) -> Step {
    let made = async move {
        let item = source.next().await;
        let Some(of) = fan.upgrade() else { return };
        let mut state = of.lock();
        state.next = item.map(|item| {
            of.push(&mut state, item);
            step(fan, source)
        });
    };
    // Whoever polls it, what it logs is of the request that began the stream.
    made.instrument(Span::current()).boxed().shared()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{channel::mpsc, stream};

    const KEEP: Kept = Kept { items: 3, bytes: 100 };

    fn numbers(count: u32) -> Arc<Fan<u32>> {
        Fan::new(stream::iter(0..count).boxed(), 0, Vec::new(), KEEP, |_| 1)
    }

    #[tokio::test]
    async fn everyone_reads_everything_and_it_is_made_once() {
        let made = Arc::new(Mutex::new(Vec::new()));
        let log = made.clone();
        let source = stream::iter(0..50).inspect(move |number| log.lock().unwrap().push(*number));
        let fan = Fan::new(source.boxed(), 0, Vec::new(), KEEP, |_| 1);
        let readers = (0..20).map(|_| async {
            let (mut at, mut read) = (0, Vec::new());
            loop {
                match fan.read(&mut at).await {
                    Read::Item(number) => read.push(number),
                    Read::End => return read,
                    Read::Behind => panic!("the readers go at one pace"),
                }
                tokio::task::yield_now().await;
            }
        });
        let all = futures::future::join_all(readers).await;
        assert!(all.iter().all(|read| *read == (0..50).collect::<Vec<_>>()));
        assert_eq!(*made.lock().unwrap(), (0..50).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn whoever_is_too_slow_is_told_and_nobody_waits() {
        let fan = numbers(6);
        let (mut fast, mut slow, mut slower) = (0, 0, 0);
        assert_eq!(fan.read(&mut slower).await, Read::Item(0));
        for number in 0..4 {
            assert_eq!(fan.read(&mut fast).await, Read::Item(number));
        }
        // Of four items three are kept.
        assert_eq!(fan.read(&mut slower).await, Read::Item(1));
        assert_eq!(fan.read(&mut slow).await, Read::Behind);
        for number in 4..6 {
            assert_eq!(fan.read(&mut fast).await, Read::Item(number));
        }
        assert_eq!(fan.read(&mut fast).await, Read::End);
        assert_eq!(fan.read(&mut slower).await, Read::Behind);
    }

    #[tokio::test]
    async fn bytes_are_bounded_too_and_the_newest_is_kept() {
        let sizes = vec![60, 30, 30, 500, 1];
        let fan = Fan::new(stream::iter(sizes).boxed(), 0, Vec::new(), KEEP, |size| *size as usize);
        let (mut fast, mut begin) = (0, 0);
        for _ in 0..3 {
            fan.read(&mut fast).await;
        }
        assert_eq!(fan.read(&mut begin).await, Read::Behind);
        begin = 1;
        assert_eq!(fan.read(&mut begin).await, Read::Item(30));
        assert_eq!(fan.read(&mut fast).await, Read::Item(500));
        assert_eq!(fan.find(0, |_| true), Some(3));
        assert_eq!(fan.find(0, |size| *size == 30), None);
        assert_eq!(fan.end(), 4);
    }

    #[tokio::test]
    async fn a_reader_that_goes_does_not_hold_the_others_up() {
        let (send, source) = mpsc::unbounded();
        let fan = Fan::new(source.boxed(), 0, Vec::new(), KEEP, |_| 1);
        let (mut gone, mut stays) = (0, 0);
        {
            let first = fan.read(&mut gone);
            tokio::pin!(first);
            assert!(futures::poll!(&mut first).is_pending(), "it waits for the source");
        }
        send.unbounded_send(7).unwrap();
        assert_eq!(fan.read(&mut stays).await, Read::Item(7));
        drop(fan);
        assert!(send.is_closed(), "the source is dropped with the last reader");
    }

    #[tokio::test]
    async fn what_was_taken_before_is_there() {
        let fan = Fan::new(stream::iter([8]).boxed(), 5, vec![7], KEEP, |_| 1);
        let mut at = 4;
        assert_eq!(fan.read(&mut at).await, Read::Item(7));
        assert_eq!((fan.find(4, |_| true), fan.find(5, |_| true)), (Some(4), None));
        assert_eq!(fan.read(&mut at).await, Read::Item(8));
        assert_eq!(fan.read(&mut at).await, Read::End);
    }
}
