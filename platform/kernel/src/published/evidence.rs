//! What the evidence subgraph publishes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    event,
    id::{Id, kind},
    time::Timestamp,
};

/// The newest results of some checks, from one ingest run. The process manager of the controls
/// subgraph turns them into tests (DESIGN section 6, "What a scan makes").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResultsRecorded {
    /// The project that the scan was ingested into.
    pub project: Id<kind::Project>,
    /// The run that brought them.
    pub run: Id<kind::IngestRun>,
    /// The evidence they rest on: one id per (project, source), a new version per scan.
    pub evidence: Id<kind::Evidence>,
    /// The version of that evidence, from 1.
    pub evidence_version: u32,
    /// SHA-256 of the bytes as they were uploaded, 64 lower-case hexadecimal digits.
    pub evidence_hash: String,
    /// Who uploaded them, if a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded_by: Option<Id<kind::User>>,
    /// One entry per (check, account, region).
    pub summaries: Vec<CheckSummary>,
}
event!(CheckResultsRecorded, "evidence.check_results.recorded", 1);

/// Counts of one check in one account and region. `population` is
/// `passed + failed + unknown`; muted, manual and errored resources are unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckSummary {
    /// The scanner's id of the check, for example `iam_root_mfa_enabled`.
    pub check: String,
    /// The check's title, in the scanner's words.
    pub title: String,
    /// The scanner's severity, lower case: informational, low, medium, high, critical.
    pub severity: String,
    /// The cloud account.
    pub account: String,
    /// The region, or `global`.
    pub region: String,
    /// Resources looked at.
    pub population: u32,
    /// Resources that pass.
    pub passed: u32,
    /// Resources that fail.
    pub failed: u32,
    /// Resources of which nothing is known: muted, manual, errored.
    pub unknown: u32,
    /// Resources that fail now and did not in the summary before this one.
    pub failing_added: Vec<String>,
    /// Resources that failed in the summary before this one and no longer do.
    pub failing_removed: Vec<String>,
    /// When what was observed began to be true: the time of the observation.
    pub effective_from: Timestamp,
    /// When it ceased to be known true, where the source says so.
    pub effective_to: Option<Timestamp>,
    /// When the scanner collected it.
    pub collected_at: Timestamp,
    /// The requirement ids that the scanner names, by its name of the framework, both verbatim.
    pub requirements: BTreeMap<String, Vec<String>>,
    /// The version of the rule that gave these results, where they are a rule's and no scanner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_version: Option<u32>,
}

/// An evidence item was rejected by a reviewer, or its bytes no longer match its hash: whatever
/// rests on this version proves nothing any more (formula v1, rule 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRejected {
    /// The evidence.
    pub evidence: Id<kind::Evidence>,
    /// The version that is rejected.
    pub evidence_version: u32,
    /// Why, in a sentence.
    pub reason: String,
    /// The project that the evidence is of, so that whoever hears of the rejection needs to have
    /// heard of nothing else before. Rejections of older logs do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Id<kind::Project>>,
}
event!(EvidenceRejected, "evidence.evidence.rejected", 1);
