//! How controls and requirements held over a period (rule 9 of the formula): one replay of what was
//! known at its end, led through its days.

use studio_kernel::{Code, Day, Id, kind};
use studio_service::ApiError;

use super::{Key, Period, Scores, fold};
use crate::domain::score::{Days, Fixed, Held, MOST_DAYS, MemberHeld, Model};

/// The whole UTC days of a period.
///
/// # Errors
/// A period without any, or with too many.
pub(crate) fn whole_days(period: Period) -> Result<Days, ApiError> {
    let refuse = |message| Err(ApiError::new(Code::BadRequest, message));
    let Period { from, to } = period;
    let begins = from.day();
    let first = if begins.start() == from { begins } else { Day(begins.0 + 1) };
    let days = Days { first, last: Day(to.day().0 - 1) };
    match days.count() {
        ..1 => refuse(format!(
            "From {from} to {to} there is no whole day (UTC): give a longer period."
        )),
        count if count > MOST_DAYS => refuse(format!(
            "From {from} to {to} there are {count} days: ask for {MOST_DAYS} at most."
        )),
        _ => Ok(days),
    }
}

impl Scores {
    /// How a control held on some days of a period, with what was known at its end; `None` where it had
    /// not been stated by then.
    pub(crate) async fn control_held(
        &self,
        key: Key,
        control: Id<kind::Control>,
        (period, days): (Period, Days),
        threshold: Fixed,
    ) -> Result<Option<Held>, ApiError> {
        let mut model = self.known_at_end(key, period, days).await?;
        model.held(control, days, threshold).map_err(ApiError::internal)
    }

    /// How the members of a requirement held on some days of a period, with what was known at its end;
    /// `None` where the project did not have the requirement by then.
    pub(crate) async fn members_held(
        &self,
        key: Key,
        requirement: Id<kind::Requirement>,
        (period, days): (Period, Days),
        threshold: Fixed,
    ) -> Result<Option<Vec<MemberHeld>>, ApiError> {
        let mut model = self.known_at_end(key, period, days).await?;
        model.members_held(requirement, days, threshold).map_err(ApiError::internal)
    }

    /// What was known at the end of a period, not yet judged.
    async fn known_at_end(&self, key: Key, period: Period, days: Days) -> Result<Model, ApiError> {
        self.computes()?;
        let until = self.0.store.position_as_of(period.to).await?;
        Ok(fold(&self.0.store, key, until, days.first.end()).await?.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: &str, to: &str) -> Result<[String; 2], String> {
        let period = Period { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let days = whole_days(period).map_err(|error| error.to_string())?;
        Ok([days.first, days.last].map(|day| day.start().to_string()[..10].to_owned()))
    }

    #[test]
    fn only_whole_days_of_utc_count() {
        let whole = |first: &str, last: &str| Ok([first.to_owned(), last.to_owned()]);
        assert_eq!(
            days("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            whole("2026-01-01", "2026-01-31")
        );
        assert_eq!(
            days("2026-01-01T00:00:00.000001Z", "2026-01-31T23:59:59Z"),
            whole("2026-01-02", "2026-01-30")
        );
        assert_eq!(
            days("2026-01-01T00:00:00+01:00", "2026-01-03T00:00:00+01:00"),
            whole("2026-01-01", "2026-01-01")
        );
        for (from, to) in [
            ("2026-01-01T00:00:01Z", "2026-01-02T23:00:00Z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T23:59:59.999999Z"),
        ] {
            assert!(days(from, to).unwrap_err().contains("no whole day"), "{from}");
        }
        let long = days("2000-01-01T00:00:00Z", "2026-01-01T00:00:00Z").unwrap_err();
        assert!(long.contains("3660 at most"), "{long}");
    }
}
