//! The way to an extension. Studio's own subgraphs ask the policies in their commands and queries; an
//! extension knows no policies of Studio's, so they are asked here, before each request to it.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use serde_json::json;
use studio_access::{Policy, Resource};
use studio_identity::TokenVerifier;
use studio_kernel::{Actor, Code};
use studio_router::{
    Caller, OperationKind,
    transport::{
        Encoding, SubgraphRequest, SubgraphResponse, SubgraphStream, SubgraphTransport,
        TransportError,
    },
};

/// The way to one extension.
pub(super) struct Gate {
    pub(super) name: String,
    pub(super) policy: Arc<Policy>,
    /// Knows who of those that were let in may still act, and as what.
    pub(super) verifier: TokenVerifier,
    /// Whether callers that are not signed in may pass.
    pub(super) anonymous: bool,
    pub(super) inner: Arc<dyn SubgraphTransport>,
}

/// Why a caller does not pass.
struct Refusal {
    code: Code,
    message: String,
}

impl Gate {
    fn refusal(&self, caller: &Caller, kind: OperationKind) -> Option<Refusal> {
        let actor = caller.extensions.get::<Actor>().cloned();
        let Some(actor) = actor.and_then(|actor| self.verifier.now(actor)) else {
            let message = format!("Sign in: \"{}\" is for those who are signed in.", self.name);
            return (!self.anonymous).then_some(Refusal { code: Code::Unauthenticated, message });
        };
        let action = match kind {
            OperationKind::Mutation => "extensions:field:update",
            OperationKind::Query | OperationKind::Subscription => "extensions:field:read",
        };
        let field = Resource::any("Extension", actor.tenant);
        let denied = self.policy.require(&actor, action, &field).err()?;
        Some(Refusal { code: denied.code(), message: denied.to_string() })
    }
}

/// The answer that the extension would give, if it knew the policies.
fn answer(refusal: &Refusal) -> SubgraphResponse {
    let error = json!({
        "message": refusal.message,
        "extensions": { "code": refusal.code.as_str() },
    });
    SubgraphResponse::Json(json!({ "data": null, "errors": [error] }).to_string().into())
}

#[async_trait]
impl SubgraphTransport for Gate {
    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        match self.refusal(&request.caller, request.operation.kind) {
            Some(refusal) => Ok(answer(&refusal)),
            None => self.inner.execute(request).await,
        }
    }

    async fn subscribe(&self, request: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        match self.refusal(&request.caller, request.operation.kind) {
            Some(refusal) => Ok(futures::stream::iter([Ok(answer(&refusal))]).boxed()),
            None => self.inner.subscribe(request).await,
        }
    }
}
