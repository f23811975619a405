//! What the text of Rego is looked at for before it is parsed: what would keep the parser for ever.

/// Brackets of any kind within each other. The parser's time doubles with each `[` or `{`, so that
/// thirty of them would take days; what is deeper belongs into data.
pub const DEEPEST: usize = 12;

/// The line of the first bracket that is within more than [`DEEPEST`] others.
pub fn too_deep(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for Token { line, text } in tokens(text) {
        match text {
            "(" | "[" | "{" => open += 1,
            ")" | "]" | "}" => open = open.saturating_sub(1),
            _ => {}
        }
        if open > DEEPEST {
            return Some(line);
        }
    }
    None
}

/// A piece of Rego text.
pub struct Token<'a> {
    /// From 1.
    pub line: usize,
    /// A word, a string with its quotes, or one other character.
    pub text: &'a str,
}

/// Words, strings and marks, without comments and white space.
pub fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let (mut rest, mut line) = (text, 1);
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            let length = match first {
                '#' => rest.find('\n').unwrap_or(rest.len()),
                '"' => string(rest),
                '`' => rest[1..].find('`').map_or(rest.len(), |end| end + 2),
                _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            let (text, after) = rest.split_at(length);
            let token = Token { line, text };
            line += text.matches('\n').count();
            rest = after;
            if !first.is_whitespace() && first != '#' {
                return Some(token);
            }
        }
    })
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// How long the string is that the text begins with, quotes included; to the end of the line where it
/// does not end.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_where_they_are_brackets() {
        let nested = |depth: usize| format!("x := {}{}\n", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(too_deep(&nested(12).repeat(3)), None);
        let quoted = format!("x := \"{0}\\\"{0}\" # {0}\ny := `{0}`\n", "[{(".repeat(20));
        assert_eq!(too_deep(&quoted), None);
        assert_eq!(too_deep(&format!("package a\n\n{}", nested(13))), Some(3));
    }
}
