//! Rule 4: a control from its tests.

use serde::{Deserialize, Serialize};
use studio_kernel::Timestamp;

use super::{
    Fixed, NonconformityId, TestId,
    fact::{Grade, Implementation},
    tally::TestValue,
    value::Triple,
};

/// What a control is capped at while a key test does not hold, or a major nonconformity is open.
const LOW_LIMIT: Fixed = Fixed::from_units(490_000_000_000);
/// What a control is capped at while a minor nonconformity is open.
const MINOR_LIMIT: Fixed = Fixed::from_units(800_000_000_000);

/// Why a control is worth less than its tests say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cap {
    /// A key test has a failure: `lo` and `hi` are at most 0.49.
    KeyTestFailing {
        /// The test.
        test: TestId,
    },
    /// A key test is not wholly decided: `lo` is at most 0.49.
    KeyTestUndecided {
        /// The test.
        test: TestId,
    },
    /// Each failure of a key test is excepted, and of one nothing is proven that makes up for it:
    /// `lo` is at most 0.49.
    KeyTestCreditUnproven {
        /// The test.
        test: TestId,
    },
    /// A major nonconformity is open: `lo` and `hi` are at most 0.49.
    MajorNonconformity {
        /// The nonconformity.
        nonconformity: NonconformityId,
    },
    /// A minor nonconformity is open: `lo` and `hi` are at most 0.8.
    MinorNonconformity {
        /// The nonconformity.
        nonconformity: NonconformityId,
    },
}

/// A nonconformity of a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nonconformity {
    pub(super) grade: Grade,
    pub(super) from: Timestamp,
    pub(super) until: Option<Timestamp>,
}

impl Nonconformity {
    pub(super) fn is_open(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// When time alone next opens or closes it, after `at`.
    pub(super) fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let opens = self.until.is_none_or(|until| self.from < until);
        let changes = [Some(self.from), self.until].into_iter().flatten();
        changes.filter(|change| opens && *change > at).min()
    }

    pub(super) fn cap(&self, nonconformity: NonconformityId) -> Cap {
        match self.grade {
            Grade::Major => Cap::MajorNonconformity { nonconformity },
            Grade::Minor => Cap::MinorNonconformity { nonconformity },
        }
    }
}

impl Cap {
    /// The most that is left.
    pub const fn limit(&self) -> Fixed {
        match self {
            Self::KeyTestFailing { .. }
            | Self::KeyTestUndecided { .. }
            | Self::KeyTestCreditUnproven { .. }
            | Self::MajorNonconformity { .. } => LOW_LIMIT,
            Self::MinorNonconformity { .. } => MINOR_LIMIT,
        }
    }

    fn apply(&self, value: &mut Triple) {
        value.lo = value.lo.min(self.limit());
        match self {
            Self::KeyTestFailing { .. }
            | Self::MajorNonconformity { .. }
            | Self::MinorNonconformity { .. } => value.hi = value.hi.min(self.limit()),
            Self::KeyTestUndecided { .. } | Self::KeyTestCreditUnproven { .. } => {}
        }
    }
}

/// A test as its control sees it.
pub(super) struct Weighed<'a> {
    pub(super) test: TestId,
    pub(super) weight: Fixed,
    pub(super) key: bool,
    pub(super) value: &'a TestValue,
}

/// A control by its own tests, with what led there.
pub(super) struct Own {
    pub(super) value: Triple,
    pub(super) before_caps: Triple,
    pub(super) weight_sum: Fixed,
    pub(super) caps: Vec<Cap>,
}

