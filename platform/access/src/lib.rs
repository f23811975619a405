//! Who may do what. Every command and query asks [`Policy`] before it acts, so that no path can
//! skip it; the rules are Rego files in `policies/`, evaluated in process, and an operator's beside or
//! instead of them (DESIGN section 8).
//!
//! Invariants: default deny; nothing of another organization is ever allowed, and no program gets out of
//! its scopes, whatever the rules say; `docs/access.md` is written by hand and a test holds the rules against it.

pub mod actions;
mod bundle;
mod clearance;
mod context;
mod extent;
mod loaded;
mod policy;
mod programs;
mod resource;
mod source;
mod testing;

pub use actions::{ACTIONS, Action};
pub use bundle::{Bundle, Mode, PolicyError, paths};
pub use clearance::{Clearance, Part};
pub use context::Networks;
pub use loaded::Vote;
pub use policy::{Decision, Denied, Explanation, Ownership, Policy, Supposed, Witness};
pub use programs::NOT_FOR_PROGRAMS;
pub use resource::{Extent, Place, Resource, Scope};
pub use testing::TestResult;
