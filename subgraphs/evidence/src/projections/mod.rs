//! The read models, one file each. All are inline: what an answer says can be queried at once.
//!
//! Every query is bound to one organization and to the generation that is read now. Nothing else
//! in this crate knows a table.

mod assets;
mod checks;
mod code_tests;
mod control_checks;
mod evidence;
mod findings;
mod matchings;
mod population;
mod projects;
mod runs;
mod sql;
mod summaries;

use std::sync::Arc;

use studio_events::Projection;

pub(crate) use assets::Assets;
pub(crate) use checks::Checks;
pub(crate) use code_tests::CodeTests;
pub(crate) use control_checks::ControlChecks;
pub(crate) use evidence::EvidenceItems;
pub(crate) use findings::{Findings, FindingsFilter};
pub(crate) use matchings::{Matched, Matchings};
pub(crate) use population::{Population, ResourceChange, SummaryRow};
pub(crate) use projects::{ProjectRow, Projects};
pub(crate) use runs::{RunRow, Runs};
pub(crate) use summaries::Summaries;

/// Every projection of the store.
pub(crate) fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(Projects),
        Arc::new(Runs),
        Arc::new(Matchings),
        Arc::new(EvidenceItems),
        Arc::new(Population),
        Arc::new(Summaries),
        Arc::new(ControlChecks),
        Arc::new(CodeTests),
    ]
}
