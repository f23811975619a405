//! What one request may cost.

use std::time::Duration;

/// Limits of one router. Every one of them is checked before the work that it bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body (and of one WebSocket message).
    pub body_bytes: usize,
    /// Time for a request's body to arrive.
    pub receiving: Duration,
    /// Tokens of a document.
    pub tokens: usize,
    /// Levels of nested fields.
    pub depth: usize,
    /// Levels of fields and fragments in each other.
    pub levels: usize,
    /// Fields of an operation with its fragments put in.
    pub fields: usize,
    /// Comparisons of fields that are selected under one response key.
    pub comparisons: usize,
    /// Aliases of an operation with its fragments put in.
    pub aliases: usize,
    /// Deferred fragments of an operation with its fragments put in; at most 64.
    pub deferred: usize,
    /// Levels of nested lists and objects in variables.
    pub variable_depth: usize,
    /// Documents whose parsed form and plans are kept.
    pub documents: usize,
    /// Plans kept for one document: one per operation and combination of conditions.
    pub plans_per_document: usize,
    /// Time for planning one operation.
    pub planning: Duration,
    /// Time for executing a query or mutation with what it defers, or one event of a subscription.
    pub execution: Duration,
    /// Errors in one answer; more are counted only.
    pub errors: usize,
    /// Operations running at once on one WebSocket.
    pub operations_per_connection: usize,
    /// Events of a shared subscription that a client may be behind the fastest.
    pub events_behind: usize,
    /// Bytes of the answers to those events.
    pub event_bytes_behind: usize,
    /// Time for a WebSocket's client to send `connection_init`.
    pub connection_init: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 1 << 20,
            receiving: Duration::from_secs(60),
            tokens: 10_000,
            depth: 30,
            levels: 200,
            fields: 5_000,
            comparisons: 500_000,
            aliases: 500,
            deferred: 50,
            variable_depth: 64,
            documents: 1_000,
            plans_per_document: 64,
            planning: Duration::from_secs(5),
            execution: Duration::from_secs(30),
            errors: 100,
            operations_per_connection: 100,
            events_behind: 256,
            event_bytes_behind: 16 << 20,
            connection_init: Duration::from_secs(10),
        }
    }
}
