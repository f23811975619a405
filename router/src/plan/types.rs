//! The router's own plan. It knows nothing of the planner that made it.

use super::{
    defer::{DeferUsages, Deferred},
    schedule::Schedule,
};
use crate::{
    data::{Key, KeyTable, Scalar, write_string},
    schema::{Literal, Schema, TypeSet},
};
use async_graphql::{Name, parser::types::ExecutableDocument};
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// Reads.
    Query,
    /// Writes, one root field after the other.
    Mutation,
    /// Listens.
    Subscription,
}

impl OperationKind {
    /// The type of which such an operation selects fields, if the schema has one.
    pub(crate) fn root(self, schema: &Schema) -> Option<&Arc<str>> {
        match self {
            OperationKind::Query => Some(&schema.query),
            OperationKind::Mutation => schema.mutation.as_ref(),
            OperationKind::Subscription => schema.subscription.as_ref(),
        }
    }
}

/// How one operation is answered.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) kind: OperationKind,
    pub(crate) keys: Arc<KeyTable>,
    pub(crate) steps: Steps,
    /// What the client sees of what was fetched.
    pub(crate) projection: Selection,
    /// What the client is sent later.
    pub(crate) deferred: Option<Box<Deferred>>,
    pub(crate) answer_size: AnswerSize,
}

/// How many bytes the last answer had: about what the next one will need.
#[derive(Debug, Default)]
pub(crate) struct AnswerSize(AtomicUsize);

impl AnswerSize {
    /// No more is taken in advance, however large the last answer was.
    const MOST: usize = 1 << 20;

    pub(crate) fn get(&self) -> usize {
        self.0.load(Relaxed)
    }

    pub(crate) fn set(&self, bytes: usize) {
        self.0.store(bytes.min(Self::MOST), Relaxed);
    }
}

impl Plan {
    /// Whether a representation is made with what is fetched under a key.
    pub(crate) fn requires(&self, key: Key) -> bool {
        let mut waves = self.deferred.iter().flat_map(|deferred| &deferred.waves);
        self.steps.requires(key) || waves.any(|wave| wave.schedule.requires(key))
    }

    /// What is asked of subgraphs.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &SubgraphOperation> {
        let (upstream, schedules) = match &self.steps {
            Steps::Query(schedule) => (None, vec![schedule]),
            Steps::Mutation(roots) => (None, roots.iter().map(|(_, _, one)| one).collect()),
            Steps::Subscription(upstream, schedule) => (Some(upstream), vec![schedule]),
        };
        let waves = self.deferred.iter().flat_map(|deferred| &deferred.waves);
        let schedules = schedules.into_iter().chain(waves.map(|wave| &wave.schedule));
        let requests = schedules.flat_map(|schedule| &schedule.requests);
        let upstream = upstream.into_iter().map(|fetch| &*fetch.operation);
        upstream.chain(requests.map(|scheduled| scheduled.request.operation()))
    }
}

#[derive(Debug)]
pub(crate) enum Steps {
    Query(Schedule),
    /// One entry per root field, in order: its key, whether null is refused, its requests.
    Mutation(Vec<(Key, bool, Schedule)>),
    /// The upstream, and what runs for each of its events.
    Subscription(Box<Fetch>, Schedule),
}

impl Steps {
    fn requires(&self, key: Key) -> bool {
        match self {
            Steps::Query(schedule) | Steps::Subscription(_, schedule) => schedule.requires(key),
            Steps::Mutation(roots) => roots.iter().any(|(_, _, schedule)| schedule.requires(key)),
        }
    }
}

/// An operation for one subgraph.
#[derive(Debug)]
pub struct SubgraphOperation {
    /// The subgraph's number in the router.
    pub(crate) subgraph: usize,
    /// What it does.
    pub kind: OperationKind,
    /// The document, which holds one anonymous operation.
    pub text: String,
    /// The deferred fragments for which it is asked.
    pub(crate) wave: DeferUsages,
    document: OnceLock<Option<ExecutableDocument>>,
    quoted: OnceLock<Vec<u8>>,
}

impl SubgraphOperation {
    pub(crate) fn new(subgraph: usize, kind: OperationKind, text: String) -> SubgraphOperation {
        let (document, quoted) = (OnceLock::new(), OnceLock::new());
        SubgraphOperation { subgraph, kind, text, wave: DeferUsages::NONE, document, quoted }
    }

    pub(crate) fn in_wave(self, wave: DeferUsages) -> SubgraphOperation {
        SubgraphOperation { wave, ..self }
    }

