//! Executes plans and writes answers.

mod attribute;
mod blame;
mod call;
mod deferred;
mod entities;
mod errors;
mod ingest;
mod lacking;
mod project;
mod run;
mod targets;
mod tell;
mod unfilled;

pub(crate) use deferred::Delivery;
pub(crate) use run::{Execution, Shared, SubgraphHandle};
