//! The end of a run: what the scan no longer lists leaves the population, the summaries of its
//! checks are published, and only then is the run complete. Each step asks the read models what is
//! left to do, so that a run that was cut between two of them goes on where it stood.

use std::collections::HashMap;

use futures::future::join;
use studio_events::{Expected, StreamAppend};
use studio_kernel::{
    IdError,
    published::evidence::{CheckResultsRecorded, CheckSummary},
};

use super::{
    Core,
    batch::json_length,
    record::Recording,
    sums::{SummedUp, Sums},
};
use crate::{
    domain::{FindingsGone, Intake, IntakeReleased, RunCompleted, RunEvent, SummaryKey},
    error::EvidenceError,
    ocsf::Requirements,
    projections::{Checks, Population, ResourceChange, SummaryRow},
};

/// Findings that one event takes out of the population.
const GONE: u32 = 2_000;
/// Resource ids of one published event.
const RESOURCES: usize = 5_000;
/// Bytes of JSON, about, of one published event.
const BYTES: usize = 1024 * 1024;

/// What the scanner says about a check.
struct CheckText {
    title: String,
    severity: String,
    requirements: Requirements,
}

/// Published events in the making: a page is closed before it grows too large.
struct Pages {
    blank: CheckResultsRecorded,
    done: Vec<RunEvent>,
    open: CheckResultsRecorded,
    resources: usize,
    bytes: usize,
}

