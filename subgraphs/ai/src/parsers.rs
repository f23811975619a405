//! The readers of what comes from outside, open to the fuzz targets and to nobody else: no part of
//! the subgraph's interface.

use crate::domain;

/// Where the passages of a text stand in it, as bytes, and the first and last line of each.
pub fn passages(text: &str) -> Vec<(std::ops::Range<usize>, u32, u32)> {
    let passages = domain::passages(text).into_iter();
    passages.map(|one| (one.start..one.end, one.start_line, one.end_line)).collect()
}
