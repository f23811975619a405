//! Rule 9: how a control or a requirement held over a period, day by day (what SOC 2 calls Type II).

use studio_kernel::Day;

use super::{
    BeforeHorizon, ControlId, Fixed, Model, RequirementId,
    fact::MemberKey,
    model::{Control, Pass, Share},
    requirement::member_value,
    value::TOLERANCE,
};

/// The most days of a period: ten years.
pub const MOST_DAYS: i64 = 3_660;

/// Whole UTC days, both of them included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub first: Day,
    /// The last, not before the first.
    pub last: Day,
}

impl Days {
    /// How many.
    pub fn count(&self) -> i64 {
        self.last.0 - self.first.0 + 1
    }
}

/// How something held over a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Days on which it was worth the threshold at their end.
    pub covered: i64,
    /// The others, in their order.
    pub gaps: Vec<Gap>,
}

/// Days in a row on which something was worth too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first and the last of them.
    pub days: Days,
    /// The least that was proven at the end of one of them.
    pub lowest: Fixed,
}

/// How a member of a requirement held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberHeld {
    /// The control or group; of a group, its best control counts each day.
    pub member: MemberKey,
    /// How it held.
    pub held: Held,
}

impl Held {
    fn new() -> Self {
        Self { covered: 0, gaps: Vec::new() }
    }

    /// The share of the days that are covered, 0 to 1.
    pub fn share(&self, days: Days) -> Fixed {
        Fixed::ratio(self.covered.into(), days.count().max(1).into())
    }

    fn note(&mut self, day: Day, lo: Fixed, threshold: Fixed) {
        // As in rule 8, a billionth is no difference.
        if lo.units() >= threshold.units() - TOLERANCE {
            self.covered += 1;
            return;
        }
        match self.gaps.last_mut().filter(|gap| gap.days.last.0 + 1 == day.0) {
            Some(gap) => {
                gap.days.last = day;
                gap.lowest = gap.lowest.min(lo);
            }
            None => self.gaps.push(Gap { days: Days { first: day, last: day }, lowest: lo }),
        }
    }
}

impl Model {
    /// How a control held over some days, with what is known now; `None` where it was never stated.
    /// Afterwards the model is at the end of the last day.
    ///
    /// # Errors
    /// A model that has forgotten what counted on the first day.
    pub fn held(
        &mut self,
        control: ControlId,
        days: Days,
        threshold: Fixed,
    ) -> Result<Option<Held>, BeforeHorizon> {
        let mut held = Held::new();
        for day in each(days) {
            self.recompute(day.end())?;
            let Some(score) = self.control(control) else { return Ok(None) };
            held.note(day, score.value.lo, threshold);
        }
        Ok(Some(held))
    }

    /// How each member in force of a requirement held, in their order; `None` where no framework that
    /// was adopted has the requirement and nobody meets it. Afterwards the model is at the end of the
    /// last day.
    ///
    /// # Errors
    /// A model that has forgotten what counted on the first day.
    pub fn members_held(
        &mut self,
        requirement: RequirementId,
        days: Days,
        threshold: Fixed,
    ) -> Result<Option<Vec<MemberHeld>>, BeforeHorizon> {
        self.recompute(days.first.end())?;
        if self.requirement(requirement).is_none() {
            return Ok(None);
        }
        // Who is a member, and in force, is not a matter of the day.
        let members = self.requirements.get(&requirement).into_iter();
        let mut members: Vec<(Share, MemberHeld)> = members
            .flat_map(|requirement| &requirement.members)
            .filter(|(_, share)| {
                member_value(&self.controls, share, Control::settled(Pass::Second)).is_some()
            })
            .map(|(key, share)| {
                (share.clone(), MemberHeld { member: key.clone(), held: Held::new() })
            })
            .collect();
        for day in each(days) {
            self.recompute(day.end())?;
            for (share, member) in &mut members {
                let lo = member_value(&self.controls, share, Control::settled(Pass::Second))
                    .map_or(Fixed::ZERO, |(_, value)| value.lo);
                member.held.note(day, lo, threshold);
            }
        }
        Ok(Some(members.into_iter().map(|(_, member)| member).collect()))
    }
}

/// A requirement held as its least member did; where nobody meets it, on no day.
pub fn least(members: &[MemberHeld], days: Days) -> Held {
    match members.iter().map(|member| &member.held).min_by_key(|held| held.covered) {
        Some(held) => held.clone(),
        None => Held { covered: 0, gaps: vec![Gap { days, lowest: Fixed::ZERO }] },
    }
}

fn each(days: Days) -> impl Iterator<Item = Day> {
    (days.first.0..=days.last.0).map(Day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_in_a_row_are_one_gap_with_the_least_of_them() {
        let days = Days { first: Day(10), last: Day(15) };
        let mut held = Held::new();
        let half: Fixed = "0.5".parse().unwrap();
        for (day, lo) in (10..).zip(["0.4", "0.2", "0.5", "0.499999999", "0.49", "1"]) {
            held.note(Day(day), lo.parse().unwrap(), half);
        }
        assert_eq!(held.covered, 3, "a billionth below the threshold is at it");
        assert_eq!(held.share(days).to_string(), "0.5");
        let gap = |first, last, lowest: &str| Gap {
            days: Days { first: Day(first), last: Day(last) },
            lowest: lowest.parse().unwrap(),
        };
        assert_eq!(held.gaps, [gap(10, 11, "0.2"), gap(14, 14, "0.49")]);
    }

    #[test]
    fn a_requirement_without_members_holds_on_no_day() {
        let days = Days { first: Day(3), last: Day(9) };
        let held = least(&[], days);
        assert_eq!((held.covered, held.gaps[0].days), (0, days));
    }
}
