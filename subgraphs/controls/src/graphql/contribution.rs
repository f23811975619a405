//! What a score is made of, so that each number can be worked out again by hand.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use studio_kernel::{Id, kind};

use super::{
    control::Control,
    enums::{DependencyStrength, ImplementationState, Verdict},
    excepted::ExceptedFailure,
    inherited::Inherited,
    loaders,
    loaders::there,
    references::Evidence,
    requirement::Requirement,
    test::ControlTest,
};
use crate::domain::score::{
    Cap, ControlContributions, FrameworkContributions, MemberKey, MemberLine, PathStep,
    RequirementLine, SummaryLine, TestLine,
};

/// The lines of a framework by the ids of their requirements.
pub(super) fn by_requirement(
    explained: &FrameworkContributions,
) -> HashMap<String, &RequirementLine> {
    explained
        .requirements
        .iter()
        .map(|line| (line.contributions.score.requirement.to_string(), line))
        .collect()
}

/// The members of a requirement, one for each control; only one control's, if so asked.
pub(super) fn members(
    line: &RequirementLine,
    only: Option<Id<kind::Control>>,
) -> Vec<Contribution> {
    let mut members = Vec::new();
    for member in &line.contributions.members {
        for control in &member.controls {
            if only.is_none_or(|only| only == control.score.control) {
                members.push(Contribution::of(line, member, control));
            }
        }
    }
    members
}

/// The score of a requirement.
#[derive(Clone)]
pub(super) struct RequirementScore {
    requirement: Id<kind::Requirement>,
    lo: f64,
    hi: f64,
    decided: f64,
    verdict: Verdict,
    weight: u32,
    lost_lo: f64,
    undecided: f64,
    own_lo: f64,
    inherited: Option<Inherited>,
}

impl RequirementScore {
    pub(super) fn of(line: &RequirementLine) -> Self {
        let score = &line.contributions.score;
        Self {
            requirement: score.requirement,
            lo: score.value.lo.to_f64(),
            hi: score.value.hi.to_f64(),
            decided: score.value.decided.to_f64(),
            verdict: score.verdict.into(),
            weight: line.weight,
            lost_lo: line.lost_lo.to_f64(),
            undecided: line.undecided().to_f64(),
            own_lo: line.contributions.own.lo.to_f64(),
            inherited: line.contributions.inherited.as_ref().map(Inherited::of),
        }
    }

    pub(super) fn is(&self, verdict: Verdict) -> bool {
        self.verdict == verdict
    }
}

/// The score of a requirement within its framework.
#[Object]
impl RequirementScore {
    /// The requirement.
    async fn requirement(&self, ctx: &Context<'_>) -> Result<Requirement> {
        let row = loaders(ctx)?.requirements(self.requirement.to_string()).await?;
        Ok(Requirement(there(row, "requirement")?))
    }

    /// What is proven, 0 to 1.
    async fn lo(&self) -> f64 {
        self.lo
    }

    /// What is proven by its own controls, 0 to 1.
    async fn own_lo(&self) -> f64 {
        self.own_lo
    }

    /// What it inherits from a requirement of another framework, where that is more.
    async fn inherited(&self) -> Option<Inherited> {
        self.inherited.clone()
    }

    /// What is still possible, 0 to 1.
    async fn hi(&self) -> f64 {
        self.hi
    }

    /// How much is decided, 0 to 1.
    async fn decided(&self) -> f64 {
        self.decided
    }

    /// The verdict.
    async fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Its weight in the framework: 1, 2 or 3.
    async fn weight(&self) -> u32 {
        self.weight
    }

    /// Points of the framework that are not proven because of it. Over all requirements they add up
    /// to 100 less the score.
    async fn points_lost(&self) -> f64 {
        self.lost_lo
    }

    /// Of those points, the ones that may yet be won: nothing is known that speaks against them.
    async fn points_undecided(&self) -> f64 {
        self.undecided
    }
}

/// What one control contributes to one requirement.
#[derive(SimpleObject)]
pub(super) struct Contribution {
    /// The requirement.
    requirement: RequirementScore,
    /// The share of the requirement that the member covers; of the group, where it is in one.
    share: f64,
    /// The any-of group that the control is in: of its controls the best counts.
    any_of: Option<String>,
    /// The control.
    control: ControlContribution,
}

