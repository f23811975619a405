//! Single points of failure: controls that a requirement rests on entirely.
//!
//! A requirement does so if every control in force that meets it, each alternative of a group
//! included, is that control or rests on it at full strength, directly or through others. Were it to
//! fail, nothing of the requirement could be proven, whatever else holds: neither by its members,
//! nor by a mapping, because a requirement whose own controls fail inherits nothing (formula v1,
//! rules 5 and 6).

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use studio_kernel::{Id, kind};

use super::{
    members::{Far, members},
    typed,
};
use crate::graph::{
    Direction, View,
    edge::{EdgeKind, Link},
    error::GraphError,
    limits,
    node::NodeId,
    walk::Reader,
    weight::Weight,
};

/// Requirements whose members are read together. A part that cannot be read whole is left out, so
/// that no control is called the only one because the others were not read.
const TOGETHER: usize = 500;

/// A control that requirements rest on entirely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinglePoint {
    /// The control.
    pub control: Id<kind::Control>,
    /// These requirements, in the order of their ids.
    pub requirements: Vec<Resting>,
}

/// A requirement that rests on a control entirely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    /// The requirement.
    pub requirement: Id<kind::Requirement>,
    /// A shortest way that the loss takes, from the control over the first member to the requirement.
    pub path: Vec<NodeId>,
}

/// The single points of failure of some requirements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinglePoints {
    /// In the order of the ids of the controls.
    pub points: Vec<SinglePoint>,
    /// Whether there was more than the limits allow.
    pub truncated: bool,
}

/// The controls of a project on which at least so many of some requirements rest entirely.
///
/// # Errors
/// The graph cannot be read.
pub async fn single_points(
    view: &dyn View,
    project: Id<kind::Project>,
    requirements: &BTreeSet<Id<kind::Requirement>>,
    at_least: usize,
) -> Result<SinglePoints, GraphError> {
    let mut reader = Reader::new(view);
    let all: Vec<NodeId> = requirements.iter().map(|id| (*id).into()).collect();
    let mut met = Far::new();
    for some in all.chunks(TOGETHER) {
        let these = members(&mut reader, project, some.iter().copied()).await?;
        if reader.truncated {
            break;
        }
        met.extend(these);
    }
    let full = full_strength(&mut reader, met.values().flatten().copied().collect()).await?;
    let mut walks = Walks { full: &full, left: limits::STEPS, truncated: false };
    let mut points: BTreeMap<NodeId, Vec<Resting>> = BTreeMap::new();
    let mut found = 0;
    for (requirement, controls) in &met {
        let common = walks.common(controls);
        found += common.len();
        if walks.left == 0 || found > limits::EDGES {
            walks.truncated = true;
            break;
        }
        for (control, mut path) in common {
            path.push(*requirement);
            let resting = Resting { requirement: typed(*requirement)?, path };
            points.entry(control).or_default().push(resting);
        }
    }
    let points = points.into_iter().filter(|(_, requirements)| requirements.len() >= at_least);
    let mut points: Vec<SinglePoint> = points
        .map(|(id, requirements)| Ok(SinglePoint { control: typed(id)?, requirements }))
        .collect::<Result<_, GraphError>>()?;
    reader.cut(&mut points);
    Ok(SinglePoints { points, truncated: reader.truncated || walks.truncated })
}

/// The dependencies of full strength at these controls and at whatever these rest on. A retired
/// control carries nothing on: what rests on it is worth nothing already.
async fn full_strength(
    reader: &mut Reader<'_>,
    controls: BTreeSet<NodeId>,
) -> Result<Far, GraphError> {
    let (mut full, mut seen, mut frontier) = (Far::new(), controls.clone(), controls);
    // One further than is followed, to know whether there was more.
    for _ in 0..=limits::DEPTH {
        let mut next = BTreeSet::new();
        for hop in reader.step(EdgeKind::DependsOn, Direction::Out, frontier).await? {
            let whole = matches!(hop.link, Link::DependsOn { strength } if strength == Weight::ONE);
            if whole && !hop.far.retired {
                full.entry(hop.near).or_default().push(hop.far.id);
                if seen.insert(hop.far.id) {
                    next.insert(hop.far.id);
                }
            }
        }
        frontier = next;
    }
    Ok(full)
}

/// Walks along dependencies of full strength, all of them together [`limits::STEPS`] long.
struct Walks<'a> {
    full: &'a Far,
    left: usize,
    truncated: bool,
}

impl Walks<'_> {
    /// The controls on which all of these rest, or which they all are: each with a shortest way from
    /// it to the first of them.
    fn common(&mut self, controls: &[NodeId]) -> Vec<(NodeId, Vec<NodeId>)> {
        let Some((first, others)) = controls.split_first() else { return Vec::new() };
        let ways = self.below(*first);
        let mut common: BTreeSet<NodeId> = ways.keys().copied().collect();
        for other in others {
            if common.is_empty() {
                break;
            }
            let reached = self.below(*other);
            common.retain(|id| reached.contains_key(id));
        }
        let path = |id: NodeId| {
            let before = |at: &NodeId| ways.get(at).copied().flatten();
            std::iter::successors(Some(id), before).collect()
        };
        common.into_iter().map(|id| (id, path(id))).collect()
    }

    /// A control and what it rests on at full strength, each with the one before it on the shortest
    /// way; of several the first in the order of ids.
    fn below(&mut self, from: NodeId) -> BTreeMap<NodeId, Option<NodeId>> {
        let mut before = BTreeMap::from([(from, None)]);
        let mut frontier = vec![from];
        for level in 0.. {
            let mut next = Vec::new();
            for at in frontier {
                for on in self.full.get(&at).into_iter().flatten() {
                    self.left = self.left.saturating_sub(1);
                    if let Entry::Vacant(unseen) = before.entry(*on) {
                        unseen.insert(Some(at));
                        next.push(*on);
                    }
                }
            }
            if next.is_empty() || self.left == 0 {
                break;
            }
            if level == limits::DEPTH {
                self.truncated = true;
                for id in next {
                    before.remove(&id);
                }
                break;
            }
            frontier = next;
        }
        before
    }
}
