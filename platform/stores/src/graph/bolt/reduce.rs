//! A batch, reduced to what it comes to, so that it takes a few statements rather than one a change.
//! The order of the statements: nodes that go, edges that go, nodes that are there, edges that are
//! there.

use std::collections::BTreeMap;

use studio_kernel::TenantId;

use crate::graph::{
    Change,
    edge::{Edge, EdgeKey, EdgeKind},
    node::{Node, NodeId, NodeKind},
};

/// What becomes of a node.
#[derive(Default)]
struct NodeFate {
    /// What was there before the batch goes.
    removed: bool,
    /// Whether it is there after the batch, as far as the batch says.
    there: bool,
    /// What is known of it then, where the batch says.
    known: Option<Node>,
}

/// The changes of one organization.
#[derive(Default)]
struct Fates {
    nodes: BTreeMap<NodeId, NodeFate>,
    /// `None`: it goes.
    edges: BTreeMap<EdgeKey, Option<Edge>>,
}

/// What a batch comes to, sorted by the statements that it takes.
#[derive(Default)]
pub(super) struct Reduced {
    pub(super) remove_nodes: BTreeMap<NodeKind, Vec<(TenantId, NodeId)>>,
    pub(super) remove_edges: BTreeMap<(EdgeKind, NodeKind, NodeKind), Vec<(TenantId, EdgeKey)>>,
    pub(super) put_nodes: BTreeMap<NodeKind, Vec<(TenantId, Node)>>,
    pub(super) touch_nodes: BTreeMap<NodeKind, Vec<(TenantId, NodeId)>>,
    pub(super) put_edges: BTreeMap<(EdgeKind, NodeKind, NodeKind), Vec<(TenantId, Edge)>>,
}

/// Reduces changes to what they come to.
pub(super) fn reduce(changes: &[(TenantId, Change)]) -> Reduced {
    let mut tenants: BTreeMap<TenantId, Fates> = BTreeMap::new();
    for (tenant, change) in changes {
        tenants.entry(*tenant).or_default().take(change);
    }
    let mut reduced = Reduced::default();
    for (tenant, fates) in tenants {
        fates.sort_into(tenant, &mut reduced);
    }
    reduced
}

impl Fates {
    fn take(&mut self, change: &Change) {
        match change {
            Change::Node(node) => {
                let fate = self.nodes.entry(node.id).or_default();
                fate.there = true;
                fate.known = Some(*node);
            }
            Change::RemoveNode(id) => {
                self.edges.retain(|key, _| key.from != *id && key.to != *id);
                let fate = NodeFate { removed: true, there: false, known: None };
                self.nodes.insert(*id, fate);
            }
            Change::Edge(edge) => {
                for end in [edge.from, edge.to] {
                    self.nodes.entry(end).or_default().there = true;
                }
                self.edges.insert(edge.key(), Some(edge.clone()));
            }
            Change::RemoveEdge(key) => {
                self.edges.insert(key.clone(), None);
            }
        }
    }

    fn sort_into(self, tenant: TenantId, reduced: &mut Reduced) {
        for (id, fate) in self.nodes {
            if fate.removed {
                reduced.remove_nodes.entry(id.kind()).or_default().push((tenant, id));
            }
            match (fate.there, fate.known) {
                (true, Some(node)) => {
                    reduced.put_nodes.entry(id.kind()).or_default().push((tenant, node));
                }
                (true, None) => {
                    reduced.touch_nodes.entry(id.kind()).or_default().push((tenant, id));
                }
                (false, _) => {}
            }
        }
        for (key, edge) in self.edges {
            let shape = (key.kind, key.from.kind(), key.to.kind());
            match edge {
                Some(edge) => {
                    reduced.put_edges.entry(shape).or_default().push((tenant, edge));
                }
                None => reduced.remove_edges.entry(shape).or_default().push((tenant, key)),
            }
        }
    }
}
