//! What departs from the rule, by the decision of people: exceptions, open nonconformities,
//! requirements that do not apply.

use std::collections::BTreeMap;

use studio_controls::domain::score::{
    ControlId, Excepted, Exception, Grade, RequirementId, Statement, TestId,
};

use super::{Formula, Readings, Values};

impl Formula<'_> {
    /// The exceptions that hold now.
    fn exceptions(&self) -> Vec<Exception> {
        let mut known = BTreeMap::new();
        for statement in self.said {
            match statement {
                Statement::ExceptionStated { exception, stated } => {
                    known.insert(*exception, stated.clone());
                }
                Statement::ExceptionEnded { exception, until } => {
                    if let Some(known) = known.get_mut(exception) {
                        known.until = known.until.min(*until);
                    }
                }
                _ => {}
            }
        }
        let holds = |exception: &Exception| exception.from <= self.at && self.at < exception.until;
        known.into_values().filter(holds).collect()
    }

    /// What one failure gets: the best that any of its exceptions gives.
    pub(super) fn credit(
        &self,
        of: TestId,
        under: Option<&str>,
        place: &Readings,
        name: Option<&str>,
        first: &Values,
    ) -> (f64, f64) {
        let mut best: (f64, f64) = (0.0, 0.0);
        for exception in self.exceptions() {
            let meant = match &exception.on {
                Excepted::Manual { test } => under.is_none() && *test == of,
                Excepted::Resource { check, resource, places } => {
                    let everywhere_or_here = places.as_ref().is_none_or(|places| {
                        places.iter().any(|listed| {
                            (&listed.account, &listed.region) == (&place.account, &place.region)
                        })
                    });
                    under == Some(check) && name == Some(resource) && everywhere_or_here
                }
            };
            let compensating = exception.compensating.filter(|_| meant);
            let Some(control) = compensating else { continue };
            if self.tests(control, None).is_empty() {
                continue;
            }
            best = (best.0.max(first[&control].lo), best.1.max(first[&control].hi));
        }
        best
    }

    /// The worst grade of the nonconformities of a control that are open now.
    pub(super) fn open(&self, id: ControlId) -> Option<f64> {
        let mut found = BTreeMap::new();
        for statement in self.said {
            match statement {
                Statement::NonconformityOpened { nonconformity, control, grade, from }
                    if *control == id =>
                {
                    found.insert(*nonconformity, (*grade, *from, None));
                }
                Statement::NonconformityClosed { nonconformity, control, until }
                    if *control == id =>
                {
                    if let Some((_, _, closed @ None)) = found.get_mut(nonconformity) {
                        *closed = Some(*until);
                    }
                }
                _ => {}
            }
        }
        let open = found.into_values().filter(|(_, from, until)| {
            *from <= self.at && until.is_none_or(|until| self.at < until)
        });
        open.map(|(grade, ..)| if grade == Grade::Major { 0.49 } else { 0.8 }).reduce(f64::min)
    }

    pub(super) fn applies(&self, id: RequirementId) -> bool {
        let mut holding = None;
        for statement in self.said {
            match statement {
                Statement::NotApplicableStated { requirement, declaration }
                    if *requirement == id =>
                {
                    holding = Some(*declaration);
                }
                Statement::NotApplicableEnded { requirement, declaration }
                    if *requirement == id && holding == Some(*declaration) =>
                {
                    holding = None;
                }
                _ => {}
            }
        }
        holding.is_none()
    }
}
