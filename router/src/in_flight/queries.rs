//! Queries of clients that are the same.

use super::InFlight;
use crate::{
    authenticate::Scope,
    request::{GraphqlResponse, RequestId},
    router::Prepared,
};
use std::{
    future::Future,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// What makes two queries the same.
#[derive(Clone)]
pub(crate) struct Query {
    told: u64,
    /// The address of its plan stands for the document, the operation and the graph. It is held, so
    /// that no other takes that address.
    prepared: Arc<Prepared>,
    scope: Scope,
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.told == other.told
            && Arc::ptr_eq(&self.prepared.plan, &other.prepared.plan)
            && self.scope == other.scope
            && self.prepared.variables == other.prepared.variables
    }
}

// Variables are read from JSON and from literals, of which none is a number that differs from itself.
impl Eq for Query {}

impl Hash for Query {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.told.hash(state);
        Arc::as_ptr(&self.prepared.plan).hash(state);
        self.scope.hash(state);
        let mut variables: Vec<_> = self.prepared.variables.iter().collect();
        variables.sort_unstable_by_key(|(name, _)| *name);
        for (name, value) in variables {
            name.hash(state);
            value.to_string().hash(state);
        }
    }
}

/// The answer to a query.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) response: GraphqlResponse,
    /// Whether it holds the id of its request, so that it can be nobody else's.
    pub(crate) names_request: bool,
    /// The request that was executed.
    pub(crate) request_id: Option<RequestId>,
}

impl InFlight {
    /// What tells this query from others, where queries are shared.
    pub(crate) fn query(&self, prepared: &Arc<Prepared>, scope: Option<&Scope>) -> Option<Query> {
        let scope = scope.filter(|_| self.options.queries)?.clone();
        Some(Query { told: self.now(), prepared: prepared.clone(), scope })
    }

    /// The answer to the same query where that is under way, or else that of `execute`; and whether it
    /// was under way already.
    pub(crate) async fn answer<F>(
        &self,
        query: Query,
        execute: impl FnOnce() -> F,
    ) -> (Answered, bool)
    where
        F: Future<Output = Answered> + Send + 'static,
    {
        let (flight, joined) = self.queries.join(query, execute);
        (flight.await, joined)
    }
}
