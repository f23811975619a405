//! The request that a command belongs to.

use std::convert::Infallible;

use async_graphql::Context;
use axum::{
    extract::FromRequestParts,
    http::{Extensions, request::Parts},
};
use studio_events::Metadata;
use studio_kernel::{Actor, Id, Origin, kind};
use studio_service::RequestId;

/// Which request it is, where it is one of ours (a client may send any text as its id), and from where it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    id: Option<Id<kind::Request>>,
    origin: Option<Origin>,
}

impl Request {
    /// Of an operation of the graph.
    pub(crate) fn of(ctx: &Context<'_>) -> Self {
        let id = ctx.data_opt::<RequestId>().and_then(RequestId::id);
        Self { id, origin: ctx.data_opt().cloned() }
    }

    /// Of a request of HTTP with these extensions.
    pub(crate) fn of_extensions(extensions: &Extensions) -> Self {
        let id = extensions.get::<RequestId>().and_then(RequestId::id);
        Self { id, origin: extensions.get().cloned() }
    }

    /// The one in which somebody acts.
    pub(crate) fn of_actor(actor: &Actor) -> Self {
        Self { id: actor.request, origin: actor.origin.clone() }
    }

    /// From where it came.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What is recorded in it.
    pub(crate) fn on(&self, metadata: Metadata) -> Metadata {
        let from = self.origin.as_ref().map(Origin::without_agent);
        metadata.within(self.id).acting_from(from)
    }

    /// What is recorded where somebody begins a session in it: the program is told too.
    pub(crate) fn on_sign_in(&self, metadata: Metadata) -> Metadata {
        metadata.within(self.id).acting_from(self.origin.clone())
    }

    /// Whoever acts in it.
    pub(crate) fn by(&self, actor: Actor) -> Actor {
        actor.within(self.id).acting_from(self.origin.clone())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Request {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of_extensions(&parts.extensions))
    }
}
