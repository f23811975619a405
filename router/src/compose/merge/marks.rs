//! Directives of one element that several subgraphs have.

use super::super::{
    sdl::Mark as Written,
    subgraph::{Mark, Meaning, Subgraph},
};
use async_graphql::Value as Const;
use graphql_tools::parser::{query::Number, schema::Value};
use std::collections::BTreeSet;

/// Directives that the supergraph keeps as they are where one subgraph has them.
const FLAGS: [&str; 3] = ["inaccessible", "authenticated", "oneOf"];

/// What a supergraph says of an element of which subgraphs say this. What has to do with joins is not in it.
pub(super) fn merged(sources: &[(&Subgraph, &[Mark])]) -> Vec<Written> {
    let all = || sources.iter().flat_map(|(_, marks)| *marks);
    let of = |name: &'static str| all().filter(move |mark| mark.is(name));
    let mut merged = Vec::new();
    for name in FLAGS {
        if of(name).next().is_some() {
            merged.push(written(name, Vec::new()));
        }
    }
    // The first that gives a reason or an address.
    for (name, argument) in [("deprecated", "reason"), ("specifiedBy", "url")] {
        let text = of(name).find_map(|mark| mark.text(argument));
        if of(name).next().is_some() {
            let arguments = text.map(|text| (argument.to_owned(), Value::String(text.to_owned())));
            merged.push(written(name, arguments.into_iter().collect()));
        }
    }
    let tags: BTreeSet<&str> = of("tag").filter_map(|mark| mark.text("name")).collect();
    for tag in tags {
        merged.push(written("tag", vec![("name".to_owned(), Value::String(tag.to_owned()))]));
    }
    // What each of them wants: a caller needs one group of scopes of every subgraph.
    for (name, argument) in [("requiresScopes", "scopes"), ("policy", "policies")] {
        let wanted = of(name).filter_map(|mark| groups(mark.argument(argument)?));
        if let Some(groups) = wanted.reduce(|all, more| both(&all, &more)) {
            let group = |group: &BTreeSet<String>| {
                Value::List(group.iter().map(|one| Value::String(one.clone())).collect())
            };
            let groups = Value::List(groups.iter().map(group).collect());
            merged.push(written(name, vec![(argument.to_owned(), groups)]));
        }
    }
    // The greatest weight, so that no estimate is too low.
    let weight = of("cost").filter_map(|mark| integer(mark.argument("weight")?)).max();
    if let Some(weight) = weight {
        merged.push(written("cost", vec![("weight".to_owned(), int(weight))]));
    }
    if of("listSize").next().is_some() {
        merged.push(list_size(&of("listSize").collect::<Vec<_>>()));
    }
    for (subgraph, marks) in sources {
        for mark in *marks {
            if let Meaning::Custom(name) = &mark.meaning
                && subgraph.composed.contains_key(name)
            {
                let arguments = mark.arguments.iter();
                let arguments =
                    arguments.map(|(name, value)| (name.clone(), self::value(value))).collect();
                let kept = written(name, arguments);
                if !merged.contains(&kept) {
                    merged.push(kept);
                }
            }
        }
    }
    merged
}

/// The longest list that one of the subgraphs assumes, sized by what any of them names.
fn list_size(marks: &[&Mark]) -> Written {
    let mut arguments = Vec::new();
    let assumed = marks.iter().filter_map(|mark| integer(mark.argument("assumedSize")?)).max();
    if let Some(assumed) = assumed {
        arguments.push(("assumedSize".to_owned(), int(assumed)));
    }
    for name in ["slicingArguments", "sizedFields"] {
        let names: BTreeSet<&str> = marks
            .iter()
            .filter_map(|mark| match mark.argument(name)? {
                Const::List(names) => Some(names),
                _ => None,
            })
            .flatten()
            .filter_map(|name| match name {
                Const::String(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        if !names.is_empty() {
            let names = names.into_iter().map(|name| Value::String(name.to_owned())).collect();
            arguments.push((name.to_owned(), Value::List(names)));
        }
    }
    // It is wanted unless one of them does without.
    let name = "requireOneSlicingArgument";
    let wanted = |mark: &&Mark| mark.argument(name) != Some(&Const::Boolean(false));
    if !marks.iter().all(wanted) {
        arguments.push((name.to_owned(), Value::Boolean(false)));
    }
    written("listSize", arguments)
}

/// Groups of which one has to be had, each of several that must be had together.
fn groups(value: &Const) -> Option<BTreeSet<BTreeSet<String>>> {
    let Const::List(groups) = value else { return None };
    let group = |group: &Const| match group {
        Const::List(texts) => texts
            .iter()
            .map(|text| match text {
                Const::String(text) => Some(text.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    };
    groups.iter().map(group).collect()
}

/// What is needed where both are wanted. A group that holds another one adds nothing.
fn both(
    a: &BTreeSet<BTreeSet<String>>,
    b: &BTreeSet<BTreeSet<String>>,
) -> BTreeSet<BTreeSet<String>> {
    let pairs = a.iter().flat_map(|a| b.iter().map(move |b| a.union(b).cloned().collect()));
    let all: BTreeSet<BTreeSet<String>> = pairs.collect();
    let is_least = |group: &&BTreeSet<String>| {
        !all.iter().any(|other| other != *group && other.is_subset(group))
    };
    all.iter().filter(is_least).cloned().collect()
}

fn integer(value: &Const) -> Option<i64> {
    match value {
        Const::Number(number) => number.as_i64(),
        _ => None,
    }
}

fn int(value: i64) -> Value<'static, String> {
    // What does not fit GraphQL's integers cannot be meant.
    Value::Int(Number::from(i32::try_from(value).unwrap_or(i32::MAX)))
}

pub(super) fn written(name: &str, arguments: Vec<(String, Value<'static, String>)>) -> Written {
    Written { position: Default::default(), name: name.to_owned(), arguments }
}

/// A value as the supergraph's writer takes it.
pub(in crate::compose) fn value(value: &Const) -> Value<'static, String> {
    match value {
        Const::Null => Value::Null,
        Const::Number(number) => match number.as_i64().and_then(|own| i32::try_from(own).ok()) {
            Some(own) => Value::Int(Number::from(own)),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Const::String(text) => Value::String(text.clone()),
        Const::Boolean(value) => Value::Boolean(*value),
        Const::Enum(name) => Value::Enum(name.to_string()),
        Const::List(items) => Value::List(items.iter().map(self::value).collect()),
        Const::Object(fields) => {
            let fields = fields.iter().map(|(name, item)| (name.to_string(), self::value(item)));
            Value::Object(fields.collect())
        }
        // No constant of GraphQL's syntax.
        Const::Binary(_) => Value::Null,
    }
}
