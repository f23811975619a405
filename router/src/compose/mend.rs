//! What a composed supergraph lacks before the planner takes it: `@join__type` on the root types and
//! on interfaces, the `@link`s of directives that it uses, and `overrideLabel` on both sides of a
//! progressive override. And what it has too much: empty addresses. A supergraph that has all of it is
//! left as it is.

use graphql_tools::parser::schema::{
    self as ast, Definition, Directive, Document, ObjectType, TypeDefinition, Value,
};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) type Sdl = Document<'static, String>;
pub(crate) type Mark = Directive<'static, String>;

/// Directives whose meaning a supergraph has to declare by a link.
const LINKED: [(&str, &str); 3] = [
    ("authenticated", "https://specs.apollo.dev/authenticated/v0.1"),
    ("requiresScopes", "https://specs.apollo.dev/requiresScopes/v0.1"),
    ("policy", "https://specs.apollo.dev/policy/v0.1"),
];

/// Adds what is missing.
pub(super) fn mend(document: &mut Sdl) {
    join_roots(document);
    link_directives(document);
    label_overrides(document);
    super::interfaces::join(document);
    drop_empty_addresses(document);
}

/// The document as text, definitions in a fixed order.
pub(super) fn print(document: &Sdl) -> String {
    document.to_string()
}

/// The text or the name that an argument of a directive is.
pub(crate) fn argument<'a>(mark: &'a Mark, name: &str) -> Option<&'a str> {
    mark.arguments.iter().find_map(|(candidate, value)| match value {
        Value::String(text) | Value::Enum(text) if candidate == name => Some(text.as_str()),
        _ => None,
    })
}

fn objects(document: &mut Sdl) -> impl Iterator<Item = &mut ObjectType<'static, String>> {
    document.definitions.iter_mut().filter_map(|definition| match definition {
        Definition::TypeDefinition(TypeDefinition::Object(object)) => Some(object),
        _ => None,
    })
}

fn join_roots(document: &mut Sdl) {
    let roots: Vec<String> = [
        document.query_type_name(),
        document.mutation_type_name(),
        document.subscription_type_name(),
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect();
    for object in objects(document) {
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

fn link_directives(document: &mut Sdl) {
    let text = |mark: &Mark, found: &mut BTreeSet<&'static str>| {
        if let Some((name, _)) = LINKED.iter().find(|(name, _)| *name == mark.name) {
            found.insert(name);
        }
    };
    let mut used = BTreeSet::new();
    for definition in &document.definitions {
        let Definition::TypeDefinition(definition) = definition else {
            continue;
        };
        let (own, fields): (&[Mark], &[ast::Field<'static, String>]) = match definition {
            TypeDefinition::Object(object) => (&object.directives, &object.fields),
            TypeDefinition::Interface(interface) => (&interface.directives, &interface.fields),
            TypeDefinition::Enum(definition) => (&definition.directives, &[]),
            TypeDefinition::Scalar(scalar) => (&scalar.directives, &[]),
            TypeDefinition::Union(union) => (&union.directives, &[]),
            TypeDefinition::InputObject(input) => (&input.directives, &[]),
        };
        own.iter().for_each(|mark| text(mark, &mut used));
        for field in fields {
            field.directives.iter().for_each(|mark| text(mark, &mut used));
        }
    }
    for definition in &mut document.definitions {
        let Definition::SchemaDefinition(schema) = definition else {
            continue;
        };
        for (name, url) in LINKED {
            let prefix = url.trim_end_matches("v0.1");
            let linked = schema.directives.iter().any(|mark| {
                mark.name == "link"
                    && argument(mark, "url").is_some_and(|url| url.starts_with(prefix))
            });
            if used.contains(name) && !linked {
                schema.directives.push(Mark {
                    position: Default::default(),
                    name: "link".to_owned(),
                    arguments: vec![
                        ("url".to_owned(), Value::String(url.to_owned())),
                        ("for".to_owned(), Value::Enum("SECURITY".to_owned())),
                    ],
                });
            }
        }
    }
}

fn label_overrides(document: &mut Sdl) {
    let graphs = graph_names(document);
    for object in objects(document) {
        for field in &mut object.fields {
            let labels: Vec<(String, String)> = field
                .directives
                .iter()
                .filter(|mark| mark.name == "join__field")
                .filter_map(|mark| {
                    let overridden = graphs.get(argument(mark, "override")?)?;
                    Some((overridden.clone(), argument(mark, "overrideLabel")?.to_owned()))
                })
                .collect();
            for mark in &mut field.directives {
                let graph = argument(mark, "graph").unwrap_or_default().to_owned();
                let unlabelled =
                    mark.name == "join__field" && argument(mark, "overrideLabel").is_none();
                if let Some((_, label)) =
                    labels.iter().find(|(overridden, _)| unlabelled && *overridden == graph)
                {
                    let label = Value::String(label.clone());
                    mark.arguments.push(("overrideLabel".to_owned(), label));
                }
            }
        }
    }
}

/// A subgraph in process has no address.
fn drop_empty_addresses(document: &mut Sdl) {
    for definition in &mut document.definitions {
        if let Definition::TypeDefinition(TypeDefinition::Enum(definition)) = definition
            && definition.name == "join__Graph"
        {
            for mark in definition.values.iter_mut().flat_map(|value| &mut value.directives) {
                let empty = Value::String(String::new());
                mark.arguments.retain(|(name, value)| name != "url" || *value != empty);
            }
        }
    }
}

/// The values of `join__Graph` by the names of their subgraphs.
fn graph_names(document: &Sdl) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for definition in &document.definitions {
        if let Definition::TypeDefinition(TypeDefinition::Enum(definition)) = definition
            && definition.name == "join__Graph"
        {
            for value in &definition.values {
                for mark in &value.directives {
                    if let Some(name) = argument(mark, "name") {
                        names.insert(name.to_owned(), value.name.clone());
                    }
                }
            }
        }
    }
    names
}
