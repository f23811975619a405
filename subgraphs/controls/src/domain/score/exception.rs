//! Rule 3: failures that are excepted for a time, and the credit that they get from what compensates
//! for them.
//!
//! The credit is taken from the first pass, in which no failure has any. So two controls may
//! compensate for each other, and neither can lift itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use studio_kernel::Timestamp;

use super::{
    ControlId, ExceptionId, Fixed, TestId,
    model::{Check, Control, Model, Test, TestDefinition},
    tally::Tally,
    value::Triple,
};

/// The resources of one place that fail a check.
pub(super) type Failing = Arc<BTreeSet<String>>;

/// An exception that two people decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    /// The failure.
    pub on: Excepted,
    /// The control that makes up for it; `None` where the risk is accepted alone.
    pub compensating: Option<ControlId>,
    /// Since when it holds: the approval.
    pub from: Timestamp,
    /// From when on it does not hold any more.
    pub until: Timestamp,
}

impl Exception {
    pub(super) fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// When time alone next changes whether it holds, after `at`.
    pub(super) fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let ends = self.from < self.until;
        [self.from, self.until].into_iter().find(|change| ends && *change > at)
    }
}

/// A failure that is excepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Excepted {
    /// Of a manual test.
    Manual {
        /// The test.
        test: TestId,
    },
    /// Of a resource under a check.
    Resource {
        /// The scanner's id of the check.
        check: String,
        /// The resource's id with its provider.
        resource: String,
        /// In these places; `None` for all, those of later scans too.
        places: Option<BTreeSet<Place>>,
    },
}

/// An account and a region of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The cloud account.
    pub account: String,
    /// The region, or `global`.
    pub region: String,
}

impl Place {
    fn is(&self, account: &str, region: &str) -> bool {
        self.account == account && self.region == region
    }
}

/// A failure that counts now and is excepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptedFailure {
    /// The account; empty for a manual test.
    pub account: String,
    /// The region; empty for a manual test.
    pub region: String,
    /// The resource; empty for a manual test.
    pub resource: String,
    /// What `lo` of the test gets for it: the most that one of its exceptions gives.
    pub lo: Fixed,
    /// The same for `hi`.
    pub hi: Fixed,
    /// Its exceptions, in the order of their ids.
    pub exceptions: Vec<Credit>,
}

/// What one exception gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The exception.
    pub exception: ExceptionId,
    /// The control that makes up for the failure.
    pub compensating: Option<ControlId>,
    /// `x_lo`: what that control proves in the first pass; 0 without one, and for one without tests.
    pub lo: Fixed,
    /// `x_hi`.
    pub hi: Fixed,
}

impl Model {
    /// Rule 2 at an instant with the credits of rule 3, from the first pass of the controls.
    pub(super) fn credited(
        &self,
        test: &Test,
        definition: &TestDefinition,
        at: Timestamp,
        first: impl Fn(ControlId, &Control) -> Triple,
    ) -> Tally {
        let mut tally = self.tally(test, definition.validity_days, at);
        for failure in self.excepted(test, at, first) {
            tally.credit(failure.lo, failure.hi);
        }
        tally
    }