impl Contribution {
    fn of(line: &RequirementLine, member: &MemberLine, control: &ControlContributions) -> Self {
        Self {
            requirement: RequirementScore::of(line),
            share: member.share.to_f64(),
            any_of: match &member.member {
                MemberKey::Control(_) => None,
                MemberKey::Group(group) => Some(group.clone()),
            },
            control: ControlContribution(control.clone()),
        }
    }
}

/// Where the value of a control comes from.
pub(super) struct ControlContribution(pub(super) ControlContributions);

/// Where the value of a control comes from.
#[Object]
impl ControlContribution {
    /// The control.
    async fn control(&self, ctx: &Context<'_>) -> Result<Control> {
        control(ctx, self.0.score.control).await
    }

    /// What is proven, 0 to 1, after what it rests on.
    async fn lo(&self) -> f64 {
        self.0.score.value.lo.to_f64()
    }

    /// What is still possible, 0 to 1, after what it rests on.
    async fn hi(&self) -> f64 {
        self.0.score.value.hi.to_f64()
    }

    /// How much is decided, 0 to 1.
    async fn decided(&self) -> f64 {
        self.0.score.value.decided.to_f64()
    }

    /// The verdict.
    async fn verdict(&self) -> Verdict {
        self.0.score.verdict.into()
    }

    /// How far it was in place.
    async fn implementation(&self) -> ImplementationState {
        self.0.implementation.into()
    }

    /// What that multiplies its tests with: 0, 0.5 or 1.
    async fn factor(&self) -> f64 {
        self.0.factor.to_f64()
    }

    /// Why it counts at most 0.49 or 0.8, in sentences.
    async fn caps(&self) -> Vec<String> {
        self.0.caps.iter().map(cap).collect()
    }

    /// Why lo is no higher: the worst path over what it rests on, beginning with itself. A single
    /// step says that it is limited by its own tests.
    async fn limited_by(&self) -> Vec<LimitingStep> {
        self.0.limited_lo.steps.iter().cloned().map(LimitingStep).collect()
    }

    /// Its tests.
    async fn tests(&self) -> Vec<TestContribution> {
        self.0.tests.iter().cloned().map(TestContribution).collect()
    }
}

fn cap(cap: &Cap) -> String {
    let limit = cap.limit();
    match cap {
        Cap::KeyTestFailing { test } => {
            format!("At most {limit} because the key test {test} has a failure.")
        }
        Cap::KeyTestUndecided { test } => format!(
            "At most {limit} is proven because not every result of the key test {test} is known."
        ),
        Cap::KeyTestCreditUnproven { test } => format!(
            "At most {limit} is proven because nothing that is proven makes up for an excepted \
             failure of the key test {test}."
        ),
        Cap::MajorNonconformity { nonconformity } => {
            format!("At most {limit} because the major nonconformity {nonconformity} is open.")
        }
        Cap::MinorNonconformity { nonconformity } => {
            format!("At most {limit} because the minor nonconformity {nonconformity} is open.")
        }
    }
}

async fn control(ctx: &Context<'_>, id: Id<kind::Control>) -> Result<Control> {
    let row = loaders(ctx)?.controls(id.to_string()).await?;
    Ok(Control(there(row, "control")?))
}

/// A step on the path that limits a control.
pub(super) struct LimitingStep(PathStep);

/// A step on the path that limits a control.
#[Object]
impl LimitingStep {
    /// The control.
    async fn control(&self, ctx: &Context<'_>) -> Result<Control> {
        control(ctx, self.0.control).await
    }

    /// How strongly it rests on the next step; null on the last.
    async fn strength(&self) -> Option<DependencyStrength> {
        self.0.strength.map(Into::into)
    }

    /// What it is worth by its own tests, 0 to 1.
    async fn own(&self) -> f64 {
        self.0.own.to_f64()
    }

    /// What it is worth after what it rests on, 0 to 1.
    async fn value(&self) -> f64 {
        self.0.value.to_f64()
    }
}

/// Where the value of a test comes from.
pub(super) struct TestContribution(TestLine);

/// Where the value of a test comes from.
#[Object]
impl TestContribution {
    /// The test.
    async fn test(&self, ctx: &Context<'_>) -> Result<ControlTest> {
        let row = loaders(ctx)?.tests(self.0.test.to_string()).await?;
        Ok(ControlTest(there(row, "test")?))
    }

    /// The scanner's check; null for a manual test.
    async fn check(&self) -> Option<&str> {
        self.0.check.as_deref()
    }

