//! Subscriptions to subgraphs that may leave the graph meanwhile.

use crate::{
    execute::SubgraphHandle,
    transport::{SubgraphRequest, SubgraphStream, TransportError},
};
use futures::{StreamExt, stream};

impl SubgraphHandle {
    /// Starts a subscription, which ends with [`TransportError::Gone`] when the subgraph leaves the
    /// graph.
    pub(super) async fn subscribe(
        &self,
        request: SubgraphRequest,
    ) -> Result<SubgraphStream, TransportError> {
        let events = tokio::select! {
            events = self.transport.subscribe(request) => events?,
            () = self.gone.cancelled() => return Err(TransportError::Gone),
        };
        let state = Some((events, self.gone.clone()));
        Ok(stream::unfold(state, |state| async move {
            let (mut events, gone) = state?;
            tokio::select! {
                event = events.next() => event.map(|event| (event, Some((events, gone)))),
                () = gone.cancelled() => Some((Err(TransportError::Gone), None)),
            }
        })
        .boxed())
    }
}
