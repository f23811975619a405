//! Sums the findings of a run up, some checks at a time: what is asked of the read model before the
//! summaries are published.

use std::collections::HashMap;

use studio_kernel::{Id, TenantId, kind};

use super::Core;
use crate::{
    domain::SummaryKey,
    error::EvidenceError,
    projections::{Checks, Population, ResourceChange, SummaryRow},
};

/// Checks, and summaries of them, of one look at the read model.
const CHECKS: u64 = 20;
const SUMMARIES: u32 = 1_000;

/// Whose findings are summed up.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    pub(super) tenant: TenantId,
    pub(super) project: Id<kind::Project>,
    pub(super) run: Id<kind::IngestRun>,
}

/// What is to be published of the checks from one to another.
pub(super) struct SummedUp {
    pub(super) checks: (String, String),
    /// The summaries, or as many as one look gives.
    pub(super) rows: Vec<SummaryRow>,
    /// Which resources began or ceased to fail, of all the checks.
    pub(super) changes: HashMap<SummaryKey, Vec<ResourceChange>>,
}

impl SummedUp {
    /// Whether there are no more of these checks than `rows`.
    pub(super) const fn is_whole(&self) -> bool {
        self.rows.len() < SUMMARIES as usize
    }
}

impl Sums {
    /// The next checks after one; none at the end.
    pub(super) async fn after(
        self,
        core: &Core,
        check: &str,
    ) -> Result<Option<SummedUp>, EvidenceError> {
        let project = self.project.to_string();
        let mut checks = Checks::ids(&core.store, self.tenant, &project, check, CHECKS).await?;
        let Some(last) = checks.pop() else { return Ok(None) };
        let first = checks.into_iter().next().unwrap_or_else(|| last.clone());
        self.up(core, (first, last), None).await.map(Some)
    }

    /// The checks from one to another, after a key.
    pub(super) async fn up(
        self,
        core: &Core,
        checks: (String, String),
        after: Option<&SummaryKey>,
    ) -> Result<SummedUp, EvidenceError> {
        let Self { tenant, project, .. } = self;
        let (first, last) = (&checks.0, &checks.1);
        let changes = Population::changes(&core.store, tenant, project, (first, last)).await?;
        let rows = self.rows(core, &checks, after).await?;
        Ok(SummedUp { checks, rows, changes })
    }

    /// Summaries of the checks from one to another, after a key.
    pub(super) async fn rows(
        self,
        core: &Core,
        (first, last): &(String, String),
        after: Option<&SummaryKey>,
    ) -> Result<Vec<SummaryRow>, EvidenceError> {
        let Self { tenant, project, run } = self;
        let checks = (first.as_str(), last.as_str());
        Ok(Population::summaries(&core.store, tenant, project, run, checks, after, SUMMARIES)
            .await?)
    }
}
