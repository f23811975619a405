//! Queries of clients that are the same.

use super::InFlight;
use crate::{
    authenticate::Scope,
    request::{GraphqlResponse, RequestId},
    router::AnswerKey,
};
use std::future::Future;

/// What makes two queries the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Query {
    told: u64,
    key: AnswerKey,
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
    /// What tells a query from others, where queries are shared.
    pub(crate) fn query(
        &self,
        scope: Option<&Scope>,
        key: impl FnOnce(Scope) -> AnswerKey,
    ) -> Option<Query> {
        let scope = scope.filter(|_| self.options.queries)?.clone();
        Some(Query { told: self.now(), key: key(scope) })
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
