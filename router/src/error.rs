//! Errors as clients see them, and the codes that they carry.

use crate::data::write_string;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Codes of errors that the router itself raises, as `extensions.code`. They never change meaning.
pub mod code {
    /// Nobody is signed in, or the token is not valid.
    pub const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
    /// The caller may not do this.
    pub const FORBIDDEN: &str = "FORBIDDEN";
    /// The document is not GraphQL.
    pub const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
    /// The document does not fit the schema.
    pub const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
    /// The request or its variables are not what the document asks for.
    pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
    /// The operation exceeds a limit.
    pub const QUERY_TOO_COSTLY: &str = "QUERY_TOO_COSTLY";
    /// The request's body is larger than it may be.
    pub const TOO_LARGE: &str = "TOO_LARGE";
    /// A subgraph did not answer, or not with GraphQL.
    pub const SUBGRAPH_UNAVAILABLE: &str = "SUBGRAPH_UNAVAILABLE";
    /// The operation took longer than allowed.
    pub const TIMEOUT: &str = "TIMEOUT";
    /// A client does not take the events of a subscription as fast as they come.
    pub const TOO_SLOW: &str = "TOO_SLOW";
    /// A subgraph answered with a value that the schema does not allow.
    pub const INVALID_RESPONSE: &str = "INVALID_SUBGRAPH_RESPONSE";
    /// The router failed; the log has the reason under the request's id.
    pub const INTERNAL: &str = "INTERNAL";
}

/// The extension in which an error holds the id of its request.
pub(crate) const REQUEST_ID: &str = "requestId";

/// One step from the root of an answer to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSegment {
    /// A response key.
    Key(Arc<str>),
    /// An index into a list.
    Index(u32),
}

/// One entry of an answer's `errors`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphqlError {
    /// What happened and what to do next.
    pub message: String,
    /// Lines and columns in the client's document, from 1.
    pub locations: Vec<(usize, usize)>,
    /// Where in the answer; empty for errors of the request as a whole.
    pub path: Vec<PathSegment>,
    /// Machine-readable details; `code` is always among those of the router's own errors.
    pub extensions: Box<Map<String, Value>>,
}

impl GraphqlError {
    /// An error of the request as a whole.
    pub fn new(code: &str, message: impl Into<String>) -> GraphqlError {
        let mut extensions = Map::new();
        extensions.insert("code".to_owned(), code.into());
        GraphqlError {
            message: message.into(),
            locations: Vec::new(),
            path: Vec::new(),
            extensions: Box::new(extensions),
        }
    }

    /// A fault of the router or of a subgraph; what it is must not be told.
    pub(crate) fn internal() -> GraphqlError {
        let message = "an internal error happened; quote the request's id when you report it";
        GraphqlError::new(code::INTERNAL, message)
    }

    /// The same error with the id of its request, by which a client reports it.
    #[must_use]
    pub(crate) fn of_request(mut self, id: &str) -> GraphqlError {
        self.extensions.insert(REQUEST_ID.to_owned(), id.into());
        self
    }

    /// The same error at a place in the answer.
    #[must_use]
    pub fn at(mut self, path: Vec<PathSegment>) -> GraphqlError {
        self.path = path;
        self
    }

    /// Whether it is the same error as another one, at its place or inside of it.
    pub(crate) fn is_within(&self, other: &GraphqlError) -> bool {
        self.message == other.message
            && self.extensions == other.extensions
            && self.path.starts_with(&other.path)
    }

    /// The stable code, if there is one.
    pub fn code(&self) -> Option<&str> {
        self.extensions.get("code").and_then(Value::as_str)
    }

    /// Writes the error as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"message\":");
        write_string(&self.message, out);
        if !self.locations.is_empty() {
            out.extend_from_slice(b",\"locations\":[");
            for (index, (line, column)) in self.locations.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                out.extend_from_slice(
                    format!("{comma}{{\"line\":{line},\"column\":{column}}}").as_bytes(),
                );
            }
            out.push(b']');
        }
        if !self.path.is_empty() {
            out.extend_from_slice(b",\"path\":");
            write_path(&self.path, out);
        }
        if !self.extensions.is_empty() {
            out.extend_from_slice(b",\"extensions\":{");
            for (index, (name, value)) in self.extensions.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(name, out);
                out.push(b':');
                out.extend_from_slice(value.to_string().as_bytes());
            }
            out.push(b'}');
        }
        out.push(b'}');
    }
}

/// Writes a path as JSON.
pub(crate) fn write_path(path: &[PathSegment], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, segment) in path.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match segment {
            PathSegment::Key(key) => write_string(key, out),
            PathSegment::Index(index) => out.extend_from_slice(index.to_string().as_bytes()),
        }
    }
    out.push(b']');
}

/// Writes `"errors":[…]`.
pub(crate) fn write_errors(errors: &[GraphqlError], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"errors\":[");
    for (index, error) in errors.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        error.write(out);
    }
    out.push(b']');
}
