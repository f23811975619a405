//! Verifying proofs, with nothing but hashes (RFC 9162, sections 2.1.3.2 and 2.1.4.2).

use super::hashing::{Hash, empty_root, node_hash};

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf is not among those of the tree.
    #[error("position {position} is not among the {size} events of the tree head")]
    Outside {
        /// The position of the event, from 1.
        position: u64,
        /// How many events there are.
        size: u64,
    },
    /// The tree that should be the earlier one is the larger one.
    #[error("the head of {older} events cannot be older than that of {newer}")]
    Order {
        /// The size of the first.
        older: u64,
        /// The size of the second.
        newer: u64,
    },
    /// The proof has too few hashes, or too many.
    #[error("the proof has {0} hashes, which is not the number that these sizes take")]
    Length(usize),
    /// The event does not lead to the root of the head.
    #[error("the proof does not lead from the event to the root of the tree head")]
    Root,
    /// The proof does not lead to the root of the earlier head.
    #[error("the proof does not lead to the root of the older tree head")]
    OlderRoot,
    /// The proof does not lead to the root of the later head.
    #[error("the proof does not lead to the root of the newer tree head")]
    NewerRoot,
}

/// The way of a node up to the root: its index among the nodes of its level, and that of the last one.
struct Way {
    index: u64,
    last: u64,
}

impl Way {
    fn up(&mut self) {
        self.index >>= 1;
        self.last >>= 1;
    }

    /// Whether the next hash of a proof stands to the left. Where nothing stands to the right, the node
    /// itself has risen, up to the level where something stands to its left.
    fn is_right(&mut self) -> bool {
        let right = self.index & 1 == 1 || self.index == self.last;
        while right && self.index & 1 == 0 && self.index != 0 {
            self.up();
        }
        right
    }
}

/// Whether the leaf with this hash ([`leaf_hash`](super::leaf_hash)) is at `index` (from 0) of the tree
/// of `size` leaves with this root.
///
/// # Errors
/// [`ProofError`] unless `path` proves it.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Outside { position: index.saturating_add(1), size });
    }
    let mut way = Way { index, last: size - 1 };
    let mut hash = *leaf;
    for beside in path {
        if way.last == 0 {
            return Err(ProofError::Length(path.len()));
        }
        hash = if way.is_right() { node_hash(beside, &hash) } else { node_hash(&hash, beside) };
        way.up();
    }
    if way.last != 0 {
        return Err(ProofError::Length(path.len()));
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Whether the tree of `older` leaves with the first root is the beginning of that of `newer` leaves with
/// the second. The tree without leaves is the beginning of every one.
///
/// # Errors
/// [`ProofError`] unless `path` proves it.
pub fn verify_consistency(
    older: u64,
    newer: u64,
    path: &[Hash],
    older_root: &Hash,
    newer_root: &Hash,
) -> Result<(), ProofError> {
    let length = Err(ProofError::Length(path.len()));
    if older > newer {
        return Err(ProofError::Order { older, newer });
    }
    if older == 0 || older == newer {
        return match path {
            [_, ..] => length,
            [] if older == 0 && *older_root != empty_root() => Err(ProofError::OlderRoot),
            [] if older == newer && older_root != newer_root => Err(ProofError::NewerRoot),
            [] => Ok(()),
        };
    }
    let mut way = Way { index: older - 1, last: newer - 1 };
    while way.index & 1 == 1 {
        way.up();
    }
    // Where the older tree is one complete subtree of the newer one, its root is where both begin.
    let (first, rest) = match (older.is_power_of_two(), path) {
        (true, rest) => (older_root, rest),
        (false, [first, rest @ ..]) => (first, rest),
        (false, []) => return length,
    };
    let (mut of_older, mut of_newer) = (*first, *first);
    for beside in rest {
        if way.last == 0 {
            return length;
        }
        if way.is_right() {
            of_older = node_hash(beside, &of_older);
            of_newer = node_hash(beside, &of_newer);
        } else {
            of_newer = node_hash(&of_newer, beside);
        }
        way.up();
    }
    if way.last != 0 {
        return length;
    }
    if of_older != *older_root {
        return Err(ProofError::OlderRoot);
    }
    if of_newer == *newer_root { Ok(()) } else { Err(ProofError::NewerRoot) }
}
