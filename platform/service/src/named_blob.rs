//! Which blobs a log names. A subgraph that keeps blobs says by which event it names them, so that
//! whoever verifies an installation can look for each of them without opening the subgraph.

use studio_events::Recorded;
use studio_kernel::DecodeError;

/// Bytes that an event names: they must be there for as long as the log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBlob {
    /// SHA-256 of the bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// How many there are.
    pub size: u64,
    /// What they are, for people: `version 2 of document doc_…`.
    pub what: String,
}

/// The events by which a log names blobs.
#[derive(Debug, Clone, Copy)]
pub struct BlobNames {
    /// Their type.
    pub event_type: &'static str,
    /// Reads one of them.
    pub read: fn(&Recorded) -> Result<NamedBlob, DecodeError>,
}
