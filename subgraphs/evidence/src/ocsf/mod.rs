//! Reads scans in OCSF (Open Cybersecurity Schema Framework) 1.x: Detection Findings
//! (`class_uid` 2004) as Prowler writes them, as one JSON array or one object per line, packed with
//! gzip or not.
//!
//! What always holds: at most one item and one buffer are in memory, whatever the size of the
//! file; a fault of the file's structure ends the reading with a [`StructureError`]; a fault of one
//! item is a [`Refusal`] of that item, and the reading goes on behind it; no input makes it panic.

mod finding;
mod reader;
mod splitter;
mod structure;
mod unpack;

pub use finding::{Asset, Check, Finding, Refusal, Requirements, Status};
pub use reader::{Item, Limits, Reader};
pub use splitter::{Oversize, Piece, Splitter};
pub use structure::StructureError;
pub use unpack::{Unpack, is_packed};

/// Levels of nesting that an item may have.
pub const MAX_DEPTH: u32 = 64;
