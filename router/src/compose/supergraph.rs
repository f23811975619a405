//! Reads a supergraph: for planning, and as the public schema that clients see.

use super::{
    CompositionErrors, accessible,
    limits::check_nesting,
    sdl::{self, Sdl},
};
use crate::{plan::document::Validator, planner::Supergraph, schema::Schema};
use graphql_tools::parser::schema::{self as ast, Definition, TypeDefinition};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

/// Prefixes of names that belong to the machinery of federation.
const MACHINERY: [&str; 9] = [
    "join__",
    "link__",
    "core__",
    "federation__",
    "composite__",
    "extension__",
    "requiresScopes__",
    "policy__",
    "context__",
];

const BUILT_IN: [&str; 11] = [
    "Boolean",
    "Float",
    "ID",
    "Int",
    "String",
    "skip",
    "include",
    "defer",
    "deprecated",
    "specifiedBy",
    "oneOf",
];

/// Reads a supergraph: for planning, for projecting and for validating.
pub(crate) fn read_supergraph(
    sdl: &str,
) -> Result<(Supergraph, Schema, Validator), CompositionErrors> {
    parse(sdl).map_err(|reason| unusable(&reason)).and_then(read_document)
}

/// The addresses that a supergraph gives of its subgraphs (`@join__graph(url:)`), by their names; empty
/// where it gives none.
///
/// # Errors
/// Where the text is no schema, or names a subgraph without `@join__graph`.
pub fn subgraph_addresses(sdl: &str) -> Result<BTreeMap<String, String>, CompositionErrors> {
    let named = parse(sdl).and_then(|document| Supergraph::subgraphs_of(&document));
    let named = named.map_err(|reason| unusable(&reason))?;
    Ok(named.into_iter().map(|subgraph| (subgraph.name, subgraph.url)).collect())
}

fn unusable(reason: &str) -> CompositionErrors {
    CompositionErrors::one(format!("the supergraph cannot be used: {reason}"))
}

/// A schema document, or why the text is none.
pub(super) fn parse(sdl: &str) -> Result<Sdl, String> {
    check_nesting(sdl).map_err(|error| error.to_string())?;
    ast::parse_schema::<String>(sdl)
        .map(ast::Document::into_static)
        .map_err(|error| format!("it is not a GraphQL schema: {error}"))
}

/// [`read_supergraph`] of a document.
pub(super) fn read_document(
    mut document: Sdl,
) -> Result<(Supergraph, Schema, Validator), CompositionErrors> {
    let fail = |reason: String| unusable(&reason);
    let has_query = document.query_type_name().is_some_and(|query| {
        document.definitions.iter().any(|definition| {
            matches!(definition, Definition::TypeDefinition(TypeDefinition::Object(object)) if object.name == *query)
        })
    });
    if !has_query {
        return Err(fail(
            "it has no query type; at least one subgraph must define a field of Query".to_owned(),
        ));
    }
    if has_extensions(&document) {
        return Err(fail(
            "it has type extensions; give the composed supergraph, not a subgraph".to_owned(),
        ));
    }
    sdl::join_roots(&mut document);
    let supergraph = Supergraph::new(&document).map_err(&fail)?;
    if supergraph.subgraphs.is_empty() {
        return Err(fail("it names no subgraph (enum join__Graph is missing or empty)".to_owned()));
    }
    let types = types_of_objects(&document);
    let public = public(document).map_err(&fail)?;
    let schema = Schema::build(&public).map_err(|error| fail(error.to_string()))?;
    let validator = Validator::new(public, &schema);
    Ok((supergraph, schema.of_types(types), validator))
}

/// The names of which an object may say that they are its type's.
fn types_of_objects(document: &Sdl) -> Vec<Arc<str>> {
    let names = document.definitions.iter().filter_map(|definition| match definition {
        Definition::TypeDefinition(TypeDefinition::Object(object)) => Some(&object.name),
        Definition::TypeDefinition(TypeDefinition::Interface(interface)) => Some(&interface.name),
        _ => None,
    });
    names.map(|name| name.as_str().into()).collect()
}

/// The public schema's document, with introspection as this router answers it.
fn public(mut document: Sdl) -> Result<Sdl, String> {
    accessible::only(&mut document);
    document.definitions.retain(|definition| {
        let name = name(definition).unwrap_or_default();
        !is_machinery(name)
    });
    drop_hidden_names(&mut document);
    with_built_ins(document)
}

/// Whether a type or directive belongs to the machinery of federation.
pub(super) fn is_machinery(name: &str) -> bool {
    MACHINERY.iter().any(|prefix| name.starts_with(prefix))
}

/// Puts what every schema has, and introspection as this router answers it, in the place of what the
/// document lists of it.
pub(super) fn with_built_ins(mut document: Sdl) -> Result<Sdl, String> {
    document.definitions.retain(|definition| {
        let name = name(definition).unwrap_or_default();
        !name.starts_with("__") && !BUILT_IN.contains(&name)
    });
    let built_ins = ast::parse_schema::<String>(crate::schema::BUILT_INS)
        .map_err(|error| error.to_string())?
        .into_static();
    document.definitions.extend(built_ins.definitions);
    Ok(document)
}

/// Whether the document is of a subgraph, which extends what others define.
pub(super) fn has_extensions(document: &Sdl) -> bool {
    document.definitions.iter().any(|definition| matches!(definition, Definition::TypeExtension(_)))
}

/// The name of a type or directive.
fn name<'a>(definition: &'a Definition<'static, String>) -> Option<&'a str> {
    let name = match definition {
        Definition::TypeDefinition(definition) => sdl::type_name(definition),
        Definition::DirectiveDefinition(directive) => &directive.name,
        Definition::SchemaDefinition(_) | Definition::TypeExtension(_) => return None,
    };
    Some(name)
}

/// Takes hidden types out of unions and out of the interfaces that a type implements.
fn drop_hidden_names(document: &mut Sdl) {
    let known: HashSet<String> = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::TypeDefinition(TypeDefinition::Object(object)) => Some(object.name.clone()),
            Definition::TypeDefinition(TypeDefinition::Interface(interface)) => {
                Some(interface.name.clone())
            }
            _ => None,
        })
        .collect();
    for definition in &mut document.definitions {
        let names = match definition {
            Definition::TypeDefinition(TypeDefinition::Union(union)) => &mut union.types,
            Definition::TypeDefinition(TypeDefinition::Object(object)) => {
                &mut object.implements_interfaces
            }
            Definition::TypeDefinition(TypeDefinition::Interface(interface)) => {
                &mut interface.implements_interfaces
            }
            _ => continue,
        };
        names.retain(|name| known.contains(name));
    }
}
