//! Formula v1 a second time: straight from the wording of the rules, in floating point, over the
//! plain list of statements, without any of the engine's own structures. Slow and short.

use std::collections::BTreeMap;

use studio_controls::domain::score::{
    ControlId, FrameworkId, Implementation, Importance, Member, MemberKey, Outcome, Reading,
    RequirementId, Statement, Strength, Verdict,
};
use studio_kernel::Timestamp;

/// Values that differ by less are taken for equal where the rules choose between them.
const NEAR: f64 = 1e-9;

/// `decided` is a range: where two members of a group are equally good but for a rounding, either
/// one's counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    pub(crate) lo: f64,
    pub(crate) hi: f64,
    pub(crate) decided: (f64, f64),
}

impl Numbers {
    fn new(lo: f64, hi: f64, decided: f64) -> Self {
        Self { lo, hi, decided: (decided, decided) }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        if self.lo >= 1.0 - 1e-9 {
            Verdict::Satisfied
        } else if self.hi < 1.0 - 1e-9 {
            Verdict::OtherThanSatisfied
        } else {
            Verdict::Undetermined
        }
    }
}

/// A project by its statements in the order in which they were made, at an instant.
pub(crate) struct Formula<'a> {
    said: &'a [Statement],
    at: Timestamp,
    /// Kept because every path asks for it again.
    own: BTreeMap<ControlId, Numbers>,
    depends_on: BTreeMap<ControlId, Vec<(ControlId, f64)>>,
}

impl<'a> Formula<'a> {
    pub(crate) fn new(
        said: &'a [Statement],
        at: Timestamp,
        controls: impl Iterator<Item = ControlId>,
    ) -> Self {
        let mut formula = Self { said, at, own: BTreeMap::new(), depends_on: BTreeMap::new() };
        for id in controls {
            formula.own.insert(id, formula.tested(id));
            formula.depends_on.insert(id, formula.dependencies(id));
        }
        formula
    }

    pub(crate) fn own(&self, id: ControlId) -> Numbers {
        self.own[&id]
    }

    /// The answer of the newest statement that has one.
    fn newest<T>(&self, answer: impl FnMut(&Statement) -> Option<T>) -> Option<T> {
        self.said.iter().rev().find_map(answer)
    }

    fn state(&self, id: ControlId) -> Option<f64> {
        self.newest(|statement| match statement {
            Statement::ControlStated { control, implementation, retired } if *control == id => {
                Some((*implementation, *retired))
            }
            _ => None,
        })
        .filter(|(_, retired)| !retired)
        .map(|(implementation, _)| match implementation {
            Implementation::Planned => 0.0,
            Implementation::Partial => 0.5,
            Implementation::Implemented => 1.0,
        })
    }

    /// The tests of a control as (weight, key, value, decided to 1, failing).
    fn tests(&self, id: ControlId) -> Vec<(f64, bool, Numbers, bool, bool)> {
        let mut seen = Vec::new();
        let mut tests = Vec::new();
        for statement in self.said.iter().rev() {
            let (Statement::TestStated { test, .. } | Statement::TestRemoved { test }) = statement
            else {
                continue;
            };
            if seen.contains(test) {
                continue;
            }
            seen.push(*test);
            let Statement::TestStated { control, weight, key, validity_days, check, .. } =
                statement
            else {
                continue;
            };
            if *control != id {
                continue;
            }
            let places: Vec<Vec<Reading>> = match check {
                Some(check) => self.scanned(check),
                None => vec![self.done_by_hand(*test)],
            };
            let (mut n, mut pass, mut fail) = (0.0, 0.0, 0.0);
            for reading in places.iter().filter_map(|place| self.counting(place)) {
                n += f64::from(reading.population);
                pass +=
                    self.freshness(reading, f64::from(*validity_days)) * f64::from(reading.passed);
                fail += f64::from(reading.failed);
            }
            let value = match n {
                0.0 => Numbers::new(0.0, 1.0, 0.0),
                n => Numbers::new(pass / n, 1.0 - fail / n, (pass + fail) / n),
            };
            let all = n > 0.0 && (n - pass - fail).abs() < NEAR;
            tests.push((weight.to_f64(), *key, value, all, fail > 0.0));
        }
        tests
    }

