//! The product driven from outside on embedded stores, over real sockets, and the rules of the
//! house.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod bad_input;
mod demo;
mod kill;
mod main_job;
mod pages;
mod policy;
mod router_role;
mod tenants;
