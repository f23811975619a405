//! Rule 1, how long a pass counts, and rule 2's choice of the reading that counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound::Excluded,
    sync::Arc,
};

use studio_kernel::Timestamp;

use super::{Fixed, exception::Failing, fact::Reading};

/// The readings of one check in one account and region (or of one manual test), by the instant
/// from which each is true, each with the resources that it found failing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series {
    readings: BTreeMap<Timestamp, (Reading, Failing)>,
    /// The resources that fail as far as was told last.
    failing: Failing,
}

impl Series {
    /// Notes which resources began and ceased to fail.
    pub(super) fn change_failing(&mut self, added: &BTreeSet<String>, removed: &BTreeSet<String>) {
        let failing = Arc::make_mut(&mut self.failing);
        failing.retain(|resource| !removed.contains(resource));
        failing.extend(added.iter().cloned());
    }

    /// Takes a reading in, together with the resources that fail as far as was told by now. Of two
    /// that are true from the same instant the one recorded later stands.
    pub(super) fn insert(&mut self, reading: &Reading) {
        match self.readings.get(&reading.effective_from) {
            Some((known, _)) if known.recorded_at > reading.recorded_at => {}
            _ => {
                let entry = (reading.clone(), self.failing.clone());
                self.readings.insert(reading.effective_from, entry);
            }
        }
    }

    /// The newest reading that is true from `at` or earlier.
    pub(super) fn current(&self, at: Timestamp) -> Option<&Reading> {
        self.current_failing(at).map(|(reading, _)| reading)
    }

    /// The same with the resources that it found failing.
    pub(super) fn current_failing(&self, at: Timestamp) -> Option<&(Reading, Failing)> {
        self.readings.range(..=at).next_back().map(|(_, entry)| entry)
    }

    /// When the next reading begins to be true, after `at`.
    pub(super) fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let later = (Excluded(at), std::ops::Bound::Unbounded);
        self.readings.range(later).next().map(|(from, _)| *from)
    }

    pub(super) fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.readings.values().map(|(reading, _)| reading)
    }

    /// What makes this series again, in this order: the resources that begin and cease to fail, and
    /// the reading that found it so; at the end what was told since.
    pub(super) fn story(&self) -> Vec<(Change, Option<&Reading>)> {
        let mut story = Vec::new();
        let mut known = &Failing::default();
        for (reading, failing) in self.readings.values() {
            story.push((Change::between(known, failing), Some(reading)));
            known = failing;
        }
        story.push((Change::between(known, &self.failing), None));
        story
    }

    /// Forgets what cannot be current at `at` or later.
    pub(super) fn forget_before(&mut self, at: Timestamp) {
        if let Some(reading) = self.current(at) {
            let from = reading.effective_from;
            self.readings = self.readings.split_off(&from);
        }
    }
}

/// Resources that began and ceased to fail.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) added: BTreeSet<String>,
    pub(super) removed: BTreeSet<String>,
}

