//! Says of an interface with a key in which other subgraphs it is.
//!
//! The composing crate names those subgraphs alone in which the interface has its key. Another one that
//! returns the interface could then not be asked for it.

use super::mend::{Mark, Sdl, argument};
use graphql_tools::parser::schema::{Definition, InterfaceType, TypeDefinition, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Adds `@join__type` for each subgraph in which an object implements the interface.
pub(super) fn join(document: &mut Sdl) {
    let implemented = implemented(document);
    for definition in &mut document.definitions {
        if let Definition::TypeDefinition(TypeDefinition::Interface(interface)) = definition
            && let Some(graphs) = implemented.get(&interface.name)
        {
            add(interface, graphs);
        }
    }
}

/// The subgraphs in which each interface is implemented.
fn implemented(document: &Sdl) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for definition in &document.definitions {
        let Definition::TypeDefinition(TypeDefinition::Object(object)) = definition else {
            continue;
        };
        for mark in object.directives.iter().filter(|mark| mark.name == "join__implements") {
            if let (Some(interface), Some(graph)) =
                (argument(mark, "interface"), argument(mark, "graph"))
            {
                all.entry(interface.to_owned()).or_default().insert(graph.to_owned());
            }
        }
    }
    all
}

fn add(interface: &mut InterfaceType<'static, String>, graphs: &BTreeSet<String>) {
    let joined: BTreeSet<String> = interface
        .directives
        .iter()
        .filter(|mark| mark.name == "join__type")
        .filter_map(|mark| argument(mark, "graph").map(str::to_owned))
        .collect();
    let missing: Vec<&String> = graphs.difference(&joined).collect();
    if joined.is_empty() || missing.is_empty() {
        return;
    }
    // A field without `@join__field` is in all subgraphs of its type, which become more.
    for field in &mut interface.fields {
        if !field.directives.iter().any(|mark| mark.name == "join__field") {
            field.directives.extend(joined.iter().map(|graph| of_graph("join__field", graph)));
        }
    }
    interface.directives.extend(missing.into_iter().map(|graph| of_graph("join__type", graph)));
}

fn of_graph(name: &str, graph: &str) -> Mark {
    Mark {
        position: Default::default(),
        name: name.to_owned(),
        arguments: vec![("graph".to_owned(), Value::Enum(graph.to_owned()))],
    }
}