    fn scanned(&self, wanted: &str) -> Vec<Vec<Reading>> {
        let mut places: Vec<((&str, &str), Vec<Reading>)> = Vec::new();
        for statement in self.said {
            let Statement::CheckSummarized { check, account, region, reading } = statement else {
                continue;
            };
            if check != wanted {
                continue;
            }
            let here = (account.as_str(), region.as_str());
            match places.iter_mut().find(|(place, _)| *place == here) {
                Some((_, readings)) => readings.push(reading.clone()),
                None => places.push((here, vec![reading.clone()])),
            }
        }
        places.into_iter().map(|(_, readings)| readings).collect()
    }

    fn done_by_hand(&self, wanted: studio_controls::domain::score::TestId) -> Vec<Reading> {
        let mut readings = Vec::new();
        for statement in self.said {
            if let Statement::ManualResult {
                test,
                outcome,
                effective_from,
                effective_to,
                collected_at,
                recorded_at,
                evidence,
            } = statement
                && *test == wanted
            {
                readings.push(Reading {
                    population: 1,
                    passed: (*outcome == Outcome::Passed).into(),
                    failed: (*outcome == Outcome::Failed).into(),
                    unknown: (*outcome == Outcome::Unknown).into(),
                    effective_from: *effective_from,
                    effective_to: *effective_to,
                    collected_at: *collected_at,
                    recorded_at: *recorded_at,
                    evidence: *evidence,
                });
            }
        }
        readings
    }

