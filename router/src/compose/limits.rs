//! What the text of a schema may be, looked at before anything parses it: parsers call themselves for
//! what is nested, and a schema of a stranger must not end the process by that.

/// Levels of brackets within brackets. A list in an argument's default in a field has five.
const DEPTH: usize = 32;
/// Bytes of the schema of one subgraph that others run.
const BYTES: usize = 1 << 20;

/// Why the text of a schema is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdlError {
    /// It is too long.
    #[error("it has {0} bytes, and a schema of a subgraph may have {BYTES}")]
    TooLarge(usize),
    /// It is nested too deep.
    #[error("line {0}: more than {DEPTH} brackets are open")]
    Nested(usize),
}

/// Checks the schema of a subgraph that others run.
///
/// # Errors
/// Where it is too long or nested too deep.
pub fn check_sdl(sdl: &str) -> Result<(), SdlError> {
    if sdl.len() > BYTES {
        return Err(SdlError::TooLarge(sdl.len()));
    }
    check_nesting(sdl)
}

/// Counts the brackets that are open at once. Those in a string count by themselves: the selections of
/// `@key` and `@requires` stand in one, where an escape may be a bracket, too.
pub(super) fn check_nesting(sdl: &str) -> Result<(), SdlError> {
    let mut scan = Scan { rest: sdl, line: 1 };
    let mut open = 0;
    while let Some(character) = scan.next() {
        match character {
            '#' => scan.comment(),
            '"' => scan.string()?,
            other => scan.count(other, &mut open)?,
        }
    }
    Ok(())
}

struct Scan<'a> {
    rest: &'a str,
    line: usize,
}

impl Scan<'_> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        self.line += usize::from(character == '\n');
        Some(character)
    }

    fn skip(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn count(&self, character: char, open: &mut usize) -> Result<(), SdlError> {
        match character {
            '(' | '[' | '{' => *open += 1,
            ')' | ']' | '}' => *open = open.saturating_sub(1),
            _ => {}
        }
        if *open > DEPTH { Err(SdlError::Nested(self.line)) } else { Ok(()) }
    }

    fn comment(&mut self) {
        while self.next().is_some_and(|character| !matches!(character, '\n' | '\r')) {}
    }

    /// The rest of a string (GraphQL, section "String Value"). One that does not end is the parser's
    /// affair.
    fn string(&mut self) -> Result<(), SdlError> {
        let block = self.skip("\"\"");
        let mut open = 0;
        loop {
            if block && self.skip("\\\"\"\"") {
                continue;
            }
            if block && self.skip("\"\"\"") {
                return Ok(());
            }
            match self.next() {
                None => return Ok(()),
                Some('"' | '\n' | '\r') if !block => return Ok(()),
                Some('\\') if !block => {
                    if let Some(character) = self.escaped() {
                        self.count(character, &mut open)?;
                    }
                }
                Some(character) => self.count(character, &mut open)?,
            }
        }
    }

    /// What an escape stands for, where it is a character that is written by its number.
    fn escaped(&mut self) -> Option<char> {
        if self.next()? != 'u' {
            return None;
        }
        let braced = self.skip("{");
        let most = if braced { 8 } else { 4 };
        let digits = self.rest.bytes().take(most).take_while(u8::is_ascii_hexdigit).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        if braced {
            // Not a bracket that closes one.
            self.skip("}");
        }
        char::from_u32(u32::from_str_radix(number, 16).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(deep: usize) -> String {
        format!("type Query {{ a(b: {}1{}): Int }}", "[".repeat(deep), "]".repeat(deep))
    }

    #[test]
    fn brackets_are_counted_wherever_a_parser_would_go_down() {
        assert_eq!(check_sdl(&nested(DEPTH - 2)), Ok(()));
        assert_eq!(check_sdl(&nested(DEPTH - 1)), Err(SdlError::Nested(1)));
        let many = DEPTH + 1;
        for deep in [
            format!("type A\n{{ b: {}", "[".repeat(many)),
            format!("\n\ntype A @key(fields: \"{}\")", "a{".repeat(many)),
            format!("type A @key(fields: \"{}\")", "a\\u007B".repeat(many)),
            format!("type A @key(fields: \"{}\")", "a\\u{7b}".repeat(many)),
            format!("type A @key(fields: \"\"\"a \"b\" \\\"\"\" {}\"\"\")", "a{".repeat(many)),
        ] {
            assert!(matches!(check_sdl(&deep), Err(SdlError::Nested(_))), "{deep}");
        }
        assert!(
            check_sdl(&format!("\n{}", "(".repeat(many)))
                .unwrap_err()
                .to_string()
                .contains("line 2")
        );
    }

    #[test]
    fn what_is_not_nested_is_taken() {
        let many = DEPTH + 1;
        for flat in [
            format!("# {}\ntype A {{ b: Int }}", "[".repeat(many)),
            "type A { b(c: [Int!] = [1]): Int }\n".repeat(many),
            format!("{} type A", "\"(\" ".repeat(many)),
            format!("{} type A", "\"\"\"one ( of\nthem\"\"\" ".repeat(many)),
            "\"\" \"\\\"\" \"\\u00\" \"\"\"\"\"\"".to_owned(),
            "\"open".to_owned(),
        ] {
            assert_eq!(check_sdl(&flat), Ok(()), "{flat}");
        }
        let long = "#".repeat(BYTES + 1);
        assert_eq!(check_sdl(&long), Err(SdlError::TooLarge(BYTES + 1)));
    }
}
