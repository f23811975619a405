//! Where the errors of subgraphs are told, and in which words.

use super::{
    errors::{InternalError, Segment},
    run::{Execution, State, segment},
    targets::Targets,
};
use crate::{
    data::{Arena, NodeId},
    error::code,
    plan::types::{EntityFetch, SubgraphOperation},
    transport::{SubgraphError, SubgraphPath, TransportError},
};
use std::collections::HashSet;

impl Execution<'_> {
    /// An error of a fetch as a whole: it is told for each field that the fetch should have filled.
    pub(super) fn whole(
        &self,
        state: &mut State,
        operation: &SubgraphOperation,
        places: &[Vec<Segment>],
        error: &SubgraphError,
    ) {
        let names: Vec<String> = operation.document().map(root_keys).unwrap_or_default();
        for place in places.iter().take(self.shared.max_errors) {
            for name in &names {
                let mut path = place.clone();
                path.push(Segment::Key(state.arena.key(name)));
                state.errors.push(self.subgraph_error(operation, error, path));
            }
        }
    }

    /// Tells an error of an entity fetch at every place where the entity stands.
    pub(super) fn entity_error(
        &self,
        state: &mut State,
        fetch: &EntityFetch,
        placed: &[Vec<(usize, NodeId)>],
        error: &SubgraphError,
    ) {
        let group = match error.path.first() {
            Some(SubgraphPath::Key(key)) => {
                let key = state.arena.key(key);
                fetch.groups.iter().position(|group| group.response_key == key)
            }
            _ => None,
        };
        let index = match error.path.get(1) {
            Some(SubgraphPath::Index(index)) => Some(*index as usize),
            _ => None,
        };
        let rest: Vec<Segment> = match index {
            Some(_) => error.path[2..].iter().map(|step| segment(&mut state.arena, step)).collect(),
            None => Vec::new(),
        };
        let mut found = Vec::new();
        for (number, (places, definition)) in placed.iter().zip(&fetch.groups).enumerate() {
            if group.is_some_and(|group| group != number) {
                continue;
            }
            let nodes: HashSet<NodeId> = places
                .iter()
                .filter(|(number, _)| index.is_none_or(|index| index == *number))
                .map(|(_, node)| *node)
                .collect();
            for path in &definition.paths {
                let mut targets = Targets::default();
                targets.find(&state.arena, Arena::ROOT, path);
                let locations = targets.locations(&state.arena, path);
                for (node, location) in targets.nodes.iter().zip(locations) {
                    if nodes.contains(node) && found.len() < self.shared.max_errors {
                        found.push(location);
                    }
                }
            }
        }
        for mut path in found {
            path.extend(rest.iter().copied());
            let error = self.subgraph_error(&fetch.operation, error, path);
            state.errors.push(error);
        }
    }

    pub(crate) fn unavailable(
        &self,
        operation: &SubgraphOperation,
        error: &TransportError,
    ) -> SubgraphError {
        let name = &self.shared.subgraphs[operation.subgraph].name;
        let id = self.caller.request_id().map_or("", |id| &id.0);
        tracing::warn!(subgraph = %name, request_id = %id, error = %error, "a subgraph gave no answer");
        let mut extensions = serde_json::Map::new();
        extensions.insert("code".to_owned(), code::SUBGRAPH_UNAVAILABLE.into());
        extensions.insert("subgraph".to_owned(), name.as_str().into());
        SubgraphError {
            message: format!("the subgraph \"{name}\" is not available; try again later"),
            path: Vec::new(),
            extensions,
        }
    }

    /// An error as it goes to the client: a subgraph's internals are masked.
    pub(super) fn subgraph_error(
        &self,
        operation: &SubgraphOperation,
        error: &SubgraphError,
        path: Vec<Segment>,
    ) -> InternalError {
        let mut extensions = error.extensions.clone();
        let mut message = error.message.clone();
        if extensions.get("code").and_then(serde_json::Value::as_str) == Some(code::INTERNAL) {
            let id = self.caller.request_id().map_or("", |id| &id.0);
            let name = &self.shared.subgraphs[operation.subgraph].name;
            tracing::error!(subgraph = %name, request_id = %id, error = %message, "a subgraph failed");
            message =
                "an internal error happened; quote the request's id when you report it".to_owned();
            extensions = serde_json::Map::new();
            extensions.insert("code".to_owned(), code::INTERNAL.into());
            extensions.insert("requestId".to_owned(), id.into());
        }
        InternalError { message, path, extensions }
    }
}

/// The response keys at the root of a planned document, which holds no fragments there.
fn root_keys(document: &async_graphql::parser::types::ExecutableDocument) -> Vec<String> {
    use async_graphql::parser::types::Selection;
    document
        .operations
        .iter()
        .flat_map(|(_, operation)| &operation.node.selection_set.node.items)
        .filter_map(|item| match &item.node {
            Selection::Field(field) => Some(field.node.response_key().node.to_string()),
            _ => None,
        })
        .collect()
}
