//! Supergraphs as documents.

use graphql_tools::parser::schema::{Definition, Directive, Document, TypeDefinition, Value};
use std::collections::BTreeSet;

pub(crate) type Sdl = Document<'static, String>;
pub(crate) type Mark = Directive<'static, String>;

/// The text or the name that an argument of a directive is.
pub(crate) fn argument<'a>(mark: &'a Mark, name: &str) -> Option<&'a str> {
    mark.arguments.iter().find_map(|(candidate, value)| match value {
        Value::String(text) | Value::Enum(text) if candidate == name => Some(text.as_str()),
        _ => None,
    })
}

/// The name of a type.
pub(super) fn type_name<'a>(ty: &'a TypeDefinition<'static, String>) -> &'a String {
    match ty {
        TypeDefinition::Scalar(scalar) => &scalar.name,
        TypeDefinition::Object(object) => &object.name,
        TypeDefinition::Interface(interface) => &interface.name,
        TypeDefinition::Union(union) => &union.name,
        TypeDefinition::Enum(definition) => &definition.name,
        TypeDefinition::InputObject(input) => &input.name,
    }
}

/// Says of root types which subgraphs have them, where a supergraph says it of their fields alone, as those of
/// some tools do.
pub(super) fn join_roots(document: &mut Sdl) {
    let roots: Vec<String> = [
        document.query_type_name(),
        document.mutation_type_name(),
        document.subscription_type_name(),
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect();
    for definition in &mut document.definitions {
        let Definition::TypeDefinition(TypeDefinition::Object(object)) = definition else {
            continue;
        };
        let joined = object.directives.iter().any(|mark| mark.name == "join__type");
        if joined || !roots.contains(&object.name) {
            continue;
        }
        let graphs: BTreeSet<String> = object
            .fields
            .iter()
            .flat_map(|field| &field.directives)
            .filter(|mark| mark.name == "join__field")
            .filter_map(|mark| argument(mark, "graph").map(str::to_owned))
            .collect();
        object.directives.extend(graphs.into_iter().map(|graph| Mark {
            position: Default::default(),
            name: "join__type".to_owned(),
            arguments: vec![("graph".to_owned(), Value::Enum(graph))],
        }));
    }
}
