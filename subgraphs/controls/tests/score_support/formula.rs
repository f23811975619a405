//! Formula v1 a second time: straight from the wording of the rules, in floating point, over the
//! plain list of statements, without any of the engine's own structures. Slow and short.

use std::collections::{BTreeMap, BTreeSet};

use studio_controls::domain::score::{
    ControlId, FrameworkId, Implementation, Importance, Member, MemberKey, Outcome, Reading,
    RequirementId, Statement, Strength, TestId, Verdict,
};
use studio_kernel::Timestamp;

mod departures;

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

/// What a test comes to: its sums, and whether a failure is left without credit, for each bound.
struct Tested {
    weight: f64,
    key: bool,
    value: Numbers,
    wholly_decided: bool,
    uncredited: (bool, bool),
}

/// A place in which a check was run, or none for a test by hand: each reading with the resources
/// that were failing when it was said.
#[derive(Default)]
struct Readings {
    account: String,
    region: String,
    failing: BTreeSet<String>,
    readings: Vec<(Reading, BTreeSet<String>)>,
}

type Values = BTreeMap<ControlId, Numbers>;

/// How a control is worked out.
#[derive(Clone, Copy)]
enum How<'a> {
    /// As if all that is unknown failed.
    Doubting,
    /// As it is.
    Plain,
    /// With the credits of exceptions, from what controls are worth without them.
    Crediting(&'a Values),
}

/// A project by its statements in the order in which they were made, at an instant.
pub(crate) struct Formula<'a> {
    said: &'a [Statement],
    at: Timestamp,
    /// Kept because every path asks for it again.
    own: Values,
    /// What controls are worth if all that is unknown fails.
    doubted: Values,
    depends_on: BTreeMap<ControlId, Vec<(ControlId, f64)>>,
}

