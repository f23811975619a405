//! An ingest run: one scan brought into one project. Its stream is the truth about how far it
//! came, so that a run that was cut goes on where its last event left it.
//!
//! Its events, in order: started; observed, once a batch; gone; check results, once a page of
//! summaries; completed.

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Aggregate, Id, Timestamp, event, events, kind, published::evidence::CheckResultsRecorded,
};

use super::observation::{ObservedCheck, ObservedGroup, RefusedItem};

/// Refused items that a run lists with their reasons; more are counted only.
pub(crate) const MAX_REFUSED_SHOWN: usize = 100;

/// What a run brought, in findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Items in the file: `new + changed + unchanged + superseded + refused` at the end.
    pub items: u64,
    /// Findings that were not in the population before.
    pub new: u64,
    /// Findings that say something else than before.
    pub changed: u64,
    /// Findings that say what they said before.
    pub unchanged: u64,
    /// Items older than what is on record, which change nothing.
    pub superseded: u64,
    /// Findings that the scan no longer lists, and that left the population.
    pub gone: u64,
    /// Items that were not taken.
    pub refused: u64,
}

/// A scan was validated whole, and its recording began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunStarted {
    /// The project.
    pub project: Id<kind::Project>,
    /// The evidence that the scan is a version of.
    pub evidence: Id<kind::Evidence>,
    /// That version, from 1.
    pub evidence_version: u32,
    /// Which scanner looked at what, for example `prowler/aws/123456789012`.
    pub source: String,
    /// SHA-256 of the bytes as they were uploaded: also the name of the blob that holds them.
    pub sha256: String,
    /// Those bytes, counted.
    pub size: u64,
    /// Items in the file.
    pub items: u64,
    /// Who uploaded it, if a person.
    pub uploaded_by: Option<Id<kind::User>>,
}
event!(RunStarted, "evidence.run.started", 1);

/// One batch of the scan was recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FindingsObserved {
    /// The project.
    pub project: Id<kind::Project>,
    /// The number of the first item that is not in this batch nor in an earlier one.
    pub next_item: u64,
    /// The checks that the batch is the first of the run to name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<ObservedCheck>,
    /// The findings, by check, account, region and instant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ObservedGroup>,
    /// Items older than what is on record.
    pub superseded: u64,
    /// Items that were not taken.
    pub refused: u64,
    /// The first of them, as far as the run lists them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_items: Vec<RefusedItem>,
}
event!(FindingsObserved, "evidence.findings.observed", 1);

/// Findings that the run no longer lists left the population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FindingsGone {
    /// The project.
    pub project: Id<kind::Project>,
    /// The findings.
    pub findings: Vec<Id<kind::Finding>>,
}
event!(FindingsGone, "evidence.findings.gone", 1);

/// Everything of the scan is recorded, and every check result is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunCompleted {
    /// The project.
    pub project: Id<kind::Project>,
    /// What the run brought.
    pub counts: Counts,
    /// How many [`CheckResultsRecorded`] the run published.
    pub results_events: u32,
}
event!(RunCompleted, "evidence.run.completed", 1);

events! {
    /// What happens to an ingest run.
    pub(crate) enum RunEvent {
        RunStarted, FindingsObserved, FindingsGone, CheckResultsRecorded, RunCompleted
    }
}

/// Where the publishing of summaries stands: pages go in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct SummaryKey {
    /// The check.
    pub check: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
}

/// The state of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// How it began; `None` before that.
    pub started: Option<RunStarted>,
    /// The first item that is not recorded yet.
    pub next_item: u64,
    /// What it brought so far.
    pub counts: Counts,
    /// How many refused items are listed.
    pub refused_listed: usize,
    /// The last summary that is published.
    pub summarised: Option<SummaryKey>,
    /// How many [`CheckResultsRecorded`] are published.
    pub results_events: u32,
    /// Whether it is complete.
    pub completed: bool,
}

impl Run {
    /// Whether every item of the file is recorded.
    pub(crate) fn read_whole(&self) -> bool {
        self.started.as_ref().is_some_and(|started| self.next_item >= started.items)
    }
}

impl Aggregate for Run {
    const STREAM_TYPE: &'static str = "evidence.run";
    const STATE_VERSION: u32 = 1;
    type Event = RunEvent;

    fn apply(&mut self, event: &RunEvent, _recorded_at: Timestamp) {
        match event {
            RunEvent::RunStarted(started) => {
                self.counts.items = started.items;
                self.started = Some(started.clone());
            }
            RunEvent::FindingsObserved(batch) => {
                self.next_item = batch.next_item;
                self.refused_listed += batch.refused_items.len();
                self.counts.superseded += batch.superseded;
                self.counts.refused += batch.refused;
                for group in &batch.groups {
                    self.counts.new += group.new.len() as u64;
                    self.counts.changed += group.changed.len() as u64;
                    self.counts.unchanged += group.unchanged.len() as u64;
                }
            }
            RunEvent::FindingsGone(gone) => self.counts.gone += gone.findings.len() as u64,
            RunEvent::CheckResultsRecorded(results) => {
                self.results_events += 1;
                self.summarised = results.summaries.last().map(|summary| SummaryKey {
                    check: summary.check.clone(),
                    account: summary.account.clone(),
                    region: summary.region.clone(),
                });
            }
            RunEvent::RunCompleted(_) => self.completed = true,
        }
    }
}
