//! The Merkle tree over a log (RFC 6962, section 2.1; the same in RFC 9162): what was recorded can be
//! proven to somebody who has neither the log nor trust in whoever keeps it.
//!
//! Leaf `i` (from 0) is the hash of the event at position `i + 1`, as the chain has it
//! ([`chain`](crate::chain)). A tree head is the root over the first `size` events; signed
//! ([`SignedTreeHead`]) it is a promise that can be kept and held against later ones. From heads and
//! proofs alone ([`ProofFile`]) follows
//! - that an event is in the log, at its position, with its contents;
//! - that a later log begins with every event of an earlier one, unchanged.
//!
//! Holds always: the tree follows from the events alone. Of its nodes those at every eighth level are
//! stored, when somebody asks for a head or a proof ([`LogTree`]); appends know nothing of it. A head is
//! signed only if the log still begins with what the newest kept head says.

mod audit;
mod check;
mod error;
mod file;
mod frontier;
mod hashing;
mod head;
mod kept;
mod log_tree;
mod proof;
mod shape;
mod stored;
#[cfg(test)]
mod tests;

pub use audit::{AuditError, AuditTrail, Proven, ProvenEvent, check};
pub(crate) use check::TreeWalk;
pub use error::TreeError;
pub use file::{EventContents, FileError, Hex, MAX_FILE, ProofFile};
pub use frontier::Frontier;
pub use hashing::{Hash, empty_root, leaf_hash, node_hash};
pub use head::{HeadError, MAX_NOTE, SignedTreeHead, origin, verifier_key};
pub use log_tree::LogTree;
pub use proof::{ProofError, verify_consistency, verify_inclusion};
