//! Where a number comes from, down to each piece of evidence and its hash. Every step carries what
//! its arithmetic needs, so that a reader can do it again by hand (`docs/scores.md` shows how).

use serde::{Deserialize, Serialize};
use studio_kernel::Timestamp;

use super::{
    ControlId, Fixed, FrameworkId, NotApplicableId, RequirementId, TestId,
    control::{Cap, Own},
    dependency::{LimitingPath, limiting_path},
    exception::ExceptedFailure,
    fact::{Implementation, MemberKey, Reading},
    framework::{PointsLost, undecided},
    freshness::Freshness,
    inheritance::Inherited,
    model::{ByMembers, Control, Model, Pass, Test, TestDefinition},
    requirement::{Shares, member_value},
    tally::Tally,
    value::{Bound, ControlScore, FrameworkScore, RequirementScore, Triple},
};

/// Why there is no explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// Nothing of that id was stated.
    #[error("nothing of that id is scored in this project")]
    Unknown,
    /// Facts were applied that no number shows yet.
    #[error(
        "the numbers are not up to date: recompute the model before asking where they come from"
    )]
    Outdated,
}

/// Where the score of a framework comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameworkContributions {
    /// The score.
    pub score: FrameworkScore,
    /// sum(W).
    pub weight_sum: u64,
    /// Its requirements that apply, in the order of their ids.
    pub requirements: Vec<RequirementLine>,
    /// Those that do not, and count nowhere.
    pub removed: Vec<RemovedRequirement>,
}

/// A requirement that does not apply (rule 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedRequirement {
    /// The requirement.
    pub requirement: RequirementId,
    /// W, which the framework is without.
    pub weight: u32,
    /// The declaration that says so.
    pub declaration: NotApplicableId,
}

/// What a requirement costs its framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementPoints {
    /// The requirement.
    pub score: RequirementScore,
    /// W.
    pub weight: u32,
    /// Points that are not proven because of it. They add up to `100 - lo`.
    pub lost_lo: Fixed,
    /// Points that cannot be reached because of it. They add up to `100 - hi`.
    pub lost_hi: Fixed,
}

/// A requirement as its framework counts it, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementLine {
    /// W.
    pub weight: u32,
    /// Points that are not proven because of it. They add up to `100 - lo`.
    pub lost_lo: Fixed,
    /// Points that cannot be reached because of it. They add up to `100 - hi`.
    pub lost_hi: Fixed,
    /// Where its own value comes from.
    pub contributions: RequirementContributions,
}

impl RequirementLine {
    /// Of the points that are not proven because of it, those that may yet be won: 0 or more.
    pub fn undecided(&self) -> Fixed {
        undecided(self.lost_lo, self.lost_hi)
    }
}

/// Where the value of a requirement comes from (rule 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementContributions {
    /// The requirement.
    pub score: RequirementScore,
    /// A, the sum of the shares.
    pub share_sum: Fixed,
    /// max(1, A).
    pub divisor: Fixed,
    /// From its members: `score.value` is the same, or what it inherits.
    pub own: Triple,
    /// What it inherits, if that is more than what is proven by its own members.
    pub inherited: Option<Inherited>,
    /// Its members in force.
    pub members: Vec<MemberLine>,
}

/// A member as its requirement counts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberLine {
    /// The control or group.
    pub member: MemberKey,
    /// a.
    pub share: Fixed,
    /// What it counts as.
    pub value: Triple,
    /// The control whose `lo` and `decided` count: in a group, the best.
    pub decisive: ControlId,
    /// The control, or those of the group that are in force.
    pub controls: Vec<ControlContributions>,
}

/// Where the value of a control comes from (rules 4 and 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlContributions {
    /// The control.
    pub score: ControlScore,
    /// How far it is implemented.
    pub implementation: Implementation,
    /// I.
    pub factor: Fixed,
    /// sum(w).
    pub weight_sum: Fixed,
    /// `own` before the caps.
    pub before_caps: Triple,
    /// The caps that apply.
    pub caps: Vec<Cap>,
    /// Why `lo` is no higher.
    pub limited_lo: LimitingPath,
    /// Why `hi` is no higher.
    pub limited_hi: LimitingPath,
    /// Its tests in the order of their ids.
    pub tests: Vec<TestLine>,
}

