//! How much of something reaches something else: exact decimals from 0, in multiples of 1e-12.
//! Whole numbers, so that every adapter gives the same last digit in whatever order it adds.

/// The units of 1.
const UNITS: i64 = 1_000_000_000_000;

/// A multiple of 1e-12, never negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(i64);

impl Weight {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All of it.
    pub const ONE: Self = Self(UNITS);

    /// From a whole number of 1e-12; what is negative becomes 0.
    pub const fn from_units(units: i64) -> Self {
        Self(if units < 0 { 0 } else { units })
    }

    /// As a whole number of 1e-12.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// The nearest floating-point number, for showing.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / UNITS as f64
    }

    /// The product, to the nearest unit, halves up.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let wide = i128::from(self.0) * i128::from(other.0);
        Self::from_wide((wide + i128::from(UNITS / 2)) / i128::from(UNITS))
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// This part of a whole, rounded down; nothing where the whole is nothing.
    #[must_use]
    pub fn of(self, whole: Self) -> Self {
        if whole.0 == 0 {
            return Self::ZERO;
        }
        Self::from_wide(i128::from(self.0) * i128::from(UNITS) / i128::from(whole.0))
    }

    /// So many times this.
    #[must_use]
    pub fn multiplied(self, count: u32) -> Self {
        Self(self.0.saturating_mul(i64::from(count)))
    }

    /// This, and 1 at most.
    #[must_use]
    pub fn at_most_one(self) -> Self {
        self.min(Self::ONE)
    }

    fn from_wide(wide: i128) -> Self {
        Self(i64::try_from(wide).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_round_and_parts_are_cut() {
        let tenths = |n| Weight::from_units(n * UNITS / 10);
        assert_eq!(tenths(3).times(tenths(5)), Weight::from_units(150_000_000_000));
        assert_eq!(Weight::from_units(1).times(tenths(5)), Weight::from_units(1));
        assert_eq!(Weight::ONE.of(tenths(30)), Weight::from_units(333_333_333_333));
        assert_eq!(Weight::ONE.of(Weight::ZERO), Weight::ZERO);
        assert_eq!(Weight::from_units(-4), Weight::ZERO);
    }
}
