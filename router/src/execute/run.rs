//! Walks a plan: fetches in parallel where it says so, in order where it says so.

use super::{
    entities::learn_type,
    errors::{InternalError, Place, Segment},
    ingest::ingest,
    lacking::{self, Lacking},
    project::lost_fields,
    targets::Targets,
    unfilled::Unfilled,
};
use crate::{
    data::{Arena, KeyTable, NodeId},
    in_flight::Sharer,
    plan::{
        defer::Wave,
        operation::Variables,
        schedule::{Request, Schedule, Scheduled},
        types::{EntityFetch, Fetch, Plan, Steps},
    },
    request::Caller,
    schema::Schema,
    transport::{SubgraphError, SubgraphPath, SubgraphResponse, SubgraphTransport, TransportError},
};
use bytes::Bytes;
use futures::stream::{FuturesUnordered, StreamExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// What all executions of a router share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) schema: Schema,
    pub(crate) subgraphs: Vec<SubgraphHandle>,
    pub(crate) max_errors: usize,
}

/// A subgraph by number.
#[derive(Clone)]
pub(crate) struct SubgraphHandle {
    pub(crate) name: String,
    pub(crate) transport: Arc<dyn SubgraphTransport>,
    /// Cancelled when no graph that is served has it any more.
    pub(crate) gone: CancellationToken,
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
    /// With which requests to subgraphs are shared, if they are.
    pub(super) sharer: Option<Sharer>,
    /// Held only while answers are merged, never while waiting.
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) arena: Arena,
    pub(super) errors: Vec<InternalError>,
    /// Objects of which an answer has nothing because the error of one field made null of all.
    pub(super) lost: Vec<Unfilled>,
}

