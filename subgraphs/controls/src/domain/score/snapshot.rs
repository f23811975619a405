//! A model on disk: the facts that rebuild it and the scores last given out. The numbers are
//! computed again when it is read, so a snapshot cannot hold a wrong one; and how the model looks
//! inside may change without a new state version.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use studio_kernel::Timestamp;

use super::{
    STATE_VERSION,
    control::Nonconformity,
    fact::{Fact, Member, MemberKey, Outcome, Reading, Statement, WeightedRequirement},
    freshness::Change,
    model::{Model, Share},
    value::FrameworkScore,
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    state_version: u32,
    at: Option<Timestamp>,
    horizon: Option<Timestamp>,
    facts: Vec<Fact>,
    published: Vec<FrameworkScore>,
}

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
enum SnapshotError {
    #[error(
        "the snapshot has state version {0}, and this build reads {STATE_VERSION}: drop it and replay the events"
    )]
    StateVersion(u32),
    #[error("the snapshot contradicts itself: {0}")]
    Horizon(#[from] super::BeforeHorizon),
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Snapshot {
            state_version: STATE_VERSION,
            at: self.at,
            horizon: self.horizon,
            facts: self.statements().into_iter().map(Fact::known).collect(),
            published: self.frameworks.values().filter_map(|entry| entry.published).collect(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        restore(Snapshot::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

fn restore(snapshot: Snapshot) -> Result<Model, SnapshotError> {
    if snapshot.state_version != STATE_VERSION {
        return Err(SnapshotError::StateVersion(snapshot.state_version));
    }
    let mut model = Model::default();
    for fact in &snapshot.facts {
        model.apply(fact);
    }
    model.horizon = snapshot.horizon;
    if let Some(at) = snapshot.at {
        model.recompute(at)?;
    }
    // What was applied and not yet recomputed when the snapshot was taken is still to be told.
    for framework in model.frameworks.values_mut() {
        framework.published = None;
    }
    for score in snapshot.published {
        if let Some(framework) = model.frameworks.get_mut(&score.framework) {
            framework.published = Some(score);
        }
    }
    let Some(at) = model.at else { return Ok(model) };
    for (id, framework) in &model.frameworks {
        let now = framework.totals.score(*id, at);
        if framework.published.is_none_or(|published| !published.same_numbers(&now)) {
            model.pending.frameworks.insert(*id);
        }
    }
    Ok(model)
}

impl Model {
    /// About how many facts it holds: as many as a snapshot of it has.
    pub fn size(&self) -> usize {
        let members: usize = self.requirements.values().map(|entry| entry.members.len()).sum();
        let controls = self.controls.values().map(|control| 1 + control.depends_on.len());
        let by_hand = self.tests.values().map(|test| 1 + test.manual.readings().count());
        let scanned = self.checks.values().flat_map(super::model::Check::series);
        self.frameworks.len()
            + members
            + controls.sum::<usize>()
            + by_hand.sum::<usize>()
            + scanned.map(|(_, _, series)| series.readings().count()).sum::<usize>()
            + self.exceptions.len()
            + self.mappings.len()
            + self.rejected.len()
    }

    /// Facts that make this model again. Only the order of those of one place matters, and that what
    /// opens comes before what closes.
    fn statements(&self) -> Vec<Statement> {
        let mut statements = Vec::new();
        for (id, framework) in &self.frameworks {
            let requirements = framework.requirements.iter();
            statements.push(Statement::FrameworkAdopted {
                framework: *id,
                requirements: requirements
                    .map(|(requirement, importance)| WeightedRequirement {
                        requirement: *requirement,
                        importance: *importance,
                    })
                    .collect(),
            });
        }
        for (id, requirement) in &self.requirements {
            statements.extend(requirement.members.iter().map(|(key, share)| {
                let member = member(key, share);
                Statement::MemberStated { requirement: *id, member, share: share.share }
            }));
            statements.extend(requirement.not_applicable.map(|declaration| {
                Statement::NotApplicableStated { requirement: *id, declaration }
            }));
        }
        self.control_statements(&mut statements);
        self.test_statements(&mut statements);
        statements.extend(self.exceptions.iter().map(|(id, exception)| {
            Statement::ExceptionStated { exception: *id, stated: exception.clone() }
        }));
        statements.extend(
            self.mappings
                .iter()
                .map(|(id, mapping)| Statement::MappingStated { mapping: *id, stated: *mapping }),
        );
        statements.extend(self.rejected.iter().map(|(evidence, version)| {
            Statement::EvidenceRejected { evidence: *evidence, version: *version }
        }));
        statements
    }

    fn control_statements(&self, statements: &mut Vec<Statement>) {
        for (id, control) in &self.controls {
            statements.extend(control.implementation.map(|implementation| {
                Statement::ControlStated { control: *id, implementation, retired: control.retired }
            }));
            statements.extend(control.depends_on.iter().map(|(on, strength)| {
                Statement::DependencyStated { control: *id, on: *on, strength: *strength }
            }));
            for (nonconformity, found) in &control.nonconformities {
                let (nonconformity, control) = (*nonconformity, *id);
                let Nonconformity { grade, from, until } = *found;
                statements.push(Statement::NonconformityOpened {
                    nonconformity,
                    control,
                    grade,
                    from,
                });
                statements.extend(until.map(|until| Statement::NonconformityClosed {
                    nonconformity,
                    control,
                    until,
                }));
            }
        }
    }

    fn test_statements(&self, statements: &mut Vec<Statement>) {
        for (id, test) in &self.tests {
            statements.extend(test.definition.as_ref().map(|definition| Statement::TestStated {
                test: *id,
                control: definition.control,
                weight: definition.weight,
                key: definition.key,
                validity_days: definition.validity_days,
                check: definition.check.clone(),
            }));
            statements.extend(test.manual.readings().map(|reading| Statement::ManualResult {
                test: *id,
                outcome: outcome(reading),
                effective_from: reading.effective_from,
                effective_to: reading.effective_to,
                collected_at: reading.collected_at,
                recorded_at: reading.recorded_at,
                evidence: reading.evidence,
            }));
        }
        for (check, entry) in &self.checks {
            for (account, region, series) in entry.series() {
                for (change, reading) in series.story() {
                    let of = || (check.clone(), account.to_owned(), region.to_owned());
                    if !change.is_empty() {
                        let (check, account, region) = of();
                        let Change { added, removed } = change;
                        statements.push(Statement::FailingChanged {
                            check,
                            account,
                            region,
                            added,
                            removed,
                        });
                    }
                    statements.extend(reading.map(|reading| {
                        let ((check, account, region), reading) = (of(), reading.clone());
                        Statement::CheckSummarized { check, account, region, reading }
                    }));
                }
            }
        }
    }
}

fn member(key: &MemberKey, share: &Share) -> Member {
    match key {
        MemberKey::Group(group) => {
            Member::AnyOf { group: group.clone(), controls: share.controls.clone() }
        }
        MemberKey::Control(control) => Member::Control(*control),
    }
}

fn outcome(reading: &Reading) -> Outcome {
    match (reading.passed, reading.failed) {
        (0, 0) => Outcome::Unknown,
        (0, _) => Outcome::Failed,
        _ => Outcome::Passed,
    }
}
