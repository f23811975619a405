//! Walks a plan: fetches in parallel where it says so, in order where it says so.

use super::{
    entities::learn_type,
    errors::{InternalError, Segment},
    ingest::ingest,
    targets::Targets,
};
use crate::{
    data::{Arena, NodeId},
    error::code,
    plan::{
        operation::Variables,
        types::{EntityFetch, Fetch, Plan, Step, Steps, SubgraphOperation},
    },
    request::Caller,
    schema::Schema,
    transport::{SubgraphError, SubgraphPath, SubgraphResponse, SubgraphTransport, TransportError},
};
use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What all executions of a router share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) schema: Schema,
    pub(crate) subgraphs: Vec<SubgraphHandle>,
    pub(crate) max_errors: usize,
}

/// A subgraph by number.
pub(crate) struct SubgraphHandle {
    pub(crate) name: String,
    pub(crate) transport: Arc<dyn SubgraphTransport>,
}

impl std::fmt::Debug for SubgraphHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// One execution of a plan.
pub(crate) struct Execution<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) plan: &'a Plan,
    pub(crate) variables: &'a Variables,
    pub(crate) caller: Arc<Caller>,
    /// Held only while answers are merged, never while waiting.
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) arena: Arena,
    pub(super) errors: Vec<InternalError>,
}

impl<'a> Execution<'a> {
    pub(crate) fn new(
        shared: &'a Shared,
        plan: &'a Plan,
        variables: &'a Variables,
        caller: Arc<Caller>,
    ) -> Self {
        Execution {
            shared,
            plan,
            variables,
            caller,
            state: Mutex::new(State { arena: Arena::new(plan.keys.clone()), errors: Vec::new() }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while merging leaves values out at worst; they are answered as null.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a query or mutation.
    pub(crate) async fn run(&self) {
        match &self.plan.steps {
            Steps::None | Steps::Subscription(..) => {}
            Steps::Query(step) => self.step(step).await,
            Steps::Mutation(roots) => {
                for (key, non_null, step) in roots {
                    self.step(step).await;
                    let state = self.lock();
                    let missing = state
                        .arena
                        .get(Arena::ROOT, *key)
                        .is_none_or(|value| state.arena.is_null(value));
                    // The error leaves no answer to add to ("Executing Selection Sets", serially).
                    if *non_null && missing {
                        break;
                    }
                }
            }
        }
    }

    /// Runs what follows one event of a subscription.
    pub(crate) async fn run_event(
        &self,
        fetch: &Fetch,
        event: SubgraphResponse,
        rest: Option<&Step>,
    ) {
        self.merge_root(fetch, Ok(event));
        if let Some(rest) = rest {
            self.step(rest).await;
        }
    }

    fn step<'s>(&'s self, step: &'s Step) -> BoxFuture<'s, ()> {
        Box::pin(async move {
            match step {
                Step::Sequence(steps) => {
                    for step in steps {
                        self.step(step).await;
                    }
                }
                Step::Parallel(steps) => {
                    join_all(steps.iter().map(|step| self.step(step))).await;
                }
                Step::Fetch(fetch) => self.fetch(fetch).await,
                Step::Entities(fetch) => self.entities(fetch).await,
            }
        })
    }

    async fn fetch(&self, fetch: &Fetch) {
        if !fetch.path.is_empty() {
            let state = self.lock();
            let mut targets = Targets::default();
            targets.find(&state.arena, Arena::ROOT, &fetch.path);
            if targets.nodes.is_empty() {
                return;
            }
        }
        let answer = self.call(&fetch.operation, &fetch.variables, Vec::new()).await;
        self.merge_root(fetch, answer);
    }

    fn merge_root(&self, fetch: &Fetch, answer: Result<SubgraphResponse, TransportError>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let mut targets = Targets::default();
        targets.find(&state.arena, Arena::ROOT, &fetch.path);
        let places = targets.locations(&state.arena, &fetch.path);
        let ingested = answer.and_then(|answer| ingest(&mut state.arena, answer));
        match ingested {
            Ok(answer) => {
                if let Some(data) = answer.data {
                    for target in &targets.nodes {
                        state.arena.merge(*target, data);
                    }
                }
                for error in answer.errors {
                    if error.path.is_empty() {
                        self.whole(state, &fetch.operation, &places, &error);
                        continue;
                    }
                    for place in &places {
                        let mut path = place.clone();
                        path.extend(error.path.iter().map(|step| segment(&mut state.arena, step)));
                        state.errors.push(self.subgraph_error(&fetch.operation, &error, path));
                    }
                }
            }
            Err(error) => {
                let error = self.unavailable(&fetch.operation, &error);
                self.whole(state, &fetch.operation, &places, &error);
            }
        }
    }

    /// An error of a fetch as a whole: it is told for each field that the fetch should have filled.
    fn whole(
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

    async fn entities(&self, fetch: &EntityFetch) {
        let encoding = self.encoding(&fetch.operation);
        let prepared = {
            let state = self.lock();
            super::entities::prepare(&state.arena, fetch, encoding)
        };
        if prepared.iter().all(|group| group.places.is_empty()) {
            return;
        }
        let mut representations = Vec::new();
        let mut placed = Vec::with_capacity(prepared.len());
        for (group, prepared) in fetch.groups.iter().zip(prepared) {
            if !representations.iter().any(|(name, _)| *name == group.variable) {
                representations.push((group.variable.clone(), prepared.representations));
            }
            placed.push(prepared.places);
        }
        let answer = self.call(&fetch.operation, &fetch.variables, representations).await;
        let mut guard = self.lock();
        let state = &mut *guard;
        match answer.and_then(|answer| ingest(&mut state.arena, answer)) {
            Ok(answer) => {
                for (group, places) in fetch.groups.iter().zip(&placed) {
                    let Some(data) =
                        answer.data.and_then(|data| state.arena.get(data, group.response_key))
                    else {
                        continue;
                    };
                    let entities = state.arena.list(data).unwrap_or_default().to_vec();
                    for (number, target) in places {
                        if let Some(entity) = entities.get(*number) {
                            learn_type(&mut state.arena, &self.shared.schema, *target, *entity);
                            state.arena.merge(*target, *entity);
                        }
                    }
                }
                let mut errors = answer.errors;
                super::attribute::attribute(&mut state.arena, answer.data, &mut errors);
                for error in errors {
                    self.entity_error(state, fetch, &placed, &error);
                }
            }
            Err(error) => {
                let error = self.unavailable(&fetch.operation, &error);
                self.entity_error(state, fetch, &placed, &error);
            }
        }
    }

    /// Tells an error of an entity fetch at every place where the entity stands.
    fn entity_error(
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
    fn subgraph_error(
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

    /// Writes the answer.
    pub(crate) fn answer(self) -> (Bytes, bool, Option<String>) {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        super::project::write(self.shared, self.plan, self.variables, &state.arena, state.errors)
    }
}

fn segment(arena: &mut Arena, step: &SubgraphPath) -> Segment {
    match step {
        SubgraphPath::Key(key) => Segment::Key(arena.key(key)),
        SubgraphPath::Index(index) => Segment::Index(*index),
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
