//! Says `@shareable` of each field instead of its type, which means the same (Apollo Federation,
//! "@shareable": on a type it stands for all fields of that declaration).
//!
//! The composing crate refuses a type marked as a whole that has a field in one subgraph and lacks it in
//! another, which federation allows where every way to the field can be answered.

use async_graphql::{
    Pos,
    parser::{
        parse_schema,
        types::{ConstDirective, TypeKind, TypeSystemDefinition},
    },
};

/// Names of the directive, as imported and not.
const NAMES: [&str; 2] = ["shareable", "federation__shareable"];

/// The same schema with the mark on fields alone. A schema that cannot be read is left as it is: who
/// composes it says what is wrong.
pub(super) fn on_fields(sdl: &str) -> String {
    let Ok(document) = parse_schema(sdl) else {
        return sdl.to_owned();
    };
    // Byte ranges and what comes in their place.
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(ty) = definition else { continue };
        let TypeKind::Object(object) = &ty.node.kind else { continue };
        let Some(mark) = ty.node.directives.iter().find(|mark| is_shareable(&mark.node)) else {
            continue;
        };
        let name = &mark.node.name.node;
        let start = offset(sdl, mark.pos);
        edits.push((start, start + 1 + name.len(), String::new()));
        for field in &object.fields {
            let own = &field.node.directives;
            if own.iter().any(|mark| is_shareable(&mark.node) || mark.node.name.node == "external")
            {
                continue;
            }
            let end = type_end(sdl, offset(sdl, field.node.ty.pos));
            edits.push((end, end, format!(" @{name}")));
        }
    }
    edits.sort_by_key(|(start, ..)| std::cmp::Reverse(*start));
    let mut out = sdl.to_owned();
    for (start, end, text) in edits {
        out.replace_range(start..end, &text);
    }
    out
}

fn is_shareable(mark: &ConstDirective) -> bool {
    NAMES.contains(&mark.name.node.as_str())
}

/// The byte at a position, whose line and column count from one, the column in characters.
fn offset(text: &str, at: Pos) -> usize {
    let start: usize = text.split_inclusive('\n').take(at.line - 1).map(str::len).sum();
    let line = &text[start..];
    start + line.char_indices().nth(at.column - 1).map_or(line.len(), |(index, _)| index)
}

/// Where the type that begins at `start` ends.
fn type_end(text: &str, start: usize) -> usize {
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

#[cfg(test)]
mod tests {
    use super::on_fields;

    #[test]
    fn the_mark_moves_to_the_fields() {
        for (given, made) in [
            (
                "extend schema @link(url: \"u\")\ntype A @shareable { a: Int b(x: [Int!]! = [1]): [[B!]!] c: C! @shareable d: D @external }",
                "extend schema @link(url: \"u\")\ntype A  { a: Int @shareable b(x: [Int!]! = [1]): [[B!]!] @shareable c: C! @shareable d: D @external }",
            ),
            (
                "\"é\" type A @key(fields: \"a\") @federation__shareable {\n  \"ü\" a: Int! @tag(name: \"x\"),\n  b: T }",
                "\"é\" type A @key(fields: \"a\")  {\n  \"ü\" a: Int! @federation__shareable @tag(name: \"x\"),\n  b: T @federation__shareable }",
            ),
            ("type A { a: Int @shareable }", "type A { a: Int @shareable }"),
            ("type A @shareable {", "type A @shareable {"),
        ] {
            assert_eq!(on_fields(given), made);
        }
    }
}
