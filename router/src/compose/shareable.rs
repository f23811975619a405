//! Says `@shareable` of each field instead of its type, which means the same (Apollo Federation,
//! "@shareable": on a type it stands for all fields of that declaration).
//!
//! The composing crate refuses a type marked as a whole that has a field in one subgraph and lacks it in
//! another, which federation allows where every way to the field can be answered.

use super::text::{Edit, apply, offset, type_end};
use async_graphql::parser::{
    parse_schema,
    types::{ConstDirective, TypeKind, TypeSystemDefinition},
};

/// Names of the directive, as imported and not.
const NAMES: [&str; 2] = ["shareable", "federation__shareable"];

/// The same schema with the mark on fields alone. A schema that cannot be read is left as it is: who
/// composes it says what is wrong.
pub(super) fn on_fields(sdl: &str) -> String {
    let Ok(document) = parse_schema(sdl) else {
        return sdl.to_owned();
    };
    let mut edits: Vec<Edit> = Vec::new();
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(ty) = definition else { continue };
        let TypeKind::Object(object) = &ty.node.kind else { continue };
        let Some(mark) = ty.node.directives.iter().find(|mark| is_shareable(&mark.node)) else {
            continue;
        };
        let name = &mark.node.name.node;
        let start = offset(sdl, mark.pos);
        edits.push((start..start + 1 + name.len(), String::new()));
        for field in &object.fields {
            let own = &field.node.directives;
            if own.iter().any(|mark| is_shareable(&mark.node) || mark.node.name.node == "external")
            {
                continue;
            }
            let end = type_end(sdl, offset(sdl, field.node.ty.pos));
            edits.push((end..end, format!(" @{name}")));
        }
    }
    apply(sdl, edits)
}

fn is_shareable(mark: &ConstDirective) -> bool {
    NAMES.contains(&mark.name.node.as_str())
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
