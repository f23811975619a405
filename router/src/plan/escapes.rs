//! Writes the escape `\b` of strings as `\u0008`, for the parser's crate takes it for U+0010.

use std::borrow::Cow;

/// The same document without `\b` in its strings. Block strings and comments have no escapes.
pub(super) fn mend(text: &str) -> Cow<'_, str> {
    if !text.contains("\\b") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '"' if rest.starts_with("\"\"\"") => block_length(rest),
            '"' => {
                let length = string_length(rest);
                push_string(&rest[..length], &mut out);
                rest = &rest[length..];
                continue;
            }
            other => other.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Cow::Owned(out)
}

fn block_length(text: &str) -> usize {
    let mut at = 3;
    while let Some(found) = text[at..].find("\"\"\"") {
        at += found + 3;
        if !text[..at - 3].ends_with('\\') {
            return at;
        }
    }
    text.len()
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            // Not closed: the parser says so.
            '\n' | '\r' => return index,
            _ => {}
        }
    }
    text.len()
}

fn push_string(string: &str, out: &mut String) {
    let mut escaped = false;
    for character in string.chars() {
        match character {
            'b' if escaped => out.push_str("u0008"),
            other => out.push(other),
        }
        escaped = character == '\\' && !escaped;
    }
}

#[cfg(test)]
mod tests {
    use super::mend;

    #[test]
    fn only_escapes_of_strings_are_written_otherwise() {
        for (given, made) in [
            (r#"{ a(b: "\b") }"#, r#"{ a(b: "\u0008") }"#),
            (r#"{ a(b: "\\b \"\b") b: "\b"#, r#"{ a(b: "\\b \"\u0008") b: "\u0008"#),
            (
                r#"{ a(b: """\b \""" " \b""", c: "é\bé") }"#,
                r#"{ a(b: """\b \""" " \b""", c: "é\u0008é") }"#,
            ),
            ("# \"\\b\n{ a(b: \"\") # \\b", "# \"\\b\n{ a(b: \"\") # \\b"),
            ("{ a(b: \"\\\\\nb \\b", "{ a(b: \"\\\\\nb \\b"),
        ] {
            assert_eq!(mend(given), made);
        }
    }
}