    fn counting<'r>(&self, readings: &'r [Reading]) -> Option<&'r Reading> {
        // max_by_key keeps the last of equals, which is the one recorded last.
        readings
            .iter()
            .filter(|reading| reading.effective_from <= self.at)
            .max_by_key(|reading| reading.effective_from)
    }

    fn freshness(&self, reading: &Reading, validity: f64) -> f64 {
        let rejected = self.said.iter().any(|statement| match statement {
            Statement::EvidenceRejected { evidence, version } => reading
                .evidence
                .is_some_and(|named| named.evidence == *evidence && named.version == *version),
            _ => false,
        });
        if rejected {
            return 0.0;
        }
        let reference =
            reading.effective_to.unwrap_or(reading.collected_at).min(reading.recorded_at);
        let midnights = self.at.micros().div_euclid(86_400_000_000)
            - reference.micros().div_euclid(86_400_000_000);
        let age = midnights as f64;
        if age <= validity { 1.0 } else { (1.0 - (age - validity) / (validity / 4.0)).max(0.0) }
    }

    fn tested(&self, id: ControlId) -> Numbers {
        let Some(implemented) = self.state(id) else { return Numbers::new(0.0, 0.0, 0.0) };
        let tests = self.tests(id);
        if tests.is_empty() {
            return Numbers::new(0.0, implemented, 0.0);
        }
        let weights: f64 = tests.iter().map(|test| test.0).sum();
        let mean = |pick: &dyn Fn(&Numbers) -> f64| {
            tests.iter().map(|test| test.0 * pick(&test.2)).sum::<f64>() / weights
        };
        let mut own = Numbers::new(
            implemented * mean(&|test| test.lo),
            implemented * mean(&|test| test.hi),
            mean(&|test| test.decided.0),
        );
        if tests.iter().any(|(_, key, _, all_decided, failing)| *key && (!all_decided || *failing))
        {
            own.lo = own.lo.min(0.49);
        }
        if tests.iter().any(|(_, key, _, _, failing)| *key && *failing) {
            own.hi = own.hi.min(0.49);
        }
        own
    }

    fn dependencies(&self, id: ControlId) -> Vec<(ControlId, f64)> {
        let mut dependencies: Vec<(ControlId, f64)> = Vec::new();
        for statement in self.said {
            match statement {
                Statement::DependencyStated { control, on, strength } if *control == id => {
                    dependencies.retain(|(known, _)| known != on);
                    let strength = match strength {
                        Strength::Full => 1.0,
                        Strength::Half => 0.5,
                        Strength::Weak => 0.3,
                    };
                    dependencies.push((*on, strength));
                }
                Statement::DependencyRemoved { control, on } if *control == id => {
                    dependencies.retain(|(known, _)| known != on);
                }
                _ => {}
            }
        }
        dependencies
    }

    /// The effective value by its path formula: one minus the worst, over every path without a
    /// repetition, of the product of strengths times the own loss at its end.
    pub(crate) fn effective(&self, id: ControlId) -> Numbers {
        let own = self.own(id);
        let (mut lo, mut hi) = (1.0 - own.lo, 1.0 - own.hi);
        self.walk(&mut vec![id], 1.0, &mut lo, &mut hi);
        Numbers { lo: 1.0 - lo, hi: 1.0 - hi, decided: own.decided }
    }

    fn walk(&self, path: &mut Vec<ControlId>, product: f64, lo: &mut f64, hi: &mut f64) {
        let end = path[path.len() - 1];
        for &(on, strength) in &self.depends_on[&end] {
            if path.contains(&on) {
                continue;
            }
            let product = product * strength;
            let own = self.own(on);
            *lo = lo.max(product * (1.0 - own.lo));
            *hi = hi.max(product * (1.0 - own.hi));
            path.push(on);
            self.walk(path, product, lo, hi);
            path.pop();
        }
    }

    fn members(&self, id: RequirementId) -> Vec<(Member, f64)> {
        let mut members: Vec<(MemberKey, Member, f64)> = Vec::new();
        for statement in self.said {
            match statement {
                Statement::MemberStated { requirement, member, share } if *requirement == id => {
                    members.retain(|(key, ..)| *key != member.key());
                    members.push((member.key(), member.clone(), share.to_f64()));
                }
                Statement::MemberRemoved { requirement, member } if *requirement == id => {
                    members.retain(|(key, ..)| key != member);
                }
                _ => {}
            }
        }
        members.into_iter().map(|(_, member, share)| (member, share)).collect()
    }

    pub(crate) fn requirement(
        &self,
        id: RequirementId,
        effective: impl Fn(ControlId) -> Numbers,
    ) -> Numbers {
        let (mut shares, mut lo, mut hi, mut decided) = (0.0, 0.0, 0.0, (0.0, 0.0));
        for (member, share) in self.members(id) {
            let of: Vec<ControlId> = match member {
                Member::Control(control) => vec![control],
                Member::AnyOf { controls, .. } => controls.into_iter().collect(),
            };
            let values: Vec<Numbers> = of
                .into_iter()
                .filter(|control| self.state(*control).is_some())
                .map(&effective)
                .collect();
            let most = |pick: &dyn Fn(&Numbers) -> f64| values.iter().map(pick).reduce(f64::max);
            let (Some(best_lo), Some(best_hi)) = (most(&|v| v.lo), most(&|v| v.hi)) else {
                continue;
            };
            // Those that may be the best: by lo, then by hi. Where lo is not 0 the engine's last
            // digit decides, which is beyond what floating point can tell.
            let near_lo: Vec<&Numbers> =
                values.iter().filter(|value| value.lo > best_lo - NEAR).collect();
            let hi_of_best = near_lo.iter().map(|value| value.hi).fold(0.0, f64::max);
            let candidates: Vec<f64> = near_lo
                .iter()
                .filter(|value| best_lo > 0.0 || value.hi > hi_of_best - NEAR)
                .map(|value| value.decided.0)
                .collect();
            shares += share;
            lo += share * best_lo;
            hi += share * best_hi;
            decided.0 += share * candidates.iter().copied().fold(1.0, f64::min);
            decided.1 += share * candidates.iter().copied().fold(0.0, f64::max);
        }
        let divisor = f64::max(1.0, shares);
        Numbers {
            lo: lo / divisor,
            hi: (hi + f64::max(0.0, 1.0 - shares)) / divisor,
            decided: (decided.0 / divisor, decided.1 / divisor),
        }
    }

    pub(crate) fn requirements(&self, id: FrameworkId) -> Vec<(RequirementId, f64)> {
        self.newest(|statement| match statement {
            Statement::FrameworkAdopted { framework, requirements } if *framework == id => Some(
                requirements
                    .iter()
                    .map(|entry| {
                        let weight = match entry.importance {
                            Importance::Normal => 1.0,
                            Importance::High => 2.0,
                            Importance::Critical => 3.0,
                        };
                        (entry.requirement, weight)
                    })
                    .collect(),
            ),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// Points, and coverage as a share.
    pub(crate) fn framework(
        &self,
        id: FrameworkId,
        requirement: impl Fn(RequirementId) -> Numbers,
    ) -> Option<Numbers> {
        let requirements = self.requirements(id);
        let weights: f64 = requirements.iter().map(|(_, weight)| weight).sum();
        let mean = |pick: &dyn Fn(&Numbers) -> f64| {
            requirements.iter().map(|(id, weight)| weight * pick(&requirement(*id))).sum::<f64>()
                / weights
        };
        (weights > 0.0).then(|| Numbers {
            lo: 100.0 * mean(&|value| value.lo),
            hi: 100.0 * mean(&|value| value.hi),
            decided: (mean(&|value| value.decided.0), mean(&|value| value.decided.1)),
        })
    }
}
