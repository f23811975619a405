//! What a scan of this moment would count if what fails were mended, and which evidence the readings
//! rest on: for simulations.

use studio_kernel::Timestamp;

use super::{
    EvidenceId, Model,
    fact::{Fact, Reading, Statement},
};

/// Why nothing of a check can be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NothingToMend {
    /// No result of the check counts at that instant, in that account and region.
    NoResults,
    /// No resource fails there.
    NothingFails,
}

impl Model {
    /// The readings that a scan at `at` would bring if every resource that fails a check passed, in
    /// one account or region where these are named. Only places with a failure are looked at again.
    /// No evidence stands behind them: that scan was not made.
    ///
    /// # Errors
    /// [`NothingToMend`].
    pub fn mended(
        &self,
        check: &str,
        account: Option<&str>,
        region: Option<&str>,
        at: Timestamp,
    ) -> Result<Vec<Fact>, NothingToMend> {
        let places = self.checks.get(check).into_iter().flat_map(|check| check.series());
        let mut counted = places
            .filter(|(of, _, _)| account.is_none_or(|account| account == *of))
            .filter(|(_, of, _)| region.is_none_or(|region| region == *of))
            .filter_map(|(account, region, series)| Some((account, region, series.current(at)?)))
            .peekable();
        if counted.peek().is_none() {
            return Err(NothingToMend::NoResults);
        }
        let mended: Vec<Fact> = counted
            .filter(|(_, _, reading)| reading.failed > 0)
            .map(|(account, region, reading)| {
                Fact::known(Statement::CheckSummarized {
                    check: check.to_owned(),
                    account: account.to_owned(),
                    region: region.to_owned(),
                    reading: Reading {
                        rule_version: None,
                        population: reading.population,
                        // The three add up to the population, which is one of these.
                        passed: reading.passed.saturating_add(reading.failed),
                        failed: 0,
                        unknown: reading.unknown,
                        effective_from: at,
                        effective_to: None,
                        collected_at: at,
                        recorded_at: at,
                        evidence: None,
                    },
                })
            })
            .collect();
        if mended.is_empty() { Err(NothingToMend::NothingFails) } else { Ok(mended) }
    }

    /// Whether any reading rests on this version of an evidence item.
    pub fn rests_on(&self, evidence: EvidenceId, version: u32) -> bool {
        let named = |reading: &Reading| {
            reading.evidence.is_some_and(|on| (on.evidence, on.version) == (evidence, version))
        };
        let scanned = self.checks.values().flat_map(|check| check.series());
        let by_hand = self.tests.values().map(|test| &test.manual);
        scanned
            .map(|(_, _, series)| series)
            .chain(by_hand)
            .any(|series| series.readings().any(named))
    }
}
