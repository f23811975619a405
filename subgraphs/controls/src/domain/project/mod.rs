//! A project: the frameworks that it adopted, its controls, their tests, dependencies and
//! memberships. State and decisions only; numbers are [`super::score`]'s.

mod applicability;
mod circles;
mod control_life;
mod controls;
mod crosswalk;
mod error;
pub mod events;
mod exceptions;
mod facts;
mod frameworks;
mod life;
mod nonconformities;
mod results;
mod review;
mod rules;
mod test_life;
mod test_results;
mod tests_of;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Timestamp, kind};

pub use applicability::Declaration;
pub use controls::{ControlChange, NewControl, NewMapping, NewTest};
pub use crosswalk::{MappingTerms, RequirementMapping};
pub use error::Refused;
pub use exceptions::{ExceptionTerms, RiskException};
pub use facts::facts;
pub use frameworks::{Adoption, NewIds};
pub use nonconformities::{NewNonconformity, Nonconformity, NonconformityState};
pub use results::{MOST_TESTS_AT_ONCE, Reaction, TakenIn, discount, take_in};
pub use review::{Review, ReviewState};
pub use rules::{ExpectedResult, NewRule, RuleCase, TestRule};
pub use test_life::{Assessment, Method, TestChange, TestText};
pub use test_results::{SignedResult, TestResult};
pub use tests_of::Catalogs;

pub(crate) use applicability::NotApplicableId;
pub(crate) use nonconformities::NonconformityId;
pub(crate) use review::UserId;
pub(crate) use test_results::TestResultId;

use events::{ControlText, ProjectEvent, SeenCheck};

use super::score::{ExceptionId, Fixed, MappingId, Strength};

pub(crate) type ProjectId = Id<kind::Project>;
pub(crate) type FrameworkId = Id<kind::Framework>;
pub(crate) type RequirementId = Id<kind::Requirement>;
pub(crate) type ControlId = Id<kind::Control>;
pub(crate) type TestId = Id<kind::ControlTest>;

/// A project as it is now.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Project {
    /// Its name; `None` where no such project was created.
    pub name: Option<String>,
    /// How often it was created, renamed, archived or restored: what `expectedVersion` is compared
    /// with.
    pub version: u32,
    /// Whether it is archived: then it takes no change.
    pub archived: bool,
    /// The frameworks that it adopted, and the documents that they were imported from.
    pub frameworks: BTreeMap<FrameworkId, String>,
    /// The requirements that count, with their members.
    pub requirements: BTreeMap<RequirementId, Members>,
    /// Its controls, retired ones too.
    pub controls: BTreeMap<ControlId, Control>,
    /// Whose test each one is, and of which check.
    pub tests: BTreeMap<TestId, Test>,
    /// The scanner's checks that were met.
    pub checks: BTreeMap<String, SeenCheck>,
    /// The position, in the evidence subgraph's log, of the newest results of each check.
    pub results_at: BTreeMap<String, i64>,
    /// The results that are being taken in by parts, if there are any.
    pub taking_in: Option<TakingIn>,
    /// Passes that have to be signed off, whatever became of them.
    pub results: BTreeMap<TestResultId, SignedResult>,
    /// What was declared not applicable, whatever became of it.
    pub not_applicable: BTreeMap<NotApplicableId, Declaration>,
    /// What was found to be wrong with controls, closed ones too.
    pub nonconformities: BTreeMap<NonconformityId, Nonconformity>,
    /// Exceptions, whatever became of them.
    pub exceptions: BTreeMap<ExceptionId, RiskException>,
    /// Mappings between requirements, whatever became of them.
    pub mappings: BTreeMap<MappingId, RequirementMapping>,
}

/// How far results are taken in that come in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakingIn {
    /// Their position in the evidence subgraph's log.
    pub source_position: i64,
    /// Tests added so far.
    pub tests_added: u32,
}

/// The members of a requirement.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// Controls by themselves, with their shares.
    pub controls: BTreeMap<ControlId, Fixed>,
    /// Any-of groups, with their shares.
    pub groups: BTreeMap<String, Group>,
}

/// An any-of group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Of which the best counts.
    pub controls: BTreeSet<ControlId>,
    /// The group's share.
    pub share: Fixed,
}

impl Members {
    fn all(&self) -> impl Iterator<Item = ControlId> + '_ {
        let grouped = self.groups.values().flat_map(|group| group.controls.iter());
        self.controls.keys().chain(grouped).copied()
    }
}

