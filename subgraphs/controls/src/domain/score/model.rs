//! What the engine remembers of one project: the facts, what each is worth as of the last
//! recompute, and what has been touched since.
//!
//! Always holds: every link is kept from both ends (a control knows who depends on it, a check
//! knows its tests), and a framework's totals are the sums over the stored values of its
//! requirements.

use std::collections::{BTreeMap, BTreeSet};

use studio_kernel::Timestamp;

use super::{
    ControlId, EvidenceId, Fixed, FrameworkId, RequirementId, TestId,
    control::{self, Own, Weighed},
    fact::{Implementation, Importance, MemberKey, Strength},
    framework::Totals,
    freshness::Series,
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
    pub(super) rejected: BTreeSet<(EvidenceId, u32)>,
    /// When time alone changes which test.
    pub(super) agenda: BTreeSet<(Timestamp, TestId)>,
    pub(super) pending: Touched,
    pub(super) at: Option<Timestamp>,
    /// Readings that only counted before this instant are forgotten.
    pub(super) horizon: Option<Timestamp>,
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
    pub(super) value: Triple,
}

impl Default for Requirement {
    fn default() -> Self {
        Self { frameworks: BTreeSet::new(), members: BTreeMap::new(), value: Triple::UNKNOWN }
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
    pub(super) own: Triple,
    pub(super) value: Triple,
}

impl Control {
    /// How far it is implemented, if it is in force.
    pub(super) fn in_force(&self) -> Option<Implementation> {
        self.implementation.filter(|_| !self.retired)
    }

    /// What it lacks, in units, by its own tests.
    pub(super) fn own_loss(&self, bound: Bound) -> i64 {
        self.own.get(bound).complement().units()
    }

    /// What it lacks, in units, after its dependencies.
    pub(super) fn loss(&self, bound: Bound) -> i64 {
        self.value.get(bound).complement().units()
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Test {
    pub(super) definition: Option<TestDefinition>,
    pub(super) manual: Series,
    pub(super) value: TestValue,
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

    /// The requirements of a framework in the order of their ids; none if it is not adopted.
    pub fn requirements_of(&self, framework: FrameworkId) -> Vec<RequirementScore> {
        let adopted = self.frameworks.get(&framework);
        let ids = adopted.into_iter().flat_map(|framework| framework.requirements.keys());
        ids.filter_map(|id| self.requirement(*id)).collect()
    }

    /// A control as of the last recompute; `None` where it was never stated.
    pub fn control(&self, id: ControlId) -> Option<ControlScore> {
        let control = self.controls.get(&id).filter(|control| control.implementation.is_some())?;
        self.at?;
        Some(ControlScore {
            control: id,
            own: control.own,
            value: control.value,
            verdict: control.value.verdict(),
            retired: control.retired,
        })
    }

    /// The earliest instant after the last recompute at which time alone moves a value: a UTC
    /// midnight, or the moment from which a reading that is known already becomes true. It may lie
    /// in the past by now, and then it is time to recompute.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// Forgets readings that cannot count at the instant of the last recompute or later. After
    /// this the model cannot go back before that instant.
    pub fn compact(&mut self) {
        let Some(at) = self.at else { return };
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
        tally
    }

    pub(super) fn is_rejected(&self, reading: &super::fact::Reading) -> bool {
        reading
            .evidence
            .is_some_and(|evidence| self.rejected.contains(&(evidence.evidence, evidence.version)))
    }

    /// Rule 4, from the values of the tests.
    pub(super) fn own_of(&self, control: &Control) -> Option<Own> {
        let implementation = control.in_force()?;
        let tests = control.tests.iter().filter_map(|id| {
            let test = self.tests.get(id)?;
            let TestDefinition { weight, key, .. } = *test.definition.as_ref()?;
            Some(Weighed { test: *id, weight, key, value: &test.value })
        });
        Some(control::own(implementation, tests))
    }
}
