//! Where the errors of subgraphs are told, and in which words.

use super::{
    errors::{InternalError, Place, Segment},
    run::{Execution, State, segment},
    targets::Targets,
    unfilled::Unfilled,
};
use crate::{
    data::{Arena, NodeId},
    error::{GraphqlError, REQUEST_ID, code},
    plan::types::{EntityFetch, SubgraphOperation},
    transport::{SubgraphError, SubgraphPath, TransportError},
};
use std::{collections::HashSet, sync::Arc};

impl Execution<'_> {
    /// An error of a fetch as a whole: it is told for each field that the fetch should have filled.
    pub(super) fn whole(
        &self,
        state: &mut State,
        operation: &Arc<SubgraphOperation>,
        objects: &[(NodeId, Vec<Segment>)],
        error: &SubgraphError,
    ) {
        for (node, path) in objects.iter().take(self.shared.max_errors) {
            let unfilled = Unfilled {
                node: *node,
                path: path.clone(),
                operation: operation.clone(),
                entities: None,
            };
            let places = vec![Place::Unfilled(unfilled)];
            state.errors.push(self.subgraph_error(operation, error, places));
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
        let mut told = Vec::new();
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
                for (node, mut path) in targets.nodes.iter().zip(locations) {
                    if !nodes.contains(node) || told.len() >= self.shared.max_errors {
                        continue;
                    }
                    path.extend(rest.iter().copied());
                    told.push(match rest.is_empty() {
                        true => Place::Unfilled(Unfilled {
                            node: *node,
                            path,
                            operation: fetch.operation.clone(),
                            entities: Some(definition.response_key),
                        }),
                        false => Place::At(path),
                    });
                }
            }
        }
        if told.is_empty() && !error.path.is_empty() {
            // Of an entity that nobody asked for; it may be about any.
            let error = SubgraphError { path: Vec::new(), ..error.clone() };
            return self.entity_error(state, fetch, placed, &error);
        }
        // What the client sees of one entity at one place need not be told at the others; of several
        // entities, each has an error of its own.
        let errors = match index {
            Some(_) => vec![told],
            None => told.into_iter().map(|place| vec![place]).collect(),
        };
        for places in errors {
            let error = self.subgraph_error(&fetch.operation, error, places);
            state.errors.push(error);
        }
    }

    pub(crate) fn unavailable(
        &self,
        operation: &SubgraphOperation,
        error: &TransportError,
    ) -> SubgraphError {
        let name = &self.shared.subgraphs[operation.subgraph].name;
        let id = self.caller.told_request_id();
        tracing::warn!(subgraph = %name, request_id = %id, error = %error, "a subgraph gave no answer");
        let message = format!("the subgraph \"{name}\" is not available; try again later");
        of_subgraph(name, code::SUBGRAPH_UNAVAILABLE, message)
    }

    /// Whether an error holds the id of the request, by which the client reports it.
    pub(crate) fn names_request(&self) -> bool {
        self.lock().errors.iter().any(|error| error.extensions.contains_key(REQUEST_ID))
    }

    /// An error as it goes to the client: a subgraph's internals are masked.
    pub(super) fn subgraph_error(
        &self,
        operation: &SubgraphOperation,
        error: &SubgraphError,
        places: Vec<Place>,
    ) -> InternalError {
        let mut extensions = error.extensions.clone();
        let mut message = error.message.clone();
        if extensions.get("code").and_then(serde_json::Value::as_str) == Some(code::INTERNAL) {
            let id = self.caller.told_request_id();
            let name = &self.shared.subgraphs[operation.subgraph].name;
            tracing::error!(subgraph = %name, request_id = %id, error = %message, "a subgraph failed");
            let internal = GraphqlError::internal().of_request(id);
            (message, extensions) = (internal.message, *internal.extensions);
        }
        InternalError { message, places, extensions, wave: operation.wave }
    }
}

/// An error of the router's own about a subgraph.
pub(super) fn of_subgraph(name: &str, code: &str, message: String) -> SubgraphError {
    let mut extensions = serde_json::Map::new();
    extensions.insert("code".to_owned(), code.into());
    extensions.insert("subgraph".to_owned(), name.into());
    SubgraphError { message, path: Vec::new(), extensions }
}