/// Where the value of a test comes from (rule 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestLine {
    /// The test.
    pub test: TestId,
    /// The check it counts; `None` for a manual test.
    pub check: Option<String>,
    /// w.
    pub weight: Fixed,
    /// Whether it is a key test.
    pub key: bool,
    /// V.
    pub validity_days: u32,
    /// sum(N).
    pub population: u64,
    /// sum(p).
    pub passed: u64,
    /// sum(n).
    pub failed: u64,
    /// Resources of which nothing is known.
    pub unknown: u64,
    /// What it is worth.
    pub value: Triple,
    /// The readings that count, by account and region.
    pub summaries: Vec<SummaryLine>,
    /// The failures among them that are excepted, with their credit (rule 3).
    pub excepted: Vec<ExceptedFailure>,
}

/// A reading as its test counts it (rule 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryLine {
    /// The account; empty for a manual test.
    pub account: String,
    /// The region; empty for a manual test.
    pub region: String,
    /// The counts, their times, and the evidence with its version and hash.
    pub reading: Reading,
    /// The instant that the age counts from.
    pub reference: Timestamp,
    /// a.
    pub age_days: i64,
    /// f.
    pub freshness: Fixed,
    /// From when on its passes count less than in full.
    pub fades_from: Timestamp,
    /// From when on they count nothing.
    pub gone_from: Timestamp,
    /// Whether its evidence is rejected, which makes f 0.
    pub rejected: bool,
    /// When f is next another one, where that is known already.
    pub next_change: Option<Timestamp>,
}

impl Model {
    /// Where the score of a framework comes from.
    ///
    /// # Errors
    /// See [`ExplainError`].
    pub fn explain_framework(
        &self,
        id: FrameworkId,
    ) -> Result<FrameworkContributions, ExplainError> {
        let points = self.points_lost(id)?;
        let score = self.framework(id).ok_or(ExplainError::Unknown)?;
        let lines = points.into_iter().map(|line| {
            Ok(RequirementLine {
                weight: line.weight,
                lost_lo: line.lost_lo,
                lost_hi: line.lost_hi,
                contributions: self.explain_requirement(line.score.requirement)?,
            })
        });
        Ok(FrameworkContributions {
            score,
            weight_sum: self.frameworks.get(&id).map_or(0, |framework| framework.totals.weight),
            requirements: lines.collect::<Result<_, _>>()?,
            removed: self.removed(id),
        })
    }

    /// The requirements of a framework that do not apply, in the order of their ids.
    pub fn removed(&self, id: FrameworkId) -> Vec<RemovedRequirement> {
        let requirements = self.frameworks.get(&id).into_iter().flat_map(|it| &it.requirements);
        let removed = requirements.filter_map(|(requirement, importance)| {
            Some(RemovedRequirement {
                requirement: *requirement,
                weight: importance.weight(),
                declaration: self.requirements.get(requirement)?.not_applicable?,
            })
        });
        removed.collect()
    }

    /// The first step of [`explain_framework`](Model::explain_framework) alone: which requirement
    /// costs how many points, in the order of their ids. A list can be paged by it, and each
    /// requirement explained when somebody looks at it.
    ///
    /// # Errors
    /// See [`ExplainError`].
    pub fn points_lost(&self, id: FrameworkId) -> Result<Vec<RequirementPoints>, ExplainError> {
        self.instant()?;
        let framework = self.frameworks.get(&id).ok_or(ExplainError::Unknown)?;
        let weight_sum = framework.totals.weight;
        let (mut lost_lo, mut lost_hi) = (PointsLost::new(weight_sum), PointsLost::new(weight_sum));
        let applicable = framework.requirements.iter().filter(|(id, _)| self.applies(id));
        let lines = applicable.map(|(requirement, importance)| {
            let score = self.requirement(*requirement).ok_or(ExplainError::Unknown)?;
            Ok(RequirementPoints {
                weight: importance.weight(),
                lost_lo: lost_lo.next(*importance, score.value.lo),
                lost_hi: lost_hi.next(*importance, score.value.hi),
                score,
            })
        });
        lines.collect()
    }

