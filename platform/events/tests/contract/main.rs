//! The contract of the event store, as one suite that runs against each database: SQLite in a
//! temporary directory, and PostgreSQL where `STUDIO_TEST_POSTGRES` holds its address.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests stop the test they serve"
)]

mod harness;

mod appending;
mod auditing;
mod chain;
mod consuming;
mod decoding;
mod killing;
mod leading;
mod naming;
mod projecting;
mod proving;
mod racing;
mod recovering;
mod transferring;
