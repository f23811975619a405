//! The product driven from outside on embedded stores, over real sockets, and the rules of the
//! house.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, missing_docs, reason = "a crate of its own, where the fuzz targets are")]
mod fuzz;

#[path = "../../router/tests/federation/tls_server.rs"]
#[allow(unreachable_pub, reason = "it is a test's, where nothing can be reached")]
mod tls_server;

mod access_reviews;
mod account;
mod answers;
mod apps;
mod architecture;
mod audit;
mod audit_log;
mod audit_stream;
mod bad_input;
mod browser_login;
mod classes;
mod config;
mod dead_letters;
mod demo;
mod encrypted;
mod extensions;
mod fuzzed;
mod graph;
mod keyring;
mod kill;
mod main_job;
mod moving;
mod organization_states;
mod origins;
mod pages;
mod personal_data;
mod policies;
mod policy;
mod programs;
mod provisioning;
mod router_options;
mod router_role;
mod schema;
mod second_factor;
mod stopping;
mod tenants;
mod tests_as_code;
mod verify;
mod verify_untouched;
mod watch;
