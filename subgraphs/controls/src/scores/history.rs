//! The instants at which a history is looked at: the beginning of the period, each hour, day, week or
//! month that begins within it (UTC), and its end.

use chrono::{Datelike, NaiveDate};
use studio_kernel::{Code, Day, Timestamp};
use studio_service::ApiError;

use super::Period;

/// The most points of one history.
const MOST_POINTS: i64 = 10_000;
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// How far the points of a history are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Hour,
    Day,
    /// From Monday to Monday (ISO 8601).
    Week,
    /// From first to first.
    Month,
}

impl Step {
    /// No step is shorter, in microseconds.
    const fn least(self) -> i64 {
        match self {
            Self::Hour => HOUR,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 28 * DAY,
        }
    }

    /// The first beginning after an instant. At the end of the calendar, the instant itself.
    fn next(self, after: Timestamp) -> Timestamp {
        let day = after.day().0;
        match self {
            Self::Hour => Timestamp::from_micros((after.micros().div_euclid(HOUR) + 1) * HOUR),
            Self::Day => Day(day + 1).start(),
            // Day 0 was a Thursday.
            Self::Week => Day(((day + 3).div_euclid(7) + 1) * 7 - 3).start(),
            Self::Month => {
                let date = after.to_datetime().date_naive();
                let (year, month) = match date.month() {
                    12 => (date.year() + 1, 1),
                    month => (date.year(), month + 1),
                };
                NaiveDate::from_ymd_opt(year, month, 1).map_or(after, |first| {
                    Timestamp::from_datetime(first.and_time(chrono::NaiveTime::MIN).and_utc())
                })
            }
        }
    }
}

/// At most `limit` instants of a period that come after one of them; without one, from the beginning.
///
/// # Errors
/// A period that holds too many.
pub(crate) fn instants(
    period: Period,
    step: Step,
    after: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Timestamp>, ApiError> {
    let points = (period.to.micros() - period.from.micros()) / step.least();
    if points > MOST_POINTS {
        return Err(ApiError::new(
            Code::BadRequest,
            format!(
                "The period holds about {points} points, and a history shows {MOST_POINTS} at most: \
                 take a longer resolution or a shorter period."
            ),
        ));
    }
    let first = match after {
        None => Some(period.from),
        Some(after) => following(period, step, after.max(period.from)),
    };
    Ok(std::iter::successors(first, |at| following(period, step, *at)).take(limit).collect())
}

fn following(period: Period, step: Step, at: Timestamp) -> Option<Timestamp> {
    let next = step.next(at).min(period.to);
    (next > at).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(from: &str, to: &str, step: Step) -> Vec<String> {
        let period = Period { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let all = instants(period, step, None, usize::MAX).unwrap();
        // In pages of two it is the same.
        let mut paged: Vec<Timestamp> = Vec::new();
        loop {
            let page = instants(period, step, paged.last().copied(), 2).unwrap();
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, all);
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_period_is_its_ends_and_what_begins_between_them() {
        assert_eq!(
            shown("2026-03-01T22:30:00Z", "2026-03-02T01:00:00Z", Step::Hour),
            [
                "2026-03-01T22:30:00Z",
                "2026-03-01T23:00:00Z",
                "2026-03-02T00:00:00Z",
                "2026-03-02T01:00:00Z"
            ]
        );
        assert_eq!(
            shown("2028-02-28T00:00:00Z", "2028-03-01T12:00:00Z", Step::Day),
            [
                "2028-02-28T00:00:00Z",
                "2028-02-29T00:00:00Z",
                "2028-03-01T00:00:00Z",
                "2028-03-01T12:00:00Z"
            ]
        );
        // 23 November 2026 is a Monday.
        assert_eq!(
            shown("2026-11-22T23:59:59Z", "2026-12-01T00:00:00Z", Step::Week),
            [
                "2026-11-22T23:59:59Z",
                "2026-11-23T00:00:00Z",
                "2026-11-30T00:00:00Z",
                "2026-12-01T00:00:00Z"
            ]
        );
        assert_eq!(
            shown("2026-11-15T00:00:00Z", "2027-02-01T00:00:00Z", Step::Month),
            [
                "2026-11-15T00:00:00Z",
                "2026-12-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
                "2027-02-01T00:00:00Z"
            ]
        );
        assert_eq!(shown("1969-12-28T12:00:00Z", "1969-12-29T00:00:00Z", Step::Week).len(), 2);
    }

    #[test]
    fn the_end_of_the_calendar_ends_it_and_too_many_points_are_refused() {
        let end = "9999-12-31T23:59:59.999999Z";
        for step in [Step::Hour, Step::Day, Step::Week, Step::Month] {
            assert_eq!(shown("9999-12-31T23:30:00Z", end, step).last().unwrap(), end);
        }
        let period = Period {
            from: "1990-01-01T00:00:00Z".parse().unwrap(),
            to: "2026-01-01T00:00:00Z".parse().unwrap(),
        };
        let refused = instants(period, Step::Day, None, 10).unwrap_err();
        assert!(refused.to_string().contains("a longer resolution"), "{refused}");
        assert_eq!(instants(period, Step::Month, None, usize::MAX).unwrap().len(), 36 * 12 + 1);
    }
}
