//! Keeps `@specifiedBy` of custom scalars, which the composing crate leaves out.

use super::{
    SubgraphSdl,
    mend::{Mark, Sdl},
};
use async_graphql::{
    Value as Const,
    parser::{
        parse_schema,
        types::{TypeKind, TypeSystemDefinition},
    },
};
use graphql_tools::parser::schema::{Definition, TypeDefinition, Value};
use std::collections::BTreeMap;

/// The addresses of the scalars' specifications. Of several for one scalar, that of the first subgraph.
pub(super) fn specified(subgraphs: &[SubgraphSdl]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    // What cannot be read is refused by who composes it.
    for document in subgraphs.iter().filter_map(|subgraph| parse_schema(&subgraph.sdl).ok()) {
        for definition in document.definitions {
            let TypeSystemDefinition::Type(ty) = definition else { continue };
            let TypeKind::Scalar = ty.node.kind else { continue };
            let mark = ty.node.directives.iter().find(|mark| mark.node.name.node == "specifiedBy");
            let url = mark.and_then(|mark| mark.node.get_argument("url")).map(|url| &url.node);
            if let Some(Const::String(url)) = url {
                all.entry(ty.node.name.node.to_string()).or_insert_with(|| url.clone());
            }
        }
    }
    all
}

/// Adds the addresses to the scalars of a supergraph.
pub(super) fn specify(document: &mut Sdl, urls: &BTreeMap<String, String>) {
    for definition in &mut document.definitions {
        if let Definition::TypeDefinition(TypeDefinition::Scalar(scalar)) = definition
            && let Some(url) = urls.get(&scalar.name)
            && !scalar.directives.iter().any(|mark| mark.name == "specifiedBy")
        {
            scalar.directives.push(Mark {
                position: Default::default(),
                name: "specifiedBy".to_owned(),
                arguments: vec![("url".to_owned(), Value::String(url.clone()))],
            });
        }
    }
}
