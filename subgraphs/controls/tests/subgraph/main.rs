//! The controls subgraph through its GraphQL schema, on real SQLite files, beside a log that stands
//! for the evidence subgraph's.

mod controls;
mod frameworks;
mod interrupted;
mod scans;
mod subscriptions;
mod support;
mod tenants;
mod time;
