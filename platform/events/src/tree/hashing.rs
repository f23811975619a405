//! The two hashes of the tree, kept apart by their first byte, so that no node passes for a leaf.

use aws_lc_rs::digest::{Context, SHA256, digest};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of a leaf: `SHA-256(0x00 || data)`. In the tree of a log the data is the hash of an event.
pub fn leaf_hash(data: &[u8]) -> Hash {
    hash(0, &[data])
}

/// The hash of a node: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash(1, &[left, right])
}

/// The root of the tree without leaves: `SHA-256("")`.
pub fn empty_root() -> Hash {
    fixed(digest(&SHA256, b"").as_ref())
}

/// The root over the roots of neighbouring subtrees that are equally high and complete. Their number
/// is a power of two.
pub(super) fn fold(mut nodes: Vec<Hash>) -> Option<Hash> {
    while nodes.len() > 1 {
        nodes = nodes
            .chunks(2)
            .map(|pair| if let [left, right] = pair { node_hash(left, right) } else { pair[0] })
            .collect();
    }
    nodes.pop()
}

fn hash(prefix: u8, parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[prefix]);
    for part in parts {
        context.update(part);
    }
    fixed(context.finish().as_ref())
}

fn fixed(digest: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest);
    hash
}
