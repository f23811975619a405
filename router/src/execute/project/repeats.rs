//! Objects that are written already: one entity may stand in many places of an answer, and where all
//! is well its text is the same in each.

use crate::{data::Arena, plan::types::Selection};
use std::ops::Range;

/// Where the text of each object stands in the answer, by what was selected of it last. The answer may
/// only grow as long as this is used.
#[derive(Default)]
pub(super) struct Repeats<'a> {
    written: Vec<Written<'a>>,
}

#[derive(Clone, Copy, Default)]
struct Written<'a> {
    selection: Option<&'a Selection>,
    start: u32,
    end: u32,
}

impl<'a> Repeats<'a> {
    /// Room for all objects of the arena. The default has none: then nothing is remembered.
    pub(super) fn of(arena: &Arena) -> Repeats<'a> {
        Repeats { written: vec![Written::default(); arena.objects()] }
    }

    /// Where the text of an object is, which is named by its number in the arena.
    pub(super) fn find(&self, selection: &Selection, object: usize) -> Option<Range<usize>> {
        let written = self.written.get(object)?;
        let same = written.selection.is_some_and(|known| std::ptr::eq(known, selection));
        same.then_some(written.start as usize..written.end as usize)
    }

    pub(super) fn remember(
        &mut self,
        selection: &'a Selection,
        object: usize,
        Range { start, end }: Range<usize>,
    ) {
        // Beyond 4 GiB nothing is remembered.
        let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) else { return };
        if let Some(written) = self.written.get_mut(object) {
            *written = Written { selection: Some(selection), start, end };
        }
    }
}
