//! Texts of documents, cut into passages: every quote stands in its text where it is said to, in
//! order and in the lines that are named, and nothing but white space is left out.

use studio_ai::parsers;

const MOST: usize = 1_000;

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut end = 0;
    for (place, first_line, last_line) in parsers::passages(text) {
        assert!(place.start >= end, "passages overlap");
        assert!(text[end..place.start].trim().is_empty(), "words are left out");
        end = place.end;
        let line_of = |at| 1 + text[..at].matches('\n').count();
        assert_eq!(line_of(place.start), first_line as usize);
        let passage = &text[place];
        assert!(!passage.trim().is_empty() && passage.chars().count() <= MOST);
        assert_eq!(line_of(end - usize::from(passage.ends_with('\n'))), last_line as usize);
    }
    assert!(text[end..].trim().is_empty(), "words are left out at the end");
}
