//! The numbers that come out: the three of every control and requirement, the score of a
//! framework, the verdict, and how each is shown.

use std::fmt;

use serde::{Deserialize, Serialize};
use studio_kernel::Timestamp;

use super::{ControlId, Fixed, FrameworkId, RequirementId};

/// Two values that differ by 1e-9 or less are one value to a reader (rules 7 and 8).
pub(super) const TOLERANCE: i64 = 1_000;
/// A tenth of a point, in units of [`Fixed`].
const TENTH: i64 = 100_000_000_000;
/// A hundredth, in units of [`Fixed`].
const PERCENT: i64 = 10_000_000_000;

/// What is proven, what is still possible, and how much is decided; each 0 to 1, `lo <= hi`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triple {
    /// Proven.
    pub lo: Fixed,
    /// Still possible.
    pub hi: Fixed,
    /// The share of which anything is known, good or bad.
    pub decided: Fixed,
}

impl Triple {
    /// Nothing is known: everything is possible and nothing proven.
    pub(super) const UNKNOWN: Self = Self { lo: Fixed::ZERO, hi: Fixed::ONE, decided: Fixed::ZERO };
    /// What a retired control is worth.
    pub(super) const NOTHING: Self =
        Self { lo: Fixed::ZERO, hi: Fixed::ZERO, decided: Fixed::ZERO };

    pub(super) fn get(&self, bound: Bound) -> Fixed {
        match bound {
            Bound::Lo => self.lo,
            Bound::Hi => self.hi,
        }
    }

    /// The verdict on these numbers (rule 8).
    pub fn verdict(&self) -> Verdict {
        let proven = Fixed::ONE.units() - TOLERANCE;
        if self.lo.units() >= proven {
            Verdict::Satisfied
        } else if self.hi.units() < proven {
            Verdict::OtherThanSatisfied
        } else {
            Verdict::Undetermined
        }
    }
}

/// Which of the two ends of the interval is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Lo,
    Hi,
}

/// The finding on a requirement or control, in the words of NIST SP 800-53A; it stands apart from
/// the number (rule 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// All of it is proven.
    Satisfied,
    /// Some of it is known to fail, or cannot be met as things stand.
    OtherThanSatisfied,
    /// Neither is known.
    Undetermined,
}

impl Verdict {
    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Satisfied => "SATISFIED",
            Self::OtherThanSatisfied => "OTHER_THAN_SATISFIED",
            Self::Undetermined => "UNDETERMINED",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A control as of the last recompute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlScore {
    /// The control.
    pub control: ControlId,
    /// From its own tests, after the caps (rule 4).
    pub own: Triple,
    /// After what it depends on (rule 5).
    pub value: Triple,
    /// The verdict on `value`.
    pub verdict: Verdict,
    /// A retired control is worth nothing and is no member of anything.
    pub retired: bool,
}

/// A requirement as of the last recompute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementScore {
    /// The requirement.
    pub requirement: RequirementId,
    /// From its members (rule 6).
    pub value: Triple,
    /// The verdict on `value`.
    pub verdict: Verdict,
}

/// How many applicable requirements have each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// SATISFIED.
    pub satisfied: u32,
    /// OTHER_THAN_SATISFIED.
    pub other_than_satisfied: u32,
    /// UNDETERMINED.
    pub undetermined: u32,
}

impl Counts {
    pub(super) fn of(&mut self, verdict: Verdict) -> &mut u32 {
        match verdict {
            Verdict::Satisfied => &mut self.satisfied,
            Verdict::OtherThanSatisfied => &mut self.other_than_satisfied,
            Verdict::Undetermined => &mut self.undetermined,
        }
    }
}

/// The score of a framework in a project (rule 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameworkScore {
    /// The framework.
    pub framework: FrameworkId,
    /// The version of the formula: [`FORMULA`](super::FORMULA).
    pub formula: u16,
    /// The instant at which freshness was judged.
    pub at: Timestamp,
    /// The numbers; `None` if no requirement applies.
    pub value: Option<FrameworkValue>,
    /// The verdicts on its requirements.
    pub counts: Counts,
}

/// The numbers of a framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameworkValue {
    /// Points proven, 0 to 100.
    pub lo: Fixed,
    /// Points still possible, 0 to 100.
    pub hi: Fixed,
    /// The share of the weight that is decided, 0 to 1.
    pub coverage: Fixed,
}

