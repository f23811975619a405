//! Edits of a schema's text at the places that its parser names.

use async_graphql::Pos;
use std::ops::Range;

/// Bytes, and what comes in their place.
pub(super) type Edit = (Range<usize>, String);

/// The text with the edits, none of which overlaps another.
pub(super) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut out = text.to_owned();
    for (place, text) in edits {
        out.replace_range(place, &text);
    }
    out
}

/// The byte at a position, whose line and column count from one, the column in characters.
pub(super) fn offset(text: &str, at: Pos) -> usize {
    let start: usize = text.split_inclusive('\n').take(at.line - 1).map(str::len).sum();
    let line = &text[start..];
    start + line.char_indices().nth(at.column - 1).map_or(line.len(), |(index, _)| index)
}

/// Where the type that begins at `start` ends.
pub(super) fn type_end(text: &str, start: usize) -> usize {
    let mut depth = 0usize;
    let mut end = start;
    let mut named = false;
    for (index, character) in text[start..].char_indices() {
        let after = start + index + character.len_utf8();
        match character {
            '[' if !named => depth += 1,
            ']' if named && depth > 0 => {
                depth -= 1;
                end = after;
            }
            '!' if named => end = after,
            '_' | 'a'..='z' | 'A'..='Z' | '0'..='9' if !named || end == start + index => {
                named = true;
                end = after;
            }
            character if character.is_whitespace() || character == ',' => {}
            _ => break,
        }
    }
    end
}
