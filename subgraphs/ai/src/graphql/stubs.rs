//! Entities of other subgraphs, by their ids alone.

use async_graphql::{ID, SimpleObject};

/// A document of the documents subgraph.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub(super) struct Document {
    /// The id, `doc_…`.
    pub(super) id: ID,
}

/// A version of a document.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub(super) struct DocumentVersion {
    /// The id, `dvr_…`.
    pub(super) id: ID,
}

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
