//! Instants and days. An instant is a whole number of microseconds since 1970-01-01T00:00:00Z, the
//! resolution that PostgreSQL and SQLite keep alike; it is written as RFC 3339 in UTC.

use std::{fmt, str::FromStr};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A whole UTC day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub i64);

const CLOCKS_APART_SECONDS: i64 = 600;
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// 9999-12-31T23:59:59.999999Z: beyond it RFC 3339 has no spelling.
const LATEST: i64 = 253_402_300_799_999_999;
/// 0001-01-01T00:00:00Z.
const EARLIEST: i64 = -62_135_596_800_000_000;

/// Why a text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an instant: write RFC 3339, for example 2026-01-31T12:00:00Z")]
pub struct TimestampError(String);

impl Timestamp {
    /// From microseconds since the epoch; values outside the years 1 to 9999 are moved to the
    /// nearest instant that RFC 3339 can write.
    pub const fn from_micros(micros: i64) -> Self {
        if micros > LATEST {
            Self(LATEST)
        } else if micros < EARLIEST {
            Self(EARLIEST)
        } else {
            Self(micros)
        }
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// From a chrono instant, cut to microseconds.
    pub fn from_datetime(instant: DateTime<Utc>) -> Self {
        Self::from_micros(instant.timestamp_micros())
    }

    /// As a chrono instant, for GraphQL and formatting.
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// The UTC day that holds this instant.
    pub const fn day(self) -> Day {
        Day(self.0.div_euclid(MICROS_PER_DAY))
    }

    /// This instant moved by so many microseconds.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// This instant moved by so many seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_micros(seconds.saturating_mul(1_000_000))
    }

    /// This instant moved by so many days of 24 hours.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_micros(days.saturating_mul(MICROS_PER_DAY))
    }

    /// The latest that another clock may show at this instant of ours: they may be ten minutes apart.
    /// What is dated later lies in the future.
    #[must_use]
    pub const fn latest_elsewhere(self) -> Self {
        self.plus_seconds(CLOCKS_APART_SECONDS)
    }
}

impl Day {
    /// The first instant of the day.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(MICROS_PER_DAY))
    }

    /// The last microsecond of the day.
    pub const fn end(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_add(1).saturating_mul(MICROS_PER_DAY) - 1)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_datetime().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        DateTime::parse_from_rfc3339(text)
            .map(|instant| Self::from_datetime(instant.with_timezone(&Utc)))
            .map_err(|_| TimestampError(text.chars().take(64).collect()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_any_offset_and_writes_utc() {
        let instant: Timestamp = "2026-01-31T14:00:00.000001+02:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2026-01-31T12:00:00.000001Z");
        assert_eq!(instant.day().start().to_string(), "2026-01-31T00:00:00Z");
        assert_eq!(instant.day().end().to_string(), "2026-01-31T23:59:59.999999Z");
    }

    #[test]
    fn days_before_the_epoch_round_down() {
        assert_eq!(Timestamp::from_micros(-1).day(), Day(-1));
    }

    #[test]
    fn stays_within_what_rfc_3339_can_write() {
        let far = Timestamp::from_micros(i64::MAX);
        assert_eq!(far.to_string().parse::<Timestamp>().unwrap(), far);
        let old = Timestamp::from_micros(i64::MIN);
        assert_eq!(old.to_string().parse::<Timestamp>().unwrap(), old);
    }
}
