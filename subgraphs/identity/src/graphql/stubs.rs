//! Entities of other subgraphs, by their ids alone.

use async_graphql::{ID, SimpleObject};
use studio_kernel::{Id, kind};

/// A project of the controls subgraph.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub(super) struct Project {
    /// The id, `prj_…`.
    id: ID,
}

impl Project {
    pub(super) fn of(project: Id<kind::Project>) -> Self {
        Self { id: ID(project.to_string()) }
    }
}
