//! The files that carry proofs, JSON. Each has the signed heads that it leads to within it, so that it
//! can be verified by itself.

use serde::{Deserialize, Serialize};

use super::hashing::Hash;
use crate::hexadecimal;

/// The most bytes of a file: an event of the largest size, each of whose characters is escaped, and
/// room for the rest.
pub const MAX_FILE: usize = 16 << 20;
/// The most hashes of a proof: a tree of as many events as there are positions is 63 high.
const MAX_PATH: usize = 64;

/// Why a file is no proof.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is longer than [`MAX_FILE`].
    #[error("a proof has at most {MAX_FILE} bytes, not {0}")]
    TooLong(usize),
    /// It is not of this form.
    #[error("this is no proof: {0}")]
    Form(#[from] serde_json::Error),
    /// It has more hashes than any proof.
    #[error("a proof has at most {MAX_PATH} hashes, not {0}")]
    Path(usize),
    /// It is of no event.
    #[error("events are counted from 1: there is none at position {0}")]
    Position(u64),
}

/// A hash as hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hex(#[serde(with = "hexadecimal")] pub Hash);

/// What a file proves, or claims to prove: nothing in it was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", deny_unknown_fields)]
pub enum ProofFile {
    /// That an event is in the log.
    #[serde(rename = "studio-inclusion-proof-v1")]
    Inclusion {
        /// The signed head of a tree that has the event.
        head: String,
        /// The position of the event, from 1.
        position: u64,
        /// The hash of the event.
        hash: Hex,
        /// What the event says, unless that was left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<EventContents>,
        /// The subtrees beside the way from the event to the root, the lowest first.
        path: Vec<Hex>,
    },
    /// That one tree is the beginning of another.
    #[serde(rename = "studio-consistency-proof-v1")]
    Consistency {
        /// The signed head of the smaller tree.
        older: String,
        /// The signed head of the larger tree.
        newer: String,
        /// The subtrees that both are made of, the lowest first.
        path: Vec<Hex>,
    },
}

/// What the hash of an event is computed from: see [`chain`](crate::chain).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventContents {
    /// The hash of the event before it.
    pub prev_hash: Hex,
    /// The event as canonical JSON (RFC 8785).
    pub canonical: String,
}

impl ProofFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`FileError`] where it is none of a proof, or goes beyond the limits.
    pub fn read(bytes: &[u8]) -> Result<Self, FileError> {
        if bytes.len() > MAX_FILE {
            return Err(FileError::TooLong(bytes.len()));
        }
        let file: Self = serde_json::from_slice(bytes)?;
        let path = match &file {
            Self::Inclusion { path, .. } | Self::Consistency { path, .. } => path.len(),
        };
        match &file {
            _ if path > MAX_PATH => Err(FileError::Path(path)),
            Self::Inclusion { position: 0, .. } => Err(FileError::Position(0)),
            _ => Ok(file),
        }
    }

    /// The content of a file.
    ///
    /// # Errors
    /// None is known: every part of it can be written.
    pub fn write(&self) -> Result<String, FileError> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

/// A path as it stands in a file.
pub(super) fn to_hex(path: Vec<Hash>) -> Vec<Hex> {
    path.into_iter().map(Hex).collect()
}

/// A path of a file.
pub(super) fn from_hex(path: &[Hex]) -> Vec<Hash> {
    path.iter().map(|hash| hash.0).collect()
}
