//! The graph in memory, by `petgraph`: one for each organization, made anew from the log whenever
//! the process starts. A reader takes what there is and keeps it; a writer copies a graph only while
//! somebody reads it.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use petgraph::{
    Direction as Way,
    stable_graph::{EdgeIndex, NodeIndex, StableDiGraph},
    visit::EdgeRef,
};
use studio_kernel::TenantId;

use super::{
    Applied, Batch, Change, Direction, Graph, Hop, State, View,
    edge::{Edge, EdgeKey, EdgeKind, Link},
    error::GraphError,
    node::{Node, NodeId, NodeKind},
};

/// The graph in memory.
#[derive(Default)]
pub struct PetGraph(RwLock<All>);

struct All {
    state: State,
    tenants: HashMap<TenantId, Arc<One>>,
}

impl Default for All {
    fn default() -> Self {
        Self { state: State::Empty, tenants: HashMap::new() }
    }
}

/// The graph of one organization.
#[derive(Clone, Default)]
struct One {
    graph: StableDiGraph<Node, Link>,
    nodes: HashMap<NodeId, NodeIndex>,
}

impl PetGraph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Graph for PetGraph {
    async fn state(&self) -> Result<State, GraphError> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).state.clone())
    }

    async fn apply(&self, batch: &Batch) -> Result<Applied, GraphError> {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let there = match (&all.state, &batch.after) {
            (State::Empty, None) => true,
            (State::At(mark), Some(after)) => mark == after,
            _ => false,
        };
        if !there {
            return Ok(Applied::No(all.state.clone()));
        }
        for (tenant, change) in &batch.changes {
            Arc::make_mut(all.tenants.entry(*tenant).or_default()).change(change);
        }
        all.state = State::At(batch.mark.clone());
        Ok(Applied::Yes)
    }

    async fn clear(&self) -> Result<(), GraphError> {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = All::default();
        Ok(())
    }

    async fn view(&self, tenant: TenantId) -> Result<Arc<dyn View>, GraphError> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(all.tenants.get(&tenant).cloned().unwrap_or_default())
    }
}

impl One {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Node(node) => {
                let at = self.place(node.id);
                if let Some(known) = self.graph.node_weight_mut(at) {
                    *known = *node;
                }
            }
            Change::RemoveNode(id) => {
                if let Some(at) = self.nodes.remove(id) {
                    self.graph.remove_node(at);
                }
            }
            Change::Edge(edge) => self.put(edge),
            Change::RemoveEdge(key) => {
                if let Some(at) = self.find(key) {
                    self.graph.remove_edge(at);
                }
            }
        }
    }

    /// Where a node is; it comes into being where it is not there.
    fn place(&mut self, id: NodeId) -> NodeIndex {
        let Self { graph, nodes } = self;
        *nodes.entry(id).or_insert_with(|| graph.add_node(Node::plain(id)))
    }

    fn put(&mut self, edge: &Edge) {
        let known = self.find(&edge.key()).and_then(|at| self.graph.edge_weight_mut(at));
        if let Some(known) = known {
            known.clone_from(&edge.link);
            return;
        }
        let (from, to) = (self.place(edge.from), self.place(edge.to));
        self.graph.add_edge(from, to, edge.link.clone());
    }

    fn find(&self, key: &EdgeKey) -> Option<EdgeIndex> {
        let (from, to) = (*self.nodes.get(&key.from)?, *self.nodes.get(&key.to)?);
        // From the end that has fewer edges: a person may have brought a thousand things.
        let (at, way) = match key.from.kind() {
            NodeKind::User => (to, Way::Incoming),
            _ => (from, Way::Outgoing),
        };
        self.graph
            .edges_directed(at, way)
            .find(|edge| {
                (edge.source(), edge.target()) == (from, to)
                    && edge.weight().kind() == key.kind
                    && edge.weight().group() == key.group
            })
            .map(|edge| edge.id())
    }
}

#[async_trait]
impl View for One {
    async fn step(
        &self,
        kind: EdgeKind,
        direction: Direction,
        near: &[NodeId],
        limit: usize,
    ) -> Result<Vec<Hop>, GraphError> {
        let mut hops = Vec::new();
        for id in near {
            let Some(at) = self.nodes.get(id) else { continue };
            let way = match direction {
                Direction::Out => Way::Outgoing,
                Direction::In => Way::Incoming,
            };
            let edges = self.graph.edges_directed(*at, way);
            let mut here: Vec<Hop> = edges
                .filter(|edge| edge.weight().kind() == kind)
                .filter_map(|edge| {
                    let far = match direction {
                        Direction::Out => edge.target(),
                        Direction::In => edge.source(),
                    };
                    let far = *self.graph.node_weight(far)?;
                    Some(Hop { near: *id, far, link: edge.weight().clone() })
                })
                .collect();
            here.sort_by(|one, other| {
                (one.far.id, one.link.group()).cmp(&(other.far.id, other.link.group()))
            });
            hops.append(&mut here);
            if hops.len() >= limit {
                hops.truncate(limit);
                break;
            }
        }
        Ok(hops)
    }
}
