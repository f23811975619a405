//! From a document to a plan.
//!
//! The planner is a crate; everything that knows it is in [`planner`] and [`convert`]. Its known
//! faults are mended before it sees an operation ([`internal`]): every selection has an internal
//! response key that cannot clash with what the planner fetches for itself, conditions are resolved
//! with the actual values, arguments whose variables were not given are gone, and each root field of
//! a mutation is planned by itself.

pub(crate) mod aliases;
pub(crate) mod cache;
mod coerce;
pub(crate) mod convert;
pub(crate) mod document;
mod escapes;
pub(crate) mod internal;
pub(crate) mod make;
pub(crate) mod operation;
pub(crate) mod planner;
pub(crate) mod projection;
pub(crate) mod types;

pub use types::{OperationKind, SubgraphOperation};
