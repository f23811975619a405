//! Who asks: the embedder finds out.

use crate::request::Caller;
use http::HeaderMap;
use std::{fmt, sync::Arc};

/// What a caller may see, as bytes that are equal for two callers only where both may be given one
/// answer: whatever a subgraph decides by or shows of the caller has to be in it. It may hold a
/// secret, such as a token, and so it is never shown.
///
/// It says who asks, not when. What a caller has written or seen before is no part of it, since that
/// grows with each request: whoever gives one caller what is read for another makes sure of that
/// apart ([`Authenticate::share`]).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Scope(Arc<[u8]>);

impl Scope {
    /// The scope that is told from others by these bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Scope {
        Scope(bytes.into())
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Why a request is not taken. It says what the client should do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    /// The token is not valid; what is wrong with it must not be told.
    #[error("{0}")]
    Token(String),
    /// What the embedder reads from the headers beside the token is malformed.
    #[error("{message}")]
    Headers {
        /// The stable code of the answer.
        code: &'static str,
        /// What is wrong.
        message: String,
    },
}

/// Finds out who asks.
#[async_trait::async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// The caller of a request with these headers, or of a WebSocket whose `connection_init` brought
    /// `connection_params`. A request without credentials is a caller without actor: the subgraphs
    /// decide what it may do. Credentials that are not valid are an error, and so is whatever else
    /// the embedder reads from the headers where it is malformed.
    async fn authenticate(
        &self,
        headers: &HeaderMap,
        connection_params: Option<&serde_json::Value>,
    ) -> Result<Caller, AuthError>;

    /// With whom the caller may share what subgraphs answer; `None` is with nobody.
    fn scope(&self, _caller: &Caller) -> Option<Scope> {
        None
    }

    /// Called before `caller` is given what is read for `reader`, who has the same scope and goes on
    /// reading: what is read from now on has to show what `caller` has seen, too. It says nothing of
    /// a read that has begun already.
    fn share(&self, _reader: &Caller, _caller: &Caller) {}

    /// Adds to the headers of a complete answer to this caller.
    fn answer_headers(&self, _caller: &Caller, _headers: &mut HeaderMap) {}

    /// Whether a caller may go on receiving events. Asked before each event of a subscription.
    async fn still_valid(&self, _caller: &Caller) -> bool {
        true
    }
}

/// Nobody is signed in, everybody may see the schema, and nothing is forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous;

#[async_trait::async_trait]
impl Authenticate for Anonymous {
    async fn authenticate(
        &self,
        _headers: &HeaderMap,
        _connection_params: Option<&serde_json::Value>,
    ) -> Result<Caller, AuthError> {
        Ok(Caller { may_introspect: true, ..Caller::default() })
    }

    fn scope(&self, _caller: &Caller) -> Option<Scope> {
        Some(Scope::new([]))
    }
}
