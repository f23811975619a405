//! The read models, one file each: what writes it from events, and the queries over it. Each query
//! names its organization and the generation that is current.

pub(crate) mod controls;
pub(crate) mod documents;
pub(crate) mod projects;

use std::sync::Arc;

use studio_events::Projection;

/// Every read model of the subgraph.
pub(crate) fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(documents::Documents),
        Arc::new(controls::DocumentControls),
        Arc::new(projects::Projects),
    ]
}