    /// The document as a JSON string, as subgraphs over HTTP take it, written once per plan.
    pub(crate) fn quoted(&self) -> &[u8] {
        self.quoted.get_or_init(|| {
            let mut quoted = Vec::with_capacity(self.text.len() + 16);
            write_string(&self.text, &mut quoted);
            quoted
        })
    }

    /// The document as in-process subgraphs take it, parsed once per plan.
    pub fn document(&self) -> Option<&ExecutableDocument> {
        self.document.get_or_init(|| async_graphql::parser::parse_query(&self.text).ok()).as_ref()
    }
}

#[derive(Debug)]
pub(crate) struct Fetch {
    pub(crate) operation: Arc<SubgraphOperation>,
    /// The client's variables that the document uses.
    pub(crate) variables: Vec<UsedVariable>,
    /// Where the answer belongs; empty for the root.
    pub(crate) path: Vec<PathStep>,
    /// The root fields that are asked for.
    pub(crate) roots: Vec<Key>,
}

/// A variable of a document for a subgraph.
#[derive(Debug)]
pub(crate) struct UsedVariable {
    /// Its name in that document.
    pub(crate) wire: String,
    /// Its name in the client's document.
    pub(crate) client: String,
}

#[derive(Debug)]
pub(crate) struct EntityFetch {
    pub(crate) operation: Arc<SubgraphOperation>,
    pub(crate) variables: Vec<UsedVariable>,
    pub(crate) groups: Vec<EntityGroup>,
}

/// One `_entities` field of an entity fetch.
#[derive(Debug)]
pub(crate) struct EntityGroup {
    pub(crate) response_key: Key,
    pub(crate) variable: String,
    pub(crate) paths: Vec<Vec<PathStep>>,
    pub(crate) requires: Vec<Require>,
    /// Types whose representations carry another `__typename`.
    pub(crate) retype: Vec<Retype>,
    /// The keys by which the subgraph resolves each type.
    pub(crate) entity_keys: Vec<EntityKey>,
}

/// Types, and the `__typename` that their representations carry.
pub(crate) type Retype = (Vec<Arc<str>>, Arc<str>);

/// One resolvable `@key` of one type.
#[derive(Debug)]
pub(crate) struct EntityKey {
    pub(crate) ty: Arc<str>,
    /// Top-level field names, and whether each may be null.
    pub(crate) fields: Vec<(Arc<str>, bool)>,
}

/// One step of the way to where an answer belongs. Lists on the way are gone through.
#[derive(Debug, PartialEq)]
pub(crate) enum PathStep {
    Field(Key),
    /// Only values of these types.
    Types(Vec<Arc<str>>),
}

/// A part of a representation.
#[derive(Debug, PartialEq)]
pub(crate) enum Require {
    Field { read: Key, write: Name, nested: Vec<Require> },
    On(Vec<Arc<str>>, Vec<Require>),
}

/// What the client sees of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// The object types that the value can have. With more than one, its `__typename` decides.
    pub(crate) possible: TypeSet,
    /// The name, when there is only one type.
    pub(crate) concrete: Option<Arc<str>>,
    pub(crate) fields: Vec<ProjectedField>,
    /// The number of what is sent later of this object, in [`Deferred::anchors`].
    pub(crate) anchor: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct ProjectedField {
    /// The client's key.
    pub(crate) response_key: Arc<str>,
    /// The same as it stands before its value in JSON, quotes and colon included.
    pub(crate) json_key: Box<str>,
    /// The key under which it was fetched.
    pub(crate) internal: Key,
    /// As in `User.name`, for messages.
    pub(crate) coordinate: Arc<str>,
    /// The types for which the field was asked; `None` for all.
    pub(crate) only: Option<TypeSet>,
    pub(crate) ty: OutputType,
    pub(crate) kind: FieldKind,
}

#[derive(Clone, Debug)]
pub(crate) enum FieldKind {
    Typename,
    Leaf(Scalar),
    /// Only these values are public.
    Enum(Arc<[Arc<str>]>),
    Object(Selection),
    /// `__schema`, `__type` or a field inside: its name and arguments.
    Introspection(Arc<str>, Vec<(String, Literal)>, Selection),
}

/// The wrappers of a field's type.
#[derive(Clone, Debug)]
pub(crate) struct OutputType {
    pub(crate) non_null: bool,
    /// The type of the elements of a list.
    pub(crate) item: Option<Box<OutputType>>,
}
