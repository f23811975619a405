//! The stable codes of `extensions.code` (DESIGN section 4). Clients branch on these; they are
//! never renamed. Each crate maps its own errors to one of them at the edge.

use std::fmt;

/// A stable error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// No valid credentials came with the request.
    Unauthenticated,
    /// The actor is known and may not do this.
    Forbidden,
    /// Nothing of that id is visible to the actor.
    NotFound,
    /// Somebody else changed the thing first: load again and decide again.
    Conflict,
    /// The request is malformed or holds a value that can never be right.
    BadRequest,
    /// A body, an upload or a list is larger than the configured limit.
    TooLarge,
    /// Too many requests: wait as `Retry-After` says.
    RateLimited,
    /// The query would cost more than the limit.
    QueryTooCostly,
    /// A subgraph did not answer; the rest of the answer stands.
    SubgraphUnavailable,
    /// A fault on our side, masked; the request id finds it in the logs.
    Internal,
}

impl Code {
    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::BadRequest => "BAD_REQUEST",
            Self::TooLarge => "TOO_LARGE",
            Self::RateLimited => "RATE_LIMITED",
            Self::QueryTooCostly => "QUERY_TOO_COSTLY",
            Self::SubgraphUnavailable => "SUBGRAPH_UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// The HTTP status that a REST endpoint answers with.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::BadRequest => 400,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::QueryTooCostly => 400,
            Self::SubgraphUnavailable => 503,
            Self::Internal => 500,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
