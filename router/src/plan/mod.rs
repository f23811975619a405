//! From a document to a plan.
//!
//! [`crate::planner`] gets an operation of which only fields and type conditions are left ([`internal`]):
//! every selection has an internal response key that cannot clash with what the planner fetches for
//! itself, conditions are resolved with the actual values, arguments whose variables were not given are
//! gone, and each root field of a mutation is planned by itself.

pub(crate) mod aliases;
pub(crate) mod cache;
mod coerce;
pub(crate) mod defer;
mod defer_rules;
pub(crate) mod document;
mod escapes;
pub(crate) mod internal;
pub(crate) mod make;
mod merging;
mod meta_fields;
pub(crate) mod operation;
pub(crate) mod projection;
pub(crate) mod schedule;
mod twins;
pub(crate) mod types;

pub use types::{OperationKind, SubgraphOperation};
