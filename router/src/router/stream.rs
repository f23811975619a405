//! Operations as streams of answers: subscriptions, and queries and mutations as a stream of one.

use super::{Answer, Router, core::Prepared};
use crate::{incremental::Format, plan::OperationKind, request::GraphqlResponse};
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use std::sync::Arc;

impl Router {
    /// Runs an operation as a stream of answers.
    pub(crate) async fn stream(
        self: Arc<Self>,
        prepared: Prepared,
    ) -> Result<BoxStream<'static, Bytes>, GraphqlResponse> {
        if prepared.kind() == OperationKind::Subscription {
            return self.follow(prepared).await;
        }
        if prepared.defers() {
            return Ok(match self.answer_in_parts(prepared, Format::Current).await {
                Answer::Parts(parts) => parts,
                Answer::Whole(answer) => futures::stream::once(async move { answer.body }).boxed(),
            });
        }
        let body = self.run(prepared).await.body;
        Ok(futures::stream::once(async move { body }).boxed())
    }
}
