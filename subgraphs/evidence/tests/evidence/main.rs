//! The evidence subgraph on real stores: SQLite files, a directory of blobs, a log of the controls
//! subgraph to follow.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail where it stands")]

mod archived;
mod classes;
mod content;
mod graphql;
mod handed_in;
mod ingest;
mod kills;
mod order;
mod refusals;
mod rules;
mod support;
