//! Directives that several subgraphs define: those that are kept, and those that clients can use.

use super::Problems;
use crate::compose::subgraph::Subgraph;
use async_graphql::parser::types::{DirectiveDefinition, DirectiveLocation as Location};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(subgraphs: &[Subgraph], problems: &mut Problems) {
    let mut first: BTreeMap<&str, (&Subgraph, &DirectiveDefinition)> = BTreeMap::new();
    let kept: BTreeSet<&str> = subgraphs
        .iter()
        .flat_map(|subgraph| subgraph.composed.keys().map(String::as_str))
        .collect();
    for subgraph in subgraphs {
        for (name, definition) in &subgraph.directives {
            if !kept.contains(name.as_str()) && !is_executable(definition) {
                continue;
            }
            let Some((known, other)) = first.get(name.as_str()) else {
                first.insert(name, (subgraph, definition));
                continue;
            };
            if let Some(difference) = difference(other, definition) {
                let (known, here) = (&known.name, &subgraph.name);
                problems.between(
                    format!("@{name}"),
                    format!("{difference} in {known} and in {here}; define it alike in both"),
                );
            }
        }
        for (name, linked) in &subgraph.composed {
            let other = subgraphs.iter().find(|other| {
                other.composed.get(name).is_some_and(|other| !same_major(&other.url, &linked.url))
            });
            if let Some(other) = other.filter(|other| other.name < subgraph.name) {
                problems.between(
                    format!("@{name}"),
                    format!(
                        "it is of different specifications in {} and in {} ({}); compose one of them",
                        other.name, subgraph.name, linked.url
                    ),
                );
            }
        }
    }
}

fn is_executable(definition: &DirectiveDefinition) -> bool {
    definition.locations.iter().any(|location| {
        matches!(
            location.node,
            Location::Query
                | Location::Mutation
                | Location::Subscription
                | Location::Field
                | Location::FragmentDefinition
                | Location::FragmentSpread
                | Location::InlineFragment
        )
    })
}

fn difference(a: &DirectiveDefinition, b: &DirectiveDefinition) -> Option<String> {
    if a.is_repeatable != b.is_repeatable {
        return Some("it is not repeatable alike".to_owned());
    }
    let arguments = |definition: &DirectiveDefinition| -> BTreeMap<String, String> {
        let all = definition.arguments.iter().map(|argument| &argument.node);
        all.map(|argument| {
            let default = argument.default_value.as_ref();
            let default = default.map(|value| format!(" = {}", value.node)).unwrap_or_default();
            (argument.name.node.to_string(), format!("{}{default}", argument.ty.node))
        })
        .collect()
    };
    let (a, b) = (arguments(a), arguments(b));
    let name = a.keys().chain(b.keys()).find(|name| a.get(*name) != b.get(*name))?;
    let told =
        |of: &BTreeMap<String, String>| of.get(name).cloned().unwrap_or("missing".to_owned());
    Some(format!("its argument {name} is {} and {}", told(&a), told(&b)))
}

/// Versions of one specification that differ in more than what was added can not be kept as one.
fn same_major(a: &str, b: &str) -> bool {
    let major = |url: &str| {
        let (name, version) = url.trim_end_matches('/').rsplit_once('/').unwrap_or((url, ""));
        (name.to_owned(), version.split('.').next().unwrap_or_default().to_owned())
    };
    major(a) == major(b)
}