impl Recording {
    /// Takes out of the population what the scan no longer lists: a scan is complete for each
    /// check, account and region that it holds.
    pub(super) async fn leave(&mut self, core: &Core) -> Result<(), EvidenceError> {
        // Once summaries are published, everybody who was to leave has left.
        if self.run.summarised.is_some() {
            return Ok(());
        }
        let (tenant, project, run) = (self.tenant, self.started.project, self.id);
        let observed = Population::observed(&core.store, tenant, project, run).await?;
        let mut checks: Vec<&str> = observed.keys().map(|key| key.check.as_str()).collect();
        checks.dedup();
        let mut gone = Vec::new();
        for check in checks {
            let mut after = String::new();
            loop {
                core.go_on()?;
                let page =
                    Population::not_listed(&core.store, tenant, project, run, check, &after, GONE)
                        .await?;
                for finding in &page {
                    let newest = observed.get(&finding.key);
                    if newest.is_some_and(|newest| finding.last_seen <= *newest) {
                        gone.push(
                            finding.id.parse().map_err(|error: IdError| {
                                EvidenceError::Broken(error.to_string())
                            })?,
                        );
                    }
                }
                if gone.len() >= GONE as usize {
                    let findings = std::mem::take(&mut gone);
                    self.append(core, vec![FindingsGone { project, findings }.into()], Vec::new())
                        .await?;
                }
                match page.last() {
                    Some(last) if page.len() == GONE as usize => after.clone_from(&last.id),
                    _ => break,
                }
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        self.append(core, vec![FindingsGone { project, findings: gone }.into()], Vec::new()).await
    }

    const fn sums(&self) -> Sums {
        Sums { tenant: self.tenant, project: self.started.project, run: self.id }
    }

    /// Publishes the summaries of every check, account and region that the run observed. While some
    /// are appended, the next are summed up.
    pub(super) async fn publish(&mut self, core: &Core) -> Result<(), EvidenceError> {
        let sums = self.sums();
        // Parts of the check at which the run was cut may be published and others not.
        if let Some(SummaryKey { check, .. }) = self.run.summarised.clone() {
            let found = sums.up(core, (check.clone(), check), self.run.summarised.as_ref()).await?;
            self.publish_checks(core, found).await?;
        }
        let after = self.run.summarised.as_ref().map(|key| key.check.clone()).unwrap_or_default();
        let mut next = sums.after(core, &after).await?;
        while let Some(found) = next {
            let last = found.checks.1.clone();
            let following = sums.after(core, &last);
            let (published, found) = join(self.publish_checks(core, found), following).await;
            published?;
            next = found?;
        }
        Ok(())
    }

    /// Those of some checks.
    async fn publish_checks(
        &mut self,
        core: &Core,
        mut found: SummedUp,
    ) -> Result<(), EvidenceError> {
        while !found.rows.is_empty() {
            core.go_on()?;
            let whole = found.is_whole();
            let texts = self.check_texts(core, &found.rows).await?;
            let mut pages = Pages::of(self);
            for row in std::mem::take(&mut found.rows) {
                let changes = found.changes.remove(&row.key).unwrap_or_default();
                let text = texts.get(&row.key.check).ok_or_else(|| {
                    EvidenceError::Broken(format!("check {} has no title", row.key.check))
                })?;
                pages.add(row, text, changes);
                if pages.done.len() > 1 {
                    // All parts of one summary are recorded together, or none.
                    self.append(core, std::mem::take(&mut pages.done), Vec::new()).await?;
                }
            }
            pages.close();
            self.append(core, pages.done, Vec::new()).await?;
            if !whole {
                let after = self.run.summarised.clone();
                found.rows = self.sums().rows(core, &found.checks, after.as_ref()).await?;
            }
        }
        Ok(())
    }

    /// Says that the run is complete, and lets the next one in.
    pub(super) async fn complete(&mut self, core: &Core) -> Result<(), EvidenceError> {
        let project = self.started.project;
        let intake = core.store.load::<Intake>(self.tenant, &project.to_string()).await?;
        let mut others = Vec::new();
        if intake.state.active == Some(self.id) {
            others.push(StreamAppend::of::<Intake>(
                project.to_string(),
                Expected::Version(intake.version),
                vec![IntakeReleased { run: self.id }.into()],
            )?);
        }
        let completed = RunCompleted {
            project,
            counts: self.run.counts,
            results_events: self.run.results_events,
        };
        self.append(core, vec![completed.into()], others).await
    }

    async fn check_texts(
        &self,
        core: &Core,
        rows: &[SummaryRow],
    ) -> Result<HashMap<String, CheckText>, EvidenceError> {
        let mut ids: Vec<String> = rows.iter().map(|row| row.key.check.clone()).collect();
        ids.dedup();
        let project = self.started.project.to_string();
        let checks = Checks::of(&core.store, self.tenant, &project, &ids).await?;
        checks
            .into_iter()
            .map(|check| {
                let requirements = serde_json::from_str(&check.requirements).map_err(|error| {
                    EvidenceError::Broken(format!("requirements of {}: {error}", check.check_id))
                })?;
                let (title, severity) = (check.title, check.severity);
                Ok((check.check_id, CheckText { title, severity, requirements }))
            })
            .collect()
    }
}

impl Pages {
    fn of(recording: &Recording) -> Self {
        let started = &recording.started;
        let blank = CheckResultsRecorded {
            project: started.project,
            run: recording.id,
            evidence: started.evidence,
            evidence_version: started.evidence_version,
            evidence_hash: started.sha256.clone(),
            uploaded_by: started.uploaded_by,
            summaries: Vec::new(),
        };
        Self { open: blank.clone(), blank, done: Vec::new(), resources: 0, bytes: 0 }
    }

    fn close(&mut self) {
        if !self.open.summaries.is_empty() {
            let page = std::mem::replace(&mut self.open, self.blank.clone());
            self.done.push(page.into());
        }
        (self.resources, self.bytes) = (0, 0);
    }

    /// Adds a summary. One with more changes than a page holds goes on in further pages, with the
    /// same counts and the rest of the changes.
    fn add(&mut self, row: SummaryRow, text: &CheckText, changes: Vec<ResourceChange>) {
        let mut summary = row.summary(text);
        let base = 300
            + json_length(&summary.title)
            + text
                .requirements
                .iter()
                .flat_map(|(framework, ids)| ids.iter().chain([framework]))
                .map(|text| json_length(text))
                .sum::<usize>();
        let size: usize = changes.iter().map(|change| json_length(&change.resource)).sum();
        let fits = self.resources + changes.len() <= RESOURCES && self.bytes + base + size <= BYTES;
        if !fits {
            self.close();
        }
        self.bytes += base;
        for change in changes {
            let length = json_length(&change.resource);
            let held = summary.failing_added.len() + summary.failing_removed.len();
            if held > 0 && (self.resources + 1 > RESOURCES || self.bytes + length > BYTES) {
                let rest = CheckSummary {
                    failing_added: Vec::new(),
                    failing_removed: Vec::new(),
                    ..summary.clone()
                };
                self.open.summaries.push(std::mem::replace(&mut summary, rest));
                self.close();
                self.bytes += base;
            }
            self.resources += 1;
            self.bytes += length;
            if change.fails {
                summary.failing_added.push(change.resource);
            } else {
                summary.failing_removed.push(change.resource);
            }
        }
        self.open.summaries.push(summary);
    }
}

impl SummaryRow {
    fn summary(self, text: &CheckText) -> CheckSummary {
        CheckSummary {
            rule_version: None,
            check: self.key.check,
            title: text.title.clone(),
            severity: text.severity.clone(),
            account: self.key.account,
            region: self.key.region,
            population: self.population,
            passed: self.passed,
            failed: self.failed,
            unknown: self.population.saturating_sub(self.passed.saturating_add(self.failed)),
            failing_added: Vec::new(),
            failing_removed: Vec::new(),
            effective_from: self.effective_from,
            effective_to: None,
            collected_at: self.effective_from,
            requirements: text.requirements.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Env, Timestamp};

    use super::*;

    fn pages(changes: &[usize]) -> Vec<CheckResultsRecorded> {
        let env = Env::system();
        let blank = CheckResultsRecorded {
            project: env.id(),
            run: env.id(),
            evidence: env.id(),
            evidence_version: 1,
            evidence_hash: String::new(),
            uploaded_by: None,
            summaries: Vec::new(),
        };
        let mut pages =
            Pages { open: blank.clone(), blank, done: Vec::new(), resources: 0, bytes: 0 };
        let text = CheckText {
            title: "A check".to_owned(),
            severity: "low".to_owned(),
            requirements: Requirements::new(),
        };
        for (number, count) in changes.iter().enumerate() {
            let key = SummaryKey {
                check: format!("check-{number:04}"),
                account: "1".to_owned(),
                region: "global".to_owned(),
            };
            let population = u32::try_from(*count).unwrap();
            let row = SummaryRow {
                key,
                population,
                passed: 0,
                failed: population,
                effective_from: Timestamp::from_micros(0),
            };
            let changes = (0..*count)
                .map(|n| ResourceChange { resource: format!("r-{n:06}"), fails: n % 2 == 0 })
                .collect();
            pages.add(row, &text, changes);
        }
        pages.close();
        pages
            .done
            .into_iter()
            .map(|event| match event {
                RunEvent::CheckResultsRecorded(page) => page,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn no_page_is_too_large_and_no_change_is_lost() {
        for changes in [vec![0, 0, 3], vec![4_000, 4_000, 10], vec![12_345, 1], vec![5_000, 5_000]]
        {
            let pages = pages(&changes);
            let mut found = vec![0; changes.len()];
            for page in &pages {
                let held = |s: &CheckSummary| s.failing_added.len() + s.failing_removed.len();
                assert!(page.summaries.iter().map(held).sum::<usize>() <= RESOURCES);
                assert!(serde_json::to_vec(page).unwrap().len() <= BYTES + 4096);
                for summary in &page.summaries {
                    let number: usize = summary.check["check-".len()..].parse().unwrap();
                    found[number] += held(summary);
                    assert_eq!(summary.population as usize, changes[number]);
                }
            }
            assert_eq!(found, changes);
        }
        assert_eq!(pages(&[0, 0, 3]).len(), 1);
        assert_eq!(pages(&[12_345]).len(), 3);
    }
}
