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
    model::{Control, Pass, Worth},
    value::{Bound, Triple},
};

type Controls = BTreeMap<ControlId, Control>;

/// Brings the values of a pass up to date and returns the controls whose value moved. `own` names the
/// controls whose own numbers are others now; `travelling` those of which that concerns `lo`, `hi`
/// or the dependencies, so that it can reach others.
pub(super) fn settle(
    controls: &mut Controls,
    own: BTreeSet<ControlId>,
    travelling: &BTreeSet<ControlId>,
    pass: Pass,
) -> BTreeSet<ControlId> {
    let lo = losses(controls, travelling, (pass, Bound::Lo));
    let hi = losses(controls, travelling, (pass, Bound::Hi));
    let mut moved = own;
    moved.extend(lo.keys().chain(hi.keys()));
    moved.retain(|id| {
        let Some(control) = controls.get_mut(id) else { return false };
        let worth = control.worth_mut(pass);
        let left = |losses: &Losses, bound| match losses.get(id) {
            Some(loss) => Fixed::from_units(*loss).complement(),
            None => worth.value.get(bound),
        };
        let (lo, hi) = (left(&lo, Bound::Lo), left(&hi, Bound::Hi));
        let value = Triple { lo, hi, decided: worth.own.decided };
        std::mem::replace(&mut worth.value, value) != value
    });
    moved
}

type Losses = BTreeMap<ControlId, i64>;

/// In which pass, and at which end of the interval.
type Of = (Pass, Bound);

fn worth(controls: &Controls, id: ControlId, (pass, _): Of) -> Option<&Worth> {
    controls.get(&id).map(|control| control.worth(pass))
}

/// The new losses of all controls that a change can have reached.
///
/// A loss can only have shrunk where it came, over dependencies that account for all of it, from a
/// control that changed. Those are judged anew from what lies outside; what grows then is carried
/// on to wherever it is the worst. Every other control keeps its loss.
fn losses(controls: &Controls, changed: &BTreeSet<ControlId>, of: Of) -> Losses {
    let (pass, bound) = of;
    let region = limited_by(controls, changed, of);
    let mut losses = Losses::new();
    for (id, control) in region.iter().filter_map(|id| Some((*id, controls.get(id)?))) {
        let outside = control.depends_on.iter().filter(|(on, _)| !region.contains(on));
        let carried = outside.filter_map(|(on, strength)| {
            Some(strength.carry(worth(controls, *on, of)?.loss(bound)))
        });
        let loss = carried.fold(control.worth(pass).own_loss(bound), i64::max);
        losses.insert(id, loss);
    }
    spread(controls, &mut losses, of);
    losses
}

/// Carries losses on to wherever they are the worst.
fn spread(controls: &Controls, losses: &mut Losses, (pass, bound): Of) {
    let mut heap: BinaryHeap<_> = losses.iter().map(|(id, loss)| (*loss, *id)).collect();
    while let Some((loss, id)) = heap.pop() {
        if losses.get(&id) != Some(&loss) {
            continue;
        }
        for (dependent, control, strength) in dependents(controls, id) {
            let carried = strength.carry(loss);
            let known = losses.get(&dependent).copied();
            let known = known.unwrap_or_else(|| control.worth(pass).loss(bound));
            if carried > known {
                losses.insert(dependent, carried);
                heap.push((carried, dependent));
            }
        }
    }
}

/// What would be left in a pass if some controls were worth less by their own tests: the values of
/// those that would be worth less.
pub(super) fn fallen(
    controls: &Controls,
    own: &BTreeMap<ControlId, Triple>,
    pass: Pass,
) -> BTreeMap<ControlId, Triple> {
    let losses = |bound| {
        let more = own.iter().filter_map(|(id, own)| {
            let loss = own.get(bound).complement().units();
            (loss > controls.get(id)?.worth(pass).loss(bound)).then_some((*id, loss))
        });
        let mut losses: Losses = more.collect();
        spread(controls, &mut losses, (pass, bound));
        losses
    };
    let (lo, hi) = (losses(Bound::Lo), losses(Bound::Hi));
    let ids = lo.keys().chain(hi.keys());
    ids.filter_map(|id| {
        let before = controls.get(id)?.worth(pass).value;
        let left = |losses: &Losses, bound| match losses.get(id) {
            Some(loss) => Fixed::from_units(*loss).complement(),
            None => before.get(bound),
        };
        Some((*id, Triple { lo: left(&lo, Bound::Lo), hi: left(&hi, Bound::Hi), ..before }))
    })
    .collect()
}

/// These controls and those whose present loss may come from one of them, the largest loss first:
/// so whoever loses more than a control is decided before it.
fn limited_by(controls: &Controls, changed: &BTreeSet<ControlId>, of: Of) -> BTreeSet<ControlId> {
    let (pass, bound) = of;
    let mut region = changed.clone();
    let mut decided = BTreeSet::new();
    let loss_of = |id: &ControlId| Some((worth(controls, *id, of)?.loss(bound), *id));
    let mut open: BinaryHeap<(i64, ControlId)> = changed.iter().filter_map(loss_of).collect();
    while let Some((loss, id)) = open.pop() {
        if !decided.insert(id) {
            continue;
        }
        if !changed.contains(&id) {
            if loses_otherwise(controls, &region, id, of) {
                continue;
            }
            region.insert(id);
        }
        for (dependent, control, strength) in dependents(controls, id) {
            let worth = control.worth(pass);
            let suffered = worth.loss(bound);
            if strength.carry(loss) == suffered && worth.own_loss(bound) < suffered {
                open.push((suffered, dependent));
            }
        }
    }
    region
}

/// Whether a control's whole loss also comes from a dependency that cannot have got better: one
/// outside the region that loses more than it, or so much by itself. Among controls of one loss
/// that only lean on each other none is trusted: they may form a circle.
fn loses_otherwise(
    controls: &Controls,
    region: &BTreeSet<ControlId>,
    id: ControlId,
    of: Of,
) -> bool {
    let (pass, bound) = of;
    let Some(control) = controls.get(&id) else { return false };
    let loss = control.worth(pass).loss(bound);
    control.depends_on.iter().filter(|(on, _)| !region.contains(on)).any(|(on, strength)| {
        worth(controls, *on, of).is_some_and(|on| {
            let from = on.loss(bound);
            strength.carry(from) == loss && (from > loss || on.own_loss(bound) == from)
        })
    })
}

fn dependents(
    controls: &Controls,
    id: ControlId,
) -> impl Iterator<Item = (ControlId, &Control, Strength)> {
    let dependents = controls.get(&id).into_iter().flat_map(|control| &control.dependents);
    dependents.filter_map(move |dependent| {
        let control = controls.get(dependent)?;
        Some((*dependent, control, *control.depends_on.get(&id)?))
    })
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
        let (own, value) = (control.second.own.get(bound), control.second.value.get(bound));
        if own == value {
            last = id;
            break;
        }
        for (on, strength) in &control.depends_on {
            let carried = controls.get(on).map(|on| strength.carry(on.second.loss(bound)));
            if carried == Some(control.second.loss(bound)) && !came_from.contains_key(on) {
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
            own: control.second.own.get(bound),
            value: control.second.value.get(bound),
        });
        next = Some(id);
        at = came_from.get(&id).copied().flatten();
    }
    steps.reverse();
    LimitingPath { steps }
}