impl Change {
    fn between(before: &Failing, after: &Failing) -> Self {
        if Arc::ptr_eq(before, after) {
            return Self { added: BTreeSet::new(), removed: BTreeSet::new() };
        }
        Self {
            added: after.difference(before).cloned().collect(),
            removed: before.difference(after).cloned().collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// How fresh the passes of a reading are at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Freshness {
    /// The day that the age counts from.
    pub(super) reference: Timestamp,
    /// Whole UTC days from the reference to the instant; never negative.
    pub(super) age_days: i64,
    /// `f` times the validity in days: a whole number, since `1 - (a - V)/(V/4) = (5V - 4a)/V`.
    pub(super) times_validity: i64,
    /// The UTC midnight at which `f` is next another one.
    pub(super) next_change: Option<Timestamp>,
}

impl Freshness {
    pub(super) fn of(reading: &Reading, validity_days: u32, rejected: bool, at: Timestamp) -> Self {
        let until = reading.effective_to.unwrap_or(reading.collected_at);
        let reference = until.min(reading.recorded_at);
        let validity = i64::from(validity_days);
        let age_days = (at.day().0 - reference.day().0).max(0);
        let times_validity = match age_days {
            _ if rejected => 0,
            age if age <= validity => validity,
            age => (5 * validity - 4 * age).max(0),
        };
        let next_day = if times_validity == validity {
            studio_kernel::Day(reference.day().0 + validity + 1)
        } else {
            studio_kernel::Day(at.day().0 + 1)
        };
        // Beyond the year 9999 an instant stands still, and a change that is not after `at` is none.
        let next_change = Some(next_day.start()).filter(|next| times_validity > 0 && *next > at);
        Self { reference, age_days, times_validity, next_change }
    }

    /// The midnights from which on the passes of a reading of that reference count less than in full, and
    /// nothing any more.
    pub(super) fn fades(reference: Timestamp, validity_days: u32) -> (Timestamp, Timestamp) {
        let day = reference.day().0;
        let validity = i64::from(validity_days);
        // f is 0 as soon as 4a is at least 5V.
        let gone = (5 * validity + 3) / 4;
        (studio_kernel::Day(day + validity + 1).start(), studio_kernel::Day(day + gone).start())
    }

    /// `f`.
    pub(super) fn value(&self, validity_days: u32) -> Fixed {
        Fixed::ratio(self.times_validity.into(), validity_days.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(days: i64) -> Timestamp {
        Timestamp::default().plus_days(20_000 + days).plus_seconds(43_200)
    }

    fn reading(effective_to: Option<i64>, collected: i64, recorded: i64) -> Reading {
        Reading {
            rule_version: None,
            population: 1,
            passed: 1,
            failed: 0,
            unknown: 0,
            effective_from: day(0),
            effective_to: effective_to.map(day),
            collected_at: day(collected),
            recorded_at: day(recorded),
            evidence: None,
        }
    }

    fn f(age: i64, validity: u32) -> String {
        let freshness = Freshness::of(&reading(None, 0, 0), validity, false, day(age));
        freshness.value(validity).to_string()
    }

    #[test]
    fn a_pass_is_whole_for_its_validity_and_gone_a_quarter_later() {
        assert_eq!(f(0, 30), "1");
        assert_eq!(f(30, 30), "1");
        assert_eq!(f(31, 30), "0.866666666667"); // 1 - 1/7.5
        assert_eq!(f(33, 30), "0.6");
        assert_eq!(f(37, 30), "0.066666666667");
        assert_eq!(f(38, 30), "0");
        assert_eq!(f(400, 30), "0");
        assert_eq!(f(1, 1), "1");
        assert_eq!(f(2, 1), "0");
    }

    #[test]
    fn the_days_on_which_a_pass_begins_to_fade_and_is_gone_are_those_of_the_formula() {
        for validity in 1..200_u32 {
            let of = |at| Freshness::of(&reading(None, 0, 0), validity, false, at).times_validity;
            let (fades, gone) = Freshness::fades(day(0), validity);
            assert_eq!(of(fades.plus_micros(-1)), i64::from(validity));
            assert!(of(fades) < i64::from(validity), "{validity}");
            assert_eq!(of(gone), 0, "{validity}");
            assert!(of(gone.plus_micros(-1)) > 0, "{validity}");
        }
    }

    #[test]
    fn age_counts_from_the_earlier_of_end_and_recording() {
        let age = |reading: Reading| Freshness::of(&reading, 30, false, day(40)).age_days;
        assert_eq!(age(reading(None, 3, 5)), 37);
        assert_eq!(age(reading(None, 5, 3)), 37);
        assert_eq!(age(reading(Some(20), 3, 25)), 20);
        assert_eq!(age(reading(Some(20), 3, 10)), 30);
        assert_eq!(age(reading(None, 50, 50)), 0);
    }

    #[test]
    fn days_are_those_of_utc() {
        let midnight = day(0).day().start();
        let mut late = reading(None, 0, 0);
        late.collected_at = midnight.plus_micros(-1);
        assert_eq!(Freshness::of(&late, 1, false, midnight).age_days, 1);
        late.collected_at = midnight;
        assert_eq!(
            Freshness::of(&late, 1, false, midnight.plus_days(1).plus_micros(-1)).age_days,
            0
        );
    }

    #[test]
    fn tells_the_midnight_of_the_next_change() {
        let next = |age: i64, rejected: bool| {
            Freshness::of(&reading(None, 0, 0), 30, rejected, day(age)).next_change
        };
        assert_eq!(next(0, false), Some(day(31).day().start()));
        assert_eq!(next(30, false), Some(day(31).day().start()));
        assert_eq!(next(31, false), Some(day(32).day().start()));
        assert_eq!(next(37, false), Some(day(38).day().start()));
        assert_eq!(next(38, false), None);
        assert_eq!(next(0, true), None);
    }

    #[test]
    fn rejected_evidence_proves_nothing() {
        let freshness = Freshness::of(&reading(None, 0, 0), 30, true, day(0));
        assert_eq!(freshness.value(30), Fixed::ZERO);
    }

    #[test]
    fn the_newest_true_reading_counts_and_an_older_one_never_overrides_it() {
        let mut series = Series::default();
        let from = |days: i64, failed: u32, recorded: i64| Reading {
            rule_version: None,
            effective_from: day(days),
            failed,
            ..reading(None, 0, recorded)
        };
        series.insert(&from(10, 10, 10));
        series.insert(&from(5, 5, 11));
        series.insert(&from(20, 20, 12));
        let failed = |at: i64| series.current(day(at)).map(|reading| reading.failed);
        assert_eq!(
            [failed(4), failed(5), failed(12), failed(20)],
            [None, Some(5), Some(10), Some(20)]
        );
        assert_eq!(series.next_after(day(5)), Some(day(10)));
        assert_eq!(series.next_after(day(20)), None);

        let mut kept = series.clone();
        kept.insert(&from(10, 11, 9));
        assert_eq!(kept, series, "recorded before the one on record");
        kept.insert(&from(10, 12, 10));
        assert_eq!(kept.current(day(10)).map(|reading| reading.failed), Some(12));
        kept.forget_before(day(12));
        assert_eq!(kept.readings().map(|reading| reading.failed).collect::<Vec<_>>(), [12, 20]);
    }
}
