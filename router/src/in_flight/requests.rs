//! Requests to subgraphs that are the same.

use super::InFlight;
use crate::{
    authenticate::Scope,
    plan::{OperationKind, SubgraphOperation},
    transport::{
        SubgraphRequest, SubgraphResponse, SubgraphTransport, SubgraphVariables, TransportError,
    },
};
use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

/// What makes two requests to subgraphs the same.
#[derive(Clone)]
pub(super) struct SubgraphRead {
    told: u64,
    /// Its address tells subgraphs apart, in several graphs too. It is held, so that no other takes
    /// that address.
    transport: Arc<dyn SubgraphTransport>,
    operation: Arc<SubgraphOperation>,
    variables: Arc<[u8]>,
    scope: Scope,
}

impl SubgraphRead {
    fn place(&self) -> *const () {
        Arc::as_ptr(&self.transport).cast()
    }
}

impl PartialEq for SubgraphRead {
    fn eq(&self, other: &Self) -> bool {
        // Several plans may ask for the same.
        let same = |a: &Arc<SubgraphOperation>, b: &Arc<SubgraphOperation>| {
            Arc::ptr_eq(a, b) || a.text == b.text
        };
        self.told == other.told
            && self.place() == other.place()
            && self.variables == other.variables
            && self.scope == other.scope
            && same(&self.operation, &other.operation)
    }
}

impl Eq for SubgraphRead {}

impl Hash for SubgraphRead {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.told.hash(state);
        self.place().hash(state);
        self.operation.text.hash(state);
        self.variables.hash(state);
        self.scope.hash(state);
    }
}

/// One query's way to share what it asks of subgraphs.
pub(crate) struct Sharer {
    in_flight: Arc<InFlight>,
    scope: Scope,
}

impl InFlight {
    /// How a query of a caller of this scope shares what it asks of subgraphs, if it does.
    pub(crate) fn sharer(self: &Arc<Self>, scope: Option<&Scope>) -> Option<Sharer> {
        let scope = scope.filter(|_| self.options.subgraph_requests)?.clone();
        Some(Sharer { in_flight: self.clone(), scope })
    }
}

impl Sharer {
    /// Asks, or waits for the answer to the same request where it is under way. Subgraphs in this
    /// process are asked each time: to hand a tree of values to several costs more than to make it.
    pub(crate) async fn ask(
        &self,
        transport: &Arc<dyn SubgraphTransport>,
        request: SubgraphRequest,
    ) -> Result<SubgraphResponse, TransportError> {
        let variables = match &request.variables {
            SubgraphVariables::Json(json) if request.operation.kind == OperationKind::Query => {
                json.as_slice().into()
            }
            _ => return transport.execute(request).await,
        };
        let read = SubgraphRead {
            told: self.in_flight.now(),
            transport: transport.clone(),
            operation: request.operation.clone(),
            variables,
            scope: self.scope.clone(),
        };
        let transport = transport.clone();
        let begin = || async move { transport.execute(request).await };
        self.in_flight.subgraph_requests.join(read, begin).0.await
    }
}