    /// The exceptions on failures of a test, whether they hold or not.
    pub(super) fn exceptions_on<'a>(
        &'a self,
        test: &'a Test,
    ) -> impl Iterator<Item = (ExceptionId, &'a Exception)> {
        let check = test.definition.as_ref().and_then(|definition| definition.check.as_ref());
        let ids = match check.map(|check| self.checks.get(check)) {
            None => Some(&test.exceptions),
            Some(check) => check.map(|check| &check.exceptions),
        };
        let ids = ids.into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.exceptions.get(id)?)))
    }

    /// The failures of a test that count at an instant and are excepted then, by account, region
    /// and resource.
    pub(super) fn excepted(
        &self,
        test: &Test,
        at: Timestamp,
        first: impl Fn(ControlId, &Control) -> Triple,
    ) -> Vec<ExceptedFailure> {
        let holding: Vec<_> =
            self.exceptions_on(test).filter(|(_, exception)| exception.holds(at)).collect();
        if holding.is_empty() {
            return Vec::new();
        }
        let mut failures = Vec::new();
        for (account, region, series) in self.series_of(test) {
            let Some((reading, failing)) = series.current_failing(at) else { continue };
            let mut here: BTreeMap<&str, Vec<Credit>> = BTreeMap::new();
            for (id, exception) in &holding {
                let resource = match &exception.on {
                    Excepted::Manual { .. } if reading.failed > 0 => "",
                    Excepted::Resource { resource, places, .. }
                        if failing.contains(resource)
                            // Names that are more than the failures counted name something that
                            // does not fail.
                            && failing.len() <= reading.failed as usize
                            && places.as_ref().is_none_or(|places| {
                                places.iter().any(|place| place.is(account, region))
                            }) =>
                    {
                        resource
                    }
                    _ => continue,
                };
                here.entry(resource).or_default().push(self.credit(*id, exception, &first));
            }
            failures.extend(here.into_iter().map(|(resource, exceptions)| ExceptedFailure {
                account: account.to_owned(),
                region: region.to_owned(),
                resource: resource.to_owned(),
                lo: exceptions.iter().map(|credit| credit.lo).max().unwrap_or(Fixed::ZERO),
                hi: exceptions.iter().map(|credit| credit.hi).max().unwrap_or(Fixed::ZERO),
                exceptions,
            }));
        }
        failures
    }

    fn credit(
        &self,
        id: ExceptionId,
        exception: &Exception,
        first: impl Fn(ControlId, &Control) -> Triple,
    ) -> Credit {
        let compensating = exception.compensating;
        let compensating = compensating.and_then(|id| Some((id, self.controls.get(&id)?)));
        let tested = compensating.filter(|(_, control)| !control.tests.is_empty());
        let value = tested.map(|(id, control)| first(id, control)).unwrap_or_default();
        Credit { exception: id, compensating: exception.compensating, lo: value.lo, hi: value.hi }
    }

    /// The tests with failures that these controls may make up for.
    pub(super) fn leaning_on<'a>(
        &self,
        controls: impl Iterator<Item = &'a ControlId>,
    ) -> BTreeSet<TestId> {
        let controls = controls.filter_map(|id| self.controls.get(id));
        let exceptions = controls.flat_map(|control| &control.compensates);
        exceptions
            .filter_map(|id| self.exceptions.get(id))
            .flat_map(|exception| self.excepted_tests(&exception.on))
            .collect()
    }

    /// The tests that count a failure.
    fn excepted_tests(&self, on: &Excepted) -> impl Iterator<Item = TestId> {
        let (test, check) = match on {
            Excepted::Manual { test } => (Some(*test), None),
            Excepted::Resource { check, .. } => (None, self.checks.get(check)),
        };
        test.into_iter().chain(check.into_iter().flat_map(|check| check.tests.iter().copied()))
    }

    /// Takes an exception in and tells which tests it reaches.
    pub(super) fn except(&mut self, id: ExceptionId, stated: &Exception) -> BTreeSet<TestId> {
        let mut reached = self.forget_exception(id);
        match &stated.on {
            Excepted::Manual { test } => {
                self.tests.entry(*test).or_default().exceptions.insert(id);
            }
            Excepted::Resource { check, .. } => {
                self.checks.entry(check.clone()).or_default().exceptions.insert(id);
            }
        }
        if let Some(control) = stated.compensating {
            self.controls.entry(control).or_default().compensates.insert(id);
        }
        self.exceptions.insert(id, stated.clone());
        reached.extend(self.excepted_tests(&stated.on));
        reached
    }

    /// Ends an exception before its time and tells which tests that reaches.
    pub(super) fn end_exception(&mut self, id: ExceptionId, until: Timestamp) -> BTreeSet<TestId> {
        let Some(exception) = self.exceptions.get_mut(&id) else { return BTreeSet::new() };
        exception.until = exception.until.min(until).max(exception.from);
        let on = exception.on.clone();
        self.excepted_tests(&on).collect()
    }

    /// Whether such a failure is known now.
    pub fn fails(&self, on: &Excepted) -> bool {
        let Some(at) = self.at else { return false };
        match on {
            Excepted::Manual { test } => {
                let current = self.tests.get(test).and_then(|test| test.manual.current(at));
                current.is_some_and(|reading| reading.failed > 0)
            }
            Excepted::Resource { check, resource, places } => {
                let mut series = self.checks.get(check).into_iter().flat_map(Check::series);
                series.any(|(account, region, series)| {
                    let current = series.current_failing(at);
                    places.as_ref().is_none_or(|all| all.iter().any(|it| it.is(account, region)))
                        && current.is_some_and(|(_, failing)| failing.contains(resource))
                })
            }
        }
    }

    /// Takes an exception out and tells which tests it reached.
    pub(super) fn forget_exception(&mut self, id: ExceptionId) -> BTreeSet<TestId> {
        let Some(exception) = self.exceptions.remove(&id) else { return BTreeSet::new() };
        let reached = self.excepted_tests(&exception.on).collect();
        match &exception.on {
            Excepted::Manual { test } => {
                if let Some(test) = self.tests.get_mut(test) {
                    test.exceptions.remove(&id);
                }
            }
            Excepted::Resource { check, .. } => {
                if let Some(check) = self.checks.get_mut(check) {
                    check.exceptions.remove(&id);
                }
            }
        }
        let compensating = exception.compensating.and_then(|id| self.controls.get_mut(&id));
        if let Some(control) = compensating {
            control.compensates.remove(&id);
        }
        reached
    }
}
