//! From facts to numbers: tests, then controls, then what depends on them; the same again with the
//! credits that the first pass gives (rule 3); then requirements, then frameworks. A step looks only
//! at what the step before it moved.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use studio_kernel::Timestamp;

use super::{
    ControlId, RequirementId, TestId, dependency,
    framework::Totals,
    model::{ByMembers, Control, Due, Model, Pass, Touched, Worth},
    tally::{Tally, TestValue},
    value::{FrameworkScore, Triple},
};

/// What a recompute moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The frameworks whose numbers are others than those last given out.
    pub frameworks: Vec<ScoreChange>,
    /// The requirements whose value moved.
    pub requirements: Vec<RequirementId>,
    /// The controls whose value moved.
    pub controls: Vec<ControlId>,
}

/// A framework's score before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreChange {
    /// The score last given out; `None` the first time.
    pub before: Option<FrameworkScore>,
    /// The score now.
    pub after: FrameworkScore,
}

/// The model was asked to go back to where it has forgotten what counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this score model forgot what counted before {horizon}, and {asked} was asked for: replay the project's events into a new one"
)]
pub struct BeforeHorizon {
    /// The earliest instant that can be asked for.
    pub horizon: Timestamp,
    /// The instant asked for.
    pub asked: Timestamp,
}

impl Model {
    /// Brings every number to `at`, looking only at what facts applied since the last time reach
    /// and at what the clock moved.
    ///
    /// # Errors
    /// [`BeforeHorizon`] after [`compact`](Model::compact), for an instant before that.
    pub fn recompute(&mut self, at: Timestamp) -> Result<Changes, BeforeHorizon> {
        self.check_horizon(at)?;
        match self.at {
            Some(before) if before <= at => {
                while let Some(due) = self.agenda.first().copied().filter(|due| due.0 <= at) {
                    self.begin(due);
                }
            }
            // The agenda knows what changes after an instant, not what changed before it.
            _ => {
                self.pending.tests.extend(self.tests.keys());
                let found = self.controls.iter().filter(|(_, it)| !it.nonconformities.is_empty());
                self.pending.controls.extend(found.map(|(id, _)| id));
            }
        }
        Ok(self.settle(at))
    }

    /// Brings to `at` what one entry of the agenda reaches, which is due by then, and leaves the others
    /// there. Until each of them had its turn the numbers are of no single instant.
    pub(super) fn recompute_due(&mut self, due: (Timestamp, Due), at: Timestamp) {
        self.begin(due);
        self.settle(at);
    }

    /// Takes an entry from the agenda. It is put there anew when it is judged.
    fn begin(&mut self, due: (Timestamp, Due)) {
        self.agenda.remove(&due);
        match due.1 {
            Due::Control(control) => self.pending.controls.insert(control),
            Due::Test(test) => self.pending.tests.insert(test),
        };
    }

    fn settle(&mut self, at: Timestamp) -> Changes {
        self.at = Some(at);
        let mut judged = std::mem::take(&mut self.pending.tests);
        let stated = std::mem::take(&mut self.pending.controls);
        self.schedule(&stated, at);
        let reached = self.settle_tests(&judged, at);
        let doubtful = self.settle_controls(Pass::Doubt, reached.clone(), &stated, at);
        let first = self.settle_controls(Pass::First, reached, &stated, at);
        judged.extend(self.leaning_on(first.union(&stated)));
        let reached = self.settle_credits(&judged, at);
        let controls = self.settle_controls(Pass::Second, reached, &stated, at);
        let requirements = self.settle_requirements(controls.union(&doubtful));
        Changes {
            frameworks: self.settle_frameworks(at),
            requirements: requirements.into_iter().collect(),
            controls: controls.into_iter().collect(),
        }
    }

