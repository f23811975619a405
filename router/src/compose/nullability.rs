//! Gives a shared field the type that takes what each subgraph answers: what may be null in one of them
//! may be null, at each level of a list (Apollo Federation, "Differing shared field return types").
//!
//! The composing crate does so for the field itself, and refuses lists whose items differ.

use super::{
    SubgraphSdl,
    text::{Edit, apply, offset, type_end},
};
use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, ServiceDocument, Type, TypeKind, TypeSystemDefinition},
};
use std::collections::BTreeMap;

/// Rewrites the types of fields that differ in what may be null, and in nothing else.
pub(super) fn loosen(subgraphs: &mut [SubgraphSdl]) {
    let documents: Vec<Option<ServiceDocument>> =
        subgraphs.iter().map(|subgraph| parse_schema(&subgraph.sdl).ok()).collect();
    // `None` where the types cannot be one.
    let mut merged: BTreeMap<(String, String), Option<Type>> = BTreeMap::new();
    for document in documents.iter().flatten() {
        for (name, field) in fields(document) {
            let own = &field.ty.node;
            merged
                .entry(name)
                .and_modify(|ty| *ty = ty.as_ref().and_then(|ty| merge(ty, own)))
                .or_insert_with(|| Some(own.clone()));
        }
    }
    for (subgraph, document) in subgraphs.iter_mut().zip(&documents) {
        let Some(document) = document else { continue };
        let mut edits: Vec<Edit> = Vec::new();
        for (name, field) in fields(document) {
            let own = &field.ty;
            if let Some(Some(ty)) = merged.get(&name)
                && *ty != own.node
            {
                let start = offset(&subgraph.sdl, own.pos);
                edits.push((start..type_end(&subgraph.sdl, start), ty.to_string()));
            }
        }
        subgraph.sdl = apply(&subgraph.sdl, edits);
    }
}

/// The fields of all objects and interfaces, with the names of type and field.
fn fields(
    document: &ServiceDocument,
) -> impl Iterator<Item = ((String, String), &FieldDefinition)> {
    document.definitions.iter().flat_map(|definition| {
        let (owner, fields) = match definition {
            TypeSystemDefinition::Type(ty) => match &ty.node.kind {
                TypeKind::Object(object) => (ty.node.name.node.as_str(), &object.fields[..]),
                TypeKind::Interface(interface) => {
                    (ty.node.name.node.as_str(), &interface.fields[..])
                }
                _ => ("", &[][..]),
            },
            _ => ("", &[][..]),
        };
        fields
            .iter()
            .map(move |field| ((owner.to_owned(), field.node.name.node.to_string()), &field.node))
    })
}

fn merge(one: &Type, other: &Type) -> Option<Type> {
    let base = match (&one.base, &other.base) {
        (BaseType::Named(one), BaseType::Named(other)) if one == other => {
            BaseType::Named(one.clone())
        }
        (BaseType::List(one), BaseType::List(other)) => {
            BaseType::List(Box::new(merge(one, other)?))
        }
        _ => return None,
    };
    Some(Type { base, nullable: one.nullable || other.nullable })
}

#[cfg(test)]
mod tests {
    use super::{SubgraphSdl, loosen};

    #[test]
    fn a_shared_field_may_be_null_where_it_may_in_one() {
        let mut subgraphs = [
            "type A { a: [[Int!]!]! b(x: [Int!]): B! c: [C!] d: D! }",
            "type A { a: [[Int]!], b: B! c: C }",
        ]
        .map(|sdl| SubgraphSdl { name: String::new(), url: None, sdl: sdl.to_owned() });
        loosen(&mut subgraphs);
        assert_eq!(subgraphs[0].sdl, "type A { a: [[Int]!] b(x: [Int!]): B! c: [C!] d: D! }");
        assert_eq!(subgraphs[1].sdl, "type A { a: [[Int]!], b: B! c: C }");
    }
}
