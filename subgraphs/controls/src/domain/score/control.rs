//! Rule 4: a control from its tests.

use serde::{Deserialize, Serialize};

use super::{Fixed, TestId, fact::Implementation, tally::TestValue, value::Triple};

/// What a control is capped at while a key test does not hold.
const KEY_TEST_LIMIT: Fixed = Fixed::from_units(490_000_000_000);

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
}

impl Cap {
    /// The most that is left.
    pub const fn limit(&self) -> Fixed {
        match self {
            Self::KeyTestFailing { .. } | Self::KeyTestUndecided { .. } => KEY_TEST_LIMIT,
        }
    }

    fn apply(&self, value: &mut Triple) {
        value.lo = value.lo.min(self.limit());
        match self {
            Self::KeyTestFailing { .. } => value.hi = value.hi.min(self.limit()),
            Self::KeyTestUndecided { .. } => {}
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
        }
        if key && !value.all_decided {
            caps.push(Cap::KeyTestUndecided { test });
        }
    }
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
        let Triple { lo, hi, decided } = own(implementation, weighed).value;
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
}
