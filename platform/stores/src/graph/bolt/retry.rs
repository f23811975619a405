//! Faults that pass: the server is busy, a transaction lost against another one, a connection broke.

use std::{future::Future, time::Duration};

use neo4rs::{Error, Neo4jErrorKind, Query, Row};

use super::{Server, options::PATIENCE};
use crate::graph::GraphError;

/// Attempts at most; the pauses between them double.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// A fault of one attempt.
pub(super) enum Fault {
    /// Of the server or the way to it.
    Driver(Error),
    /// Of ours: another attempt changes nothing.
    Ours(GraphError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<GraphError> for Fault {
    fn from(error: GraphError) -> Self {
        Self::Ours(error)
    }
}

/// What the driver says, and the server's code where it gave one.
pub(super) fn said(error: &Error) -> String {
    match error {
        Error::Neo4j(error) => format!("{} ({})", error.message(), error.code()),
        // The driver keeps the reason to itself here.
        Error::ConnectionError => "no connection to it can be made".to_owned(),
        other => other.to_string(),
    }
}

/// Whether the same may work a moment later.
fn passes(error: &Error) -> bool {
    match error {
        Error::Neo4j(error) => {
            matches!(error.kind(), Neo4jErrorKind::Transient)
                // Statements merge: a key can be there twice only because somebody else was faster.
                || error.code() == "Neo.ClientError.Schema.ConstraintValidationFailed"
                // Some servers say a lost race this way.
                || error.message().contains("ConcurrentModification")
                || error.message().contains("Please retry")
        }
        Error::IOError { .. }
        | Error::ConnectionError
        | Error::ConnectionTimedOut
        | Error::IncompleteBoltExchange
        | Error::RequestIgnoredError => true,
        _ => false,
    }
}

impl Server {
    /// Attempts something until it works, fails for good, or has failed too often.
    pub(super) async fn attempt<T, F, A>(&self, mut attempt: F) -> Result<T, GraphError>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<T, Fault>>,
    {
        let mut pause = FIRST_PAUSE;
        for left in (0..ATTEMPTS).rev() {
            let error = match attempt().await {
                Ok(done) => return Ok(done),
                Err(Fault::Ours(error)) => return Err(error),
                Err(Fault::Driver(error)) => error,
            };
            if left == 0 || !passes(&error) {
                return Err(self.unavailable(&error));
            }
            tracing::debug!(address = self.address, cause = said(&error), "asking the graph again");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(self.unavailable(&Error::ConnectionError))
    }

    fn unavailable(&self, error: &Error) -> GraphError {
        GraphError::Unavailable { address: self.address.clone(), cause: said(error) }
    }

    /// Runs a statement for its effect.
    pub(super) async fn run(&self, query: &Query) -> Result<(), GraphError> {
        self.rows(query).await.map(|_| ())
    }

    /// Runs a statement that only reads, and gives all rows of its answer.
    pub(super) async fn read(&self, query: &Query) -> Result<Vec<Row>, GraphError> {
        self.attempt(|| async {
            let answer = tokio::time::timeout(PATIENCE, answer(self, query.clone())).await;
            Ok(answer.unwrap_or(Err(Error::ConnectionTimedOut))?)
        })
        .await
    }

    /// Runs a statement in a transaction of its own, and gives all rows of its answer.
    pub(super) async fn rows(&self, query: &Query) -> Result<Vec<Row>, GraphError> {
        self.attempt(|| async {
            let mut tx = self.graph.start_txn().await?;
            let rows = all(&mut tx, query.clone()).await?;
            tx.commit().await?;
            Ok(rows)
        })
        .await
    }
}

/// All rows of a statement that only reads, which needs no transaction of several messages.
async fn answer(server: &Server, query: Query) -> Result<Vec<Row>, Error> {
    let mut stream = server.graph.execute_read(query).await?;
    let mut rows = Vec::new();
    while let Some(row) = stream.next().await? {
        rows.push(row);
    }
    Ok(rows)
}

/// All rows that a statement answers within a transaction.
pub(super) async fn all(tx: &mut neo4rs::Txn, query: Query) -> Result<Vec<Row>, Error> {
    let mut stream = tx.execute(query).await?;
    let mut rows = Vec::new();
    while let Some(row) = stream.next(tx.handle()).await? {
        rows.push(row);
    }
    Ok(rows)
}
