//! Which subtrees a proof is made of (RFC 6962, sections 2.1.1 and 2.1.2), as ranges of leaves. Each
//! range begins at a multiple of the power of two that it fits into, as the recursion there gives it.

use std::ops::Range;

/// The largest power of two smaller than `leaves`, which are at least two: where a tree of so many
/// divides.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The subtrees beside the way from leaf `index` to the root of a tree of `size` leaves, the lowest
/// first. Empty where there is no such leaf.
pub(super) fn inclusion(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut beside = Vec::new();
    let mut tree = 0..size;
    while index < size && tree.end - tree.start > 1 {
        let middle = tree.start + split(tree.end - tree.start);
        if index < middle {
            beside.push(middle..tree.end);
            tree.end = middle;
        } else {
            beside.push(tree.start..middle);
            tree.start = middle;
        }
    }
    beside.reverse();
    beside
}

/// The subtrees that show that the tree of `older` leaves is the beginning of that of `newer`, the lowest
/// first. Empty unless `0 < older < newer`.
pub(super) fn consistency(older: u64, newer: u64) -> Vec<Range<u64>> {
    let mut subtrees = Vec::new();
    if older == 0 || older >= newer {
        return subtrees;
    }
    let mut tree = 0..newer;
    while tree.end != older {
        let middle = tree.start + split(tree.end - tree.start);
        if older <= middle {
            subtrees.push(middle..tree.end);
            tree.end = middle;
        } else {
            subtrees.push(tree.start..middle);
            tree.start = middle;
        }
    }
    // The verifier knows the older root, and so this subtree where it is the whole older tree.
    if tree.start > 0 {
        subtrees.push(tree);
    }
    subtrees.reverse();
    subtrees
}

/// The complete subtrees that a range consists of, from left to right: each one's level and its index
/// among those of the level.
pub(super) fn complete_subtrees(range: Range<u64>) -> Vec<(u32, u64)> {
    let mut subtrees = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let level = (range.end - start).ilog2();
        subtrees.push((level, start >> level));
        start += 1 << level;
    }
    subtrees
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_begins_where_its_subtrees_do() {
        for newer in 1..200 {
            for older in 1..=newer {
                let mut ranges = consistency(older, newer);
                ranges.extend(inclusion(older - 1, newer));
                for range in ranges {
                    let covered: u64 =
                        complete_subtrees(range.clone()).iter().map(|(level, _)| 1 << level).sum();
                    assert_eq!(covered, range.end - range.start);
                    let mut at = range.start;
                    for (level, index) in complete_subtrees(range.clone()) {
                        assert_eq!(index << level, at, "{range:?}");
                        at += 1 << level;
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_in_the_tree_has_no_proof() {
        assert!(inclusion(0, 0).is_empty() && inclusion(7, 7).is_empty());
        assert!(consistency(0, 5).is_empty() && consistency(6, 5).is_empty());
        // The largest tree that a log could have.
        let largest = i64::MAX.unsigned_abs();
        assert!(inclusion(largest - 1, largest).len() <= 63);
        assert!(consistency(largest - 1, largest).len() <= 64);
    }
}
