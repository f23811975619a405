//! The contract of the graph port, held by every adapter, and a comparison of their answers. Set
//! STUDIO_TEST_BOLT to run it against a Bolt server too (`tests/services with bolt -- …`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod contract;
mod faults;
mod gaps;
mod hostile;
mod same_answers;
mod server;
#[path = "../../../../tests/support/services.rs"]
#[allow(dead_code, reason = "tests of other crates use the rest")]
mod services;
mod single_points;
mod support;
