//! What the engine remembers of one project: the facts, what each is worth as of the last
//! recompute, and what has been touched since.
//!
//! Always holds: every link is kept from both ends (a control knows who depends on it, a check
//! knows its tests), and a framework's totals are the sums over the stored values of its
//! requirements.

use std::collections::{BTreeMap, BTreeSet};

use studio_kernel::Timestamp;

use super::{
    ControlId, EvidenceId, ExceptionId, Fixed, FrameworkId, MappingId, NonconformityId,
    NotApplicableId, RequirementId, TestId,
    control::{self, Nonconformity, Own, Weighed},
    exception::Exception,
    fact::{Implementation, Importance, MemberKey, Strength},
    framework::Totals,
    freshness::Series,
    inheritance::Mapping,
    tally::{Tally, TestValue},
    value::{Bound, ControlScore, FrameworkScore, RequirementScore, Triple},
};

/// The score engine of one project.
///
/// Facts go in by [`apply`](Model::apply); [`recompute`](Model::recompute) then brings the numbers
/// to an instant, and they stand until the next one. The same facts and the same instant always
/// give the same numbers to the last digit, whatever happened in between.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub(super) frameworks: BTreeMap<FrameworkId, Framework>,
    pub(super) requirements: BTreeMap<RequirementId, Requirement>,
    pub(super) controls: BTreeMap<ControlId, Control>,
    pub(super) tests: BTreeMap<TestId, Test>,
    pub(super) checks: BTreeMap<String, Check>,
    pub(super) exceptions: BTreeMap<ExceptionId, Exception>,
    pub(super) mappings: BTreeMap<MappingId, Mapping>,
    pub(super) rejected: BTreeSet<(EvidenceId, u32)>,
    /// When time alone changes what.
    pub(super) agenda: BTreeSet<(Timestamp, Due)>,
    pub(super) pending: Touched,
    pub(super) at: Option<Timestamp>,
    /// Readings that only counted before this instant are forgotten.
    pub(super) horizon: Option<Timestamp>,
}

/// What time alone changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Control(ControlId),
    Test(TestId),
}

/// The numbers of tests and controls are made several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// All that is unknown counts as a failure: of this `hi` alone is of use (rule 6).
    Doubt,
    /// No failure has credit. It is only there for the second pass to take its credits from (rule 3).
    First,
    /// What is given out.
    Second,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Framework {
    pub(super) requirements: BTreeMap<RequirementId, Importance>,
    pub(super) totals: Totals,
    /// The score that was last given out.
    pub(super) published: Option<FrameworkScore>,
}

#[derive(Debug, Clone)]
pub(super) struct Requirement {
    pub(super) frameworks: BTreeSet<FrameworkId>,
    pub(super) members: BTreeMap<MemberKey, Share>,
    /// The declaration that it does not apply: then no framework counts it.
    pub(super) not_applicable: Option<NotApplicableId>,
    /// The mappings that lead from it or to it.
    pub(super) mappings: BTreeSet<MappingId>,
    pub(super) by_members: ByMembers,
    /// Its own value, or what it inherits.
    pub(super) value: Triple,
}

/// A requirement by its members alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByMembers {
    pub(super) own: Triple,
    /// Whether they would show no failure even if all that is unknown of them failed. Only then it
    /// inherits: were it enough that no failure is known, muting one would raise `lo`.
    pub(super) unfailing: bool,
}

impl ByMembers {
    /// Without any member.
    pub(super) const UNKNOWN: Self = Self { own: Triple::UNKNOWN, unfailing: true };

    /// As it stands.
    pub(super) fn settled(_: RequirementId, entry: &Requirement) -> Self {
        entry.by_members
    }
}

impl Default for Requirement {
    fn default() -> Self {
        Self {
            frameworks: BTreeSet::new(),
            members: BTreeMap::new(),
            not_applicable: None,
            mappings: BTreeSet::new(),
            by_members: ByMembers::UNKNOWN,
            value: Triple::UNKNOWN,
        }
    }
}

/// A member's share; `controls` is the one control, or those of the group.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub(super) share: Fixed,
    pub(super) controls: BTreeSet<ControlId>,
}

/// A control that is only referred to has no implementation and counts as retired.
#[derive(Debug, Clone, Default)]
pub(super) struct Control {
    pub(super) implementation: Option<Implementation>,
    pub(super) retired: bool,
    pub(super) tests: BTreeSet<TestId>,
    pub(super) depends_on: BTreeMap<ControlId, Strength>,
    pub(super) dependents: BTreeSet<ControlId>,
    pub(super) requirements: BTreeSet<RequirementId>,
    pub(super) nonconformities: BTreeMap<NonconformityId, Nonconformity>,
    /// The exceptions that name it as what makes up for a failure.
    pub(super) compensates: BTreeSet<ExceptionId>,
    pub(super) doubt: Worth,
    pub(super) first: Worth,
    pub(super) second: Worth,
    /// When time alone next opens or closes a nonconformity.
    pub(super) next_change: Option<Timestamp>,
}

