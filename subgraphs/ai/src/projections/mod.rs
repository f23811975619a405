//! The read models, one file each: what writes it from events, and the queries over it. Each query
//! names its organization and the generation that is current. The full-text index is no projection
//! of the database: it follows the log by itself (`index`).

pub(crate) mod answers;
pub(crate) mod documents;

use std::sync::Arc;

use studio_events::Projection;

/// Every read model of the subgraph.
pub(crate) fn all() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(documents::Documents), Arc::new(answers::Answers)]
}
