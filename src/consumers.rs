//! Who reads whose log. Told once: for what a process must reach, and for proving of an archive that
//! nobody in it is ahead of what they read.

/// A consumer, which keeps its place in the log of its own subgraph.
pub(crate) struct Consumer {
    /// Under which it keeps its place.
    pub(crate) name: &'static str,
    /// Whose it is.
    pub(crate) subgraph: &'static str,
    /// Whose log it reads.
    pub(crate) source: &'static str,
}

impl Consumer {
    const fn new(subgraph: &'static str, name: &'static str, source: &'static str) -> Self {
        Self { name, subgraph, source }
    }
}

/// All of them.
pub(crate) const CONSUMERS: [Consumer; 7] = [
    Consumer::new("identity", "identity.mail", "identity"),
    Consumer::new("controls", "controls.process_manager", "evidence"),
    Consumer::new("controls", "score_engine", "controls"),
    Consumer::new("evidence", "evidence.controls", "controls"),
    Consumer::new("evidence", "evidence.rules", "evidence"),
    Consumer::new("documents", "documents.projects", "controls"),
    Consumer::new("ai", "ai.document_versions", "documents"),
];