    /// Brings every number to `at` from the facts alone. It gives what
    /// [`recompute`](Model::recompute) gives, and is there to check it.
    ///
    /// # Errors
    /// As [`recompute`](Model::recompute).
    pub fn recompute_all(&mut self, at: Timestamp) -> Result<Changes, BeforeHorizon> {
        self.check_horizon(at)?;
        let values = |model: &Self| {
            let controls = model.controls.iter().map(|(id, it)| (*id, it.second.value));
            let requirements = model.requirements.iter().map(|(id, entry)| (*id, entry.value));
            (controls.collect::<Vec<_>>(), requirements.collect::<Vec<_>>())
        };
        let before = values(self);
        self.forget_values();
        let frameworks = self.recompute(at)?.frameworks;
        let after = values(self);
        Ok(Changes {
            frameworks,
            requirements: moved(&before.1, &after.1),
            controls: moved(&before.0, &after.0),
        })
    }

    fn check_horizon(&self, asked: Timestamp) -> Result<(), BeforeHorizon> {
        match self.horizon {
            Some(horizon) if asked < horizon => Err(BeforeHorizon { horizon, asked }),
            _ => Ok(()),
        }
    }

    fn forget_values(&mut self) {
        self.at = None;
        self.agenda.clear();
        for test in self.tests.values_mut() {
            test.doubted = TestValue::default();
            (test.value, test.credited) = (TestValue::default(), TestValue::default());
        }
        for control in self.controls.values_mut() {
            control.doubt = Worth::default();
            (control.first, control.second) = (Worth::default(), Worth::default());
        }
        for requirement in self.requirements.values_mut() {
            (requirement.by_members, requirement.value) = (ByMembers::UNKNOWN, Triple::UNKNOWN);
        }
        for framework in self.frameworks.values_mut() {
            framework.totals = Totals::default();
            for (id, importance) in &framework.requirements {
                let entry = self.requirements.get(id);
                if entry.is_none_or(|entry| entry.not_applicable.is_none()) {
                    framework.totals.add(*importance, &Triple::UNKNOWN);
                }
            }
        }
        self.pending = Touched {
            tests: self.tests.keys().copied().collect(),
            controls: self.controls.keys().copied().collect(),
            requirements: self.requirements.keys().copied().collect(),
            frameworks: self.frameworks.keys().copied().collect(),
        };
    }

    /// Puts these controls on the agenda.
    fn schedule(&mut self, controls: &BTreeSet<ControlId>, at: Timestamp) {
        for id in controls {
            let Some(control) = self.controls.get_mut(id) else { continue };
            let nonconformities = control.nonconformities.values();
            let next = nonconformities.filter_map(|found| found.next_change(at)).min();
            if let Some(due) = std::mem::replace(&mut control.next_change, next) {
                self.agenda.remove(&(due, Due::Control(*id)));
            }
            self.agenda.extend(next.map(|due| (due, Due::Control(*id))));
        }
    }

    /// Judges tests without credits and returns the controls of those whose value moved.
    fn settle_tests(&mut self, tests: &BTreeSet<TestId>, at: Timestamp) -> BTreeSet<ControlId> {
        let mut reached = BTreeSet::new();
        for id in tests {
            let Some(test) = self.tests.get(id) else { continue };
            let definition = test.definition.as_ref();
            let tally = definition.map(|definition| self.tally(test, definition.validity_days, at));
            let value = tally.as_ref().map_or_else(TestValue::default, Tally::value);
            let doubted = tally.map_or_else(TestValue::default, |tally| tally.doubted().value());
            let control = definition.map(|definition| definition.control);
            let before = test.value;
            let same = before.counts_as(&value) && test.doubted.counts_as(&doubted);
            if let Some(due) = before.next_change {
                self.agenda.remove(&(due, Due::Test(*id)));
            }
            if let Some(due) = value.next_change {
                self.agenda.insert((due, Due::Test(*id)));
            }
            if let Some(test) = self.tests.get_mut(id) {
                (test.value, test.doubted) = (value, doubted);
            }
            reached.extend(control.filter(|_| !same));
        }
        reached
    }

