//! Which controls of a project meet which requirements.

use std::collections::{BTreeMap, BTreeSet};

use studio_kernel::{Id, kind};

use crate::graph::{Direction, Hop, edge::EdgeKind, error::GraphError, node::NodeId, walk::Reader};

/// The far ends of edges by their near ends.
pub(super) type Far = BTreeMap<NodeId, Vec<NodeId>>;

pub(super) fn by_near(hops: Vec<Hop>) -> Far {
    let mut by_near = Far::new();
    for hop in hops {
        by_near.entry(hop.near).or_default().push(hop.far.id);
    }
    by_near
}

/// The controls among these that are of a project.
pub(super) async fn within(
    reader: &mut Reader<'_>,
    project: Id<kind::Project>,
    controls: impl IntoIterator<Item = NodeId>,
) -> Result<BTreeSet<NodeId>, GraphError> {
    let homes = reader.step(EdgeKind::BelongsTo, Direction::Out, controls).await?;
    let inside = homes.into_iter().filter(|hop| hop.far.id == NodeId::from(project));
    Ok(inside.map(|hop| hop.near).collect())
}

/// The controls in force of a project that are members of these requirements, by themselves or in a
/// group.
pub(super) async fn members(
    reader: &mut Reader<'_>,
    project: Id<kind::Project>,
    requirements: impl IntoIterator<Item = NodeId>,
) -> Result<Far, GraphError> {
    let mut covers = reader.step(EdgeKind::Covers, Direction::In, requirements).await?;
    covers.retain(|hop| !hop.far.retired);
    let inside = within(reader, project, covers.iter().map(|hop| hop.far.id)).await?;
    covers.retain(|hop| inside.contains(&hop.far.id));
    let mut members = by_near(covers);
    for controls in members.values_mut() {
        controls.dedup();
    }
    Ok(members)
}
