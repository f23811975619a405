//! How far a framework's score moved.

use serde::{Deserialize, Serialize};

use super::{Fixed, value::FrameworkScore};

/// One score less another, exact; a score that is not there counts as 0 here, so that what moved a
/// score step by step adds up whatever stood at the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Points proven, -100 to 100.
    pub lo: Fixed,
    /// Points still possible, -100 to 100.
    pub hi: Fixed,
    /// The share of the weight that is decided, -1 to 1.
    pub coverage: Fixed,
}

impl Difference {
    /// What is added to `before` to give `after`.
    pub fn between(before: Option<&FrameworkScore>, after: Option<&FrameworkScore>) -> Self {
        let numbers = |score: Option<&FrameworkScore>| {
            let value = score.and_then(|score| score.value);
            value.map_or([0; 3], |value| [value.lo, value.hi, value.coverage].map(Fixed::units))
        };
        let (before, after) = (numbers(before), numbers(after));
        let less = |index: usize| Fixed::from_units(after[index] - before[index]);
        Self { lo: less(0), hi: less(1), coverage: less(2) }
    }

    /// This and another one after it.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = |one: Fixed, other: Fixed| Fixed::from_units(one.units() + other.units());
        Self {
            lo: sum(self.lo, other.lo),
            hi: sum(self.hi, other.hi),
            coverage: sum(self.coverage, other.coverage),
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Timestamp;

    use super::*;
    use crate::domain::score::{Counts, FrameworkValue};

    fn score(value: Option<[&str; 3]>) -> FrameworkScore {
        FrameworkScore {
            framework: "frw_00000000000000000000000000000001".parse().unwrap(),
            formula: 1,
            at: Timestamp::default(),
            value: value.map(|value| {
                let [lo, hi, coverage] = value.map(|text| text.parse().unwrap());
                FrameworkValue { lo, hi, coverage }
            }),
            counts: Counts::default(),
        }
    }

    #[test]
    fn steps_add_up_from_whatever_stood_at_the_beginning() {
        let steps = [
            None,
            Some(score(None)),
            Some(score(Some(["33.333333333333", "100", "0.1"]))),
            Some(score(Some(["12.000000000001", "99.9", "0.7"]))),
        ];
        let sum = steps
            .windows(2)
            .map(|pair| Difference::between(pair[0].as_ref(), pair[1].as_ref()))
            .fold(Difference::default(), Difference::plus);
        assert_eq!(sum, Difference::between(None, steps[3].as_ref()));
        assert_eq!(sum.lo.to_string(), "12.000000000001");
        let back = Difference::between(steps[3].as_ref(), None);
        assert_eq!(
            [back.lo, back.hi].map(|digit| digit.to_string()),
            ["-12.000000000001", "-99.9"]
        );
        assert_eq!(sum.plus(back), Difference::default());
    }
}
