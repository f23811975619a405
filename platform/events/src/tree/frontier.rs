//! The tree of a log that is walked from its first event on: the roots of the complete subtrees so far,
//! of which there are never more than the size has binary digits.

use super::hashing::{Hash, empty_root, node_hash};

/// The right edge of a growing tree.
#[derive(Debug, Clone, Default)]
pub struct Frontier {
    size: u64,
    /// From left to right, of falling height: one for each binary digit 1 of the size.
    roots: Vec<Hash>,
}

impl Frontier {
    /// Adds a leaf by its hash. Answers the root of each subtree that it completes, by level, from the
    /// leaf itself upwards.
    pub fn push(&mut self, leaf: Hash) -> Vec<Hash> {
        let mut completed = vec![leaf];
        let mut root = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                root = node_hash(&left, &root);
                completed.push(root);
            }
        }
        self.roots.push(root);
        self.size += 1;
        completed
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> Hash {
        let joined =
            self.roots.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        joined.unwrap_or_else(empty_root)
    }
}