    /// Where the value of a requirement comes from.
    ///
    /// # Errors
    /// See [`ExplainError`].
    pub fn explain_requirement(
        &self,
        id: RequirementId,
    ) -> Result<RequirementContributions, ExplainError> {
        self.instant()?;
        let score = self.requirement(id).ok_or(ExplainError::Unknown)?;
        let requirement = self.requirements.get(&id).ok_or(ExplainError::Unknown)?;
        let mut shares = Shares::default();
        let mut members = Vec::new();
        for (key, member) in &requirement.members {
            let counted = member_value(&self.controls, member, Control::settled(Pass::Second));
            let Some((decisive, value)) = counted else { continue };
            shares.add(member.share, &value);
            let in_force = member.controls.iter().filter(|id| self.is_in_force(id));
            members.push(MemberLine {
                member: key.clone(),
                share: member.share,
                value,
                decisive,
                controls: in_force.map(|id| self.explain_control(*id)).collect::<Result<_, _>>()?,
            });
        }
        let (share_sum, divisor) = (shares.sum(), shares.divisor());
        let own = requirement.by_members.own;
        let inherited = self.inherited(id, ByMembers::settled);
        let inherited = inherited.filter(|inherited| inherited.value.lo > own.lo);
        Ok(RequirementContributions { score, share_sum, divisor, own, inherited, members })
    }

    /// Where the value of a control comes from.
    ///
    /// # Errors
    /// See [`ExplainError`].
    pub fn explain_control(&self, id: ControlId) -> Result<ControlContributions, ExplainError> {
        let at = self.instant()?;
        let score = self.control(id).ok_or(ExplainError::Unknown)?;
        let control = self.controls.get(&id).ok_or(ExplainError::Unknown)?;
        let implementation = control.implementation.ok_or(ExplainError::Unknown)?;
        let own = self.own_of(control, Pass::Second, at).unwrap_or(Own {
            value: Triple::NOTHING,
            before_caps: Triple::NOTHING,
            weight_sum: Fixed::ZERO,
            caps: Vec::new(),
        });
        let tests = control.tests.iter().filter_map(|id| {
            let test = self.tests.get(id)?;
            Some(self.line_of(*id, test, test.definition.as_ref()?, at))
        });
        Ok(ControlContributions {
            score,
            implementation,
            factor: implementation.factor(),
            weight_sum: own.weight_sum,
            before_caps: own.before_caps,
            caps: own.caps,
            limited_lo: limiting_path(&self.controls, id, Bound::Lo),
            limited_hi: limiting_path(&self.controls, id, Bound::Hi),
            tests: tests.collect(),
        })
    }

    /// Where the value of a test comes from.
    ///
    /// # Errors
    /// See [`ExplainError`].
    pub fn explain_test(&self, id: TestId) -> Result<TestLine, ExplainError> {
        let at = self.instant()?;
        let test = self.tests.get(&id).ok_or(ExplainError::Unknown)?;
        let definition = test.definition.as_ref().ok_or(ExplainError::Unknown)?;
        Ok(self.line_of(id, test, definition, at))
    }

    fn line_of(
        &self,
        id: TestId,
        test: &Test,
        definition: &TestDefinition,
        at: Timestamp,
    ) -> TestLine {
        let mut tally = Tally::new(definition.validity_days);
        let mut summaries = Vec::new();
        for (account, region, series) in self.series_of(test) {
            let Some(reading) = series.current(at) else { continue };
            let rejected = self.is_rejected(reading);
            let freshness = tally.add(reading, rejected, at);
            let (fades_from, gone_from) =
                Freshness::fades(freshness.reference, definition.validity_days);
            summaries.push(SummaryLine {
                account: account.to_owned(),
                region: region.to_owned(),
                reading: reading.clone(),
                reference: freshness.reference,
                age_days: freshness.age_days,
                freshness: freshness.value(definition.validity_days),
                fades_from,
                gone_from,
                rejected,
                next_change: freshness.next_change,
            });
        }
        TestLine {
            test: id,
            check: definition.check.clone(),
            weight: definition.weight,
            key: definition.key,
            validity_days: definition.validity_days,
            population: tally.population,
            passed: tally.passed,
            failed: tally.failed,
            unknown: tally.unknown,
            value: test.credited.value,
            summaries,
            excepted: self.excepted(test, at, Control::settled(Pass::First)),
        }
    }

    fn is_in_force(&self, id: &ControlId) -> bool {
        self.controls.get(id).is_some_and(|control| control.in_force().is_some())
    }

    fn instant(&self) -> Result<Timestamp, ExplainError> {
        self.at.filter(|_| self.pending.is_empty()).ok_or(ExplainError::Outdated)
    }
}
