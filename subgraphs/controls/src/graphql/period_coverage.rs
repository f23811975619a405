//! How controls and requirements held over a period.

use async_graphql::{Context, Object, Result, SimpleObject, connection::Connection};
use chrono::{DateTime, Utc};
use studio_kernel::{Code, Day, Id, kind};
use studio_service::{
    ApiError,
    graphql::{Instant, PageArgs, gql},
};

use super::{app, control::Control, loaders, loaders::there, score, sliced::sliced};
use crate::{
    domain::score::{Days, Fixed, Gap, Held, MemberHeld, MemberKey, least},
    scores::{Period, whole_days},
};

/// What was asked: a period, and how much has to be proven.
pub(super) struct Asked {
    pub(super) from: Instant,
    pub(super) to: Option<Instant>,
    pub(super) threshold: f64,
}

struct Read {
    period: Period,
    days: Days,
    threshold: Fixed,
}

impl Asked {
    async fn read(&self, ctx: &Context<'_>) -> Result<Read> {
        let from = self.from.named("from")?;
        let to = Instant::optional(self.to.as_ref(), "to")?;
        let threshold = Fixed::from_f64(self.threshold)
            .filter(|threshold| *threshold > Fixed::ZERO && *threshold <= Fixed::ONE)
            .ok_or_else(|| {
                let message = format!(
                    "threshold is {}: give a number above 0 and at most 1.",
                    self.threshold
                );
                gql(ApiError::new(Code::BadRequest, message))
            })?;
        let period = app(ctx)?.scores.period(from, to).await.map_err(gql)?;
        Ok(Read { period, days: whole_days(period).map_err(gql)?, threshold })
    }
}

pub(super) async fn of_control(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    control: Id<kind::Control>,
    asked: &Asked,
) -> Result<Option<PeriodCoverage>> {
    let key = (score::allow(ctx, project)?.tenant, project);
    let Read { period, days, threshold } = asked.read(ctx).await?;
    let scores = &app(ctx)?.scores;
    let held = scores.control_held(key, control, (period, days), threshold).await.map_err(gql)?;
    Ok(held.map(|held| PeriodCoverage { days, held }))
}

pub(super) async fn of_requirement(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    requirement: Id<kind::Requirement>,
    asked: &Asked,
) -> Result<Option<RequirementPeriodCoverage>> {
    let key = (score::allow(ctx, project)?.tenant, project);
    let Read { period, days, threshold } = asked.read(ctx).await?;
    let scores = &app(ctx)?.scores;
    let held =
        scores.members_held(key, requirement, (period, days), threshold).await.map_err(gql)?;
    Ok(held.map(|members| RequirementPeriodCoverage { days, members }))
}

/// How something held over the whole UTC days of a period, with what was known at its end.
pub(super) struct PeriodCoverage {
    days: Days,
    held: Held,
}

/// How something held over the whole UTC days of a period, with what was known at its end.
#[Object]
impl PeriodCoverage {
    /// Where the first whole day begins.
    async fn from(&self) -> DateTime<Utc> {
        begins(self.days.first)
    }

    /// Where the last whole day ends.
    async fn to(&self) -> DateTime<Utc> {
        ends(self.days.last)
    }

    /// How many whole days the period holds.
    async fn days(&self) -> i64 {
        self.days.count()
    }

    /// On how many of them enough was proven at the end of the day.
    async fn covered(&self) -> i64 {
        self.held.covered
    }

    /// Their share, 0 to 1.
    async fn share(&self) -> f64 {
        self.held.share(self.days).to_f64()
    }

    /// The days on which too little was proven.
    async fn gaps(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, CoverageGap>> {
        sliced(&self.held.gaps, &PageArgs::new(first, after)?, |gap| CoverageGap::of(*gap))
    }
}

/// Days in a row on which too little was proven.
#[derive(SimpleObject)]
pub(super) struct CoverageGap {
    /// Where the first of them begins.
    from: DateTime<Utc>,
    /// Where the last of them ends.
    to: DateTime<Utc>,
    /// How many there are.
    days: i64,
    /// The least that was proven at the end of one of them, 0 to 1.
    lowest: f64,
}

impl CoverageGap {
    fn of(gap: Gap) -> Self {
        Self {
            from: begins(gap.days.first),
            to: ends(gap.days.last),
            days: gap.days.count(),
            lowest: gap.lowest.to_f64(),
        }
    }
}

fn begins(day: Day) -> DateTime<Utc> {
    day.start().to_datetime()
}

fn ends(day: Day) -> DateTime<Utc> {
    Day(day.0 + 1).start().to_datetime()
}

/// How a requirement held over the whole UTC days of a period, with what was known at its end.
pub(super) struct RequirementPeriodCoverage {
    days: Days,
    members: Vec<MemberHeld>,
}

/// How a requirement held over the whole UTC days of a period, with what was known at its end.
#[Object]
impl RequirementPeriodCoverage {
    /// As the least of its members held; on no day where it has none.
    async fn coverage(&self) -> PeriodCoverage {
        PeriodCoverage { days: self.days, held: least(&self.members, self.days) }
    }

    /// Each member in force: single controls first, then any-of groups.
    async fn members(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, MemberPeriodCoverage>> {
        let page = PageArgs::new(first, after)?;
        sliced(&self.members, &page, |member| MemberPeriodCoverage {
            days: self.days,
            member: member.clone(),
        })
    }
}

/// How a member of a requirement held over a period.
pub(super) struct MemberPeriodCoverage {
    days: Days,
    member: MemberHeld,
}

/// How a member of a requirement held over a period.
#[Object]
impl MemberPeriodCoverage {
    /// The control; null for an any-of group.
    async fn control(&self, ctx: &Context<'_>) -> Result<Option<Control>> {
        let MemberKey::Control(control) = &self.member.member else { return Ok(None) };
        let row = loaders(ctx)?.controls(control.to_string()).await?;
        there(row, "control").map(|row| Some(Control(row)))
    }

    /// The name of the any-of group, of which the best control counts on each day; null for a control
    /// by itself.
    async fn any_of(&self) -> Option<&str> {
        match &self.member.member {
            MemberKey::Group(group) => Some(group),
            MemberKey::Control(_) => None,
        }
    }

    /// How it held.
    async fn coverage(&self) -> PeriodCoverage {
        PeriodCoverage { days: self.days, held: self.member.held.clone() }
    }
}
