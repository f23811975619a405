//! Where federation's directives may stand in a subgraph, and with which others.

use super::Problems;
use crate::compose::{
    field_sets::Used,
    subgraph::{Field, Kind, Subgraph, Type},
};

pub(super) fn check(subgraph: &Subgraph, used: &Used, problems: &mut Problems) {
    for ty in &subgraph.types {
        if ty.has("inaccessible") && ty.name == "Query" {
            problems.of(subgraph, &ty.name, "the query root cannot be @inaccessible");
        }
        if ty.has("context") {
            problems.of(subgraph, &ty.name, "@context is not supported");
        }
        for field in &ty.fields {
            for argument in field.arguments.iter().filter(|argument| argument.has("fromContext")) {
                let at = format!("{}.{}({}:)", ty.name, field.name, argument.name);
                problems.of(subgraph, at, "@fromContext is not supported");
            }
            match ty.kind {
                Kind::Object => check_object(subgraph, ty, field, used, problems),
                Kind::Interface => check_interface(subgraph, ty, field, problems),
                _ => {}
            }
        }
    }
}

fn check_object(
    subgraph: &Subgraph,
    ty: &Type,
    field: &Field,
    used: &Used,
    problems: &mut Problems,
) {
    let at = format!("{}.{}", ty.name, field.name);
    if ty.name == "Subscription" && field.has("shareable") {
        problems.of(
            subgraph,
            &at,
            "a subscription cannot be @shareable: events come from one subgraph",
        );
    }
    if field.has("provides") {
        let returned = subgraph.ty(field.ty.name()).map(|ty| ty.kind);
        if !matches!(returned, Some(Kind::Object | Kind::Interface | Kind::Union)) {
            problems.of(
                subgraph,
                &at,
                format!("@provides needs an object, and it is a {}", field.ty),
            );
        }
    }
    if !field.has("external") {
        return;
    }
    for name in ["requires", "provides", "shareable"] {
        if field.has(name) {
            problems.of(
                subgraph,
                &at,
                format!("@{name} stands beside @external: another subgraph resolves the field; take one off"),
            );
        }
    }
    let for_interface = ty.implements.iter().any(|interface| {
        subgraph.ty(interface).is_some_and(|interface| interface.field(&field.name).is_some())
    });
    if subgraph.federation_2 && !for_interface && !used.is_used(&ty.name, &field.name) {
        problems.of(
            subgraph,
            &at,
            "it is @external, and no @key, @requires or @provides names it and no interface wants it; take the \
             field out",
        );
    }
}

fn check_interface(subgraph: &Subgraph, ty: &Type, field: &Field, problems: &mut Problems) {
    for name in ["external", "requires", "provides", "shareable", "override"] {
        if subgraph.federation_2 && field.has(name) {
            problems.of(
                subgraph,
                format!("{}.{}", ty.name, field.name),
                format!(
                    "@{name} stands on a field of an interface; put it on those of the objects"
                ),
            );
        }
    }
}
