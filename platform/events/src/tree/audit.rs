//! What heads and proofs prove, to somebody who has the public key and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::IgnoredAny};

use super::{
    file::{self, EventContents, FileError, ProofFile},
    hashing::{Hash, leaf_hash},
    head::{HeadError, SignedTreeHead},
    proof::{ProofError, verify_consistency, verify_inclusion},
};
use crate::chain;

/// Why a file proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// It is neither a head nor a proof: it is not even text.
    #[error("this is neither a signed tree head nor a proof: it is no text")]
    NoText,
    /// It is no proof.
    #[error(transparent)]
    File(#[from] FileError),
    /// A head is none, or not of the key.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The hashes do not prove it.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The contents of the event are not what was recorded.
    #[error("the contents of the event are not those that its hash is of: they were changed")]
    Contents,
    /// The contents are not those of an event.
    #[error("the contents of the event do not read: {0}")]
    Event(serde_json::Error),
    /// The contents say that the event has another position.
    #[error("the event says of itself that its position is {said}, and the proof is of {proven}")]
    Position {
        /// What the event says.
        said: u64,
        /// What the proof says.
        proven: u64,
    },
    /// The two heads are of different logs.
    #[error("the proof is of two logs: {older} and {newer}")]
    OtherLog {
        /// That of the first head.
        older: String,
        /// That of the second head.
        newer: String,
    },
    /// Two signed heads contradict each other.
    #[error(
        "two signed heads of {origin} with {size} events have different roots: whoever holds the key \
         has shown two histories. Keep both files, they prove it"
    )]
    Fork {
        /// The log.
        origin: String,
        /// The size that both have.
        size: u64,
    },
}

/// What an event says, as far as it tells which event it is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenEvent {
    /// Its id, `evt_…`.
    pub event_id: String,
    /// Its position in the log.
    pub position: u64,
    /// When it was recorded, RFC 3339.
    pub recorded_at: String,
    /// The organization that it belongs to.
    pub tenant: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The version of that type.
    pub schema_version: u64,
    /// What kind of thing it happened to.
    pub stream_type: String,
    /// Which one.
    pub stream_id: String,
    /// How many events had happened to it, this one included.
    pub stream_version: u64,
    #[serde(rename = "payload")]
    _payload: IgnoredAny,
    #[serde(rename = "metadata")]
    _metadata: IgnoredAny,
}

/// What one file proves.
#[derive(Debug, Clone, PartialEq)]
pub enum Proven {
    /// That the key signed this head.
    Head(SignedTreeHead),
    /// That an event is in the log.
    Included {
        /// The head of the tree that it is in.
        head: SignedTreeHead,
        /// Its position, from 1.
        position: u64,
        /// Its hash.
        hash: Hash,
        /// What it says, where the file has it.
        event: Option<Box<ProvenEvent>>,
    },
    /// That a log begins with what it was before.
    Extended {
        /// The head of what it was.
        older: SignedTreeHead,
        /// The head of what it became.
        newer: SignedTreeHead,
    },
}

/// Verifies one file, a signed head or a proof, against the public key of an installation.
///
/// # Errors
/// [`AuditError`] where it proves nothing.
pub fn check(bytes: &[u8], public_key: &[u8; 32]) -> Result<Proven, AuditError> {
    if !bytes.trim_ascii_start().starts_with(b"{") {
        let note = std::str::from_utf8(bytes).map_err(|_| AuditError::NoText)?;
        return Ok(Proven::Head(SignedTreeHead::open(note, public_key)?));
    }
    match ProofFile::read(bytes)? {
        ProofFile::Inclusion { head, position, hash, event, path } => {
            let head = SignedTreeHead::open(&head, public_key)?;
            let (leaf, path) = (leaf_hash(&hash.0), file::from_hex(&path));
            verify_inclusion(&leaf, position - 1, head.size(), &path, head.root())?;
            let event = event.map(|event| read(&event, position, &hash.0)).transpose()?;
            Ok(Proven::Included { head, position, hash: hash.0, event: event.map(Box::new) })
        }
        ProofFile::Consistency { older, newer, path } => {
            let older = SignedTreeHead::open(&older, public_key)?;
            let newer = SignedTreeHead::open(&newer, public_key)?;
            if older.origin() != newer.origin() {
                let (older, newer) = (older.origin().to_owned(), newer.origin().to_owned());
                return Err(AuditError::OtherLog { older, newer });
            }
            let path = file::from_hex(&path);
            verify_consistency(older.size(), newer.size(), &path, older.root(), newer.root())?;
            Ok(Proven::Extended { older, newer })
        }
    }
}

fn read(contents: &EventContents, position: u64, hash: &Hash) -> Result<ProvenEvent, AuditError> {
    if chain::link(&contents.prev_hash.0, &contents.canonical) != *hash {
        return Err(AuditError::Contents);
    }
    let event: ProvenEvent =
        serde_json::from_str(&contents.canonical).map_err(AuditError::Event)?;
    if event.position != position {
        return Err(AuditError::Position { said: event.position, proven: position });
    }
    Ok(event)
}

/// What several files prove together: whether all heads of a log are of one history.
#[derive(Debug, Default)]
pub struct AuditTrail {
    /// The root of each log and size.
    heads: BTreeMap<String, BTreeMap<u64, Hash>>,
    /// The log, and the two sizes of which the first was shown to be the beginning of the second.
    extended: BTreeSet<(String, u64, u64)>,
}

impl AuditTrail {
    /// Takes in what a file proves.
    ///
    /// # Errors
    /// [`AuditError::Fork`] where it contradicts another one.
    pub fn add(&mut self, proven: &Proven) -> Result<(), AuditError> {
        match proven {
            Proven::Head(head) | Proven::Included { head, .. } => self.add_head(head),
            Proven::Extended { older, newer } => {
                self.add_head(older)?;
                self.add_head(newer)?;
                let link = (older.origin().to_owned(), older.size(), newer.size());
                self.extended.insert(link);
                Ok(())
            }
        }
    }

    fn add_head(&mut self, head: &SignedTreeHead) -> Result<(), AuditError> {
        let sizes = self.heads.entry(head.origin().to_owned()).or_default();
        let root = sizes.entry(head.size()).or_insert(*head.root());
        if root == head.root() {
            return Ok(());
        }
        Err(AuditError::Fork { origin: head.origin().to_owned(), size: head.size() })
    }

    /// The heads that were not shown to be the beginning of the largest one of their log: the log, the
    /// size, and that of the largest.
    pub fn unconnected(&self) -> Vec<(&str, u64, u64)> {
        let mut unconnected = Vec::new();
        for (origin, sizes) in &self.heads {
            let Some((&largest, _)) = sizes.last_key_value() else { continue };
            let mut reached = BTreeSet::from([largest]);
            // From large to small: whatever leads to a size is found before it is asked for.
            for &size in sizes.keys().rev() {
                let mut links = self.extended.iter();
                if links.any(|(log, a, b)| log == origin && *a == size && reached.contains(b)) {
                    reached.insert(size);
                }
                if !reached.contains(&size) {
                    unconnected.push((origin.as_str(), size, largest));
                }
            }
        }
        unconnected
    }
}
