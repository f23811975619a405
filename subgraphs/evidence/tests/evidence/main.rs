//! The evidence subgraph on real stores: SQLite files, a directory of blobs, a log of the controls
//! subgraph to follow.

mod graphql;
mod ingest;
mod kills;
mod order;
mod refusals;
mod support;
