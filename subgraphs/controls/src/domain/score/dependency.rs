//! Rule 5: what a control loses through the controls that it depends on.
//!
//! With losses `L = 1 - E` the rule reads `L = max(own loss, max over dependencies of d L_dep)`,
//! and its greatest fixpoint in E is the least in L: what travels along the worst path. No
//! strength exceeds 1, so the largest loss is settled first and none is settled twice, with or
//! without cycles (Dijkstra's algorithm on products).

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{
    ControlId, Fixed,
    fact::Strength,
    model::Control,
    value::{Bound, Triple},
};

type Controls = BTreeMap<ControlId, Control>;

/// The controls to which a change of these can travel, themselves included.
pub(super) fn reach(controls: &Controls, from: BTreeSet<ControlId>) -> BTreeSet<ControlId> {
    let mut open: Vec<ControlId> = from.iter().copied().collect();
    let mut reached = from;
    while let Some(id) = open.pop() {
        let dependents = controls.get(&id).into_iter().flat_map(|control| &control.dependents);
        open.extend(dependents.filter(|dependent| reached.insert(**dependent)));
    }
    reached
}

/// Brings the values of a region up to date and returns the controls whose value moved. The region
/// must hold every control that depends on one in it (see [`reach`]), except where the own `lo`
/// and `hi` have not moved.
pub(super) fn settle(controls: &mut Controls, region: &BTreeSet<ControlId>) -> BTreeSet<ControlId> {
    let lo = losses(controls, region, Bound::Lo);
    let hi = losses(controls, region, Bound::Hi);
    let left = |losses: &BTreeMap<ControlId, i64>, id: &ControlId| {
        Fixed::from_units(losses.get(id).copied().unwrap_or_default()).complement()
    };
    let mut moved = BTreeSet::new();
    for id in region {
        if let Some(control) = controls.get_mut(id) {
            let decided = control.own.decided;
            let value = Triple { lo: left(&lo, id), hi: left(&hi, id), decided };
            if control.value != value {
                control.value = value;
                moved.insert(*id);
            }
        }
    }
    moved
}

fn losses(
    controls: &Controls,
    region: &BTreeSet<ControlId>,
    bound: Bound,
) -> BTreeMap<ControlId, i64> {
    let mut losses = BTreeMap::new();
    let mut heap = BinaryHeap::new();
    for (id, control) in region.iter().filter_map(|id| Some((*id, controls.get(id)?))) {
        let outside = control.depends_on.iter().filter(|(on, _)| !region.contains(on));
        let carried = outside.filter_map(|(on, strength)| {
            Some(strength.carry(controls.get(on)?.value.get(bound).complement().units()))
        });
        let loss = carried.chain([control.own.get(bound).complement().units()]).max();
        let loss = loss.unwrap_or_default();
        losses.insert(id, loss);
        heap.push((loss, id));
    }
    while let Some((loss, id)) = heap.pop() {
        if losses.get(&id) != Some(&loss) {
            continue;
        }
        for dependent in controls.get(&id).into_iter().flat_map(|control| &control.dependents) {
            let Some(strength) =
                controls.get(dependent).and_then(|control| control.depends_on.get(&id))
            else {
                continue;
            };
            let carried = strength.carry(loss);
            if let Some(known) = losses.get_mut(dependent).filter(|known| **known < carried) {
                *known = carried;
                heap.push((carried, *dependent));
            }
        }
    }
    losses
}

/// Why a control is worth no more: the path from it to the control whose own tests limit it. One
/// step alone means that it is limited by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitingPath {
    /// The control first, the limiting one last.
    pub steps: Vec<PathStep>,
}

/// A control on a limiting path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStep {
    /// The control.
    pub control: ControlId,
    /// How strongly it depends on the next step; `None` on the last.
    pub strength: Option<Strength>,
    /// Its bound from its own tests.
    pub own: Fixed,
    /// Its bound after its dependencies.
    pub value: Fixed,
}

/// The shortest limiting path; of several the one with the smallest ids.
pub(super) fn limiting_path(controls: &Controls, from: ControlId, bound: Bound) -> LimitingPath {
    // Back along the dependencies that account for the whole loss, breadth first, until a control
    // is reached that loses this much by itself. The least fixpoint is made of such paths.
    let mut came_from: BTreeMap<ControlId, Option<ControlId>> = BTreeMap::from([(from, None)]);
    let mut open = VecDeque::from([from]);
    let mut last = from;
    while let Some(id) = open.pop_front() {
        let Some(control) = controls.get(&id) else { continue };
        let (own, value) = (control.own.get(bound), control.value.get(bound));
        if own == value {
            last = id;
            break;
        }
        for (on, strength) in &control.depends_on {
            let carried = controls
                .get(on)
                .map(|control| strength.carry(control.value.get(bound).complement().units()));
            if carried == Some(value.complement().units()) && !came_from.contains_key(on) {
                came_from.insert(*on, Some(id));
                open.push_back(*on);
            }
        }
    }
    let mut steps = Vec::new();
    let (mut at, mut next) = (Some(last), None);
    while let Some((id, control)) = at.and_then(|id| Some((id, controls.get(&id)?))) {
        steps.push(PathStep {
            control: id,
            strength: next.and_then(|next| control.depends_on.get(&next).copied()),
            own: control.own.get(bound),
            value: control.value.get(bound),
        });
        next = Some(id);
        at = came_from.get(&id).copied().flatten();
    }
    steps.reverse();
    LimitingPath { steps }
}