/// What a control is worth in one pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Worth {
    /// By its own tests, after the caps (rule 4).
    pub(super) own: Triple,
    /// After what it depends on (rule 5).
    pub(super) value: Triple,
}

impl Control {
    /// How far it is implemented, if it is in force.
    pub(super) fn in_force(&self) -> Option<Implementation> {
        self.implementation.filter(|_| !self.retired)
    }

    pub(super) fn worth(&self, pass: Pass) -> &Worth {
        match pass {
            Pass::Doubt => &self.doubt,
            Pass::First => &self.first,
            Pass::Second => &self.second,
        }
    }

    /// The values of a pass as they stand.
    pub(super) fn settled(pass: Pass) -> impl Fn(ControlId, &Self) -> Triple + Copy {
        move |_, control: &Self| control.worth(pass).value
    }

    pub(super) fn worth_mut(&mut self, pass: Pass) -> &mut Worth {
        match pass {
            Pass::Doubt => &mut self.doubt,
            Pass::First => &mut self.first,
            Pass::Second => &mut self.second,
        }
    }
}

impl Worth {
    /// What is lacking, in units, by the own tests.
    pub(super) fn own_loss(&self, bound: Bound) -> i64 {
        self.own.get(bound).complement().units()
    }

    /// What is lacking, in units, after the dependencies.
    pub(super) fn loss(&self, bound: Bound) -> i64 {
        self.value.get(bound).complement().units()
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Test {
    pub(super) definition: Option<TestDefinition>,
    pub(super) manual: Series,
    /// Exceptions on its failure, where it is done by hand.
    pub(super) exceptions: BTreeSet<ExceptionId>,
    /// In the pass that doubts.
    pub(super) doubted: TestValue,
    /// In the first pass.
    pub(super) value: TestValue,
    /// In the second pass.
    pub(super) credited: TestValue,
}

#[derive(Debug, Clone)]
pub(super) struct TestDefinition {
    pub(super) control: ControlId,
    pub(super) weight: Fixed,
    pub(super) key: bool,
    pub(super) validity_days: u32,
    pub(super) check: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Check {
    pub(super) tests: BTreeSet<TestId>,
    /// Exceptions on failures under it.
    pub(super) exceptions: BTreeSet<ExceptionId>,
    /// By account, then region.
    pub(super) places: BTreeMap<String, BTreeMap<String, Series>>,
}

impl Check {
    pub(super) fn series(&self) -> impl Iterator<Item = (&str, &str, &Series)> {
        self.places.iter().flat_map(|(account, regions)| {
            regions.iter().map(move |(region, series)| (account.as_str(), region.as_str(), series))
        })
    }
}

/// What facts reached directly; [`Model::recompute`] finds what follows from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Tests to judge again.
    pub tests: BTreeSet<TestId>,
    /// Controls whose tests, state or dependencies are others now.
    pub controls: BTreeSet<ControlId>,
    /// Requirements whose members are others now.
    pub requirements: BTreeSet<RequirementId>,
    /// Frameworks whose requirements are others now.
    pub frameworks: BTreeSet<FrameworkId>,
}

impl Touched {
    /// Whether nothing was reached.
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
            && self.controls.is_empty()
            && self.requirements.is_empty()
            && self.frameworks.is_empty()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.tests.extend(&other.tests);
        self.controls.extend(&other.controls);
        self.requirements.extend(&other.requirements);
        self.frameworks.extend(&other.frameworks);
    }
}

impl Model {
    /// The instant of the last recompute.
    pub fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// The earliest instant that can still be asked for; `None` where nothing is forgotten.
    pub fn horizon(&self) -> Option<Timestamp> {
        self.horizon
    }

    /// The frameworks adopted, in the order of their ids.
    pub fn frameworks(&self) -> impl Iterator<Item = FrameworkId> {
        self.frameworks.keys().copied()
    }

    /// The score of a framework as of the last recompute; `None` before the first one and for a
    /// framework that is not adopted.
    pub fn framework(&self, id: FrameworkId) -> Option<FrameworkScore> {
        Some(self.frameworks.get(&id)?.totals.score(id, self.at?))
    }

    /// A requirement as of the last recompute; `None` where no framework adopted has it and nobody
    /// meets it.
    pub fn requirement(&self, id: RequirementId) -> Option<RequirementScore> {
        let entry = self.requirements.get(&id)?;
        if entry.frameworks.is_empty() && entry.members.is_empty() {
            return None;
        }
        let value = entry.value;
        self.at?;
        Some(RequirementScore { requirement: id, value, verdict: value.verdict() })
    }

