//! A calendar month in UTC: for how long one key serves where data is kept for a time.

use std::{fmt, str::FromStr};

use studio_kernel::Timestamp;

/// A month, as `2026-11`. Months are ordered as they follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: u16,
    month: u8,
}

/// A text that names no month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is written as 2026-11")]
pub struct MonthError;

impl Month {
    /// The month in which an instant lies.
    pub fn of(at: Timestamp) -> Self {
        // Instants are written by RFC 3339, which begins with year and month.
        at.to_string().get(..7).and_then(|text| text.parse().ok()).unwrap_or(Self::FIRST)
    }

    const FIRST: Self = Self { year: 0, month: 1 };
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (year, month) = text.split_once('-').ok_or(MonthError)?;
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(MonthError);
        }
        let year = year.parse().map_err(|_| MonthError)?;
        let month = month.parse().map_err(|_| MonthError)?;
        (1..=12).contains(&month).then_some(Self { year, month }).ok_or(MonthError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_come_back_and_follow_each_other() {
        let of = |text: &str| Month::of(text.parse().unwrap());
        let (november, january) = (of("2026-11-30T23:59:59.999999Z"), of("2027-01-01T00:00:00Z"));
        assert_eq!(
            (november.to_string(), january.to_string()),
            ("2026-11".into(), "2027-01".into())
        );
        assert!(november < january);
        assert_eq!("2026-11".parse(), Ok(november));
        for wrong in ["", "2026", "2026-1", "2026-13", "2026-00", "+026-01", "2026-0a", "12026-01"]
        {
            assert_eq!(wrong.parse::<Month>(), Err(MonthError), "{wrong}");
        }
    }
}
