//! `@interfaceObject` and interfaces with keys (Apollo Federation, "Entity interfaces").

use super::Problems;
use crate::compose::subgraph::{Kind, Subgraph, Type};
use std::collections::BTreeSet;

pub(super) fn check(subgraphs: &[Subgraph], problems: &mut Problems) {
    for subgraph in subgraphs {
        for ty in &subgraph.types {
            if ty.has("interfaceObject") {
                check_behind(subgraphs, subgraph, ty, problems);
            }
            if ty.kind == Kind::Interface && ty.keys().next().is_some() {
                check_entity_interface(subgraphs, subgraph, ty, problems);
            }
        }
    }
}

fn check_behind(subgraphs: &[Subgraph], subgraph: &Subgraph, ty: &Type, problems: &mut Problems) {
    let name = &ty.name;
    if ty.kind != Kind::Object {
        let what = ty.kind.described();
        return problems.of(
            subgraph,
            name,
            format!("@interfaceObject stands on {what}; make it a type"),
        );
    }
    if ty.keys().next().is_none() {
        problems.of(
            subgraph,
            name,
            "@interfaceObject needs a @key, by which its objects are found",
        );
    }
    let interfaces: Vec<&Subgraph> = subgraphs
        .iter()
        .filter(|other| other.ty(name).is_some_and(|ty| ty.kind == Kind::Interface))
        .collect();
    if interfaces.is_empty() {
        problems.of(
            subgraph,
            name,
            "it is an @interfaceObject, and no subgraph has an interface of this name",
        );
    } else if !interfaces
        .iter()
        .any(|other| other.ty(name).is_some_and(|ty| ty.keys().next().is_some()))
    {
        let names: Vec<&str> = interfaces.iter().map(|other| other.name.as_str()).collect();
        problems.of(
            subgraph,
            name,
            format!(
                "it is an @interfaceObject, and the interface has no @key in {}; give it the same key there",
                names.join(", ")
            ),
        );
    }
    let implementing: BTreeSet<&str> = subgraphs
        .iter()
        .flat_map(|other| &other.types)
        .filter(|other| other.implements.contains(name))
        .map(|other| other.name.as_str())
        .collect();
    for object in implementing {
        if subgraph.ty(object).is_some() {
            problems.of(
                subgraph,
                object,
                format!(
                    "it is an object of the interface {name}, which is an @interfaceObject in the same subgraph; \
                     have one of them here"
                ),
            );
        }
    }
}

/// Who can be asked for an interface by a key must know every object of it.
fn check_entity_interface(
    subgraphs: &[Subgraph],
    subgraph: &Subgraph,
    interface: &Type,
    problems: &mut Problems,
) {
    let name = &interface.name;
    for object in subgraph.objects(name) {
        if object.keys().next().is_none() {
            problems.of(
                subgraph,
                &object.name,
                format!("it has no @key, and its interface {name} has one; give it the same key"),
            );
        }
    }
    if !interface.is_resolvable() {
        return;
    }
    let all: BTreeSet<&str> = subgraphs
        .iter()
        .flat_map(|other| other.objects(name))
        .filter(|object| object.implements.contains(name))
        .map(|object| object.name.as_str())
        .collect();
    let own: BTreeSet<&str> =
        subgraph.objects(name).into_iter().map(|object| object.name.as_str()).collect();
    for missing in all.difference(&own) {
        problems.of(
            subgraph,
            name,
            format!(
                "the interface can be asked for by a key here, and its object type {missing} is not here; define \
                 it, or say @key(resolvable: false)"
            ),
        );
    }
}
