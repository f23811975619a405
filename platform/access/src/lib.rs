//! Who may do what. Every command and query asks [`Policy`] before it acts, so that no path can
//! skip it; the rules are Rego files in `policies/`, evaluated in process (DESIGN section 8).
//!
//! Invariants: default deny; nothing of another organization is ever allowed, whatever the rules
//! say; `docs/access.md` is written by hand and a test holds the rules against it.

pub mod actions;
mod policy;
mod resource;

pub use actions::{ACTIONS, Action};
pub use policy::{Decision, Denied, Policy, PolicyError};
pub use resource::{Resource, Scope};