    /// Its weight among the tests of the control.
    async fn weight(&self) -> f64 {
        self.0.weight.to_f64()
    }

    /// Whether it is a key test.
    async fn key(&self) -> bool {
        self.0.key
    }

    /// Days for which a pass counts in full.
    async fn validity_days(&self) -> u32 {
        self.0.validity_days
    }

    /// Resources looked at.
    async fn population(&self) -> u64 {
        self.0.population
    }

    /// Resources that pass.
    async fn passed(&self) -> u64 {
        self.0.passed
    }

    /// Resources that fail.
    async fn failed(&self) -> u64 {
        self.0.failed
    }

    /// Resources of which nothing is known.
    async fn unknown(&self) -> u64 {
        self.0.unknown
    }

    /// What is proven, 0 to 1.
    async fn lo(&self) -> f64 {
        self.0.value.lo.to_f64()
    }

    /// What is still possible, 0 to 1.
    async fn hi(&self) -> f64 {
        self.0.value.hi.to_f64()
    }

    /// How much is decided, 0 to 1.
    async fn decided(&self) -> f64 {
        self.0.value.decided.to_f64()
    }

    /// The results that count: the newest of each account and region.
    async fn summaries(&self) -> Vec<CheckContribution> {
        let check = &self.0.check;
        let line = |line: &SummaryLine| CheckContribution::of(check.as_deref(), line);
        self.0.summaries.iter().map(line).collect()
    }

    /// The failures among these results that are excepted, with the credit that they get.
    async fn excepted_failures(&self) -> Vec<ExceptedFailure> {
        self.0.excepted.iter().cloned().map(ExceptedFailure::of).collect()
    }
}

/// The results of a check in one account and region, or of a manual test.
#[derive(SimpleObject)]
pub(super) struct CheckContribution {
    /// The scanner's check; null for a manual test.
    check: Option<String>,
    /// The cloud account; empty for a manual test.
    account: String,
    /// The region; empty for a manual test.
    region: String,
    /// Resources looked at.
    population: u32,
    /// Resources that pass.
    passed: u32,
    /// Resources that fail.
    failed: u32,
    /// Resources of which nothing is known: muted, manual, errored.
    unknown: u32,
    /// How much a pass counts by its age, 0 to 1. A failure does not fade.
    freshness: f64,
    /// The age in whole days.
    age_days: i64,
    /// From when on a pass counts less than in full, unless there is something newer.
    fades_from: DateTime<Utc>,
    /// From when on a pass counts nothing, unless there is something newer.
    gone_from: DateTime<Utc>,
    /// Since when it is true.
    effective_from: DateTime<Utc>,
    /// When it was collected.
    collected_at: DateTime<Utc>,
    /// When this log recorded it.
    recorded_at: DateTime<Utc>,
    /// Whether its evidence was rejected: then it proves nothing.
    rejected: bool,
    /// What it rests on; null for a manual result without evidence.
    evidence: Option<EvidenceReference>,
    /// The version of the test's rule that gave it; null where no rule did.
    rule_version: Option<u32>,
}

/// A version of a piece of evidence, by value: an old score still explains itself when the evidence
/// is gone.
#[derive(SimpleObject)]
pub(super) struct EvidenceReference {
    /// The evidence.
    evidence: Evidence,
    /// The version of it.
    version: u32,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
    sha256: String,
}

impl CheckContribution {
    pub(super) fn of(check: Option<&str>, line: &SummaryLine) -> Self {
        let reading = &line.reading;
        Self {
            check: check.map(str::to_owned),
            account: line.account.clone(),
            region: line.region.clone(),
            population: reading.population,
            passed: reading.passed,
            failed: reading.failed,
            unknown: reading.unknown,
            freshness: line.freshness.to_f64(),
            age_days: line.age_days,
            fades_from: line.fades_from.to_datetime(),
            gone_from: line.gone_from.to_datetime(),
            effective_from: reading.effective_from.to_datetime(),
            collected_at: reading.collected_at.to_datetime(),
            recorded_at: reading.recorded_at.to_datetime(),
            rejected: line.rejected,
            rule_version: reading.rule_version,
            evidence: reading.evidence.as_ref().map(|reference| EvidenceReference {
                evidence: Evidence { id: ID(reference.evidence.to_string()) },
                version: reference.version,
                sha256: reference.hash.to_string(),
            }),
        }
    }
}
