//! The named questions, one file each.

mod coverage;
mod gaps;
mod impact;
mod members;
mod people;
mod reach;
mod single_points;

use studio_kernel::{Id, id::Kind};

pub use coverage::{Coverage, CoveragePath, EvidenceVersion, coverage_paths};
pub use gaps::{CoverageGap, CoverageGaps, GapReason, coverage_gaps};
pub use impact::{Affected, Impact, impact};
pub use people::{Behind, Person, who_is_behind};
pub use reach::{Cycles, Reach, Reached, dependencies, dependency_cycles, dependents};
pub use single_points::{Resting, SinglePoint, SinglePoints, single_points};

use super::{error::GraphError, node::NodeId};

/// The id as the kind that it must be here.
fn typed<K: Kind>(node: NodeId) -> Result<Id<K>, GraphError> {
    node.id().ok_or_else(|| GraphError::Unreadable(format!("{node} is no {}", K::NAME)))
}

fn typed_path<K: Kind>(path: &[NodeId]) -> Result<Vec<Id<K>>, GraphError> {
    path.iter().copied().map(typed).collect()
}
