//! The contract of the event store, as one suite that runs against each database: SQLite in a
//! temporary directory, and PostgreSQL where `STUDIO_TEST_POSTGRES` holds its address.

mod harness;

mod appending;
mod chain;
mod consuming;
mod decoding;
mod killing;
mod projecting;
mod racing;
