//! A subgraph that runs as several replicas over HTTP.
//!
//! What was never sent goes to the next replica, whatever it is. A query whose connection broke
//! does, too; a mutation does not, since it may have been carried out.

use super::{
    AddressError, Encoding, HttpOptions, HttpSubgraph, Replicas, SubgraphRequest, SubgraphResponse,
    SubgraphStream, SubgraphTransport, TransportError,
};
use crate::plan::OperationKind;
use std::sync::Arc;

/// The transport to the replicas of a subgraph.
#[derive(Debug)]
pub struct BalancedSubgraph {
    replicas: Arc<Replicas>,
    members: Vec<HttpSubgraph>,
}

impl BalancedSubgraph {
    /// The replicas, each at its address followed by `path`.
    ///
    /// # Errors
    /// An address that is none.
    pub fn new(
        replicas: Arc<Replicas>,
        path: &str,
        options: &HttpOptions,
    ) -> Result<BalancedSubgraph, AddressError> {
        let members = replicas
            .addresses()
            .map(|base| HttpSubgraph::new(&format!("{base}{path}"), options.clone()))
            .collect::<Result<_, _>>()?;
        Ok(BalancedSubgraph { replicas, members })
    }

    /// Tries replicas until one answers, or may have done what was asked.
    async fn attempt<'a, T, F: Future<Output = Result<T, TransportError>>>(
        &'a self,
        kind: OperationKind,
        call: impl Fn(&'a HttpSubgraph) -> F,
    ) -> Result<T, TransportError> {
        let mut failure = TransportError::Unreachable("it has no replica".to_owned());
        for index in self.replicas.order() {
            failure = match call(&self.members[index]).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let again = match &failure {
                TransportError::Unreachable(_) => true,
                TransportError::Connection(_) => kind != OperationKind::Mutation,
                _ => return Err(failure),
            };
            self.replicas.mark(index, false);
            if !again {
                break;
            }
        }
        Err(failure)
    }
}

#[async_trait::async_trait]
impl SubgraphTransport for BalancedSubgraph {
    fn encoding(&self) -> Encoding {
        Encoding::Json
    }

    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        self.attempt(request.operation.kind, |member| member.ask(&request)).await
    }

    async fn subscribe(&self, request: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        self.attempt(request.operation.kind, |member| member.listen(&request)).await
    }
}
