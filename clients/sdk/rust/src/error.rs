//! What can go wrong between a client and Studio.

use std::fmt;

use serde::Deserialize;

use crate::client::Challenge;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one that a client can talk to.
    #[error("\"{0}\" is not the address of a server: write for example http://127.0.0.1:4000")]
    Address(String),
    /// The server could not be reached, or the connection broke.
    #[error("{url} cannot be reached: {source}. Is the server running?")]
    Unreachable {
        /// The address that was tried.
        url: String,
        /// What the network said.
        source: reqwest::Error,
    },
    /// The connection of a subscription broke; subscribe again with the last cursor.
    #[error("the subscription broke off: {0}. Subscribe again after the last cursor.")]
    Broken(String),
    /// The server answered with something that is not what the API promises.
    #[error("the server's answer does not read ({0}): do client and server have the same version?")]
    Answer(String),
    /// A REST endpoint refused the request (RFC 9457).
    #[error("{detail} ({code}, HTTP {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The stable code.
        code: String,
        /// What happened and what to do.
        detail: String,
    },
    /// The GraphQL answer carries errors.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    GraphQl(Vec<GraphQlError>),
    /// The input of a mutation can be mended: code and message of each point.
    #[error("{}", .0.iter().map(|(code, message)| format!("{message} ({code})")).collect::<Vec<_>>().join("; "))]
    Input(Vec<(String, String)>),
    /// The password is right, and the account has a second factor: go on with
    /// [`Client::complete_log_in`](crate::Client::complete_log_in).
    #[error("the account has a second factor: a code is needed to sign in")]
    SecondFactor(Challenge),
    /// A file to upload cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// The stable code of the first error, where the server gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::GraphQl(errors) => errors.first().and_then(GraphQlError::code),
            Self::Input(errors) => errors.first().map(|(code, _)| code.as_str()),
            _ => None,
        }
    }
}

/// One entry of `errors` in a GraphQL answer.
#[derive(Debug, Clone, Deserialize)]
pub struct GraphQlError {
    /// What happened and what to do.
    pub message: String,
    /// Where in the answer: names and indexes.
    #[serde(default)]
    pub path: Vec<serde_json::Value>,
    /// `code` and more.
    #[serde(default)]
    pub extensions: serde_json::Map<String, serde_json::Value>,
}

impl GraphQlError {
    /// The stable code.
    pub fn code(&self) -> Option<&str> {
        self.extensions.get("code").and_then(serde_json::Value::as_str)
    }
}

impl fmt::Display for GraphQlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(code) = self.code() {
            write!(f, " ({code})")?;
        }
        Ok(())
    }
}
