//! What the subgraphs answered: one compact arena per request, filled by both transports.
//!
//! Nothing is cloned on the way through. Strings and numbers from HTTP stay where they arrived and
//! are copied once, as raw JSON, into the answer; values from in-process subgraphs are moved in.
//! Entity answers are merged by linking, so that one answer may stand in many places.

mod arena;
mod json;
mod keys;
mod scalars;
mod values;

pub(crate) use arena::{Arena, Node, NodeId};
pub(crate) use json::{JsonError, write_string};
pub(crate) use keys::{Key, KeyTable};
pub(crate) use scalars::Scalar;
