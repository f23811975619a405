//! Folding facts into the model. Applying is total: what was recorded has happened. A fact about
//! something that was never stated is kept, and counts once that is stated.

use std::collections::BTreeSet;

use super::{
    ControlId, FrameworkId, NotApplicableId, RequirementId, TestId,
    control::Nonconformity,
    fact::{Fact, Member, MemberKey, Outcome, Reading, Statement, WeightedRequirement},
    framework::Totals,
    freshness::Series,
    model::{Model, Share, TestDefinition, Touched},
};

impl Model {
    /// Takes a fact in and tells what it reaches directly. Facts must come in the order in which
    /// they were recorded. The numbers move at the next [`recompute`](Model::recompute).
    pub fn apply(&mut self, fact: &Fact) -> Touched {
        let mut touched = Touched::default();
        self.fold(fact.statement(), &mut touched);
        self.pending.add(&touched);
        touched
    }

    fn fold(&mut self, statement: &Statement, touched: &mut Touched) {
        match statement {
            Statement::FrameworkAdopted { framework, requirements } => {
                self.adopt(*framework, requirements, touched);
            }
            Statement::ControlStated { control: id, implementation, retired } => {
                let control = self.controls.entry(*id).or_default();
                control.implementation = Some(*implementation);
                control.retired = *retired;
                touched.requirements.extend(&control.requirements);
                touched.controls.insert(*id);
            }
            Statement::TestStated { test, control, weight, key, validity_days, check } => {
                let definition = TestDefinition {
                    control: *control,
                    weight: *weight,
                    key: *key,
                    validity_days: *validity_days,
                    check: check.clone(),
                };
                self.define_test(*test, Some(definition), touched);
            }
            Statement::TestRemoved { test } => self.define_test(*test, None, touched),
            Statement::CheckSummarized { check, account, region, reading } => {
                self.place(check, account, region).insert(reading);
                touched.tests.extend(self.checks.get(check).iter().flat_map(|check| &check.tests));
            }
            // It counts with the reading that follows.
            Statement::FailingChanged { check, account, region, added, removed } => {
                self.place(check, account, region).change_failing(added, removed);
            }
            Statement::ManualResult { test, .. } => {
                if let Some(reading) = manual_reading(statement) {
                    self.tests.entry(*test).or_default().manual.insert(&reading);
                    touched.tests.insert(*test);
                }
            }
            Statement::EvidenceRejected { evidence, version } => {
                self.rejected.insert((*evidence, *version));
                let rests_on = |reading: &Reading| {
                    let named = reading.evidence.map(|named| (named.evidence, named.version));
                    named == Some((*evidence, *version))
                };
                for (id, test) in &self.tests {
                    let mut series = self.series_of(test);
                    if series.any(|(_, _, series)| series.readings().any(rests_on)) {
                        touched.tests.insert(*id);
                    }
                }
            }
            Statement::DependencyStated { control, on, strength } => {
                self.controls.entry(*on).or_default().dependents.insert(*control);
                let depends_on = &mut self.controls.entry(*control).or_default().depends_on;
                depends_on.insert(*on, *strength);
                touched.controls.insert(*control);
            }
            Statement::DependencyRemoved { control: id, on } => {
                if let Some(control) = self.controls.get_mut(id) {
                    control.depends_on.remove(on);
                    touched.controls.insert(*id);
                }
                if let Some(control) = self.controls.get_mut(on) {
                    control.dependents.remove(id);
                }
            }
            Statement::MemberStated { requirement, member, share } => {
                let controls = match member {
                    Member::Control(control) => BTreeSet::from([*control]),
                    Member::AnyOf { controls, .. } => controls.clone(),
                };
                let share = Share { share: *share, controls };
                self.set_member(*requirement, &member.key(), Some(share), touched);
            }
            Statement::MemberRemoved { requirement, member } => {
                self.set_member(*requirement, member, None, touched);
            }
            Statement::NotApplicableStated { requirement, declaration } => {
                self.set_applicable(*requirement, Some(*declaration), touched);
            }
            Statement::NotApplicableEnded { requirement, declaration } => {
                let entry = self.requirements.get(requirement);
                if entry.is_some_and(|entry| entry.not_applicable == Some(*declaration)) {
                    self.set_applicable(*requirement, None, touched);
                }
            }
            Statement::NonconformityOpened { nonconformity, control, grade, from } => {
                let found = Nonconformity { grade: *grade, from: *from, until: None };
                let entry = self.controls.entry(*control).or_default();
                entry.nonconformities.insert(*nonconformity, found);
                touched.controls.insert(*control);
            }
            Statement::NonconformityClosed { nonconformity, control: id, until } => {
                if let Some(control) = self.controls.get_mut(id)
                    && let Some(found) = control.nonconformities.get_mut(nonconformity)
                    && found.until.is_none()
                {
                    found.until = Some(*until);
                    touched.controls.insert(*id);
                }
            }
            Statement::ExceptionStated { exception, stated } => {
                touched.tests.extend(self.except(*exception, stated));
            }
            Statement::MappingStated { mapping, stated } => {
                touched.requirements.extend(self.map(*mapping, Some(*stated)));
            }
            Statement::MappingEnded { mapping } => {
                touched.requirements.extend(self.map(*mapping, None));
            }
            Statement::ExceptionEnded { exception, until } => {
                touched.tests.extend(self.end_exception(*exception, *until));
            }
        }
    }

