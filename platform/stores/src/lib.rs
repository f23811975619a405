//! The ports to everything that keeps data, each with its adapters: SQL databases ([`sql`]).

pub mod blobs;
pub mod keyring;
pub mod sql;