pub(super) fn own<'a>(
    implementation: Implementation,
    tests: impl Iterator<Item = Weighed<'a>>,
    nonconformities: impl Iterator<Item = Cap>,
) -> Own {
    let (mut weight, mut lo, mut hi, mut decided) = (0_i128, 0_i128, 0_i128, 0_i128);
    let mut caps = Vec::new();
    for Weighed { test, weight: w, key, value } in tests {
        weight += w.wide();
        lo += w.wide() * value.value.lo.wide();
        hi += w.wide() * value.value.hi.wide();
        decided += w.wide() * value.value.decided.wide();
        if key && value.failing {
            caps.push(Cap::KeyTestFailing { test });
        } else if key && value.unproven {
            caps.push(Cap::KeyTestCreditUnproven { test });
        }
        if key && !value.all_decided {
            caps.push(Cap::KeyTestUndecided { test });
        }
    }
    caps.extend(nonconformities);
    let before_caps = if weight == 0 {
        Triple { hi: implementation.factor(), ..Triple::UNKNOWN }
    } else {
        let halves = implementation.halves();
        Triple {
            lo: Fixed::quotient(halves * lo, 2 * weight),
            hi: Fixed::quotient(halves * hi, 2 * weight),
            decided: Fixed::quotient(decided, weight),
        }
    };
    let mut value = before_caps;
    for cap in &caps {
        cap.apply(&mut value);
    }
    Own { value, before_caps, weight_sum: Fixed::from_wide(weight), caps }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_value(lo: &str, hi: &str, decided: &str) -> TestValue {
        let read = |text: &str| text.parse().unwrap();
        let value = Triple { lo: read(lo), hi: read(hi), decided: read(decided) };
        TestValue {
            value,
            all_decided: value.decided == Fixed::ONE,
            failing: value.hi < Fixed::ONE,
            unproven: value.hi < Fixed::ONE,
            next_change: None,
        }
    }

    fn worth(implementation: Implementation, tests: &[(&str, bool, TestValue)]) -> [String; 3] {
        let weighed = tests.iter().enumerate().map(|(at, (weight, key, value))| Weighed {
            test: format!("tst_{at:032x}").parse().unwrap(),
            weight: weight.parse().unwrap(),
            key: *key,
            value,
        });
        let Triple { lo, hi, decided } = own(implementation, weighed, std::iter::empty()).value;
        [lo, hi, decided].map(|value| value.to_string())
    }

    #[test]
    fn tests_are_weighed_and_the_implementation_counts() {
        let tests = [
            ("3", false, test_value("0.6", "0.9", "0.7")),
            ("1", false, test_value("1", "1", "1")),
        ];
        assert_eq!(worth(Implementation::Implemented, &tests), ["0.7", "0.925", "0.775"]);
        assert_eq!(worth(Implementation::Partial, &tests), ["0.35", "0.4625", "0.775"]);
        assert_eq!(worth(Implementation::Planned, &tests), ["0", "0", "0.775"]);
    }

    #[test]
    fn without_tests_nothing_is_proven() {
        assert_eq!(worth(Implementation::Implemented, &[]), ["0", "1", "0"]);
        assert_eq!(worth(Implementation::Partial, &[]), ["0", "0.5", "0"]);
    }

    #[test]
    fn a_key_test_that_is_not_wholly_decided_caps_lo() {
        let plain = ("9", false, test_value("1", "1", "1"));
        let stale = ("1", true, test_value("0.8", "1", "0.8"));
        assert_eq!(worth(Implementation::Implemented, &[plain, stale]), ["0.49", "1", "0.98"]);
        let whole = ("1", true, test_value("1", "1", "1"));
        assert_eq!(worth(Implementation::Implemented, &[plain, whole]), ["1", "1", "1"]);
    }

    #[test]
    fn a_key_test_that_fails_caps_both() {
        let plain = ("9", false, test_value("1", "1", "1"));
        let failing = ("1", true, test_value("0.9", "0.9", "1"));
        assert_eq!(worth(Implementation::Implemented, &[plain, failing]), ["0.49", "0.49", "1"]);
        let beside = ("1", false, test_value("0.9", "0.9", "1"));
        assert_eq!(worth(Implementation::Implemented, &[plain, beside]), ["0.99", "0.99", "1"]);
    }

    #[test]
    fn open_nonconformities_cap_both() {
        let at = Timestamp::default();
        let found = |grade| Nonconformity { grade, from: at, until: Some(at.plus_days(1)) };
        let id = "ncf_00000000000000000000000000000001".parse().unwrap();
        let capped = |caps: &[Cap]| {
            let whole = test_value("1", "1", "1");
            let test = "tst_00000000000000000000000000000001".parse().unwrap();
            let weighed = Weighed { test, weight: Fixed::ONE, key: false, value: &whole };
            let caps = caps.iter().copied();
            let own = own(Implementation::Implemented, std::iter::once(weighed), caps);
            [own.value.lo.to_string(), own.value.hi.to_string()]
        };
        let (major, minor) = (found(Grade::Major).cap(id), found(Grade::Minor).cap(id));
        assert_eq!(capped(&[minor]), ["0.8", "0.8"]);
        assert_eq!(capped(&[major]), ["0.49", "0.49"]);
        assert_eq!(capped(&[major, minor]), ["0.49", "0.49"]);
        let open = |days| found(Grade::Major).is_open(at.plus_days(days));
        assert_eq!([open(-1), open(0), open(1)], [false, true, false]);
    }
}