/// A control as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// How often it was stated or changed: what `expectedVersion` is compared with.
    pub version: u32,
    /// Its short name.
    pub code: String,
    /// What is said of it.
    pub stated: ControlText,
    /// Whether it was retired.
    pub retired: bool,
    /// The checks that it has a test of.
    pub checks: BTreeSet<String>,
    /// The checks whose test was retired: a scan makes no other one.
    pub retired_checks: BTreeSet<String>,
    /// What it rests on.
    pub dependencies: BTreeMap<ControlId, Dependency>,
}

/// A dependency on a control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dependency {
    /// Its id.
    pub id: Id<kind::ControlDependency>,
    /// How strong it is.
    pub strength: Strength,
}

/// A test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// The control that it tests.
    pub control: ControlId,
    /// The scanner's check, or that of its rule; `None` for a manual test.
    pub check: Option<String>,
    /// Its rule, if it has one.
    pub rule: Option<TestRule>,
    /// How often it was added or changed: what `expectedVersion` is compared with.
    pub version: u32,
    /// What is said of it.
    pub stated: TestText,
    /// Whether it was retired.
    pub retired: bool,
}

impl Aggregate for Project {
    const STREAM_TYPE: &'static str = "controls.project";
    const STATE_VERSION: u32 = 6;
    type Event = ProjectEvent;

    fn apply(&mut self, event: &ProjectEvent, recorded_at: Timestamp) {
        use crate::domain::score::Member;
        match event {
            ProjectEvent::ProjectCreated(created) => self.called(&created.name),
            ProjectEvent::ProjectRenamed(renamed) => self.called(&renamed.name),
            ProjectEvent::ProjectArchived(_) => self.archived(true),
            ProjectEvent::ProjectRestored(_) => self.archived(false),
            ProjectEvent::FrameworkAdopted(adopted) => self.adopted(adopted),
            ProjectEvent::ControlCreated(created) => {
                let control = Control::new(created.code.clone(), created.stated.clone());
                self.controls.insert(created.control, control);
            }
            ProjectEvent::ControlUpdated(updated) => {
                if let Some(control) = self.controls.get_mut(&updated.control) {
                    control.stated = updated.stated.clone();
                    control.version += 1;
                }
            }
            ProjectEvent::ControlRetired(retired) => {
                if let Some(control) = self.controls.get_mut(&retired.control) {
                    control.retired = true;
                    control.version += 1;
                }
            }
            ProjectEvent::RequirementMapped(mapped) => {
                let members = self.requirements.entry(mapped.requirement).or_default();
                match &mapped.member {
                    Member::Control(control) => {
                        members.controls.insert(*control, mapped.share);
                    }
                    Member::AnyOf { group, controls } => {
                        let group_now = Group { controls: controls.clone(), share: mapped.share };
                        members.groups.insert(group.clone(), group_now);
                    }
                }
            }
            ProjectEvent::RequirementUnmapped(unmapped) => {
                let members = self.requirements.entry(unmapped.requirement).or_default();
                match &unmapped.group {
                    None => {
                        members.controls.remove(&unmapped.control);
                    }
                    Some(name) => match &unmapped.remaining {
                        Some((Member::AnyOf { controls, .. }, share)) => {
                            let group = Group { controls: controls.clone(), share: *share };
                            members.groups.insert(name.clone(), group);
                        }
                        _ => {
                            members.groups.remove(name);
                        }
                    },
                }
            }
            ProjectEvent::ControlReinstated(it) => self.reinstated(it.control),
            ProjectEvent::ControlTestAdded(added) => self.test_added(added),
            ProjectEvent::TestChanged(changed) => self.test_changed(changed),
            ProjectEvent::TestRetired(retired) => self.test_retired(retired),
            ProjectEvent::TestResultRecorded(it) => self.result_recorded(it, recorded_at),
            ProjectEvent::TestResultSignedOff(it) => {
                self.result_becomes(it.result, ReviewState::Approved);
            }
            ProjectEvent::TestResultRejected(it) => {
                self.result_becomes(it.result, ReviewState::Rejected);
            }
            ProjectEvent::TestRuleChanged(changed) => {
                if let Some(test) = self.tests.get_mut(&changed.test) {
                    test.rule = Some(changed.rule());
                }
            }
            ProjectEvent::DependencyAdded(added) => {
                if let Some(control) = self.controls.get_mut(&added.control) {
                    let dependency = Dependency { id: added.dependency, strength: added.strength };
                    control.dependencies.insert(added.depends_on, dependency);
                }
            }
            ProjectEvent::DependencyRemoved(removed) => {
                if let Some(control) = self.controls.get_mut(&removed.control) {
                    control.dependencies.remove(&removed.depends_on);
                }
            }
            ProjectEvent::ChecksSeen(seen) => {
                let seen = seen.checks.iter().map(|(id, check)| (id.clone(), check.clone()));
                self.checks.extend(seen);
            }
            ProjectEvent::ResultsTakenInPart(part) => {
                self.taking_in = Some(TakingIn {
                    source_position: part.source_position,
                    tests_added: part.tests_added,
                });
            }
            ProjectEvent::CheckResultsMatched(_) => self.taking_in = None,
            ProjectEvent::CheckSummariesRecorded(recorded) => self.results_of(recorded),
            ProjectEvent::ControlReviewed(_) | ProjectEvent::EvidenceDiscounted(_) => {}
            ProjectEvent::NotApplicableProposed(proposed) => self.declared(proposed),
            ProjectEvent::NotApplicableApproved(it) => {
                self.declaration_becomes(it.declaration, ReviewState::Approved);
            }
            ProjectEvent::NotApplicableRejected(it) => {
                self.declaration_becomes(it.declaration, ReviewState::Rejected);
            }
            ProjectEvent::NotApplicableWithdrawn(it) => {
                self.declaration_becomes(it.declaration, ReviewState::Withdrawn);
            }
            ProjectEvent::NonconformityOpened(opened) => self.found(opened),
            ProjectEvent::NonconformityCorrected(it) => {
                let (state, by) = (NonconformityState::Corrected, Some(it.corrected_by));
                self.nonconformity_becomes(it.nonconformity, state, by);
            }
            ProjectEvent::CorrectionRejected(it) => {
                self.nonconformity_becomes(it.nonconformity, NonconformityState::Open, None);
            }
            ProjectEvent::NonconformityClosed(it) => {
                self.nonconformity_becomes(it.nonconformity, NonconformityState::Closed, None);
            }
            ProjectEvent::MappingProposed(proposed) => self.mapping_proposed(proposed),
            ProjectEvent::MappingApproved(it) => {
                self.mapping_becomes(it.mapping, ReviewState::Approved);
            }
            ProjectEvent::MappingRejected(it) => {
                self.mapping_becomes(it.mapping, ReviewState::Rejected);
            }
            ProjectEvent::MappingWithdrawn(it) => {
                self.mapping_becomes(it.mapping, ReviewState::Withdrawn);
            }
            ProjectEvent::ExceptionProposed(proposed) => self.exception_proposed(proposed),
            ProjectEvent::ExceptionApproved(it) => {
                self.exception_becomes(it.exception, ReviewState::Approved);
            }
            ProjectEvent::ExceptionRejected(it) => {
                self.exception_becomes(it.exception, ReviewState::Rejected);
            }
            ProjectEvent::ExceptionRevoked(it) => {
                self.exception_becomes(it.exception, ReviewState::Withdrawn);
            }
        }
    }
}