    /// Judges tests with the credits of the first pass and returns the controls of those whose
    /// value moved.
    fn settle_credits(&mut self, tests: &BTreeSet<TestId>, at: Timestamp) -> BTreeSet<ControlId> {
        let mut reached = BTreeSet::new();
        for id in tests {
            let Some(test) = self.tests.get(id) else { continue };
            let definition = test.definition.as_ref();
            let value = definition.map_or_else(TestValue::default, |definition| {
                self.credited(test, definition, at, Control::settled(Pass::First)).value()
            });
            let control = definition.map(|definition| definition.control);
            let before = test.credited;
            if let Some(test) = self.tests.get_mut(id) {
                test.credited = value;
            }
            reached.extend(control.filter(|_| !before.counts_as(&value)));
        }
        reached
    }

    /// Brings the controls that were stated anew or reached to their value in a pass, and what
    /// depends on them.
    fn settle_controls(
        &mut self,
        pass: Pass,
        reached: BTreeSet<ControlId>,
        stated: &BTreeSet<ControlId>,
        at: Timestamp,
    ) -> BTreeSet<ControlId> {
        let mut travelling = stated.clone();
        let mut own_moved = BTreeSet::new();
        for id in reached.union(stated) {
            let Some(control) = self.controls.get(id) else { continue };
            let own = self.own_of(control, pass, at).map_or(Triple::NOTHING, |own| own.value);
            let before = control.worth(pass).own;
            if own != before {
                own_moved.insert(*id);
            }
            if (own.lo, own.hi) != (before.lo, before.hi) {
                travelling.insert(*id);
            }
            if let Some(control) = self.controls.get_mut(id) {
                control.worth_mut(pass).own = own;
            }
        }
        dependency::settle(&mut self.controls, own_moved, &travelling, pass)
    }

    fn settle_requirements<'a>(
        &mut self,
        controls: impl Iterator<Item = &'a ControlId>,
    ) -> BTreeSet<RequirementId> {
        let mut reached = std::mem::take(&mut self.pending.requirements);
        for control in controls.filter_map(|id| self.controls.get(id)) {
            reached.extend(&control.requirements);
        }
        let mut own_moved = BTreeSet::new();
        for id in &reached {
            let Some(entry) = self.requirements.get_mut(id) else { continue };
            let now = ByMembers::of(&self.controls, entry, Control::settled);
            if std::mem::replace(&mut entry.by_members, now) != now {
                own_moved.insert(*id);
            }
        }
        // What is inherited comes from own values, which stand now.
        reached.extend(self.inheriting(own_moved));
        reached.retain(|id| {
            let value = self.with_inherited(*id, ByMembers::settled);
            let Some(entry) = self.requirements.get_mut(id) else { return false };
            let before = std::mem::replace(&mut entry.value, value);
            if before == value {
                return false;
            }
            if entry.not_applicable.is_some() {
                return true;
            }
            for id_of_framework in &entry.frameworks {
                let Some(framework) = self.frameworks.get_mut(id_of_framework) else { continue };
                let Some(importance) = framework.requirements.get(id) else { continue };
                framework.totals.remove(*importance, &before);
                framework.totals.add(*importance, &value);
                self.pending.frameworks.insert(*id_of_framework);
            }
            true
        });
        reached
    }

    fn settle_frameworks(&mut self, at: Timestamp) -> Vec<ScoreChange> {
        let mut changes = Vec::new();
        for id in std::mem::take(&mut self.pending.frameworks) {
            let Some(framework) = self.frameworks.get_mut(&id) else { continue };
            let after = framework.totals.score(id, at);
            let before = framework.published;
            if before.is_none_or(|before| !before.same_numbers(&after)) {
                framework.published = Some(after);
                changes.push(ScoreChange { before, after });
            }
        }
        changes
    }
}

fn moved<I: Copy, V: PartialEq>(before: &[(I, V)], after: &[(I, V)]) -> Vec<I> {
    let pairs = before.iter().zip(after);
    pairs.filter(|(before, after)| before.1 != after.1).map(|(_, after)| after.0).collect()
}
