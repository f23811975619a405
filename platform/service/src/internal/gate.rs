//! The middleware in front of what is for Studio's own processes.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use studio_kernel::Code;

use super::{CallerKind, HEADER, InternalAuthError, InternalVerifier};
use crate::error::ApiError;

/// Which calls pass.
#[derive(Debug, Clone)]
pub struct Gate {
    verifier: InternalVerifier,
    audience: &'static str,
    clients: bool,
}

impl Gate {
    /// For the GraphQL and REST of the subgraph `audience`: requests of clients, passed on by the
    /// router, and calls of Studio's own.
    pub fn requests(verifier: InternalVerifier, audience: &'static str) -> Self {
        Self { verifier, audience, clients: true }
    }

    /// For the feed and the other internal endpoints of the subgraph `audience`: calls of Studio's
    /// own, which read across organizations.
    pub fn services(verifier: InternalVerifier, audience: &'static str) -> Self {
        Self { verifier, audience, clients: false }
    }
}

/// Puts the caller, its [`studio_kernel::Actor`] and [`studio_kernel::Origin`] where there are such, and
/// the [`RequestId`](crate::RequestId) into the request, or refuses it with 401. For
/// `axum::middleware::from_fn_with_state(gate, require)`.
pub async fn require(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    // A header that is no text is no token.
    let token = request.headers().get(HEADER).map(|value| value.to_str().unwrap_or(""));
    let caller = gate.verifier.verify(token, gate.audience).and_then(|caller| {
        let passes = gate.clients || caller.kind == CallerKind::Service;
        if passes { Ok(caller) } else { Err(InternalAuthError::NotForClients) }
    });
    let caller = match caller {
        Ok(caller) => caller,
        Err(refused) => {
            tracing::warn!(audience = gate.audience, %refused, "a call was refused");
            return ApiError::new(Code::Unauthenticated, refused.to_string()).into_response();
        }
    };
    let extensions = request.extensions_mut();
    // What came some other way does not count.
    extensions.remove::<studio_kernel::Actor>();
    extensions.remove::<studio_kernel::Origin>();
    if let Some(actor) = &caller.actor {
        let actor = actor.clone().within(caller.request_id.id());
        extensions.insert(actor.acting_from(caller.origin.clone()));
    }
    if let Some(origin) = &caller.origin {
        extensions.insert(origin.clone());
    }
    extensions.insert(caller.request_id.clone());
    extensions.insert(caller);
    next.run(request).await
}
