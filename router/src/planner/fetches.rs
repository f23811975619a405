//! The fetches of a plan while it is made: what each asks for, where its answer belongs, and what it
//! waits for.

use super::{
    model::Graph,
    selection::{Sel, Wanted, merge_all},
};
use crate::plan::{defer::DeferUsages, types::OperationKind};
use std::collections::BTreeSet;

/// A fetch by its number.
pub(super) type FetchId = usize;
/// A selection set by its number.
pub(super) type NodeId = usize;

/// A step of the way to a place in the answer. Lists need none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Field(String),
    Types(Vec<String>),
}

/// A selection set that grows.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Fields without their children, and their selection sets.
    pub(super) fields: Vec<(Wanted, Option<NodeId>)>,
    pub(super) fragments: Vec<(String, NodeId)>,
}

/// What the representations of some types hold.
#[derive(Debug)]
pub(super) struct Need {
    /// The types as the answer has them.
    pub(super) own: Vec<String>,
    /// The type whose fields are named.
    pub(super) ty: String,
    /// The type as the subgraph knows it.
    pub(super) sent: String,
    pub(super) parts: Vec<Sel>,
}

#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) graph: Graph,
    /// `None` for entities.
    pub(super) root: Option<OperationKind>,
    pub(super) path: Vec<Place>,
    /// The fetches that it waits for.
    pub(super) after: BTreeSet<FetchId>,
    pub(super) node: NodeId,
    pub(super) needs: Vec<Need>,
    /// The deferred fragments for which it is.
    pub(super) wave: DeferUsages,
}

#[derive(Debug, Default)]
pub(super) struct Fetches {
    /// The deferred fragments for which fetches are added.
    pub(super) wave: DeferUsages,
    pub(super) all: Vec<Fetch>,
    pub(super) nodes: Vec<Node>,
}

impl Fetches {
    fn node(&mut self) -> NodeId {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    /// Adds a leaf.
    pub(super) fn leaf(&mut self, node: NodeId, wanted: &Wanted) {
        let fields = &mut self.nodes[node].fields;
        if !fields.iter().any(|(known, _)| known.key == wanted.key) {
            fields.push((wanted.with(Vec::new()), None));
        }
    }

    /// The selection set of a field, which is added if it is not there.
    pub(super) fn child(&mut self, node: NodeId, wanted: &Wanted) -> NodeId {
        let known = self.nodes[node].fields.iter().find(|(known, _)| known.key == wanted.key);
        if let Some((_, Some(child))) = known {
            return *child;
        }
        let child = self.node();
        self.nodes[node].fields.push((wanted.with(Vec::new()), Some(child)));
        child
    }

    /// The selection set of a fragment, which is added if it is not there.
    pub(super) fn fragment(&mut self, node: NodeId, ty: &str) -> NodeId {
        if let Some((_, inner)) = self.nodes[node].fragments.iter().find(|(known, _)| known == ty) {
            return *inner;
        }
        let inner = self.node();
        self.nodes[node].fragments.push((ty.to_owned(), inner));
        inner
    }

    pub(super) fn is_empty(&self, node: NodeId) -> bool {
        let node = &self.nodes[node];
        let no_field =
            node.fields.iter().all(|(_, child)| child.is_some_and(|child| self.is_empty(child)));
        no_field && node.fragments.iter().all(|(_, inner)| self.is_empty(*inner))
    }

    /// A fetch of root fields.
    pub(super) fn root(
        &mut self,
        graph: Graph,
        kind: OperationKind,
        path: &[Place],
        after: BTreeSet<FetchId>,
    ) -> FetchId {
        let same = self.all.iter().position(|known| {
            known.graph == graph
                && known.root == Some(kind)
                && known.wave == self.wave
                && known.path == path
                && known.after == after
        });
        same.unwrap_or_else(|| self.add(graph, Some(kind), path, after))
    }

    /// A fetch of entities at a place. Types of one place are asked for together, unless one of them
    /// would have to send two values under one name.
    pub(super) fn entities(
        &mut self,
        graph: Graph,
        path: &[Place],
        after: BTreeSet<FetchId>,
        need: Need,
    ) -> FetchId {
        let path = match path {
            [outer @ .., Place::Types(_)] => outer,
            path => path,
        };
        let same = self.all.iter().position(|known| {
            known.graph == graph
                && known.root.is_none()
                && known.wave == self.wave
                && known.path == path
                && known.after == after
                && !known.needs.iter().any(|known| clash(known, &need) || blurs(known, &need))
        });
        let fetch = same.unwrap_or_else(|| self.add(graph, None, path, after));
        let needs = &mut self.all[fetch].needs;
        match needs.iter_mut().find(|known| known.own == need.own && known.sent == need.sent) {
            Some(known) => merge_all(&mut known.parts, &need.parts),
            None => needs.push(need),
        }
        fetch
    }

    fn add(
        &mut self,
        graph: Graph,
        root: Option<OperationKind>,
        path: &[Place],
        after: BTreeSet<FetchId>,
    ) -> FetchId {
        let node = self.node();
        let (path, needs, wave) = (path.to_vec(), Vec::new(), self.wave);
        self.all.push(Fetch { graph, root, path, after, node, needs, wave });
        self.all.len() - 1
    }
}

/// Whether two needs send different values of one type under one name.
fn clash(a: &Need, b: &Need) -> bool {
    a.own.iter().any(|own| b.own.contains(own)) && (a.sent != b.sent || differ(&a.parts, &b.parts))
}

/// Whether what is asked of some types would be asked of others, too: the subgraph takes both for one.
fn blurs(a: &Need, b: &Need) -> bool {
    a.sent == b.sent && a.own != b.own
}

fn differ(a: &[Sel], b: &[Sel]) -> bool {
    a.iter().any(|a| {
        b.iter().any(|b| match (a, b) {
            (Sel::Field(a), Sel::Field(b)) if a.name == b.name => {
                a.key != b.key || differ(&a.children, &b.children)
            }
            (Sel::On(_, a), b) => differ(a, std::slice::from_ref(b)),
            (a, Sel::On(_, b)) => differ(std::slice::from_ref(a), b),
            _ => false,
        })
    })
}
