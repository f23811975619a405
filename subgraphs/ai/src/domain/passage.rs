//! Cutting text into passages of about 1,000 characters, along lines and paragraphs where it can.

/// A part of a text that can be quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Byte at which it starts.
    pub(crate) start: usize,
    /// Byte behind its end.
    pub(crate) end: usize,
    /// The line that it starts in, from 1.
    pub(crate) start_line: u32,
    /// The line that it ends in.
    pub(crate) end_line: u32,
}

/// No passage is longer, in characters.
const MOST: usize = 1_000;
/// A passage of so many characters ends with its paragraph.
const ENOUGH: usize = 500;
/// A passage of so many characters ends before a heading.
const ENOUGH_OF_A_SECTION: usize = 200;

/// The passages of a text, in order. Together they hold every character but white space.
pub(crate) fn passages(text: &str) -> Vec<Passage> {
    let mut cutter = Cutter { text, done: Vec::new(), open: None, characters: 0 };
    let mut start = 0;
    for (number, line) in (1_u32..).zip(text.split_inclusive('\n')) {
        if cutter.characters >= enough_before(line) {
            cutter.close();
        }
        let mut rest = line;
        while !rest.is_empty() {
            let piece = &rest[..piece_length(rest)];
            cutter.add(start, piece, number);
            start += piece.len();
            rest = &rest[piece.len()..];
        }
    }
    cutter.close();
    cutter.done
}

/// How long a passage must be to end before this line: blank lines separate paragraphs, and
/// Markdown headings sections.
fn enough_before(line: &str) -> usize {
    if line.starts_with('#') {
        ENOUGH_OF_A_SECTION
    } else if line.trim().is_empty() {
        ENOUGH
    } else {
        usize::MAX
    }
}

/// How many bytes of a line go into one passage: all, or up to the last white space within the
/// limit, or up to the limit.
fn piece_length(line: &str) -> usize {
    let Some((limit, _)) = line.char_indices().nth(MOST) else { return line.len() };
    let space = line[..limit].char_indices().rev().find(|(_, c)| c.is_whitespace());
    match space {
        Some((at, c)) if at > 0 => at + c.len_utf8(),
        _ => limit,
    }
}

struct Cutter<'a> {
    text: &'a str,
    done: Vec<Passage>,
    open: Option<Passage>,
    characters: usize,
}

impl Cutter<'_> {
    fn add(&mut self, start: usize, piece: &str, line: u32) {
        let length = piece.chars().count();
        if self.characters + length > MOST {
            self.close();
        }
        let words = piece.trim_end().len();
        if words == 0 {
            // White space counts once words follow it.
            self.characters += if self.open.is_some() { length } else { 0 };
            return;
        }
        let end = start + words;
        match &mut self.open {
            Some(open) => (open.end, open.end_line) = (end, line),
            None => {
                let start = start + (piece.len() - piece.trim_start().len());
                self.open = Some(Passage { start, end, start_line: line, end_line: line });
            }
        }
        self.characters += length;
    }

    fn close(&mut self) {
        debug_assert!(self.open.is_none_or(|open| self.text.get(open.start..open.end).is_some()));
        self.done.extend(self.open.take());
        self.characters = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quote(text: &str, passage: Passage) -> &str {
        &text[passage.start..passage.end]
    }

    #[test]
    fn a_short_text_is_one_passage() {
        let text = "\n\n  # Keys\r\n\r\nRotate them.\r\n\n";
        let found = passages(text);
        assert_eq!(found, [Passage { start: 4, end: 26, start_line: 3, end_line: 5 }]);
        assert_eq!(quote(text, found[0]), "# Keys\r\n\r\nRotate them.");
        assert!(passages(" \n ").is_empty());
    }

    #[test]
    fn paragraphs_stay_together() {
        let paragraph = format!("{}\n", "word ".repeat(110));
        let text = format!("{paragraph}\n{paragraph}# Next\n{paragraph}");
        let lines: Vec<_> = passages(&text).iter().map(|p| (p.start_line, p.end_line)).collect();
        assert_eq!(lines, [(1, 1), (3, 3), (4, 5)]);
    }

    #[test]
    fn long_lines_break_between_words() {
        let text = "word ".repeat(1_000);
        let found = passages(&text);
        assert_eq!(found.len(), 5);
        assert!(found.iter().all(|p| p.start_line == 1 && quote(&text, *p).ends_with("word")));
    }

    proptest! {
        #[test]
        fn every_word_is_in_one_passage_and_none_is_too_long(
            parts in prop::collection::vec("[a-zäß€ \n\r#]{0,80}|x{990,1100}|\n", 0..60)
        ) {
            let text = parts.concat();
            let found = passages(&text);
            let mut at = 0;
            for passage in &found {
                prop_assert!(text[at..passage.start].trim().is_empty());
                let quoted = quote(&text, *passage);
                prop_assert_eq!(quoted.trim(), quoted);
                prop_assert!(quoted.chars().count() <= MOST);
                let line = |at: usize| 1 + text[..at].matches('\n').count() as u32;
                prop_assert_eq!(line(passage.start), passage.start_line);
                prop_assert_eq!(line(passage.end), passage.end_line);
                at = passage.end;
            }
            prop_assert!(text[at..].trim().is_empty());
        }
    }
}
