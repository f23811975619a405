//! What a loss of one control can reach: controls, requirements, frameworks.

use std::collections::BTreeMap;

use studio_kernel::{Id, id::Kind, kind};

use super::{
    reach::{Reached, reached},
    typed,
};
use crate::graph::{
    Direction, View,
    edge::{EdgeKind, Link},
    error::GraphError,
    limits,
    node::NodeId,
    walk::{Best, Reader, improve, strongest},
    weight::Weight,
};

/// Something that a control's loss can reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected<I> {
    /// Its id.
    pub id: I,
    /// At most this share of a loss of the control reaches it: the product of strengths, shares (1
    /// at most each) and what mappings carry, along the strongest path.
    pub weight: Weight,
    /// That path, from the control to this.
    pub path: Vec<NodeId>,
}

/// What rests on a control. Each list is in the order of its ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact {
    /// The controls in force that rest on it.
    pub controls: Vec<Reached>,
    /// The requirements that it or they cover, and those that inherit from these by the mappings
    /// approved in the project.
    pub requirements: Vec<Affected<Id<kind::Requirement>>>,
    /// The frameworks of these requirements.
    pub frameworks: Vec<Affected<Id<kind::Framework>>>,
    /// Whether there was more than the limits allow.
    pub truncated: bool,
}

/// What rests on a control of a project.
///
/// # Errors
/// The graph cannot be read.
pub async fn impact(
    view: &dyn View,
    control: Id<kind::Control>,
    project: Id<kind::Project>,
) -> Result<Impact, GraphError> {
    let mut reader = Reader::new(view);
    let walk = strongest(&mut reader, control.into(), Direction::In, limits::DEPTH).await?;
    let mut controls = reached(&walk)?;
    controls.retain(|reached| !reached.retired);

    let mut requirements = BTreeMap::new();
    let in_force = walk.best.keys().filter(|id| !walk.nodes.get(id).is_some_and(|n| n.retired));
    let covered = reader.step(EdgeKind::Covers, Direction::Out, in_force.copied()).await?;
    for hop in covered {
        let Link::Covers { share, .. } = hop.link else { continue };
        if let Some(so_far) = walk.best.get(&hop.near) {
            improve(&mut requirements, so_far, share.at_most_one(), hop.far.id);
        }
    }
    let own = requirements.clone();
    for (_, inherited) in inheritors(&mut reader, project, &own, Way::Onward).await? {
        for (id, best) in inherited {
            if requirements.get(&id).is_none_or(|known| better(&best, known)) {
                requirements.insert(id, best);
            }
        }
    }

    let mut frameworks = BTreeMap::new();
    for hop in
        reader.step(EdgeKind::BelongsTo, Direction::Out, requirements.keys().copied()).await?
    {
        if let Some(so_far) = requirements.get(&hop.near) {
            improve(&mut frameworks, so_far, Weight::ONE, hop.far.id);
        }
    }

    let mut requirements = affected(requirements)?;
    let mut frameworks = affected(frameworks)?;
    reader.cut(&mut controls);
    reader.cut(&mut requirements);
    reader.cut(&mut frameworks);
    Ok(Impact { controls, requirements, frameworks, truncated: reader.truncated })
}

fn better(one: &Best, other: &Best) -> bool {
    let key = |best: &Best| (std::cmp::Reverse(best.weight), best.path.len());
    (key(one), &one.path) < (key(other), &other.path)
}

fn affected<K: Kind>(best: BTreeMap<NodeId, Best>) -> Result<Vec<Affected<Id<K>>>, GraphError> {
    best.into_iter()
        .map(|(id, best)| Ok(Affected { id: typed(id)?, weight: best.weight, path: best.path }))
        .collect()
}

/// Which way values are followed along mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To whoever inherits.
    Onward,
    /// To whom it is inherited from.
    Back,
}

/// What the mappings approved in a project lead to from these requirements, by the number of
/// mappings: over two at most, and over one only where requirements merely intersect.
pub(super) async fn inheritors(
    reader: &mut Reader<'_>,
    project: Id<kind::Project>,
    from: &BTreeMap<NodeId, Best>,
    way: Way,
) -> Result<Vec<(u32, BTreeMap<NodeId, Best>)>, GraphError> {
    let mut levels = Vec::new();
    let mut at = from.clone();
    for level in 1..=limits::MAPPINGS {
        let mut all = BTreeMap::new();
        let mut onward = BTreeMap::new();
        for direction in [Direction::Out, Direction::In] {
            for hop in reader.step(EdgeKind::MapsTo, direction, at.keys().copied()).await? {
                let Link::MapsTo(mapping) = hop.link else { continue };
                if mapping.project != project {
                    continue;
                }
                // A mapping holds in both directions; values run from its source.
                let turned = (direction == Direction::In) == (way == Way::Onward);
                let (Some(carried), Some(so_far)) = (mapping.carries(turned), at.get(&hop.near))
                else {
                    continue;
                };
                let back = so_far.path.contains(&hop.far.id);
                if back || (carried.single_hop && level > 1) {
                    continue;
                }
                improve(&mut all, so_far, carried.share, hop.far.id);
                if !carried.single_hop {
                    improve(&mut onward, so_far, carried.share, hop.far.id);
                }
            }
        }
        levels.push((level, all));
        at = onward;
    }
    Ok(levels)
}
