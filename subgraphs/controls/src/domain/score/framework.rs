//! Rules 7 and 8: a framework from its requirements.

use studio_kernel::Timestamp;

use super::{
    FORMULA, Fixed, FrameworkId,
    fact::Importance,
    value::{Counts, FrameworkScore, FrameworkValue, Triple},
};

/// The sums over the requirements of a framework. They are whole numbers, so adding and removing
/// one gives what a sum from the beginning would give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) weight: u64,
    lo: i128,
    hi: i128,
    decided: i128,
    counts: Counts,
}

impl Totals {
    pub(super) fn add(&mut self, importance: Importance, value: &Triple) {
        let weight = i128::from(importance.weight());
        self.weight += u64::from(importance.weight());
        self.lo += weight * value.lo.wide();
        self.hi += weight * value.hi.wide();
        self.decided += weight * value.decided.wide();
        *self.counts.of(value.verdict()) += 1;
    }

    pub(super) fn remove(&mut self, importance: Importance, value: &Triple) {
        let weight = i128::from(importance.weight());
        self.weight -= u64::from(importance.weight());
        self.lo -= weight * value.lo.wide();
        self.hi -= weight * value.hi.wide();
        self.decided -= weight * value.decided.wide();
        *self.counts.of(value.verdict()) -= 1;
    }

    pub(super) fn score(&self, framework: FrameworkId, at: Timestamp) -> FrameworkScore {
        let weight = i128::from(self.weight);
        let value = (weight > 0).then(|| FrameworkValue {
            lo: Fixed::quotient(100 * self.lo, weight),
            hi: Fixed::quotient(100 * self.hi, weight),
            coverage: Fixed::quotient(self.decided, weight),
        });
        FrameworkScore { framework, formula: FORMULA, at, value, counts: self.counts }
    }
}

/// Hands out the points lost, requirement by requirement, so that they add up to `100 - S` to the
/// last digit: each gets what the rounded running sum grew by.
pub(super) struct PointsLost {
    weight: i128,
    so_far: i128,
    given: i128,
}

impl PointsLost {
    pub(super) fn new(weight: u64) -> Self {
        Self { weight: i128::from(weight), so_far: 0, given: 0 }
    }

    /// The points lost by the next requirement, whose bound is `value`.
    pub(super) fn next(&mut self, importance: Importance, value: Fixed) -> Fixed {
        self.so_far += 100 * i128::from(importance.weight()) * value.complement().wide();
        // Halves down, as the score itself rounds halves up.
        let rounded = (2 * self.so_far + self.weight - 1) / (2 * self.weight);
        let lost = rounded - self.given;
        self.given = rounded;
        Fixed::from_wide(lost)
    }
}

/// Of the points lost by a requirement, those that may yet be won. Each of the two numbers is
/// rounded so that its own sum is right to the last digit, so they can cross by that digit where
/// nothing may be won: never below 0.
pub(super) fn undecided(lost_lo: Fixed, lost_hi: Fixed) -> Fixed {
    Fixed::from_wide(lost_lo.wide() - lost_hi.wide()).max(Fixed::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triple(lo: &str, hi: &str, decided: &str) -> Triple {
        let read = |text: &str| text.parse().unwrap();
        Triple { lo: read(lo), hi: read(hi), decided: read(decided) }
    }

    fn id() -> FrameworkId {
        "frw_00000000000000000000000000000001".parse().unwrap()
    }

    #[test]
    fn requirements_weigh_one_two_or_three() {
        let mut totals = Totals::default();
        totals.add(Importance::Critical, &triple("1", "1", "1"));
        totals.add(Importance::High, &triple("0.5", "0.75", "0.75"));
        totals.add(Importance::Normal, &triple("0", "1", "0"));
        let score = totals.score(id(), Timestamp::default());
        let value = score.value.unwrap();
        assert_eq!(value.lo.to_string(), "66.666666666667"); // 100 * 4/6
        assert_eq!(value.hi.to_string(), "91.666666666667"); // 100 * 5.5/6
        assert_eq!(value.coverage.to_string(), "0.75"); // 4.5/6
        assert_eq!(
            score.headline(),
            "66.6 [66.6–91.7], coverage 75 %, 1 satisfied / 1 not / 1 undetermined"
        );
        totals.remove(Importance::Critical, &triple("1", "1", "1"));
        totals.remove(Importance::High, &triple("0.5", "0.75", "0.75"));
        totals.remove(Importance::Normal, &triple("0", "1", "0"));
        assert_eq!(totals, Totals::default());
        assert_eq!(totals.score(id(), Timestamp::default()).value, None);
    }

    #[test]
    fn points_lost_add_up_to_what_is_missing() {
        let values = ["0.1", "0.333333333333", "0.7", "1", "0.999999999999", "0", "0.5"];
        let mut totals = Totals::default();
        for value in values {
            totals.add(Importance::Normal, &triple(value, "1", "0"));
        }
        let mut lost = PointsLost::new(totals.weight);
        let sum: i64 = values
            .iter()
            .map(|value| lost.next(Importance::Normal, value.parse().unwrap()).units())
            .sum();
        let lo = totals.score(id(), Timestamp::default()).value.unwrap().lo;
        assert_eq!(sum, 100 * Fixed::ONE.units() - lo.units());
    }

    #[test]
    fn what_may_yet_be_won_is_never_less_than_nothing() {
        // Of a weight of 1,000, ten units less of a bound are one unit of points.
        let less = |units: i64| Fixed::from_units(Fixed::ONE.units() - units);
        let (mut lo, mut hi) = (PointsLost::new(1_000), PointsLost::new(1_000));
        let mut next = |lost_lo, lost_hi| {
            let lo = lo.next(Importance::Normal, less(lost_lo));
            let hi = hi.next(Importance::Normal, less(lost_hi));
            (lo.units(), hi.units(), undecided(lo, hi).units())
        };
        assert_eq!(next(9, 1), (1, 0, 1));
        assert_eq!(next(5, 5), (0, 1, 0), "a known failure that costs half a unit");
        assert_eq!(next(30, 10), (3, 1, 2));
    }
}
