//! The ports to everything that keeps or carries data, each with its adapters: SQL databases
//! ([`sql`]), blobs ([`blobs`]), keys ([`keyring`]), wake-ups ([`bus`]), the cache
//! ([`cache`]), rate limits ([`limits`]), leases ([`locks`]), the graph ([`graph`]).

mod aws;
pub mod blobs;
pub mod bus;
pub mod cache;
pub mod graph;
pub mod keyring;
pub mod limits;
pub mod locks;
pub mod redis;
pub mod sql;
#[cfg(test)]
#[path = "../../../tests/support/services.rs"]
#[allow(dead_code, reason = "tests of other crates use the rest")]
pub(crate) mod testing;
pub mod tls;

pub use aws::AwsAccess;
