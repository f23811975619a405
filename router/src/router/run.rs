//! Executes a query or mutation once it is prepared.

use super::{AnswerKey, Router, core::Prepared, timed_out};
use crate::{
    in_flight::{Answered, Sharer},
    plan::OperationKind,
    request::GraphqlResponse,
};
use std::sync::Arc;

impl Router {
    /// Executes a query or mutation; a query may get the answer of one that is the same and under way.
    pub(crate) async fn run(&self, prepared: Prepared) -> GraphqlResponse {
        if prepared.kind() == OperationKind::Mutation {
            let response = execute(&prepared, None).await.response;
            self.in_flight.tells_of_a_write();
            return response;
        }
        let scope = match self.in_flight.is_on() {
            true => self.authenticate.scope(&prepared.caller),
            false => None,
        };
        let prepared = Arc::new(prepared);
        let sharer = self.in_flight.sharer(scope.as_ref());
        let key = |scope| AnswerKey::new(&prepared.plan, &prepared.variables, scope);
        let Some(query) = self.in_flight.query(scope.as_ref(), key) else {
            return execute(&prepared, sharer).await.response;
        };
        let (answered, joined) = {
            let prepared = prepared.clone();
            let begin = || async move { execute(&prepared, sharer).await };
            self.in_flight.answer(query, begin).await
        };
        if !joined {
            return answered.response;
        }
        if answered.names_request {
            // The errors of another request, whose id is in them: this one has to have its own.
            return execute(&prepared, self.in_flight.sharer(scope.as_ref())).await.response;
        }
        if answered.response.has_errors {
            // The reason is in the log under the id of the request that was executed.
            let id = prepared.caller.told_request_id();
            let executed = answered.request_id.as_ref().map_or("", |id| &id.0);
            tracing::warn!(request_id = %id, executed, "a request got the errors of another one");
        }
        answered.response
    }
}

async fn execute(prepared: &Prepared, sharer: Option<Sharer>) -> Answered {
    let request_id = prepared.caller.request_id().cloned();
    let execution = prepared.execution().sharing(sharer);
    let limit = prepared.core.limits.execution;
    if tokio::time::timeout(limit, execution.run()).await.is_err() {
        return Answered { response: timed_out(limit), names_request: false, request_id };
    }
    let names_request = execution.names_request();
    let (body, has_errors, code) = execution.answer();
    let response = GraphqlResponse { body, has_errors, request_error: false, code };
    Answered { response, names_request, request_id }
}
