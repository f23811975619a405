//! Walks along dependencies: which controls are reached, and by which strongest path. The strongest
//! path is the one with the greatest product of strengths; of several, the shortest, and of those
//! the first in the order of ids.
//!
//! It is found level by level, so that a graph full of circles costs no more than its edges.
//! Patterns of variable length, which a graph server would offer for this, list every path there is.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Direction, Hop, View,
    edge::{EdgeKind, Link},
    error::GraphError,
    limits,
    node::{Node, NodeId},
    weight::Weight,
};

/// Reads edges, [`limits::EDGES`] at most.
pub(super) struct Reader<'a> {
    view: &'a dyn View,
    left: usize,
    /// Whether there was more to read.
    pub(super) truncated: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(view: &'a dyn View) -> Self {
        Self { view, left: limits::EDGES, truncated: false }
    }

    /// The edges of a kind at these nodes.
    pub(super) async fn step(
        &mut self,
        kind: EdgeKind,
        direction: Direction,
        near: impl IntoIterator<Item = NodeId>,
    ) -> Result<Vec<Hop>, GraphError> {
        let near: BTreeSet<NodeId> = near.into_iter().collect();
        if near.is_empty() {
            return Ok(Vec::new());
        }
        let near: Vec<NodeId> = near.into_iter().collect();
        let mut hops = self.view.step(kind, direction, &near, self.left + 1).await?;
        if hops.len() > self.left {
            hops.truncate(self.left);
            self.truncated = true;
        }
        self.left -= hops.len();
        Ok(hops)
    }

    /// Cuts a list of answers.
    pub(super) fn cut<T>(&mut self, answers: &mut Vec<T>) {
        if answers.len() > limits::ANSWERS {
            answers.truncate(limits::ANSWERS);
            self.truncated = true;
        }
    }
}

/// How something is reached best.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Best {
    /// The product of the strengths along the path.
    pub(super) weight: Weight,
    /// From the start to what is reached, both included.
    pub(super) path: Vec<NodeId>,
}

impl Best {
    /// The start itself.
    pub(super) fn start(at: NodeId) -> Self {
        Self { weight: Weight::ONE, path: vec![at] }
    }

    /// One edge further.
    pub(super) fn onward(&self, weight: Weight, to: NodeId) -> Self {
        let mut path = self.path.clone();
        path.push(to);
        Self { weight: self.weight.times(weight), path }
    }

    /// Whether a path of this weight and these nodes would be better.
    fn is_beaten_by(&self, weight: Weight, before: &[NodeId], last: NodeId) -> bool {
        let longer = self.path.len().cmp(&(before.len() + 1));
        let order = weight
            .cmp(&self.weight)
            .then(longer)
            .then_with(|| self.path.iter().cmp(before.iter().chain(std::iter::once(&last))));
        order == Ordering::Greater
    }
}

/// Keeps the better of what is known and one edge further than `so_far`. Says whether that is new.
pub(super) fn improve(
    best: &mut BTreeMap<NodeId, Best>,
    so_far: &Best,
    weight: Weight,
    to: NodeId,
) -> bool {
    let product = so_far.weight.times(weight);
    if best.get(&to).is_some_and(|known| !known.is_beaten_by(product, &so_far.path, to)) {
        return false;
    }
    best.insert(to, so_far.onward(weight, to));
    true
}

/// What a walk from a control found.
pub(super) struct Walk {
    /// The controls that were reached, with the start.
    pub(super) nodes: BTreeMap<NodeId, Node>,
    /// The best path to each of them.
    pub(super) best: BTreeMap<NodeId, Best>,
    /// The dependencies that were read, from what rests to what it rests on.
    pub(super) edges: BTreeSet<(NodeId, NodeId)>,
}

/// Walks along dependencies, `depth` of them at most. A retired control is reached, and nothing is
/// reached through it.
pub(super) async fn strongest(
    reader: &mut Reader<'_>,
    start: NodeId,
    direction: Direction,
    depth: u32,
) -> Result<Walk, GraphError> {
    let depth = depth.min(limits::DEPTH);
    let mut nodes = BTreeMap::from([(start, Node::plain(start))]);
    let mut edges = BTreeSet::new();
    let mut steps: BTreeMap<NodeId, Vec<(NodeId, Weight)>> = BTreeMap::new();
    let mut frontier = vec![start];
    for _ in 0..depth {
        let mut reached = Vec::new();
        for hop in reader.step(EdgeKind::DependsOn, direction, frontier).await? {
            let Link::DependsOn { strength } = hop.link else { continue };
            let far = hop.far.id;
            edges.insert(match direction {
                Direction::Out => (hop.near, far),
                Direction::In => (far, hop.near),
            });
            steps.entry(hop.near).or_default().push((far, strength));
            if nodes.insert(far, hop.far).is_none() && !hop.far.retired {
                reached.push(far);
            }
        }
        frontier = reached;
    }
    let mut best = BTreeMap::from([(start, Best::start(start))]);
    let mut moved = BTreeSet::from([start]);
    for _ in 0..depth {
        let from: Vec<(NodeId, Best)> =
            moved.iter().filter_map(|id| Some((*id, best.get(id)?.clone()))).collect();
        moved = BTreeSet::new();
        for (id, so_far) in from {
            for (to, strength) in steps.get(&id).into_iter().flatten() {
                if *to != start && improve(&mut best, &so_far, *strength, *to) {
                    moved.insert(*to);
                }
            }
        }
    }
    Ok(Walk { nodes, best, edges })
}
