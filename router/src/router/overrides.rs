//! Which labels of progressive overrides are on for a request.

use crate::{
    planner::{Label, LabelId},
    request::Caller,
};
use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

type IsOn = Arc<dyn Fn(&Caller, &str) -> bool + Send + Sync>;
type Draw = Arc<dyn Fn(&Caller) -> f64 + Send + Sync>;

/// Who decides about labels.
pub(super) struct Overrides {
    /// Whether a named label is on.
    pub(super) named: IsOn,
    /// A number from 0 to 100: `percent(n)` is on where it is below `n`.
    pub(super) draw: Draw,
}

impl Default for Overrides {
    /// No named label is on, and each request draws anew.
    fn default() -> Overrides {
        // Each state has random keys, so that the numbers of requests are spread at random.
        let state = RandomState::new();
        let requests = AtomicU64::new(0);
        let draw = move |_: &Caller| {
            let drawn = state.hash_one(requests.fetch_add(1, Ordering::Relaxed));
            // The 53 bits that a float holds, as a share of one.
            (drawn >> 11) as f64 / (1u64 << 53) as f64 * 100.0
        };
        Overrides { named: Arc::new(|_, _| false), draw: Arc::new(draw) }
    }
}

impl Overrides {
    /// For each label that an operation meets whether it is on. One number is drawn for all shares of a
    /// request: with n shares there are n + 1 plans of an operation, not 2ⁿ.
    pub(super) fn on(&self, labels: &[Label], met: &[LabelId], caller: &Caller) -> Vec<bool> {
        let mut drawn = None;
        met.iter()
            .map(|label| match &labels[*label] {
                Label::Percent(share) => *drawn.get_or_insert_with(|| (self.draw)(caller)) < *share,
                Label::Named(name) => (self.named)(caller, name),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_drawn_together() {
        let shares = (1..=10).map(|tenth| Label::Percent(f64::from(tenth) * 10.0));
        let labels: Vec<Label> = shares.collect();
        let met: Vec<LabelId> = (0..10).collect();
        let mut plans = std::collections::BTreeSet::new();
        for draw in 0..1000 {
            let overrides = Overrides {
                draw: Arc::new(move |_| f64::from(draw) / 10.0),
                ..Overrides::default()
            };
            plans.insert(overrides.on(&labels, &met, &Caller::default()));
        }
        assert_eq!(plans.len(), 10);
    }

    #[test]
    fn draws_are_spread_over_the_percentages() {
        let overrides = Overrides::default();
        let caller = Caller::default();
        let drawn: Vec<f64> = (0..10_000).map(|_| (overrides.draw)(&caller)).collect();
        assert!(drawn.iter().all(|drawn| (0.0..100.0).contains(drawn)));
        // Of 10,000 fair draws, 10 standard deviations around a quarter are 2,067 to 2,933.
        let quarter = drawn.iter().filter(|drawn| **drawn < 25.0).count();
        assert!((2_067..2_933).contains(&quarter), "{quarter}");
    }
}
