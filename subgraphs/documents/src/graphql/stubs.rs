//! Entities of other subgraphs, by their ids alone.

use async_graphql::{ID, SimpleObject};

/// A project of the controls subgraph.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub(super) struct Project {
    /// The id, `prj_…`.
    pub(super) id: ID,
}

/// A person of the identity subgraph.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub(super) struct User {
    /// The id, `usr_…`.
    pub(super) id: ID,
}
