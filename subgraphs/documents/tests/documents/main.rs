//! The documents subgraph from outside: real SQLite and blob files, uploads and downloads over a
//! real socket, GraphQL through the schema that the router calls.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archived;
mod classes;
mod graphql;
mod owners;
mod restart;
mod support;
mod text;
mod transfer;
