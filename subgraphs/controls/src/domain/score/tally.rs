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
    /// When time alone next changes the test.
    next_change: Option<Timestamp>,
}

/// What a test is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TestValue {
    pub(super) value: Triple,
    /// `decided` is 1 exactly, before any rounding.
    pub(super) all_decided: bool,
    /// There is a failure without credit.
    pub(super) failing: bool,
    pub(super) next_change: Option<Timestamp>,
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

    /// Notes that time will change the test then.
    pub(super) fn change_at(&mut self, next: Option<Timestamp>) {
        self.next_change = self.next_change.into_iter().chain(next).min();
    }

    pub(super) fn value(&self) -> TestValue {
        let validity = i128::from(self.validity_days);
        let whole = validity * i128::from(self.population);
        let failed = validity * i128::from(self.failed);
        let value = if whole == 0 {
            Triple::UNKNOWN
        } else {
            Triple {
                lo: Fixed::ratio(self.fresh, whole),
                hi: Fixed::ratio(whole - failed, whole),
                decided: Fixed::ratio(self.fresh + failed, whole),
            }
        };
        TestValue {
            value,
            all_decided: whole > 0 && self.fresh + failed == whole,
            failing: self.failed > 0,
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
}
