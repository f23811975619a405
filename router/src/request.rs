//! A request and its answer, whatever transport carried them.

use crate::error::{GraphqlError, code, write_errors};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The id under which a request appears in logs and masked errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// Who asks, as the embedder's [`crate::Authenticate`] found out.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// What in-process subgraphs may read: the actor, the request's id.
    pub extensions: http::Extensions,
    /// Headers for subgraphs over HTTP. Headers of the connection itself are never forwarded.
    pub forward: http::HeaderMap,
    /// Whether the caller may see the schema.
    pub may_introspect: bool,
}

impl Caller {
    /// The id of the request that this caller makes.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.extensions.get()
    }

    /// The same as the log has it: empty where there is none.
    pub(crate) fn told_request_id(&self) -> &str {
        self.request_id().map_or("", |id| &id.0)
    }
}

/// A GraphQL request.
#[derive(Clone, Debug, Default)]
pub struct GraphqlRequest {
    /// The document.
    pub query: String,
    /// Which of the document's operations is meant.
    pub operation_name: Option<String>,
    /// The variables as the client gave them.
    pub variables: Map<String, Value>,
}

impl GraphqlRequest {
    /// A request without variables.
    pub fn new(query: impl Into<String>) -> GraphqlRequest {
        GraphqlRequest { query: query.into(), ..GraphqlRequest::default() }
    }

    /// The same request with variables; anything but an object is ignored.
    #[must_use]
    pub fn variables(mut self, variables: Value) -> GraphqlRequest {
        if let Value::Object(variables) = variables {
            self.variables = variables;
        }
        self
    }

    /// The same request for one of the document's operations.
    #[must_use]
    pub fn operation(mut self, name: impl Into<String>) -> GraphqlRequest {
        self.operation_name = Some(name.into());
        self
    }

    /// Reads the JSON body of GraphQL over HTTP, section "JSON Encoding".
    pub fn from_json(body: &[u8]) -> Result<GraphqlRequest, GraphqlError> {
        GraphqlRequest::from_value(GraphqlRequest::parse_json(body)?)
    }

    /// The JSON of a body, whether or not it is a request.
    pub(crate) fn parse_json(body: &[u8]) -> Result<Value, GraphqlError> {
        serde_json::from_slice(body).map_err(|error| {
            let message = format!(
                "the body is not JSON ({error}); send {{\"query\": \"…\", \"variables\": {{…}}}}"
            );
            GraphqlError::new(code::BAD_USER_INPUT, message)
        })
    }

    /// Reads a request from parsed JSON. Other properties than those of a request are ignored.
    pub fn from_value(value: Value) -> Result<GraphqlRequest, GraphqlError> {
        let bad = |message: &str| GraphqlError::new(code::BAD_USER_INPUT, message);
        let Value::Object(mut fields) = value else {
            return Err(bad(
                "the body must be one JSON object with \"query\"; batches are not accepted",
            ));
        };
        let query = match fields.remove("query") {
            Some(Value::String(query)) => query,
            _ => return Err(bad("\"query\" is missing or not a string")),
        };
        let operation_name = match fields.remove("operationName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(bad("\"operationName\" must be a string")),
        };
        let variables = match fields.remove("variables") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(variables)) => variables,
            Some(_) => return Err(bad("\"variables\" must be an object")),
        };
        if !matches!(fields.get("extensions"), None | Some(Value::Null | Value::Object(_))) {
            return Err(bad("\"extensions\" must be an object"));
        }
        Ok(GraphqlRequest { query, operation_name, variables })
    }
}

/// A complete answer.
#[derive(Clone, Debug)]
pub struct GraphqlResponse {
    /// The answer as JSON.
    pub body: Bytes,
    /// Whether there are `errors`.
    pub has_errors: bool,
    /// Whether the request failed before anything was executed, so that there is no `data`.
    pub request_error: bool,
    /// The code of the first error.
    pub code: Option<String>,
}

impl GraphqlResponse {
    /// The answer to a request that was not executed.
    pub fn request_errors(errors: &[GraphqlError]) -> GraphqlResponse {
        let mut body = vec![b'{'];
        write_errors(errors, &mut body);
        body.push(b'}');
        GraphqlResponse {
            body: body.into(),
            has_errors: true,
            request_error: true,
            code: errors.first().and_then(GraphqlError::code).map(str::to_owned),
        }
    }

    /// The answer of an operation that was executed.
    pub(crate) fn of(data: &[u8], errors: &[GraphqlError]) -> GraphqlResponse {
        let mut body = b"{\"data\":".to_vec();
        body.extend_from_slice(data);
        if !errors.is_empty() {
            body.push(b',');
            write_errors(errors, &mut body);
        }
        body.push(b'}');
        GraphqlResponse {
            body: body.into(),
            has_errors: !errors.is_empty(),
            request_error: false,
            code: errors.first().and_then(GraphqlError::code).map(str::to_owned),
        }
    }

    /// The same errors as those of an execution that gave nothing ("Response Format": `data` is there
    /// once execution has begun).
    pub(crate) fn with_data_null(mut self) -> GraphqlResponse {
        if self.request_error {
            let errors = self.body.get(1..).unwrap_or_default();
            self.body = [b"{\"data\":null,", errors].concat().into();
            self.request_error = false;
        }
        self
    }

    /// The body as a tree, for tests and tools.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}
