//! What departs from the rule, by the decision of people: exceptions, open nonconformities,
//! requirements that do not apply.

use std::collections::BTreeMap;

use studio_controls::domain::score::{
    ControlId, Excepted, Exception, Grade, Mapping, Relation, RequirementId, Statement, TestId,
};

use super::{Formula, How, NEAR, Numbers, Readings, Values};

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
            if self.tests(control, How::Plain).is_empty() {
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

    fn mappings(&self) -> Vec<Mapping> {
        let mut known = BTreeMap::new();
        for statement in self.said {
            match statement {
                Statement::MappingStated { mapping, stated } => {
                    known.insert(*mapping, *stated);
                }
                Statement::MappingEnded { mapping } => {
                    known.remove(mapping);
                }
                _ => {}
            }
        }
        known.into_values().collect()
    }

    /// What a mapping is worth from one requirement to another, and whether it may go on; `None`
    /// where it does not lie between them.
    fn carries(mapping: &Mapping, from: RequirementId, to: RequirementId) -> Option<(f64, bool)> {
        let between = (mapping.source, mapping.target) == (from, to)
            || (mapping.target, mapping.source) == (from, to);
        let strength = f64::from(mapping.strength.unwrap_or(0)) / 10.0;
        let whole_of_it = match mapping.relation {
            Relation::Equal | Relation::Equivalent => true,
            Relation::Intersects => {
                return between.then_some((strength.min(0.5), false));
            }
            Relation::Superset => (mapping.source, mapping.target) == (from, to),
            Relation::Subset => (mapping.target, mapping.source) == (from, to),
        };
        between.then_some((if whole_of_it { 1.0 } else { strength }, true))
    }

    /// A requirement with what it inherits; `own` gives what each is worth by its own controls.
    pub(crate) fn with_inherited(
        &self,
        id: RequirementId,
        all: &[RequirementId],
        own: impl Fn(RequirementId) -> Numbers,
    ) -> Numbers {
        let here = own(id);
        if self.requirement(id, |control| self.doubted[&control]).hi < 1.0 - 1e-13 {
            return here;
        }
        let mappings = self.mappings();
        // Every way of one mapping, or of two that may be joined.
        let mut ways: Vec<(f64, RequirementId)> = Vec::new();
        for first in &mappings {
            for near in all.iter().filter(|near| **near != id) {
                let Some((g, goes_on)) = Self::carries(first, *near, id) else { continue };
                ways.push((g, *near));
                for far in all.iter().filter(|far| goes_on && **far != id && *far != near) {
                    for second in &mappings {
                        if let Some((h, true)) = Self::carries(second, *far, *near) {
                            ways.push((g * h, *far));
                        }
                    }
                }
            }
        }
        ways.retain(|(_, source)| self.applies(*source));
        let arriving: Vec<Numbers> = ways
            .into_iter()
            .map(|(g, source)| {
                let source = own(source);
                let decided = (g * source.decided.0, g * source.decided.1);
                Numbers { lo: g * source.lo, hi: g * source.hi, decided }
            })
            .collect();
        let most = arriving.iter().map(|it| it.lo).fold(0.0, f64::max);
        if most <= here.lo + NEAR {
            // On a tie, or where floating point cannot tell, either may count.
            let mut here = here;
            if most > here.lo - NEAR && most > 0.0 {
                for tied in arriving.iter().filter(|it| it.lo > most - NEAR) {
                    here.decided.0 = here.decided.0.min(tied.decided.0);
                    here.decided.1 = here.decided.1.max(tied.decided.1);
                }
            }
            return here;
        }
        let best = arriving.iter().filter(|it| it.lo > most - NEAR);
        let decided = best.fold((1.0_f64, 0.0_f64), |(least, most), it| {
            (least.min(it.decided.0), most.max(it.decided.1))
        });
        Numbers { lo: most, hi: here.hi, decided }
    }
}