impl<'a> Formula<'a> {
    pub(crate) fn new(
        said: &'a [Statement],
        at: Timestamp,
        controls: impl Iterator<Item = ControlId>,
    ) -> Self {
        let (own, doubted, depends_on) = Default::default();
        let mut formula = Self { said, at, own, doubted, depends_on };
        let controls: Vec<ControlId> = controls.collect();
        for id in &controls {
            formula.depends_on.insert(*id, formula.dependencies(*id));
        }
        for id in &controls {
            formula.own.insert(*id, formula.tested(*id, How::Doubting));
        }
        formula.doubted = controls.iter().map(|id| (*id, formula.effective(*id))).collect();
        // The first pass knows of no credit, and the second takes it from the first.
        for id in &controls {
            formula.own.insert(*id, formula.tested(*id, How::Plain));
        }
        let first: Values = controls.iter().map(|id| (*id, formula.effective(*id))).collect();
        for id in &controls {
            formula.own.insert(*id, formula.tested(*id, How::Crediting(&first)));
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

    /// The tests of a control.
    fn tests(&self, id: ControlId, how: How<'_>) -> Vec<Tested> {
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
            let places = match check {
                Some(check) => self.scanned(check),
                None => vec![self.done_by_hand(*test)],
            };
            let (mut n, mut pass, mut fail) = (0.0, 0.0, 0.0);
            let (mut x_lo, mut x_hi, mut left_lo, mut left_hi) = (0.0, 0.0, 0.0, 0.0);
            for place in &places {
                let Some((reading, failing)) = self.counting(&place.readings) else { continue };
                n += f64::from(reading.population);
                pass +=
                    self.freshness(reading, f64::from(*validity_days)) * f64::from(reading.passed);
                let doubted = if matches!(how, How::Doubting) { reading.unknown } else { 0 };
                let failed = f64::from(reading.failed) + f64::from(doubted);
                fail += failed;
                left_lo += failed;
                left_hi += failed;
                let How::Crediting(first) = how else { continue };
                let names: Vec<Option<&str>> = match check {
                    None if reading.failed > 0 => vec![None],
                    Some(_) if failing.len() <= reading.failed as usize => {
                        failing.iter().map(|name| Some(name.as_str())).collect()
                    }
                    _ => Vec::new(),
                };
                for name in names {
                    let (lo, hi) = self.credit(*test, check.as_deref(), place, name, first);
                    x_lo += lo;
                    x_hi += hi;
                    left_lo -= f64::from(u8::from(lo > NEAR));
                    left_hi -= f64::from(u8::from(hi > NEAR));
                }
            }
            let value = match n {
                0.0 => Numbers::new(0.0, 1.0, 0.0),
                n => Numbers::new((pass + x_lo) / n, 1.0 - (fail - x_hi) / n, (pass + fail) / n),
            };
            tests.push(Tested {
                weight: weight.to_f64(),
                key: *key,
                value,
                wholly_decided: n > 0.0 && (n - pass - fail).abs() < NEAR,
                uncredited: (left_lo > 0.0, left_hi > 0.0),
            });
        }
        tests
    }

    fn scanned(&self, wanted: &str) -> Vec<Readings> {
        let mut places: Vec<Readings> = Vec::new();
        for statement in self.said {
            let (check, account, region) = match statement {
                Statement::CheckSummarized { check, account, region, .. }
                | Statement::FailingChanged { check, account, region, .. } => {
                    (check, account, region)
                }
                _ => continue,
            };
            if check != wanted {
                continue;
            }
            let known = places
                .iter()
                .position(|known| (&known.account, &known.region) == (account, region));
            let at = known.unwrap_or_else(|| {
                let (account, region) = (account.clone(), region.clone());
                places.push(Readings { account, region, ..Readings::default() });
                places.len() - 1
            });
            let place = &mut places[at];
            match statement {
                Statement::CheckSummarized { reading, .. } => {
                    place.readings.push((reading.clone(), place.failing.clone()));
                }
                Statement::FailingChanged { added, removed, .. } => {
                    for gone in removed {
                        place.failing.remove(gone);
                    }
                    place.failing.extend(added.iter().cloned());
                }
                _ => {}
            }
        }
        places
    }

    fn done_by_hand(&self, wanted: TestId) -> Readings {
        let mut by_hand = Readings::default();
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
                let reading = Reading {
                    rule_version: None,
                    population: 1,
                    passed: (*outcome == Outcome::Passed).into(),
                    failed: (*outcome == Outcome::Failed).into(),
                    unknown: (*outcome == Outcome::Unknown).into(),
                    effective_from: *effective_from,
                    effective_to: *effective_to,
                    collected_at: *collected_at,
                    recorded_at: *recorded_at,
                    evidence: *evidence,
                };
                by_hand.readings.push((reading, BTreeSet::new()));
            }
        }
        by_hand
    }

    fn counting<'r>(
        &self,
        readings: &'r [(Reading, BTreeSet<String>)],
    ) -> Option<&'r (Reading, BTreeSet<String>)> {
        // max_by_key keeps the last of equals. Mostly that is the one recorded last; what was signed
        // off later counts as of its recording.
        readings
            .iter()
            .filter(|(reading, _)| reading.effective_from <= self.at)
            .max_by_key(|(reading, _)| (reading.effective_from, reading.recorded_at))
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

    fn tested(&self, id: ControlId, how: How<'_>) -> Numbers {
        let Some(implemented) = self.state(id) else { return Numbers::new(0.0, 0.0, 0.0) };
        let tests = self.tests(id, how);
        let weights: f64 = tests.iter().map(|test| test.weight).sum();
        let mean = |pick: &dyn Fn(&Numbers) -> f64| {
            tests.iter().map(|test| test.weight * pick(&test.value)).sum::<f64>() / weights
        };
        let mut own = match tests.is_empty() {
            true => Numbers::new(0.0, implemented, 0.0),
            false => Numbers::new(
                implemented * mean(&|test| test.lo),
                implemented * mean(&|test| test.hi),
                mean(&|test| test.decided.0),
            ),
        };
        let key = || tests.iter().filter(|test| test.key);
        if key().any(|test| !test.wholly_decided || test.uncredited.0) {
            own.lo = own.lo.min(0.49);
        }
        if key().any(|test| test.uncredited.1) {
            own.hi = own.hi.min(0.49);
        }
        if let Some(most) = self.open(id) {
            (own.lo, own.hi) = (own.lo.min(most), own.hi.min(most));
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

    /// The requirements of a framework that apply, with their weights.
    pub(crate) fn requirements(&self, id: FrameworkId) -> Vec<(RequirementId, f64)> {
        let mut all = self.all_requirements(id);
        all.retain(|(requirement, _)| self.applies(*requirement));
        all
    }

    /// All requirements of a framework, with their weights.
    pub(crate) fn all_requirements(&self, id: FrameworkId) -> Vec<(RequirementId, f64)> {
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