impl FrameworkScore {
    /// Whether the numbers are the same, whatever the instant.
    pub fn same_numbers(&self, other: &Self) -> bool {
        (self.formula, self.value, self.counts) == (other.formula, other.value, other.counts)
    }

    /// `63.6 [63.6–81.2], coverage 71 %, 41 satisfied / 9 not / 14 undetermined`
    pub fn headline(&self) -> String {
        let Some(value) = self.value else {
            return "no requirement applies".to_owned();
        };
        let (lo, hi) = (tenths(value.lo_tenths()), tenths(value.hi_tenths()));
        let Counts { satisfied, other_than_satisfied, undetermined } = self.counts;
        format!(
            "{lo} [{lo}–{hi}], coverage {} %, {satisfied} satisfied / {other_than_satisfied} not / {undetermined} undetermined",
            value.shown_coverage()
        )
    }
}

impl FrameworkValue {
    /// `lo` to a tenth of a point, rounded down.
    pub fn shown_lo(&self) -> f64 {
        self.lo_tenths() as f64 / 10.0
    }

    /// `hi` to a tenth of a point, rounded up.
    pub fn shown_hi(&self) -> f64 {
        self.hi_tenths() as f64 / 10.0
    }

    /// Coverage in whole percent, rounded down: 100 is shown only when all is decided.
    pub fn shown_coverage(&self) -> i64 {
        (self.coverage.units() + TOLERANCE).div_euclid(PERCENT)
    }

    fn lo_tenths(&self) -> i64 {
        (self.lo.units() + TOLERANCE).div_euclid(TENTH)
    }

    fn hi_tenths(&self) -> i64 {
        -(TOLERANCE - self.hi.units()).div_euclid(TENTH)
    }
}

fn tenths(count: i64) -> String {
    format!("{}.{}", count / 10, count % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(lo: &str, hi: &str, coverage: &str) -> FrameworkScore {
        let read = |text: &str| text.parse().unwrap();
        FrameworkScore {
            framework: "frw_00000000000000000000000000000001".parse().unwrap(),
            formula: 1,
            at: Timestamp::default(),
            value: Some(FrameworkValue { lo: read(lo), hi: read(hi), coverage: read(coverage) }),
            counts: Counts { satisfied: 41, other_than_satisfied: 9, undetermined: 14 },
        }
    }

    #[test]
    fn the_headline_rounds_lo_down_and_hi_up() {
        assert_eq!(
            score("63.699999", "81.100001", "0.719").headline(),
            "63.6 [63.6–81.2], coverage 71 %, 41 satisfied / 9 not / 14 undetermined"
        );
    }

    #[test]
    fn a_billionth_is_no_tenth() {
        let near = score("63.699999999", "81.200000001", "0.999999999").value.unwrap();
        assert_eq!((near.shown_lo(), near.shown_hi(), near.shown_coverage()), (63.7, 81.2, 100));
        let off = score("63.699999998", "81.200000002", "0.999999998").value.unwrap();
        assert_eq!((off.shown_lo(), off.shown_hi(), off.shown_coverage()), (63.6, 81.3, 99));
        let ends = score("0", "0", "0").value.unwrap();
        assert_eq!((ends.shown_lo(), ends.shown_hi(), ends.shown_coverage()), (0.0, 0.0, 0));
    }

    #[test]
    fn nothing_that_applies_has_no_number() {
        let empty = FrameworkScore { value: None, ..score("0", "0", "0") };
        assert_eq!(empty.headline(), "no requirement applies");
    }

    #[test]
    fn the_verdict_tolerates_a_billionth() {
        let verdict = |lo: i64, hi: i64| {
            let [lo, hi] = [lo, hi].map(|below| Fixed::from_units(Fixed::ONE.units() - below));
            Triple { lo, hi, decided: Fixed::ONE }.verdict()
        };
        assert_eq!(verdict(1_000, 0), Verdict::Satisfied);
        assert_eq!(verdict(1_001, 0), Verdict::Undetermined);
        assert_eq!(verdict(1_001, 1_000), Verdict::Undetermined);
        assert_eq!(verdict(1_001, 1_001), Verdict::OtherThanSatisfied);
    }
}