    /// The requirements of a framework that apply, in the order of their ids; none if it is not
    /// adopted.
    pub fn requirements_of(&self, framework: FrameworkId) -> Vec<RequirementScore> {
        let adopted = self.frameworks.get(&framework);
        let ids = adopted.into_iter().flat_map(|framework| framework.requirements.keys());
        ids.filter(|id| self.applies(id)).filter_map(|id| self.requirement(*id)).collect()
    }

    /// The requirements that do not apply.
    pub fn not_applicable(&self) -> BTreeSet<RequirementId> {
        self.requirements.keys().filter(|id| !self.applies(id)).copied().collect()
    }

    pub(super) fn applies(&self, id: &RequirementId) -> bool {
        self.requirements.get(id).is_none_or(|entry| entry.not_applicable.is_none())
    }

    /// A control as of the last recompute; `None` where it was never stated.
    pub fn control(&self, id: ControlId) -> Option<ControlScore> {
        let control = self.controls.get(&id).filter(|control| control.implementation.is_some())?;
        self.at?;
        Some(ControlScore {
            control: id,
            own: control.second.own,
            value: control.second.value,
            verdict: control.second.value.verdict(),
            retired: control.retired,
        })
    }

    /// The earliest instant after the last recompute at which time alone moves a value: a UTC
    /// midnight, the moment from which a reading that is known already becomes true, or the end of an
    /// exception. It may lie in the past by now, and then it is time to recompute.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// Forgets what cannot count at the instant of the last recompute or later: readings,
    /// exceptions that have ended, nonconformities that are closed. After this the model cannot go
    /// back before that instant.
    pub fn compact(&mut self) {
        let Some(at) = self.at else { return };
        let ended = |exception: &Exception| exception.until <= at;
        let ended: Vec<_> = self
            .exceptions
            .iter()
            .filter(|(_, exception)| ended(exception))
            .map(|(id, _)| *id)
            .collect();
        for exception in ended {
            self.forget_exception(exception);
        }
        for control in self.controls.values_mut() {
            control.nonconformities.retain(|_, found| found.until.is_none_or(|until| until > at));
        }
        for check in self.checks.values_mut() {
            for series in check.places.values_mut().flat_map(BTreeMap::values_mut) {
                series.forget_before(at);
            }
        }
        for test in self.tests.values_mut() {
            test.manual.forget_before(at);
        }
        self.horizon = Some(at);
    }

    /// Each (account, region) that counts for a test; a manual test has one place without a name.
    pub(super) fn series_of<'a>(
        &'a self,
        test: &'a Test,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Series)> {
        let check = test.definition.as_ref().and_then(|definition| definition.check.as_ref());
        let manual = check.is_none().then_some(("", "", &test.manual));
        let scanned = check.and_then(|check| self.checks.get(check));
        manual.into_iter().chain(scanned.into_iter().flat_map(Check::series))
    }

    /// Rule 2 at an instant, from the readings.
    pub(super) fn tally(&self, test: &Test, validity_days: u32, at: Timestamp) -> Tally {
        let mut tally = Tally::new(validity_days);
        for (_, _, series) in self.series_of(test) {
            tally.change_at(series.next_after(at));
            if let Some(reading) = series.current(at) {
                tally.add(reading, self.is_rejected(reading), at);
            }
        }
        for (_, exception) in self.exceptions_on(test) {
            tally.change_at(exception.next_change(at));
        }
        tally
    }

    pub(super) fn is_rejected(&self, reading: &super::fact::Reading) -> bool {
        reading
            .evidence
            .is_some_and(|evidence| self.rejected.contains(&(evidence.evidence, evidence.version)))
    }

    /// Rule 4, from the values of the tests and the nonconformities that are open at an instant.
    pub(super) fn own_of(&self, control: &Control, pass: Pass, at: Timestamp) -> Option<Own> {
        self.own_by(control, at, |_, test| match pass {
            Pass::Doubt => &test.doubted,
            Pass::First => &test.value,
            Pass::Second => &test.credited,
        })
    }

    /// The same, from any values of the tests.
    pub(super) fn own_by<'a>(
        &'a self,
        control: &'a Control,
        at: Timestamp,
        value: impl Fn(TestId, &'a Test) -> &'a TestValue,
    ) -> Option<Own> {
        let implementation = control.in_force()?;
        let tests = control.tests.iter().filter_map(|id| {
            let test = self.tests.get(id)?;
            let TestDefinition { weight, key, .. } = *test.definition.as_ref()?;
            Some(Weighed { test: *id, weight, key, value: value(*id, test) })
        });
        let open = control.nonconformities.iter().filter(|(_, found)| found.is_open(at));
        Some(control::own(implementation, tests, open.map(|(id, found)| found.cap(*id))))
    }
}
