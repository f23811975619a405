//! What a control rests on, and what rests on it.

use studio_kernel::{Id, kind};

use super::{typed, typed_path};
use crate::graph::{
    Direction, View,
    cycles::cycles,
    edge::EdgeKind,
    error::GraphError,
    node::{NodeId, NodeKind},
    walk::{Reader, Walk, strongest},
    weight::Weight,
};

/// A control that was reached along dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The control.
    pub control: Id<kind::Control>,
    /// Whether it is no longer in force: nothing is reached through it.
    pub retired: bool,
    /// The product of the strengths along the strongest path.
    pub weight: Weight,
    /// That path, from the control that was asked about to this one.
    pub path: Vec<Id<kind::Control>>,
}

/// The controls that are reached from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// In the order of their ids, without the one that was asked about.
    pub controls: Vec<Reached>,
    /// Circles among them, each named by one way round: every control in it rests on the next one,
    /// and the last on the first.
    pub cycles: Vec<Vec<Id<kind::Control>>>,
    /// Whether there was more than the limits allow.
    pub truncated: bool,
}

/// What a control rests on, over `depth` dependencies at most.
///
/// # Errors
/// The graph cannot be read.
pub async fn dependencies(
    view: &dyn View,
    control: Id<kind::Control>,
    depth: u32,
) -> Result<Reach, GraphError> {
    reach(view, control, Direction::Out, depth).await
}

/// What rests on a control, over `depth` dependencies at most.
///
/// # Errors
/// The graph cannot be read.
pub async fn dependents(
    view: &dyn View,
    control: Id<kind::Control>,
    depth: u32,
) -> Result<Reach, GraphError> {
    reach(view, control, Direction::In, depth).await
}

async fn reach(
    view: &dyn View,
    control: Id<kind::Control>,
    direction: Direction,
    depth: u32,
) -> Result<Reach, GraphError> {
    let mut reader = Reader::new(view);
    let walk = strongest(&mut reader, control.into(), direction, depth).await?;
    let mut controls = reached(&walk)?;
    reader.cut(&mut controls);
    let mut circles = cycles(&walk.edges);
    reader.cut(&mut circles);
    let cycles = circles.iter().map(|circle| typed_path(circle)).collect::<Result<_, _>>()?;
    Ok(Reach { controls, cycles, truncated: reader.truncated })
}

/// The circles of dependencies of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycles {
    /// One way round for each knot of controls in force that rest on each other: every control in it
    /// rests on the next one, and the last on the first. Sorted by their first ids.
    pub cycles: Vec<Vec<Id<kind::Control>>>,
    /// Whether there was more than the limits allow.
    pub truncated: bool,
}

/// The circles of dependencies of a project.
///
/// # Errors
/// The graph cannot be read.
pub async fn dependency_cycles(
    view: &dyn View,
    project: Id<kind::Project>,
) -> Result<Cycles, GraphError> {
    let mut reader = Reader::new(view);
    let inside = reader.step(EdgeKind::BelongsTo, Direction::In, [project.into()]).await?;
    let controls = inside.into_iter().map(|hop| hop.far);
    let controls = controls.filter(|far| far.id.kind() == NodeKind::Control && !far.retired);
    let controls: Vec<NodeId> = controls.map(|far| far.id).collect();
    let rests = reader.step(EdgeKind::DependsOn, Direction::Out, controls).await?;
    let edges = rests.into_iter().filter(|hop| !hop.far.retired);
    let mut circles = cycles(&edges.map(|hop| (hop.near, hop.far.id)).collect());
    reader.cut(&mut circles);
    let cycles = circles.iter().map(|circle| typed_path(circle)).collect::<Result<_, _>>()?;
    Ok(Cycles { cycles, truncated: reader.truncated })
}

/// What a walk found, without its start.
pub(super) fn reached(walk: &Walk) -> Result<Vec<Reached>, GraphError> {
    let found = walk.best.iter().filter(|(_, best)| best.path.len() > 1);
    found
        .map(|(id, best)| {
            Ok(Reached {
                control: typed(*id)?,
                retired: walk.nodes.get(id).is_some_and(|node| node.retired),
                weight: best.weight,
                path: typed_path(&best.path)?,
            })
        })
        .collect()
}
