//! A GraphQL federation gateway as a library.
//!
//! It composes subgraphs into a supergraph ([`compose`]), plans each operation once, executes plans
//! over subgraphs in process or over HTTP ([`transport`]), and serves clients over HTTP, server-sent
//! events and WebSockets ([`serve`]). It names no subgraph.
//!
//! The way of a request: transport, limits, authentication, parsing and validation and planning (each
//! done once per document), execution, projection, encoding.

mod authenticate;
mod compose;
mod data;
mod discover;
pub mod error;
mod execute;
mod in_flight;
mod incremental;
mod introspect;
mod limits;
#[doc(hidden)]
pub mod parsers;
mod plan;
mod planner;
mod request;
mod router;
mod schema;
pub mod serve;
pub mod standalone;
pub mod transport;

pub use authenticate::{Anonymous, AuthError, Authenticate, Scope};
pub use compose::{
    CompositionErrors, PublicSchema, SdlError, SubgraphSdl, Supergraph, UnreadableSchema,
    check_plannable, check_sdl, compose, compose_guest, subgraph_addresses,
};
pub use discover::{DiscoverError, discover};
pub use error::GraphqlError;
pub use in_flight::ShareInFlight;
pub use limits::Limits;
pub use plan::{OperationKind, SubgraphOperation};
pub use request::{Caller, GraphqlRequest, GraphqlResponse, RequestId};
pub use router::{BuildError, Graph, Router, RouterBuilder, Sharing};
pub use schema::changes::{SchemaChange, Severity};
