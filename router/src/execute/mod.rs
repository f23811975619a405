//! Executes plans and writes answers.

mod attribute;
mod call;
mod entities;
mod errors;
mod ingest;
mod project;
mod run;
mod targets;
mod tell;
mod unfilled;

pub(crate) use run::{Execution, Shared, SubgraphHandle};
