//! What is told to a graph.

use studio_kernel::TenantId;

use super::{
    edge::{Edge, EdgeKey},
    node::{Node, NodeId},
};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The node is there, and this is what is known of it.
    Node(Node),
    /// The node is gone, with all its edges.
    RemoveNode(NodeId),
    /// The edge is there, and this is what it says. Ends that are not there come into being.
    Edge(Edge),
    /// The edge is gone.
    RemoveEdge(EdgeKey),
}

/// How far a graph has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The version of the rules by which the log was turned into changes.
    pub version: u32,
    /// Everything up to this position of the log is in the graph.
    pub position: i64,
    /// The hash of the event at that position: names the log.
    pub hash: [u8; 32],
}

/// The state of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing is in it.
    Empty,
    /// It is being emptied, or was when somebody was cut off.
    Clearing,
    /// It holds the log up to here.
    At(Mark),
}

/// Changes that follow from a stretch of the log.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Where the graph must be for it.
    pub after: Option<Mark>,
    /// Where the graph is with it.
    pub mark: Mark,
    /// The changes, in order, each with its organization.
    pub changes: Vec<(TenantId, Change)>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It is in the graph: by this call, or by that of another process that told the same.
    Yes,
    /// Nothing was changed: the graph is elsewhere.
    No(State),
}
