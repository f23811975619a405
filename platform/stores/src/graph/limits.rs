//! What a question may cost at most, whatever the graph looks like. An answer that was cut says so.

/// The longest path of dependencies that is followed.
pub const DEPTH: u32 = 16;
/// Edges that one question reads.
pub const EDGES: usize = 50_000;
/// Things in one list of an answer.
pub const ANSWERS: usize = 10_000;
/// Mappings between a requirement and one that it inherits from (formula v1, rule 6).
pub const MAPPINGS: u32 = 2;
/// Dependencies that one question follows in what it has read.
pub const STEPS: usize = 1_000_000;
