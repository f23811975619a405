//! What would be left if one control failed entirely: were it worth 0 by its own tests in every pass,
//! as a control is that is only planned.
//!
//! Nothing can be worth more then, so only what falls is worked out, beside the model: the rules are
//! those of a recompute, over the same functions, and so the numbers are the same to the last digit.

use std::collections::{BTreeMap, BTreeSet};

use studio_kernel::Timestamp;

use super::{
    ControlId, FrameworkId, RequirementId, TestId,
    compare::{ControlDifference, RequirementDifference},
    dependency,
    difference::Difference,
    framework::Totals,
    model::{ByMembers, Control, Model, Pass},
    tally::TestValue,
    value::{ControlScore, FrameworkScore, RequirementScore, Triple},
};

/// What would be worth less if a control failed entirely.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loss {
    /// The control itself, and those that rest on it or get credit from it.
    pub controls: BTreeMap<ControlId, ControlDifference>,
    /// The requirements that these meet, and those that inherit from them.
    pub requirements: BTreeMap<RequirementId, RequirementDifference>,
    /// The frameworks adopted in which these apply.
    pub frameworks: BTreeMap<FrameworkId, FrameworkLoss>,
}

/// A framework that would lose points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameworkLoss {
    /// As it is.
    pub before: FrameworkScore,
    /// As it would be.
    pub after: FrameworkScore,
}

impl FrameworkLoss {
    /// The points that it would lose.
    pub fn points(&self) -> Difference {
        Difference::between(Some(&self.after), Some(&self.before))
    }
}

/// Values that would be others.
type Fallen = BTreeMap<ControlId, Triple>;

/// The values of a pass, of which some would be others.
fn left(pass: Pass, fallen: &Fallen) -> impl Fn(ControlId, &Control) -> Triple + Copy {
    move |id, control: &Control| {
        fallen.get(&id).copied().unwrap_or_else(|| control.worth(pass).value)
    }
}

impl Model {
    /// What would be worth less, as of the last recompute, if a control failed entirely: nothing
    /// where it is retired, or worth nothing already.
    pub fn loss(&self, lost: ControlId) -> Loss {
        let (Some(at), Some(control)) = (self.at, self.controls.get(&lost)) else {
            return Loss::default();
        };
        let nothing = |pass| Triple { decided: control.worth(pass).own.decided, ..Triple::NOTHING };
        let fall = |pass| {
            let own = BTreeMap::from([(lost, nothing(pass))]);
            dependency::fallen(&self.controls, &own, pass)
        };
        let (doubt, first) = (fall(Pass::Doubt), fall(Pass::First));
        let mut own = self.own_without_credit(&first, at);
        own.insert(lost, nothing(Pass::Second));
        let second = dependency::fallen(&self.controls, &own, Pass::Second);
        let requirements = self.requirements_left(&doubt, &second);
        Loss {
            frameworks: self.frameworks_left(&requirements, at),
            requirements: requirements
                .iter()
                .filter_map(|(id, value)| {
                    let before = self.requirement(*id)?;
                    let after =
                        RequirementScore { value: *value, verdict: value.verdict(), ..before };
                    Some((*id, RequirementDifference { before, after }))
                })
                .collect(),
            controls: second
                .iter()
                .filter_map(|(id, value)| {
                    let before = self.control(*id)?;
                    let own = own.get(id).copied().unwrap_or(before.own);
                    let verdict = value.verdict();
                    let after = ControlScore { own, value: *value, verdict, ..before };
                    Some((*id, ControlDifference { before, after }))
                })
                .collect(),
        }
    }

    /// What controls would be worth by their own tests where failures lose credit, because what
    /// makes up for them is worth less in the first pass (rule 3).
    fn own_without_credit(&self, first: &Fallen, at: Timestamp) -> Fallen {
        let credited: BTreeMap<TestId, TestValue> = self
            .leaning_on(first.keys())
            .into_iter()
            .filter_map(|id| {
                let test = self.tests.get(&id)?;
                let definition = test.definition.as_ref()?;
                let tally = self.credited(test, definition, at, left(Pass::First, first));
                Some((id, tally.value()))
            })
            .collect();
        let controls: BTreeSet<ControlId> = credited
            .keys()
            .filter_map(|id| Some(self.tests.get(id)?.definition.as_ref()?.control))
            .collect();
        controls
            .into_iter()
            .filter_map(|id| {
                let own = self.own_by(self.controls.get(&id)?, at, |id, test| {
                    credited.get(&id).unwrap_or(&test.credited)
                });
                Some((id, own?.value))
            })
            .collect()
    }

    /// The values of the requirements that would be worth less.
    fn requirements_left(
        &self,
        doubt: &Fallen,
        second: &Fallen,
    ) -> BTreeMap<RequirementId, Triple> {
        let controls = doubt.keys().chain(second.keys()).filter_map(|id| self.controls.get(id));
        let met: BTreeSet<RequirementId> =
            controls.flat_map(|control| control.requirements.iter().copied()).collect();
        let values = |pass| left(pass, if pass == Pass::Doubt { doubt } else { second });
        let by_members: BTreeMap<RequirementId, ByMembers> = met
            .into_iter()
            .filter_map(|id| {
                let entry = self.requirements.get(&id)?;
                let now = ByMembers::of(&self.controls, entry, values);
                (now != entry.by_members).then_some((id, now))
            })
            .collect();
        let reached = self.inheriting(by_members.keys().copied().collect());
        reached
            .into_iter()
            .filter_map(|id| {
                let value = self.with_inherited(id, |id, entry| {
                    by_members.get(&id).copied().unwrap_or(entry.by_members)
                });
                (value != self.requirements.get(&id)?.value).then_some((id, value))
            })
            .collect()
    }

    fn frameworks_left(
        &self,
        requirements: &BTreeMap<RequirementId, Triple>,
        at: Timestamp,
    ) -> BTreeMap<FrameworkId, FrameworkLoss> {
        let mut totals: BTreeMap<FrameworkId, Totals> = BTreeMap::new();
        for (id, value) in requirements {
            let Some(entry) = self.requirements.get(id) else { continue };
            if entry.not_applicable.is_some() {
                continue;
            }
            for framework in &entry.frameworks {
                let Some(adopted) = self.frameworks.get(framework) else { continue };
                let Some(importance) = adopted.requirements.get(id) else { continue };
                let left = totals.entry(*framework).or_insert(adopted.totals);
                left.remove(*importance, &entry.value);
                left.add(*importance, value);
            }
        }
        totals
            .into_iter()
            .filter_map(|(id, totals)| {
                let (before, after) = (self.framework(id)?, totals.score(id, at));
                Some((id, FrameworkLoss { before, after }))
            })
            .collect()
    }
}
