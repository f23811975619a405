//! Operations as streams of answers: subscriptions, and queries and mutations as a stream of one.

use super::{Answer, Router, core::Prepared, timed_out};
use crate::{
    error::{GraphqlError, code},
    execute::Execution,
    incremental::Format,
    plan::types::Steps,
    request::GraphqlResponse,
    transport::{SubgraphResponse, TransportError},
};
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use std::sync::Arc;

impl Router {
    /// Runs an operation as a stream of answers.
    pub(crate) async fn stream(
        self: Arc<Self>,
        prepared: Prepared,
    ) -> Result<BoxStream<'static, Bytes>, GraphqlResponse> {
        let upstream = match &prepared.plan.steps {
            Steps::Subscription(fetch, _) => {
                let execution = Execution::new(
                    &prepared.core.shared,
                    &prepared.plan,
                    &prepared.variables,
                    prepared.caller.clone(),
                );
                let request = execution.request(&fetch.operation, &fetch.variables, Vec::new());
                let subgraph = &prepared.core.shared.subgraphs[fetch.operation.subgraph];
                let begun = tokio::select! {
                    begun = subgraph.subscribe(request) => begun,
                    () = self.stop.asked() => return Ok(futures::stream::empty().boxed()),
                };
                match begun {
                    Ok(events) => events,
                    Err(error) => {
                        let error = execution.unavailable(&fetch.operation, &error);
                        let mut told = GraphqlError::new(code::SUBGRAPH_UNAVAILABLE, error.message);
                        told.extensions = Box::new(error.extensions);
                        return Err(GraphqlResponse::request_errors(&[told]));
                    }
                }
            }
            _ if prepared.defers() => {
                return Ok(match self.answer_in_parts(prepared, Format::Current).await {
                    Answer::Parts(parts) => parts,
                    Answer::Whole(answer) => {
                        futures::stream::once(async move { answer.body }).boxed()
                    }
                });
            }
            _ => {
                let body = self.run(prepared).await.body;
                return Ok(futures::stream::once(async move { body }).boxed());
            }
        };
        let stop = self.stop.clone();
        let state = Some((self, prepared, upstream));
        let answers = futures::stream::unfold(state, |state| async move {
            let (router, prepared, mut upstream) = state?;
            let event = upstream.next().await?;
            if !router.authenticate.still_valid(&prepared.caller).await {
                let error = GraphqlError::new(
                    code::UNAUTHENTICATED,
                    "the session ended; sign in and subscribe again",
                );
                return Some((GraphqlResponse::request_errors(&[error]).body, None));
            }
            let (body, last) = router.event(&prepared, event).await;
            router.in_flight.tells_of_a_write();
            let next = if last { None } else { Some((router, prepared, upstream)) };
            Some((body, next))
        });
        Ok(stop.cut(answers).boxed())
    }

    /// The answer to one event, and whether the subscription ends with it.
    async fn event(
        &self,
        prepared: &Prepared,
        event: Result<SubgraphResponse, TransportError>,
    ) -> (Bytes, bool) {
        let Steps::Subscription(fetch, rest) = &prepared.plan.steps else {
            return (Bytes::new(), true);
        };
        let execution = Execution::new(
            &prepared.core.shared,
            &prepared.plan,
            &prepared.variables,
            prepared.caller.clone(),
        );
        match event {
            Ok(event) => {
                let limit = prepared.core.limits.execution;
                let run = execution.run_event(fetch, event, rest.as_ref());
                if tokio::time::timeout(limit, run).await.is_err() {
                    return (timed_out(limit).body, false);
                }
                (execution.answer().0, false)
            }
            Err(error) => {
                let error = execution.unavailable(&fetch.operation, &error);
                let mut told = GraphqlError::new(code::SUBGRAPH_UNAVAILABLE, error.message);
                told.extensions = Box::new(error.extensions);
                (GraphqlResponse::request_errors(&[told]).body, true)
            }
        }
    }
}
