//! The graph: how users, projects, frameworks, requirements, controls, tests and evidence hang
//! together, and the questions that follow edges from one to the next.
//!
//! Everything in it is derived from a log and can be made anew from it. What always holds:
//! - Every node and edge belongs to one organization, and a [`View`] is bound to one: no question
//!   crosses.
//! - A batch is applied whole or not at all, together with the [`Mark`] up to which the log is in
//!   the graph, and only on top of the mark that it was made for: a batch is never applied twice or
//!   out of order, whoever else writes.
//! - The questions ([`dependencies`], [`impact`], [`single_points`], [`coverage_paths`],
//!   [`coverage_gaps`], [`who_is_behind`]) are one piece of code above [`View::step`], the one thing that an adapter must be able to read. So all
//!   adapters give equal answers, in the order of the ids, and all of them stay within the
//!   limits of [`limits`].

mod bolt;
mod change;
mod cycles;
mod edge;
mod error;
pub mod limits;
mod mapping;
mod memory;
mod node;
mod queries;
mod walk;
mod weight;

use std::sync::Arc;

use async_trait::async_trait;
use studio_kernel::TenantId;

pub use bolt::{BoltGraph, BoltOptions};
pub use change::{Applied, Batch, Change, Mark, State};
pub use edge::{Edge, EdgeKey, EdgeKind, Link};
pub use error::GraphError;
pub use mapping::{Mapping, Relation};
pub use memory::PetGraph;
pub use node::{Node, NodeId, NodeKind};
pub use queries::{
    Affected, Behind, Coverage, CoverageGap, CoverageGaps, CoveragePath, Cycles, EvidenceVersion,
    GapReason, Impact, Person, Reach, Reached, Resting, SinglePoint, SinglePoints, coverage_gaps,
    coverage_paths, dependencies, dependency_cycles, dependents, impact, single_points,
    who_is_behind,
};
pub use weight::Weight;

/// A graph that follows a log.
#[async_trait]
pub trait Graph: Send + Sync {
    /// How far it has come.
    async fn state(&self) -> Result<State, GraphError>;

    /// Applies a batch, if the graph is where the batch starts.
    async fn apply(&self, batch: &Batch) -> Result<Applied, GraphError>;

    /// Empties it, so that it can be made anew. A clearing that was cut off is
    /// [`State::Clearing`]: clear again.
    ///
    /// # Errors
    /// [`GraphError::Fenced`] where another process has begun the same meanwhile.
    async fn clear(&self) -> Result<(), GraphError>;

    /// What there is of an organization.
    async fn view(&self, tenant: TenantId) -> Result<Arc<dyn View>, GraphError>;
}

/// Which way edges are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From their start to their end.
    Out,
    /// From their end to their start.
    In,
}

/// One edge, seen from one of its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The end that was asked about.
    pub near: NodeId,
    /// The other end.
    pub far: Node,
    /// What the edge says.
    pub link: Link,
}

/// The graph of one organization.
#[async_trait]
pub trait View: Send + Sync {
    /// The edges of a kind at these nodes, which are of one kind, sorted and each there once: in the
    /// order of the near end, the far end and the group, and at most `limit` of them.
    async fn step(
        &self,
        kind: EdgeKind,
        direction: Direction,
        near: &[NodeId],
        limit: usize,
    ) -> Result<Vec<Hop>, GraphError>;
}
