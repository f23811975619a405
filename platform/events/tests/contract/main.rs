//! The contract of the event store, as one suite that runs against each database: SQLite in a
//! temporary directory, and PostgreSQL where `STUDIO_TEST_POSTGRES` holds its address.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test they serve")]

mod harness;

mod appending;
mod chain;
mod consuming;
mod decoding;
mod killing;
mod projecting;
mod racing;
