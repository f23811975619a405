//! What can be wrong with a file as a whole.

use std::io;

/// Why a file cannot be taken at all. Offsets are in bytes after unpacking, from 0.
#[derive(Debug, thiserror::Error)]
pub enum StructureError {
    /// There is nothing but white space.
    #[error("the file is empty: send the OCSF JSON that Prowler writes")]
    Empty,
    /// The file does not begin as a scan does.
    #[error(
        "the file begins with {found}: a scan is a JSON array of OCSF Detection Findings, as \
         Prowler writes with \"-M json-ocsf\""
    )]
    NotAnArray {
        /// The first character, for a person.
        found: String,
    },
    /// The file stops before the array is closed.
    #[error(
        "the file breaks off at byte {offset}, within item {index}: it was not written or not \
         sent to its end; send it again whole"
    )]
    Truncated {
        /// Where it ends.
        offset: u64,
        /// The item, from 0, that is not whole.
        index: u64,
    },
    /// A bracket closes what it did not open, or a comma is missing or too many.
    #[error("the JSON is broken at byte {offset}, near item {index}: {what}")]
    Broken {
        /// Where.
        offset: u64,
        /// The item, from 0, at or before that place.
        index: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Something follows the array.
    #[error("something follows the end of the array, at byte {offset}: send one scan at a time")]
    Trailing {
        /// Where it begins.
        offset: u64,
    },
    /// The file does not unpack.
    #[error("the gzip does not unpack ({0}): pack the file again, or send it unpacked")]
    Gzip(io::Error),
    /// The file is larger, unpacked, than the limit.
    #[error(
        "unpacked, the file is larger than {limit} bytes: split the scan by account or region, or \
         raise limits.ingest_unpacked"
    )]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The file unpacks to far more than any real scan of its size.
    #[error(
        "the gzip unpacks to more than {ratio} times its size, which no scan does: send it \
         unpacked if it is one"
    )]
    Bomb {
        /// The ratio that was passed.
        ratio: u64,
    },
    /// The bytes could not be read.
    #[error("the file could not be read: {0}")]
    Read(io::Error),
}
