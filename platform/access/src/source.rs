//! What the text of Rego files is looked at for before they are parsed: what would keep the parser for
//! ever, and what would be answered wrongly without a word.

use studio_rego::{DEEPEST, tokens, too_deep};

use crate::bundle::{PolicyError, PolicyFile};

/// Refuses brackets that are too deep, by their line.
pub(crate) fn check_depth(file: &PolicyFile) -> Result<(), PolicyError> {
    let Some(line) = too_deep(&file.text) else { return Ok(()) };
    let message = format!(
        "more than {DEEPEST} brackets are within each other: put the data into data.json, or name a \
         part by a rule of its own"
    );
    Err(PolicyError::new(format!("{}:{line}", file.name), message))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> PolicyFile {
        PolicyFile { name: name.to_owned(), text: text.to_owned(), decides: false }
    }

    #[test]
    fn brackets_that_are_too_deep_are_told_by_their_line() {
        let deep = format!("package a\n\nx := {}{}", "[".repeat(13), "]".repeat(13));
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