    /// The readings of a check in a place.
    fn place(&mut self, check: &str, account: &str, region: &str) -> &mut Series {
        let places = &mut self.checks.entry(check.to_owned()).or_default().places;
        places.entry(account.to_owned()).or_default().entry(region.to_owned()).or_default()
    }

    fn set_applicable(
        &mut self,
        id: RequirementId,
        declaration: Option<NotApplicableId>,
        touched: &mut Touched,
    ) {
        let requirement = self.requirements.entry(id).or_default();
        let before = std::mem::replace(&mut requirement.not_applicable, declaration);
        let mapped = !requirement.mappings.is_empty();
        for id_of_framework in &requirement.frameworks {
            let Some(framework) = self.frameworks.get_mut(id_of_framework) else { continue };
            let Some(importance) = framework.requirements.get(&id) else { continue };
            match (before, declaration) {
                (None, Some(_)) => framework.totals.remove(*importance, &requirement.value),
                (Some(_), None) => framework.totals.add(*importance, &requirement.value),
                _ => {}
            }
            touched.frameworks.insert(*id_of_framework);
        }
        if mapped {
            touched.requirements.extend(self.inheriting(BTreeSet::from([id])));
        }
    }

    fn adopt(
        &mut self,
        id: FrameworkId,
        requirements: &[WeightedRequirement],
        touched: &mut Touched,
    ) {
        let framework = self.frameworks.entry(id).or_default();
        for requirement in framework.requirements.keys() {
            if let Some(requirement) = self.requirements.get_mut(requirement) {
                requirement.frameworks.remove(&id);
            }
        }
        framework.requirements.clear();
        framework.totals = Totals::default();
        for WeightedRequirement { requirement, importance } in requirements {
            let entry = self.requirements.entry(*requirement).or_default();
            entry.frameworks.insert(id);
            framework.requirements.insert(*requirement, *importance);
            if entry.not_applicable.is_none() {
                framework.totals.add(*importance, &entry.value);
            }
        }
        touched.frameworks.insert(id);
    }

    fn define_test(
        &mut self,
        id: TestId,
        definition: Option<TestDefinition>,
        touched: &mut Touched,
    ) {
        let test = self.tests.entry(id).or_default();
        let before = std::mem::replace(&mut test.definition, definition.clone());
        if let Some(before) = before {
            if let Some(control) = self.controls.get_mut(&before.control) {
                control.tests.remove(&id);
            }
            if let Some(check) = before.check.and_then(|check| self.checks.get_mut(&check)) {
                check.tests.remove(&id);
            }
            touched.controls.insert(before.control);
        }
        if let Some(now) = definition {
            self.controls.entry(now.control).or_default().tests.insert(id);
            if let Some(check) = now.check {
                self.checks.entry(check).or_default().tests.insert(id);
            }
            touched.controls.insert(now.control);
        }
        touched.tests.insert(id);
    }

    fn set_member(
        &mut self,
        id: RequirementId,
        key: &MemberKey,
        share: Option<Share>,
        touched: &mut Touched,
    ) {
        let requirement = self.requirements.entry(id).or_default();
        let before = match share {
            Some(share) => {
                for control in &share.controls {
                    self.controls.entry(*control).or_default().requirements.insert(id);
                }
                requirement.members.insert(key.clone(), share)
            }
            None => requirement.members.remove(key),
        };
        let kept = |control: &ControlId| {
            requirement.members.values().any(|member| member.controls.contains(control))
        };
        for gone in before.iter().flat_map(|share| &share.controls).filter(|id| !kept(id)) {
            if let Some(control) = self.controls.get_mut(gone) {
                control.requirements.remove(&id);
            }
        }
        touched.requirements.insert(id);
    }
}

/// A manual result as a reading of a population of one (rule 2).
fn manual_reading(statement: &Statement) -> Option<Reading> {
    let Statement::ManualResult {
        outcome,
        effective_from,
        effective_to,
        collected_at,
        recorded_at,
        evidence,
        ..
    } = statement
    else {
        return None;
    };
    let one_if = |counted: Outcome| u32::from(*outcome == counted);
    Some(Reading {
        rule_version: None,
        population: 1,
        passed: one_if(Outcome::Passed),
        failed: one_if(Outcome::Failed),
        unknown: one_if(Outcome::Unknown),
        effective_from: *effective_from,
        effective_to: *effective_to,
        collected_at: *collected_at,
        recorded_at: *recorded_at,
        evidence: *evidence,
    })
}
