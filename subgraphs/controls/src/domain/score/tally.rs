//! Rule 2: a test from the readings that count for it.

use studio_kernel::Timestamp;

use super::{Fixed, fact::Reading, freshness::Freshness, value::Triple};

/// The sums of a test over its readings. All are whole numbers, so the order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    validity_days: u32,
    pub(super) population: u64,
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) unknown: u64,
    /// `sum(f p)` times the validity in days.
    fresh: i128,
    /// `sum(x_lo)` in units, and how many failures have credit there.
    credit_lo: (i128, u64),
    /// `sum(x_hi)` in units, and how many failures have credit there.
    credit_hi: (i128, u64),
    /// When time alone next changes the test.
    next_change: Option<Timestamp>,
}

/// What a test is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TestValue {
    pub(super) value: Triple,
    /// `decided` is 1 exactly, before any rounding.
    pub(super) all_decided: bool,
    /// There is a failure without credit in `hi`: nothing can make up for it.
    pub(super) failing: bool,
    /// There is a failure without credit in `lo`: nothing is proven to make up for it.
    pub(super) unproven: bool,
    pub(super) next_change: Option<Timestamp>,
}

impl TestValue {
    /// Whether a control counts both alike, whatever time does to them later.
    pub(super) fn counts_as(&self, other: &Self) -> bool {
        Self { next_change: None, ..*self } == Self { next_change: None, ..*other }
    }
}

impl Default for TestValue {
    fn default() -> Self {
        Tally::new(1).value()
    }
}

impl Tally {
    pub(super) fn new(validity_days: u32) -> Self {
        Self {
            validity_days,
            population: 0,
            passed: 0,
            failed: 0,
            unknown: 0,
            fresh: 0,
            credit_lo: (0, 0),
            credit_hi: (0, 0),
            next_change: None,
        }
    }

    /// Adds a reading that counts, judged at `at`.
    pub(super) fn add(&mut self, reading: &Reading, rejected: bool, at: Timestamp) -> Freshness {
        let freshness = Freshness::of(reading, self.validity_days, rejected, at);
        self.population += u64::from(reading.population);
        self.passed += u64::from(reading.passed);
        self.failed += u64::from(reading.failed);
        self.unknown += u64::from(reading.unknown);
        self.fresh += i128::from(freshness.times_validity) * i128::from(reading.passed);
        if reading.passed > 0 {
            self.change_at(freshness.next_change);
        }
        freshness
    }

    /// Gives one of the failures credit (rule 3).
    pub(super) fn credit(&mut self, lo: Fixed, hi: Fixed) {
        for (credit, given) in [(&mut self.credit_lo, lo), (&mut self.credit_hi, hi)] {
            credit.0 += given.wide();
            credit.1 += u64::from(given > Fixed::ZERO);
        }
    }

    /// Notes that time will change the test then.
    pub(super) fn change_at(&mut self, next: Option<Timestamp>) {
        self.next_change = self.next_change.into_iter().chain(next).min();
    }

    /// The same as if all that is unknown failed.
    pub(super) fn doubted(&self) -> Self {
        Self { failed: self.failed + self.unknown, unknown: 0, ..*self }
    }

    pub(super) fn value(&self) -> TestValue {
        let validity = i128::from(self.validity_days);
        let whole = validity * i128::from(self.population);
        let failed = validity * i128::from(self.failed);
        let units = Fixed::ONE.wide();
        let value = if whole == 0 {
            Triple::UNKNOWN
        } else {
            Triple {
                lo: Fixed::quotient(units * self.fresh + validity * self.credit_lo.0, whole),
                hi: Fixed::quotient(units * (whole - failed) + validity * self.credit_hi.0, whole),
                decided: Fixed::ratio(self.fresh + failed, whole),
            }
        };
        TestValue {
            value,
            all_decided: whole > 0 && self.fresh + failed == whole,
            failing: self.failed > self.credit_hi.1,
            unproven: self.failed > self.credit_lo.1,
            next_change: self.next_change,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(passed: u32, failed: u32, unknown: u32, collected: i64) -> Reading {
        let collected_at = Timestamp::default().plus_days(collected);
        Reading {
            rule_version: None,
            population: passed + failed + unknown,
            passed,
            failed,
            unknown,
            effective_from: collected_at,
            effective_to: None,
            collected_at,
            recorded_at: collected_at,
            evidence: None,
        }
    }

    fn triple(readings: &[Reading], at: i64) -> [String; 3] {
        let mut tally = Tally::new(30);
        for reading in readings {
            tally.add(reading, false, Timestamp::default().plus_days(at));
        }
        let Triple { lo, hi, decided } = tally.value().value;
        [lo, hi, decided].map(|value| value.to_string())
    }

    #[test]
    fn unknown_resources_stand_in_the_population_and_prove_nothing() {
        assert_eq!(triple(&[reading(6, 1, 3, 0)], 0), ["0.6", "0.9", "0.7"]);
    }

    #[test]
    fn passes_fade_and_failures_stand() {
        // 8 passes 33 days old at f = 0.6, 2 failures; 10 passes of today.
        let readings = [reading(8, 2, 0, 0), reading(10, 0, 0, 33)];
        assert_eq!(triple(&readings, 33), ["0.74", "0.9", "0.84"]);
        assert_eq!(triple(&readings, 38), ["0.5", "0.9", "0.6"]);
    }

    #[test]
    fn nothing_counted_is_nothing_known() {
        assert_eq!(triple(&[], 0), ["0", "1", "0"]);
        assert_eq!(triple(&[reading(0, 0, 0, 0)], 0), ["0", "1", "0"]);
    }

    #[test]
    fn the_largest_counts_do_not_overflow() {
        let readings = vec![reading(u32::MAX, 0, 0, 0); 1_000];
        assert_eq!(triple(&readings, 33), ["0.6", "1", "0.6"]);
    }

    #[test]
    fn a_failure_with_credit_counts_in_part() {
        let mut tally = Tally::new(30);
        tally.add(&reading(6, 2, 2, 0), false, Timestamp::default());
        let read = |text: &str| text.parse().unwrap();
        tally.credit(read("0.5"), read("0.75"));
        let once = tally.value();
        assert_eq!(
            [once.value.lo, once.value.hi, once.value.decided],
            [read("0.65"), read("0.875"), read("0.8")]
        );
        assert!(once.failing && once.unproven, "the other one has none");
        tally.credit(Fixed::ZERO, read("0.5"));
        let twice = tally.value();
        assert_eq!([twice.value.lo, twice.value.hi], [read("0.65"), read("0.925")]);
        assert!(!twice.failing && twice.unproven, "it may be made up for, and is not proven to be");
    }
}
