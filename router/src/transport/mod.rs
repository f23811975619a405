//! How the router talks to subgraphs: one trait, in process or over HTTP.

mod balanced;
mod hop;
mod http1;
mod http_subgraph;
mod in_process;
mod replicas;
pub(crate) mod sse;
mod tls;
pub(crate) mod websocket;

pub use balanced::BalancedSubgraph;
pub use hop::end_to_end;
pub use http_subgraph::{
    AddressError, CallHeaders, HttpOptions, HttpSubgraph, SubscriptionTransport,
};
pub use in_process::{InProcess, InProcessSchema};
pub use replicas::Replicas;
pub use tls::{Authorities, AuthoritiesError};

use crate::{plan::SubgraphOperation, request::Caller};
use async_graphql::{Value, Variables};
use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::Map;
use std::sync::Arc;

/// How a transport takes variables and gives answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As JSON text.
    Json,
    /// As values, never as text.
    Values,
}

/// The variables of a request to a subgraph, in the encoding of its transport.
#[derive(Debug)]
pub enum SubgraphVariables {
    /// A JSON object.
    Json(Vec<u8>),
    /// Values by name.
    Values(Variables),
}

/// A request to a subgraph.
#[derive(Debug)]
pub struct SubgraphRequest {
    /// What to execute.
    pub operation: Arc<SubgraphOperation>,
    /// With which variables.
    pub variables: SubgraphVariables,
    /// For whom.
    pub caller: Arc<Caller>,
}

/// A step in the path of a subgraph's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubgraphPath {
    /// A response key.
    Key(String),
    /// An index into a list.
    Index(u32),
}

/// An error in a subgraph's answer.
#[derive(Clone, Debug, Default)]
pub struct SubgraphError {
    /// What happened.
    pub message: String,
    /// Where, in the subgraph's answer.
    pub path: Vec<SubgraphPath>,
    /// Details such as `code`.
    pub extensions: Map<String, serde_json::Value>,
}

/// A subgraph's answer.
#[derive(Clone, Debug)]
pub enum SubgraphResponse {
    /// The body of an answer over HTTP.
    Json(Bytes),
    /// An answer in process.
    Values {
        /// `data`.
        data: Value,
        /// `errors`.
        errors: Vec<SubgraphError>,
    },
}

/// Why a subgraph gave no answer. The text is for the log, not for clients.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection could be made, so that nothing was sent.
    #[error("cannot reach it: {0}")]
    Unreachable(String),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Connection(String),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(std::time::Duration),
    /// An answer that is not GraphQL.
    #[error("not a GraphQL answer: {0}")]
    Protocol(String),
    /// An answer over the limit.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The subgraph is not part of the graph any more.
    #[error("it has left the graph")]
    Gone,
}

/// What comes of a subscription to a subgraph.
pub type SubgraphStream = BoxStream<'static, Result<SubgraphResponse, TransportError>>;

/// A subgraph's transport.
#[async_trait::async_trait]
pub trait SubgraphTransport: Send + Sync + 'static {
    /// The encoding that requests and answers have.
    fn encoding(&self) -> Encoding;

    /// Executes a query or mutation.
    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError>;

    /// Starts a subscription. Dropping the stream ends it upstream.
    async fn subscribe(&self, request: SubgraphRequest) -> Result<SubgraphStream, TransportError>;
}
