//! Finds out which entity an error is about when the subgraph does not say.
//!
//! async-graphql 7.2 leaves the index out of the paths of errors under `_entities`
//! (`["_entities", "name"]`), and leaves a field out of its object when the field failed. The entities
//! that lack the field are the ones that failed.

use crate::{
    data::{Arena, NodeId},
    transport::{SubgraphError, SubgraphPath},
};

/// Completes the paths of errors that lack the entity's index.
pub(super) fn attribute(arena: &mut Arena, data: Option<NodeId>, errors: &mut Vec<SubgraphError>) {
    let Some(data) = data else { return };
    let lacks_index = |error: &SubgraphError| {
        matches!(error.path[..], [SubgraphPath::Key(_), SubgraphPath::Key(_), ..])
    };
    if !errors.iter().any(lacks_index) {
        return;
    }
    let all = std::mem::take(errors);
    let mut done: Vec<Vec<SubgraphPath>> = Vec::new();
    for error in &all {
        if !lacks_index(error) {
            errors.push(error.clone());
            continue;
        }
        if done.contains(&error.path) {
            continue;
        }
        done.push(error.path.clone());
        let alike: Vec<&SubgraphError> =
            all.iter().filter(|other| other.path == error.path).collect();
        let failed = failed_entities(arena, data, &error.path);
        if failed.is_empty() {
            errors.extend(alike.into_iter().cloned());
            continue;
        }
        // As many errors as entities: one each. Otherwise nobody can tell, and each has them all.
        let one_each = alike.len() == failed.len();
        for (number, error) in alike.iter().enumerate() {
            let indexes = match one_each {
                true => &failed[number..=number],
                false => &failed[..],
            };
            for index in indexes {
                let mut error = (*error).clone();
                error.path.insert(1, SubgraphPath::Index(*index));
                errors.push(error);
            }
        }
    }
}

/// The entities that lack the value at a path; those that have null there if none lacks it.
fn failed_entities(arena: &mut Arena, data: NodeId, path: &[SubgraphPath]) -> Vec<u32> {
    let [SubgraphPath::Key(field), rest @ ..] = path else {
        return Vec::new();
    };
    let field = arena.key(field);
    let Some(list) = arena.get(data, field) else {
        return Vec::new();
    };
    let entities = arena.list(list).unwrap_or_default().to_vec();
    let (mut missing, mut null) = (Vec::new(), Vec::new());
    for (index, entity) in entities.into_iter().enumerate() {
        match value(arena, entity, rest) {
            Value::Missing => missing.push(index as u32),
            Value::Null => null.push(index as u32),
            Value::Present => {}
        }
    }
    if missing.is_empty() { null } else { missing }
}

enum Value {
    Missing,
    Null,
    Present,
}

fn value(arena: &mut Arena, node: NodeId, path: &[SubgraphPath]) -> Value {
    if arena.is_null(node) {
        return Value::Null;
    }
    let (next, rest) = match path {
        [] => return Value::Present,
        [SubgraphPath::Key(key), rest @ ..] => {
            let key = arena.key(key);
            (arena.get(node, key), rest)
        }
        [SubgraphPath::Index(index), rest @ ..] => {
            let items = arena.list(node).unwrap_or_default();
            (items.get(*index as usize).copied(), rest)
        }
    };
    match next {
        Some(next) => value(arena, next, rest),
        // A list that is too short here belongs to an entity that has nothing to do with the error.
        None if matches!(path[0], SubgraphPath::Index(_)) => Value::Present,
        None => Value::Missing,
    }
}
