//! What the text of Rego files is looked at for before they are parsed: what would keep the parser for
//! ever, and what would be answered wrongly without a word.

use crate::bundle::{PolicyError, PolicyFile};

/// Brackets of any kind within each other. The parser's time doubles with each `[` or `{`, so that
/// thirty of them would take days; what is deeper belongs into `data.json`.
const DEEPEST: usize = 12;

/// Refuses brackets that are too deep, by their line.
pub(crate) fn check_depth(file: &PolicyFile) -> Result<(), PolicyError> {
    let mut open = 0_usize;
    for Token { line, text } in tokens(&file.text) {
        match text {
            "(" | "[" | "{" => open += 1,
            ")" | "]" | "}" => open = open.saturating_sub(1),
            _ => {}
        }
        if open > DEEPEST {
            let message = format!(
                "more than {DEEPEST} brackets are within each other: put the data into data.json, or \
                 name a part by a rule of its own"
            );
            return Err(PolicyError::new(format!("{}:{line}", file.name), message));
        }
    }
    Ok(())
}

/// Refuses imports of packages that are in several files. The engine takes such a package for evaluated
/// once the first of its files is, so that what the others say is missing from it, denials too; a rule
/// that is named in full is always whole.
pub(crate) fn check_imports(files: &[(&PolicyFile, String)]) -> Result<(), PolicyError> {
    for (file, _) in files {
        for (line, path) in imports(&file.text) {
            let within = |package: &str| {
                package
                    .strip_prefix(&*path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let mut together = files.iter().filter(|(_, package)| within(package));
            if let (Some((_, package)), Some(_)) = (together.next(), together.next()) {
                let message = format!(
                    "it imports {path}, which is in several files, and would see a part of it: leave the \
                     import out and name each rule in full, such as {package}.RULE"
                );
                return Err(PolicyError::new(format!("{}:{line}", file.name), message));
            }
        }
    }
    Ok(())
}

/// Lines and paths of the imports of data, as `data.a.b`.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut tokens = tokens(text).peekable();
    while let Some(token) = tokens.next() {
        if token.text != "import" || tokens.next_if(|next| next.text == "data").is_none() {
            continue;
        }
        let mut path = "data".to_owned();
        while let Some(mark) = tokens.next_if(|next| matches!(next.text, "." | "[")) {
            let Some(part) = tokens.next() else { break };
            path.push('.');
            path.push_str(part.text.trim_matches(['"', '`']));
            if mark.text == "[" {
                tokens.next_if(|next| next.text == "]");
            }
        }
        found.push((token.line, path));
    }
    found
}

struct Token<'a> {
    /// From 1.
    line: usize,
    /// A word, a string with its quotes, or one other character.
    text: &'a str,
}

/// Words, strings and marks, without comments and white space.
fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
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

    fn file(name: &str, text: &str) -> PolicyFile {
        PolicyFile { name: name.to_owned(), text: text.to_owned(), decides: false }
    }

    #[test]
    fn brackets_count_where_they_are_brackets() {
        let nested = |depth: usize| format!("x := {}{}\n", "[".repeat(depth), "]".repeat(depth));
        check_depth(&file("a.rego", &nested(12).repeat(3))).unwrap();
        let quoted = format!("x := \"{0}\\\"{0}\" # {0}\ny := `{0}`\n", "[{(".repeat(20));
        check_depth(&file("a.rego", &quoted)).unwrap();
        let deep = format!("package a\n\n{}", nested(13));
        let said = check_depth(&file("a.rego", &deep)).unwrap_err().to_string();
        assert!(said.contains("a.rego:3") && said.contains("12 brackets"), "{said}");
    }

    #[test]
    fn imports_are_found() {
        let text = "package a\nimport rego.v1\nimport data.b as c # data.no\nimport data[\"d e\"].f\n\
                    x := \"import data.z\"; import data\n";
        let found = imports(text);
        let told: Vec<_> = found.iter().map(|(line, path)| (*line, &**path)).collect();
        assert_eq!(told[..2], [(3, "data.b"), (4, "data.d e.f")]);
        assert_eq!(told.last(), Some(&(5, "data")));
    }

    #[test]
    fn a_package_in_several_files_is_not_imported() {
        let files = [
            file("a.rego", "package data.shared\n"),
            file("b.rego", ""),
            file("c.rego", "import data.one\nimport data.shared.rule\nimport data.sha\n"),
        ];
        let packaged = |packages: [&str; 3]| -> Vec<(&PolicyFile, String)> {
            files.iter().zip(packages.map(str::to_owned)).collect()
        };
        check_imports(&packaged(["data.shared", "data.shared", "data.c"])).unwrap();
        for second in ["data.one", "data.one.below"] {
            let said =
                check_imports(&packaged(["data.one", second, "data.c"])).unwrap_err().to_string();
            assert!(said.contains("c.rego:1") && said.contains("data.one"), "{said}");
        }
    }
}
