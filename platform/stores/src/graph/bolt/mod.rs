//! The graph on a server that speaks Bolt and Cypher, by `neo4rs`.
//!
//! Each kind of node is a label with a unique `key`, `<name of the graph>/<organization>/<id>`; each
//! kind of edge is a relationship type. One node `StudioMark` holds how far the log is in the graph:
//! every transaction that writes takes it first, looks at it, and moves it last. Whatever comes from outside goes into
//! parameters; the text of a statement is made of the names in [`cypher`] alone. The Cypher is what
//! Neo4j 5 and the Bolt server of the tests both understand.

mod cypher;
mod options;
mod read;
mod reduce;
mod retry;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use neo4rs::{Query, query};
use studio_kernel::TenantId;

pub use options::BoltOptions;

use super::{Applied, Batch, Graph, GraphError, State, View, node::NodeKind};
use read::TenantView;

/// The graph on a server.
pub struct BoltGraph {
    server: Arc<Server>,
}

/// A connection pool, and where it leads.
struct Server {
    graph: neo4rs::Graph,
    /// Without credentials.
    address: String,
    /// See [`BoltOptions::name`].
    name: String,
}

/// A server that does not answer at the start does not answer at all.
fn unreachable(error: GraphError) -> GraphError {
    match error {
        GraphError::Unavailable { address, cause } => GraphError::Unreachable { address, cause },
        other => other,
    }
}

impl Server {
    fn open(options: &BoltOptions) -> Result<Self, GraphError> {
        let (address, config) = (options.address(), options.config()?);
        let graph = neo4rs::Graph::connect(config).map_err(|error| GraphError::Unreachable {
            address: address.clone(),
            cause: retry::said(&error),
        })?;
        Ok(Self { graph, address, name: options.name().to_owned() })
    }

    /// A statement about this graph.
    fn query(&self, text: &str) -> Query {
        query(text).param("graph", self.name.as_str())
    }
}

impl BoltGraph {
    /// Connects, and sees to the constraints and the mark.
    ///
    /// # Errors
    /// [`GraphError::Setting`] where the options can never work, [`GraphError::Unreachable`] where
    /// the server does not answer or refuses.
    pub async fn connect(options: &BoltOptions) -> Result<Self, GraphError> {
        let server = Server::open(options)?;
        let prepared = async {
            for kind in NodeKind::ALL {
                for statement in cypher::schema(kind) {
                    server.run(&query(&statement)).await?;
                }
            }
            server.run(&query(cypher::MARK_CONSTRAINT)).await?;
            server.run(&server.query(cypher::MAKE_MARK)).await
        };
        prepared.await.map_err(unreachable)?;
        Ok(Self { server: Arc::new(server) })
    }

    /// Asks the server whether it is there and lets us in; nothing is made on it.
    ///
    /// # Errors
    /// As [`BoltGraph::connect`].
    pub async fn probe(options: &BoltOptions) -> Result<(), GraphError> {
        Server::open(options)?.run(&query("RETURN 1")).await.map_err(unreachable)
    }

    /// Where it is, without credentials.
    pub fn address(&self) -> &str {
        &self.server.address
    }
}

#[async_trait]
impl Graph for BoltGraph {
    async fn state(&self) -> Result<State, GraphError> {
        read::state(&self.server).await
    }

    async fn apply(&self, batch: &Batch) -> Result<Applied, GraphError> {
        write::apply(&self.server, batch).await
    }

    async fn clear(&self) -> Result<(), GraphError> {
        write::clear(&self.server).await
    }

    async fn view(&self, tenant: TenantId) -> Result<Arc<dyn View>, GraphError> {
        Ok(Arc::new(TenantView::new(self.server.clone(), tenant)))
    }
}