impl State {
    fn new(keys: Arc<KeyTable>) -> State {
        State { arena: Arena::new(keys), errors: Vec::new(), lost: Vec::new() }
    }
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
            sharer: None,
            state: Mutex::new(State::new(plan.keys.clone())),
        }
    }

    /// The same execution, which shares what it asks of subgraphs.
    pub(crate) fn sharing(mut self, sharer: Option<Sharer>) -> Self {
        self.sharer = sharer;
        self
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while merging leaves values out at worst; they are answered as null.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a query or mutation.
    pub(crate) async fn run(&self) {
        match &self.plan.steps {
            Steps::Subscription(..) => {}
            Steps::Query(schedule) => self.follow(schedule).await,
            Steps::Mutation(roots) => {
                for (key, non_null, schedule) in roots {
                    self.follow(schedule).await;
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

    /// Runs the fetches for deferred fragments.
    pub(crate) async fn run_wave(&self, wave: &Wave) {
        self.follow(&wave.schedule).await;
    }

    /// Runs what follows one event of a subscription.
    pub(crate) async fn run_event(&self, fetch: &Fetch, event: SubgraphResponse, rest: &Schedule) {
        self.merge_root(fetch, Ok(event));
        self.follow(rest).await;
    }

    /// Makes each request as soon as those that it waits for are answered.
    async fn follow(&self, schedule: &Schedule) {
        let requests = &schedule.requests[..];
        let mut waits: Vec<usize> = requests.iter().map(|scheduled| scheduled.after).collect();
        let mut ready: Vec<usize> = (0..requests.len()).filter(|one| waits[*one] == 0).collect();
        let mut running = FuturesUnordered::new();
        loop {
            let done = match &ready[..] {
                // What runs alone needs nobody to watch over it.
                [only] if running.is_empty() => self.request_of(requests, *only).await,
                _ => {
                    running.extend(ready.iter().map(|ready| self.request_of(requests, *ready)));
                    match running.next().await {
                        Some(done) => done,
                        None => return,
                    }
                }
            };
            ready.clear();
            for next in &requests[done].before {
                waits[*next] -= 1;
                if waits[*next] == 0 {
                    ready.push(*next);
                }
            }
        }
    }

    async fn request_of(&self, requests: &[Scheduled], number: usize) -> usize {
        match &requests[number].request {
            Request::Root(fetch) => self.fetch(fetch).await,
            Request::Entities(fetch) => self.entities(fetch).await,
        }
        number
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
        let objects: Vec<(NodeId, Vec<Segment>)> = targets.nodes.into_iter().zip(places).collect();
        let ingested = answer.and_then(|answer| ingest(&mut state.arena, answer));
        match ingested {
            Ok(mut answer) => {
                self.lack_roots(&state.arena, fetch, &mut answer);
                for (node, _) in &objects {
                    match answer.data {
                        Some(data) => state.arena.merge(*node, data),
                        None => state.lost.push(Unfilled {
                            node: *node,
                            path: Vec::new(),
                            operation: fetch.operation.clone(),
                            entities: None,
                        }),
                    }
                }
                for error in answer.errors {
                    if error.path.is_empty() {
                        self.whole(state, &fetch.operation, &objects, &error);
                        continue;
                    }
                    let rest: Vec<Segment> =
                        error.path.iter().map(|step| segment(&mut state.arena, step)).collect();
                    let at = |(_, place): &(NodeId, Vec<Segment>)| {
                        Place::At([place.as_slice(), rest.as_slice()].concat())
                    };
                    let places = objects.iter().map(at).collect();
                    state.errors.push(self.subgraph_error(&fetch.operation, &error, places));
                }
            }
            Err(error) => {
                let error = self.unavailable(&fetch.operation, &error);
                self.whole(state, &fetch.operation, &objects, &error);
            }
        }
    }

    async fn entities(&self, fetch: &EntityFetch) {
        let encoding = self.encoding(&fetch.operation);
        let prepared = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let lost = lost_fields(self.shared, state);
            let prepared = super::entities::prepare(&state.arena, &lost, fetch, encoding);
            for (group, prepared) in fetch.groups.iter().zip(&prepared) {
                state.lost.extend(prepared.unasked.iter().map(|node| Unfilled {
                    node: *node,
                    path: Vec::new(),
                    operation: fetch.operation.clone(),
                    entities: Some(group.response_key),
                }));
            }
            prepared
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
                let mut lacking: Vec<Lacking> = Vec::new();
                for (group, places) in fetch.groups.iter().zip(&placed) {
                    let key = group.response_key;
                    let Some(data) = answer.data else { continue };
                    let list = state.arena.get(data, key).and_then(|data| state.arena.list(data));
                    let Some(entities) = list.map(<[NodeId]>::to_vec) else {
                        lacking.extend((!places.is_empty()).then_some((key, None)));
                        continue;
                    };
                    for (number, target) in places {
                        match lacking::entity(&state.arena, &entities, *number) {
                            Some(entity) => {
                                learn_type(&mut state.arena, &self.shared.schema, *target, entity);
                                state.arena.merge(*target, entity);
                            }
                            None if lacking.len() >= self.shared.max_errors
                                || lacking.contains(&(key, Some(*number))) => {}
                            None => lacking.push((key, Some(*number))),
                        }
                    }
                }
                let mut errors = answer.errors;
                self.lack(&state.arena, &fetch.operation, &lacking, &mut errors);
                super::attribute::attribute(&mut state.arena, answer.data, &mut errors);
                lose_entities(state, fetch, &placed, answer.data, &errors);
                for mut error in errors {
                    if answer.data.is_none() {
                        // Whichever field or entity it was of, nothing came of the others either.
                        error.path.clear();
                    }
                    self.entity_error(state, fetch, &placed, &error);
                }
            }
            Err(error) => {
                let error = self.unavailable(&fetch.operation, &error);
                self.entity_error(state, fetch, &placed, &error);
            }
        }
    }

    /// Writes the answer.
    pub(crate) fn answer(self) -> (Bytes, bool, Option<String>) {
        let state = self.lock();
        let (answer, fault) = super::project::write(self.shared, self.plan, self.variables, &state);
        if let Some(fault) = fault {
            self.blame(&fault);
        }
        answer
    }
}

/// Remembers the entities of which nothing is there because the error of one field made null of them.
fn lose_entities(
    state: &mut State,
    fetch: &EntityFetch,
    placed: &[Vec<(usize, NodeId)>],
    data: Option<NodeId>,
    errors: &[SubgraphError],
) {
    for error in errors {
        let [SubgraphPath::Key(key), SubgraphPath::Index(index), _, ..] = &error.path[..] else {
            continue;
        };
        let key = state.arena.key(key);
        let entities = data.and_then(|data| state.arena.get(data, key));
        let entity = entities
            .and_then(|entities| state.arena.list(entities))
            .and_then(|entities| entities.get(*index as usize));
        if !entity.is_some_and(|entity| state.arena.is_null(*entity)) {
            continue;
        }
        for (group, places) in fetch.groups.iter().zip(placed) {
            let own = places
                .iter()
                .filter(|(number, _)| group.response_key == key && *number == *index as usize);
            state.lost.extend(own.map(|(_, node)| Unfilled {
                node: *node,
                path: Vec::new(),
                operation: fetch.operation.clone(),
                entities: Some(key),
            }));
        }
    }
}

pub(super) fn segment(arena: &mut Arena, step: &SubgraphPath) -> Segment {
    match step {
        SubgraphPath::Key(key) => Segment::Key(arena.key(key)),
        SubgraphPath::Index(index) => Segment::Index(*index),
    }
}
