//! The objects of which some is sent later, as writing meets them.

use crate::{
    data::NodeId,
    error::PathSegment,
    execute::project::{Path, Witness},
    plan::types::Selection,
};

/// An object of which some is sent later.
pub(super) struct Found {
    /// The number of its anchor in the plan.
    pub(super) anchor: usize,
    /// The number of its type, where there are several.
    pub(super) ty: Option<usize>,
    pub(super) node: NodeId,
    pub(super) path: Vec<PathSegment>,
}

/// Keeps those objects.
#[derive(Default)]
pub(super) struct Objects {
    pub(super) found: Vec<Found>,
}

impl Witness for Objects {
    fn seen(&self) -> usize {
        self.found.len()
    }

    fn forget(&mut self, seen: usize) {
        self.found.truncate(seen);
    }

    fn object(&mut self, selection: &Selection, ty: Option<usize>, node: NodeId, path: Path<'_>) {
        if let Some(anchor) = selection.anchor {
            self.found.push(Found { anchor, ty, node, path: path.segments() });
        }
    }
}
