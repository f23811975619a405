//! The router over real subgraphs, in process and over HTTP with equal answers.

#![allow(unreachable_pub, reason = "a test is no library: nothing in it can be reached")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod client;
mod composition;
mod composition_errors;
mod composition_keeps;
mod data;
mod defer;
mod differential;
mod discovery;
mod faults;
mod federation;
mod gated;
mod graphql_over_http;
mod guests;
mod ids;
mod in_flight;
mod introspection;
mod invalid_answers;
mod logged;
mod monolith;
mod reference_clients;
mod reload;
mod requirements;
mod server;
mod sharing;
mod stopping;
mod subgraphs;
mod subscriptions;
mod support;
mod table;
mod tls;
mod tls_server;
