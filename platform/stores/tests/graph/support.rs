//! Graphs to test, ids by number, and a writer that knows its mark.

use std::sync::Arc;

use studio_kernel::{Env, Id, TenantId, id::Kind, kind};
use studio_stores::graph::{
    Applied, Batch, BoltGraph, BoltOptions, Change, Edge, EdgeKey, EdgeKind, Graph, Link, Mapping,
    Mark, Node, NodeId, PetGraph, Relation, View, Weight,
};
use uuid::Uuid;

pub(crate) fn id<K: Kind>(n: u128) -> Id<K> {
    Id::from_uuid(Uuid::from_u128(n))
}

pub(crate) fn tenant(n: u128) -> TenantId {
    id(n)
}

pub(crate) fn control(n: u128) -> Id<kind::Control> {
    id(n)
}

pub(crate) fn tenths(n: i64) -> Weight {
    Weight::from_units(n * Weight::ONE.units() / 10)
}

pub(crate) fn edge(from: impl Into<NodeId>, link: Link, to: impl Into<NodeId>) -> Change {
    Change::Edge(Edge::new(from, link, to).unwrap())
}

pub(crate) fn rests(from: u128, strength: i64, on: u128) -> Change {
    edge(control(from), Link::DependsOn { strength: tenths(strength) }, control(on))
}

pub(crate) fn covers(from: u128, share: i64, requirement: u128, group: &str) -> Change {
    let link = Link::Covers { share: tenths(share), group: group.to_owned() };
    edge(control(from), link, id::<kind::Requirement>(requirement))
}

/// Approved in a project.
pub(crate) fn maps(
    from: u128,
    relation: Relation,
    strength: Option<u32>,
    project: u128,
    to: u128,
) -> Change {
    let link = Link::MapsTo(Mapping { project: id(project), relation, strength });
    edge(id::<kind::Requirement>(from), link, id::<kind::Requirement>(to))
}

pub(crate) fn inside(of: u128, project: u128) -> Change {
    edge(control(of), Link::BelongsTo, id::<kind::Project>(project))
}

pub(crate) fn cut(kind: EdgeKind, from: impl Into<NodeId>, to: impl Into<NodeId>) -> Change {
    Change::RemoveEdge(EdgeKey::new(kind, from.into(), to.into()).unwrap())
}

pub(crate) fn requirement(n: u128, importance: u32) -> Change {
    Change::Node(Node::requirement(id(n), importance))
}

/// A graph under test, with a writer's knowledge of its mark.
pub(crate) struct Subject {
    pub(crate) graph: Arc<dyn Graph>,
    mark: Option<Mark>,
    pub(crate) name: &'static str,
}

/// The mark of a log at a position.
pub(crate) fn mark(position: i64) -> Mark {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&position.to_be_bytes());
    Mark { version: 1, position, hash }
}

impl Subject {
    pub(crate) fn new(graph: Arc<dyn Graph>, name: &'static str) -> Self {
        Self { graph, mark: None, name }
    }

    /// Applies changes as the next batch.
    pub(crate) async fn tell(&mut self, changes: &[(TenantId, Change)]) {
        let next = mark(self.mark.as_ref().map_or(0, |mark| mark.position) + 1);
        let batch =
            Batch { after: self.mark.clone(), mark: next.clone(), changes: changes.to_vec() };
        assert_eq!(self.graph.apply(&batch).await.unwrap(), Applied::Yes, "{}", self.name);
        self.mark = Some(next);
    }

    pub(crate) async fn one(&mut self, changes: impl IntoIterator<Item = Change>) {
        let changes: Vec<_> = changes.into_iter().map(|change| (tenant(1), change)).collect();
        self.tell(&changes).await;
    }

    pub(crate) async fn clear(&mut self) {
        self.graph.clear().await.unwrap();
        self.mark = None;
    }

    pub(crate) async fn view(&self, of: u128) -> Arc<dyn View> {
        self.graph.view(tenant(of)).await.unwrap()
    }
}

/// The options of the Bolt server with a graph of that name; `None`, and a line that says so, where
/// there is no server.
pub(crate) fn bolt(name: &str) -> Option<BoltOptions> {
    let Ok(address) = std::env::var("STUDIO_TEST_BOLT") else {
        println!("skipped: a Bolt server (tests/services with bolt -- … sets STUDIO_TEST_BOLT)");
        return None;
    };
    let name = format!("{name}-{}", Env::system().id::<kind::Event>());
    Some(BoltOptions::parse(&format!("{address}?name={name}")).unwrap())
}

/// Every adapter that is there, each empty.
pub(crate) async fn subjects(name: &str) -> Vec<Subject> {
    let mut subjects = vec![Subject::new(Arc::new(PetGraph::new()), "in memory")];
    if let Some(options) = bolt(name) {
        let graph = BoltGraph::connect(&options).await.unwrap();
        subjects.push(Subject::new(Arc::new(graph), "a Bolt server"));
    }
    subjects
}
