//! What differs between two models of one project, framework by framework.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{
    ControlId, FrameworkId, Model, RequirementId,
    value::{ControlScore, FrameworkScore, RequirementScore, Triple},
};

/// A framework in two models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameworkDifference {
    /// The score in the first.
    pub before: FrameworkScore,
    /// The score in the second.
    pub after: FrameworkScore,
    /// Its requirements whose verdict differs, in the order of their ids.
    pub verdicts: Vec<RequirementDifference>,
    /// The members of its requirements whose value differs: what is proven of them moved most comes
    /// first, then what is possible, then the order of their ids.
    pub controls: Vec<ControlDifference>,
}

/// A requirement in two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequirementDifference {
    /// In the first.
    pub before: RequirementScore,
    /// In the second.
    pub after: RequirementScore,
}

/// A control in two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlDifference {
    /// In the first.
    pub before: ControlScore,
    /// In the second.
    pub after: ControlScore,
}

impl ControlDifference {
    /// How far it moved: proven, then possible, in units.
    fn size(&self) -> (u64, u64) {
        let apart = |of: fn(&Triple) -> i64| of(&self.before.value).abs_diff(of(&self.after.value));
        (apart(|value| value.lo.units()), apart(|value| value.hi.units()))
    }
}

/// What differs between two models, for each framework that both have adopted, in the order of the
/// ids. A model that was never recomputed has no scores, and then nothing is compared.
pub fn differences(before: &Model, after: &Model) -> Vec<FrameworkDifference> {
    before.frameworks().filter_map(|id| difference(before, after, id)).collect()
}

fn difference(before: &Model, after: &Model, id: FrameworkId) -> Option<FrameworkDifference> {
    let pair = |requirement: &RequirementId| {
        Some(RequirementDifference {
            before: before.requirement(*requirement)?,
            after: after.requirement(*requirement)?,
        })
    };
    let requirements = &before.frameworks.get(&id)?.requirements;
    let verdicts = requirements
        .keys()
        .filter_map(pair)
        .filter(|pair| pair.before.verdict != pair.after.verdict)
        .collect();
    let members: BTreeSet<ControlId> = [before, after]
        .into_iter()
        .flat_map(|model| {
            requirements.keys().filter_map(|requirement| model.requirements.get(requirement))
        })
        .flat_map(|requirement| requirement.members.values())
        .flat_map(|member| member.controls.iter().copied())
        .collect();
    let mut controls: Vec<ControlDifference> = members
        .into_iter()
        .filter_map(|control| {
            Some(ControlDifference {
                before: before.control(control)?,
                after: after.control(control)?,
            })
        })
        .filter(|pair| pair.before.value != pair.after.value)
        .collect();
    // Stable: among equals the order of the ids stays.
    controls.sort_by_key(|pair| Reverse(pair.size()));
    Some(FrameworkDifference {
        before: before.framework(id)?,
        after: after.framework(id)?,
        verdicts,
        controls,
    })
}
