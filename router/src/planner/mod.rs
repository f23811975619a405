//! The planner: which subgraph is asked for what, in which order.
//!
//! A supergraph is read once into a [`model`] of its joins. For an operation, [`search`] puts each
//! selection into a fetch ([`fetches`]); [`entity`] goes from one subgraph to another, [`several`] stands
//! where a value may have several types; [`keys`] names what is fetched for the router itself; [`emit`]
//! orders the fetches and writes their documents.

mod emit;
mod entity;
mod fetches;
mod keys;
mod labels;
mod later;
mod model;
mod reach;
mod read;
mod search;
mod selection;
mod several;
#[cfg(test)]
mod tests;
mod text;

use crate::{
    data::KeyTable,
    plan::{
        defer::{DeferUsages, Wave},
        schedule::Schedule,
        types::{Fetch, OperationKind},
    },
    schema::{Schema, TypeRef},
};
use graphql_tools::parser::{query as ast, schema as sdl};
pub(crate) use labels::{Label, LabelId, Labels};
use model::Model;
use search::Search;
use selection::Sel;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// The supergraph does not say how.
    #[error("{0}")]
    Unplannable(String),
    /// The operation is too large for the limits.
    #[error("planning took too long")]
    TooLong,
    /// The document does not hold what it should.
    #[error("the operation cannot be planned: {0}")]
    Operation(String),
}

/// The requests of an operation.
pub(crate) enum Planned {
    /// What is asked first, and what is asked for deferred fragments after it.
    Schedule(Schedule, Vec<Wave>),
    /// The upstream, and what follows each of its events.
    Subscription(Box<Fetch>, Schedule),
}

/// A supergraph ready for planning.
pub(crate) struct Supergraph {
    model: Model,
    /// Subgraphs by number.
    pub(crate) subgraphs: Vec<Subgraph>,
    /// The labels of progressive overrides; all of them are off.
    pub(crate) labels: Labels,
}

/// A subgraph as the supergraph names it.
#[derive(Clone)]
pub(crate) struct Subgraph {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl std::fmt::Debug for Supergraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.subgraphs.iter().map(|one| one.name.as_str()).collect();
        f.debug_struct("Supergraph").field("subgraphs", &names).finish_non_exhaustive()
    }
}

impl Supergraph {
    /// Reads a supergraph.
    pub(crate) fn new(document: &sdl::Document<'static, String>) -> Result<Supergraph, String> {
        let (subgraphs, model, labels) = read::read(document)?;
        Ok(Supergraph { model, subgraphs, labels })
    }

    /// The subgraphs that a document names, sorted by name.
    pub(crate) fn subgraphs_of(
        document: &sdl::Document<'static, String>,
    ) -> Result<Vec<Subgraph>, String> {
        read::subgraphs(document).map(|(subgraphs, _)| subgraphs)
    }

    /// The same supergraph for requests with these labels on and all others off.
    pub(crate) fn with(&self, on: &BTreeSet<LabelId>) -> Supergraph {
        Supergraph {
            model: self.model.with(on),
            subgraphs: self.subgraphs.clone(),
            labels: self.labels.clone(),
        }
    }

    /// Plans one operation that has been rewritten to internal keys, within `limit`. `parents` says in
    /// which deferred fragment each deferred fragment stands.
    pub(crate) fn plan(
        &self,
        (kind, parents): (OperationKind, &[Option<usize>]),
        selections: &[ast::Selection<'static, String>],
        variables: &[ast::VariableDefinition<'static, String>],
        schema: &Schema,
        keys: &mut KeyTable,
        limit: Duration,
    ) -> Result<Planned, PlanError> {
        let root = match kind {
            OperationKind::Query => Some(&self.model.query),
            OperationKind::Mutation => self.model.mutation.as_ref(),
            OperationKind::Subscription => self.model.subscription.as_ref(),
        };
        let root = root.ok_or_else(|| PlanError::Operation("no root type".to_owned()))?;
        let deadline = Instant::now() + limit;
        let items = selection::read(selections);
        let mut at_once = DeferUsages::NONE;
        let (search, left) = loop {
            let mut search = Search::new(&self.model, schema, &self.subgraphs, deadline);
            search.defers.parents = parents;
            search.defers.at_once = at_once;
            let left = search.root(kind, root, &items).map_err(|_| PlanError::TooLong)?;
            let refused = search.defers.refused;
            if left.is_empty() || refused.is_empty() {
                break (search, left);
            }
            // What cannot be had by itself is fetched with what is around it, and still sent later.
            at_once = at_once.or(refused);
        };
        if !left.is_empty() {
            let reason = search.reason.unwrap_or_default();
            return Err(PlanError::Unplannable(format!("{}: {reason}", describe(root, &left))));
        }
        let mut emit = emit::Emit { model: &self.model, fetches: &search.fetches, variables, keys };
        let nothing = || PlanError::Operation("nothing is asked for".to_owned());
        match kind {
            OperationKind::Subscription => {
                let (fetch, rest) = emit.subscription().ok_or_else(nothing)?;
                Ok(Planned::Subscription(Box::new(fetch), rest))
            }
            _ => match (emit.schedule(), emit.waves()) {
                (schedule, waves) if schedule.is_empty() && waves.is_empty() => Err(nothing()),
                (schedule, waves) => Ok(Planned::Schedule(schedule, waves)),
            },
        }
    }
}

/// The way to the first selection that could not be planned.
fn describe(root: &str, left: &[Sel]) -> String {
    let mut text = root.to_owned();
    let mut items = left;
    while let Some(item) = items.first() {
        items = match item {
            Sel::Field(wanted) => {
                text.push('.');
                text.push_str(&wanted.name);
                &wanted.children
            }
            Sel::On(_, inner) => inner,
        };
    }
    text
}

/// A type in the parser's syntax tree.
pub(crate) fn ast_type(ty: &TypeRef) -> ast::Type<'static, String> {
    match ty {
        TypeRef::Named(name) => ast::Type::NamedType(name.to_string()),
        TypeRef::List(inner) => ast::Type::ListType(Box::new(ast_type(inner))),
        TypeRef::NonNull(inner) => ast::Type::NonNullType(Box::new(ast_type(inner))),
    }
}
