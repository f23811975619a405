//! The controls subgraph through its GraphQL schema, on real SQLite files, beside a log that stands
//! for the evidence subgraph's.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod control_life;
mod controls;
mod crosswalk;
mod departures;
mod forecasts;
mod formulas;
mod frameworks;
mod graph;
mod histories;
mod impacts;
mod interrupted;
mod kept_models;
mod moves;
mod owners;
mod periods;
mod projects;
mod replicas;
mod rules;
mod scans;
mod simulated_departures;
mod simulations;
mod subscriptions;
mod support;
mod tenants;
mod test_results;
mod time;
mod watches;
