//! Executes plans and writes answers.

mod attribute;
mod entities;
mod errors;
mod project;
mod run;

pub(crate) use run::{Execution, Shared, SubgraphHandle};
