//! Exact decimal numbers: multiples of 1e-12 in an `i64`. Scores are made of these and never of
//! floating-point numbers, so that the order in which facts arrive cannot change the last digit.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A multiple of 1e-12. It is serialised as an exact decimal text, `"63.636363636364"`, because a
/// JSON number would pass through a binary fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed(i64);

/// How many units make 1.
pub(super) const UNITS: i64 = 1_000_000_000_000;
const DIGITS: usize = 12;
/// The largest whole number that is read: sums of shares and weights stay far below it.
const LARGEST_WHOLE: u64 = 1_000_000;

/// Why a text is not a [`Fixed`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a number that scores can use: write a decimal with at most 12 places, up to 1000000"
)]
pub struct FixedError(String);

impl Fixed {
    /// 0.
    pub const ZERO: Self = Self(0);
    /// 1.
    pub const ONE: Self = Self(UNITS);

    /// From a whole number of 1e-12.
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// The nearest multiple of 1e-12; `None` for what is not finite or beyond one million.
    pub fn from_f64(value: f64) -> Option<Self> {
        let largest = LARGEST_WHOLE as f64;
        (value.is_finite() && value.abs() <= largest)
            .then(|| Self((value * UNITS as f64).round() as i64))
    }

    /// As a whole number of 1e-12.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// The nearest floating-point number, for showing.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / UNITS as f64
    }

    /// 1 minus this.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(UNITS - self.0)
    }

    /// `numerator / denominator` to the nearest multiple of 1e-12, halves up. The numerator is not
    /// negative and the denominator positive; both are of one scale.
    pub(super) fn ratio(numerator: i128, denominator: i128) -> Self {
        Self::quotient(numerator * i128::from(UNITS), denominator)
    }

    /// The same for a numerator that counts units already.
    pub(super) fn quotient(units: i128, denominator: i128) -> Self {
        debug_assert!(units >= 0 && denominator > 0);
        Self::from_wide((2 * units + denominator) / (2 * denominator))
    }

    /// Cuts to the range of this type, which no checked fact leads out of.
    pub(super) fn from_wide(units: i128) -> Self {
        Self(i64::try_from(units).unwrap_or(if units < 0 { i64::MIN } else { i64::MAX }))
    }

    pub(super) const fn wide(self) -> i128 {
        self.0 as i128
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let units = UNITS.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (magnitude / units, magnitude % units);
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let places = format!("{rest:012}");
        write!(f, "{sign}{whole}.{}", places.trim_end_matches('0'))
    }
}

impl FromStr for Fixed {
    type Err = FixedError;

    fn from_str(text: &str) -> Result<Self, FixedError> {
        read(text).ok_or_else(|| FixedError(text.chars().take(64).collect()))
    }
}

fn read(text: &str) -> Option<Fixed> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, places) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(places) || places.len() > DIGITS {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|whole| *whole <= LARGEST_WHOLE)?;
    let places: i64 = format!("{places:0<12}").parse().ok()?;
    let whole = i64::try_from(whole).ok()?;
    Some(Fixed(sign * (whole * UNITS + places)))
}

impl Serialize for Fixed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fixed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        for (units, text) in [
            (0, "0"),
            (1, "0.000000000001"),
            (UNITS, "1"),
            (63_636_363_636_364, "63.636363636364"),
            (490_000_000_000, "0.49"),
            (-500_000_000_000, "-0.5"),
        ] {
            assert_eq!(Fixed(units).to_string(), text);
            assert_eq!(text.parse(), Ok(Fixed(units)));
        }
    }

    #[test]
    fn refuses_what_is_no_number_of_its_range() {
        for bad in ["", ".", "1.", ".5", "1e3", "+1", "--1", "0.0000000000001", "1000001", "NaN"] {
            let error = bad.parse::<Fixed>().unwrap_err();
            assert!(error.to_string().contains("at most 12 places"), "{error}");
        }
        for bad in [f64::NAN, f64::INFINITY, 1e7, -1e7] {
            assert_eq!(Fixed::from_f64(bad), None);
        }
        assert_eq!(Fixed::from_f64(0.3), Some(Fixed(300_000_000_000)));
    }

    #[test]
    fn ratios_round_to_the_nearest_unit_with_halves_up() {
        assert_eq!(Fixed::ratio(1, 3), Fixed(333_333_333_333));
        assert_eq!(Fixed::ratio(2, 3), Fixed(666_666_666_667));
        assert_eq!(Fixed::ratio(1, 2 * i128::from(UNITS)), Fixed(1));
    }
}
