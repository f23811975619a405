//! Taking in what the evidence subgraph published: check results become summaries and tests, a
//! rejection discounts evidence.

use std::collections::{BTreeMap, BTreeSet};

use studio_kernel::{
    Id, Timestamp, kind,
    published::{
        controls::RULE_CHECKS,
        evidence::{CheckResultsRecorded, EvidenceRejected},
    },
};

use super::{
    Catalogs, NewIds, Project, ProjectId,
    events::{
        CheckResultsMatched, CheckSummariesRecorded, ChecksSeen, EvidenceDiscounted, ProjectEvent,
        RecordedSummary, ResultsTakenInPart, SeenCheck,
    },
    facts,
};
use crate::domain::{
    matching::{alias, match_all},
    score::{LONGEST_RESOURCE, Refusal},
};

/// Where in the evidence subgraph's log something was taken from.
#[derive(Debug, Clone, Copy)]
pub struct TakenIn {
    /// The event.
    pub event: Id<kind::Event>,
    /// Its position.
    pub position: i64,
}

/// The most tests that are added at once: results that make more are taken in by parts. Well below
/// what one append may hold, so that other writers wait less.
pub const MOST_TESTS_AT_ONCE: usize = 5_000;

/// What a project makes of published check results.
#[derive(Debug)]
pub struct Reaction {
    /// What happened.
    pub events: Vec<ProjectEvent>,
    /// Whether this is a part: after it, the same results are to be taken in again.
    pub part: bool,
}

/// What a project makes of published check results. A test that is there is not made again, so
/// that after a part, or a kill behind it, the same question gives what is still missing.
///
/// # Errors
/// Counts that cannot be right (they do not add up, or their evidence has no hash).
pub fn take_in(
    project: &Project,
    results: &CheckResultsRecorded,
    from: TakenIn,
    catalogs: &Catalogs,
    ids: &mut impl NewIds,
) -> Result<Reaction, Refusal> {
    let id = results.project;
    let named = checks_named(results);
    let news: BTreeMap<String, SeenCheck> = named
        .iter()
        .filter(|(check, seen)| project.checks.get(*check) != Some(seen))
        // Of a dead letter, what newer results say stands.
        .filter(|(check, _)| project.results_at.get(*check).is_none_or(|at| *at <= from.position))
        .map(|(check, seen)| (check.clone(), seen.clone()))
        .collect();
    let mut events = Vec::new();
    if !news.is_empty() {
        events.push(ChecksSeen { project: id, checks: news }.into());
    }
    let mut tests = project.missing_tests(id, catalogs, &named, ids);
    let part = tests.len() > MOST_TESTS_AT_ONCE;
    tests.truncate(MOST_TESTS_AT_ONCE);
    let before = project.taking_in.as_ref().filter(|part| part.source_position == from.position);
    let tests_added = before.map_or(0, |part| part.tests_added) + count(tests.len());
    if part {
        events.extend(tests);
        let (run, source_position) = (results.run, from.position);
        events.push(ResultsTakenInPart { project: id, run, source_position, tests_added }.into());
        return Ok(Reaction { events, part });
    }
    let mut tested: BTreeSet<&str> = project
        .controls
        .values()
        .filter(|control| !control.retired)
        .flat_map(|control| control.checks.iter().map(String::as_str))
        .collect();
    let added: BTreeSet<String> = tests
        .iter()
        .filter_map(|event| match event {
            ProjectEvent::ControlTestAdded(added) => added.check.clone(),
            _ => None,
        })
        .collect();
    tested.extend(added.iter().map(String::as_str));
    let summaries_recorded =
        results.summaries.iter().filter(|summary| tested.contains(summary.check.as_str())).count();
    events.extend(tests);
    let summaries = summaries(results, from);
    // What the formula would refuse must never reach the log.
    let recorded = ProjectEvent::from(summaries);
    facts(&recorded, Timestamp::default())?;
    events.push(recorded);
    events.push(
        CheckResultsMatched {
            run: results.run,
            project: id,
            source_position: from.position,
            tests_added,
            summaries_recorded: count(summaries_recorded),
            unmatched: unmatched(project, catalogs, &named),
        }
        .into(),
    );
    Ok(Reaction { events, part })
}

impl Project {
    /// Keeps where the newest results of each check are.
    pub(super) fn results_of(&mut self, recorded: &CheckSummariesRecorded) {
        for summary in &recorded.summaries {
            match self.results_at.get_mut(&summary.check) {
                Some(at) => *at = recorded.source_position.max(*at),
                None => {
                    self.results_at.insert(summary.check.clone(), recorded.source_position);
                }
            }
        }
    }
}

/// What a project makes of a rejection.
pub fn discount(project: ProjectId, rejected: &EvidenceRejected, from: TakenIn) -> ProjectEvent {
    EvidenceDiscounted {
        project,
        evidence: rejected.evidence,
        evidence_version: rejected.evidence_version,
        reason: rejected.reason.clone(),
        source_position: from.position,
    }
    .into()
}

/// The checks of these results with the requirement ids that they name, in frameworks of families
/// that Studio knows.
fn checks_named(results: &CheckResultsRecorded) -> BTreeMap<String, SeenCheck> {
    let mut checks: BTreeMap<String, SeenCheck> = BTreeMap::new();
    // A rule is of one test: its results make none.
    let scanned = results.summaries.iter().filter(|it| !it.check.starts_with(RULE_CHECKS));
    for summary in scanned {
        let seen = checks.entry(summary.check.clone()).or_default();
        seen.title.clone_from(&summary.title);
        for (framework, ids) in &summary.requirements {
            if alias(framework).is_some() {
                seen.requirements.entry(framework.clone()).or_default().extend(ids.iter().cloned());
            }
        }
    }
    for ids in checks.values_mut().flat_map(|seen| seen.requirements.values_mut()) {
        ids.sort_unstable();
        ids.dedup();
    }
    checks
}

fn unmatched(
    project: &Project,
    catalogs: &Catalogs,
    named: &BTreeMap<String, SeenCheck>,
) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for seen in named.values() {
        let matched = match_all(project.adopted_catalogs(catalogs), &seen.requirements);
        for (framework, ids) in matched.unmatched {
            all.entry(framework).or_default().extend(ids);
        }
    }
    all.into_iter().map(|(framework, ids)| (framework, ids.into_iter().collect())).collect()
}

fn summaries(results: &CheckResultsRecorded, from: TakenIn) -> CheckSummariesRecorded {
    CheckSummariesRecorded {
        project: results.project,
        run: results.run,
        source_event: from.event,
        source_position: from.position,
        evidence: results.evidence,
        evidence_version: results.evidence_version,
        evidence_hash: results.evidence_hash.clone(),
        uploaded_by: results.uploaded_by,
        summaries: results
            .summaries
            .iter()
            .map(|summary| RecordedSummary {
                check: summary.check.clone(),
                account: summary.account.clone(),
                region: summary.region.clone(),
                population: summary.population,
                passed: summary.passed,
                failed: summary.failed,
                unknown: summary.unknown,
                failing_added: named(&summary.failing_added),
                failing_removed: named(&summary.failing_removed),
                effective_from: summary.effective_from,
                effective_to: summary.effective_to,
                collected_at: summary.collected_at,
                rule_version: summary.rule_version,
            })
            .collect(),
    }
}

/// The resources whose ids can be excepted by name: all but empty and endless ones.
fn named(resources: &[String]) -> BTreeSet<String> {
    let fits = |resource: &&String| (1..=LONGEST_RESOURCE).contains(&resource.len());
    resources.iter().filter(fits).cloned().collect()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
