//! What can go wrong with a graph.

use super::{edge::EdgeKind, node::NodeKind};

/// Why the graph does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// A setting can never work.
    #[error("stores.graph: {0}")]
    Setting(String),
    /// The server does not answer at the start.
    #[error(
        "stores.graph: the graph server at {address} cannot be used: {cause}. Start it, or mend the \
         address, the user or the password; without the setting the graph is kept in memory."
    )]
    Unreachable {
        /// Its address, without credentials.
        address: String,
        /// What the driver says.
        cause: String,
    },
    /// The server does not answer any more.
    #[error("the graph server at {address} does not answer: {cause}")]
    Unavailable {
        /// Its address, without credentials.
        address: String,
        /// What the driver says.
        cause: String,
    },
    /// It holds what this version of Studio did not write.
    #[error("the graph holds what this version of Studio cannot read: {0}")]
    Unreadable(String),
    /// Somebody else began to empty the graph while this process did.
    #[error("another process has begun to empty the graph")]
    Fenced,
    /// An edge that makes no sense.
    #[error("{kind:?} does not lead from {from:?} to {to:?}")]
    Shape {
        /// The edge.
        kind: EdgeKind,
        /// Where it starts.
        from: NodeKind,
        /// Where it ends.
        to: NodeKind,
    },
    /// A dependency beyond 1.
    #[error("a dependency is at most as strong as 1")]
    TooStrong,
}