impl Project {
    fn adopted(&mut self, adopted: &events::FrameworkAdopted) {
        self.frameworks.insert(adopted.framework, adopted.sha256.clone());
        for requirement in &adopted.requirements {
            self.requirements.entry(requirement.requirement).or_default();
        }
        for made in &adopted.controls {
            let stated = ControlText {
                title: made.title.clone(),
                description: String::new(),
                implementation: adopted.implementation,
                owner: None,
                scope: String::new(),
                review_every_days: None,
            };
            self.controls.insert(made.control, Control::new(made.code.clone(), stated));
            let members = self.requirements.entry(made.requirement).or_default();
            members.controls.insert(made.control, Fixed::ONE);
        }
    }

    fn live_control(&self, id: ControlId, field: &'static str) -> Result<&Control, Refused> {
        match self.controls.get(&id) {
            None => Err(Refused::UnknownControl { field, id }),
            Some(control) if control.retired => Err(Refused::Retired { field, id }),
            Some(control) => Ok(control),
        }
    }
}

impl Control {
    fn new(code: String, stated: ControlText) -> Self {
        Self {
            version: 1,
            code,
            stated,
            retired: false,
            checks: BTreeSet::new(),
            retired_checks: BTreeSet::new(),
            dependencies: BTreeMap::new(),
        }
    }

    /// Whether it has a test of a check, or had one until that was retired.
    fn knows(&self, check: &str) -> bool {
        self.checks.contains(check) || self.retired_checks.contains(check)
    }
}

#[cfg(test)]
mod tests;
