//! What is supposed to happen in a simulation: each change in the words of the mutation that it is
//! named after.

use async_graphql::{ID, InputObject, OneofObject};
use studio_kernel::{Id, id::Kind};
use studio_service::graphql::Instant;

use super::{
    enums::{ImplementationState, NonconformityGrade, RequirementRelation, TestOutcome},
    inputs::{AddDependencyInput, RemoveDependencyInput},
    inputs_reviews::CheckPlaceInput,
    mutation_reviews::excepted,
};
use crate::domain::{
    project::{Assessment, ExceptionTerms, MappingTerms, NewMapping, NewTest, Refused, TestChange},
    score::{Fixed, Mapping},
    simulation::{Change, Departure},
};

/// What is supposed to happen.
#[derive(InputObject)]
pub(super) struct SimulateInput {
    /// The changes, 1 to 100, one after the other: each sees what those before it did.
    pub(super) changes: Vec<SimulatedChange>,
    /// The instant from which on they are supposed: what was recorded by then is there. By default,
    /// now.
    pub(super) as_of: Option<Instant>,
}

/// One thing that is supposed to happen.
#[derive(OneofObject)]
pub(super) enum SimulatedChange {
    /// A control is in place so far.
    UpdateControl(SimulatedControlUpdate),
    /// A control is no longer in force.
    RetireControl(SimulatedRetirement),
    /// A control gets a test.
    AddTest(SimulatedTest),
    /// A test weighs otherwise, or its passes last longer or shorter.
    ChangeTest(SimulatedTestChange),
    /// A test is retired, as retireTest does.
    RemoveTest(SimulatedTestRemoval),
    /// Somebody does a test by hand.
    RecordTestResult(SimulatedTestResult),
    /// What fails a check is fixed, and the next scan finds it so.
    FixCheck(SimulatedFix),
    /// A control rests on another one, or does so with another strength.
    AddDependency(AddDependencyInput),
    /// A control no longer rests on another one.
    RemoveDependency(RemoveDependencyInput),
    /// A control becomes a member of a requirement, or one with another share.
    MapRequirement(SimulatedMapping),
    /// A control is no longer a member of a requirement.
    UnmapRequirement(SimulatedUnmapping),
    /// Evidence is rejected.
    RejectEvidence(SimulatedRejection),
    /// A requirement is declared not applicable, and that is approved.
    MarkNotApplicable(SimulatedRequirement),
    /// Such a declaration is taken back.
    WithdrawNotApplicable(SimulatedEnd),
    /// A failure is excepted, and that is approved.
    ExceptFailure(SimulatedException),
    /// An exception is ended before its time.
    RevokeException(SimulatedEnd),
    /// Requirements of two frameworks are mapped to each other, and that is approved.
    AddMapping(SimulatedCrosswalk),
    /// Such a mapping is taken back.
    WithdrawMapping(SimulatedEnd),
    /// Something is found to be wrong with a control.
    OpenNonconformity(SimulatedNonconformity),
    /// What was wrong is corrected, and that is verified.
    CloseNonconformity(SimulatedEnd),
    /// Nothing happens for a while: what is known grows old.
    TimePasses(SimulatedWait),
}

/// A control that is in place so far.
#[derive(InputObject)]
pub(super) struct SimulatedControlUpdate {
    /// The control.
    id: ID,
    /// How far it is in place.
    implementation: ImplementationState,
}

/// A control that is retired.
#[derive(InputObject)]
pub(super) struct SimulatedRetirement {
    /// The control.
    id: ID,
}

/// A test that a control gets.
#[derive(InputObject)]
pub(super) struct SimulatedTest {
    /// The control.
    control_id: ID,
    /// The scanner's id of the check whose results it counts; leave out for a test by hand.
    check: Option<String>,
    /// Its weight among the tests of the control, 1 to 1000.
    #[graphql(default = 1)]
    weight: u32,
    /// Whether the control counts at most 0.49 until this test is decided and has no failure.
    #[graphql(default = false)]
    key: bool,
    /// Days for which a pass counts in full, at least 1.
    #[graphql(default = 30)]
    validity_days: u32,
    /// What comes out when it is done at once, of a test by hand; leave out where it is not done yet.
    outcome: Option<TestOutcome>,
}

/// A test that weighs otherwise. What is left out stays as it is.
#[derive(InputObject)]
pub(super) struct SimulatedTestChange {
    /// The test.
    id: ID,
    /// Its weight among the tests of the control, 1 to 1000.
    weight: Option<u32>,
    /// Whether the control counts at most 0.49 until this test is decided and has no failure.
    key: Option<bool>,
    /// Days for which a pass counts in full, at least 1.
    validity_days: Option<u32>,
}

/// A test that is no longer done.
#[derive(InputObject)]
pub(super) struct SimulatedTestRemoval {
    /// The test.
    test_id: ID,
}

/// The result of a test by hand.
#[derive(InputObject)]
pub(super) struct SimulatedTestResult {
    /// The test.
    test_id: ID,
    /// What comes out.
    outcome: TestOutcome,
}

/// What fails a check and is fixed.
#[derive(InputObject)]
pub(super) struct SimulatedFix {
    /// The scanner's id of the check.
    check: String,
    /// Only in this account.
    account: Option<String>,
    /// Only in this region.
    region: Option<String>,
}

/// A control that becomes a member of a requirement.
#[derive(InputObject)]
pub(super) struct SimulatedMapping {
    /// The requirement, of a framework that the project has adopted.
    requirement_id: ID,
    /// The control.
    control_id: ID,
    /// The share of the requirement that it covers, more than 0; of the group, where one is named.
    #[graphql(default = 1.0)]
    share: f64,
    /// The name of an any-of group: of its controls the best counts.
    any_of: Option<String>,
}

/// A control that is no longer a member of a requirement.
#[derive(InputObject)]
pub(super) struct SimulatedUnmapping {
    /// The requirement.
    requirement_id: ID,
    /// The control.
    control_id: ID,
}

/// Evidence that is rejected.
#[derive(InputObject)]
pub(super) struct SimulatedRejection {
    /// The evidence.
    evidence_id: ID,
    /// The version.
    version: u32,
}

/// A requirement that does not apply.
#[derive(InputObject)]
pub(super) struct SimulatedRequirement {
    /// The requirement, of a framework that the project has adopted.
    requirement_id: ID,
}

/// Something that was decided, and ends.
#[derive(InputObject)]
pub(super) struct SimulatedEnd {
    /// Its id.
    id: ID,
}

/// A failure that is excepted: name a manual test, or a check and a resource that fails it.
#[derive(InputObject)]
pub(super) struct SimulatedException {
    /// A manual test whose newest result is a failure.
    test_id: Option<ID>,
    /// The scanner's id of a check of which some control has a test.
    check: Option<String>,
    /// The id, with its provider, of a resource that fails the check.
    resource: Option<String>,
    /// The places in which it is excepted; leave out for all.
    places: Option<Vec<CheckPlaceInput>>,
    /// A control that makes up for the failure; leave out to accept the risk alone.
    compensating_control_id: Option<ID>,
    /// From when on it does not hold any more: at most 366 days ahead.
    expires_at: Instant,
}

/// Requirements of two frameworks that are mapped to each other.
#[derive(InputObject)]
pub(super) struct SimulatedCrosswalk {
    /// One requirement.
    source_requirement_id: ID,
    /// One of another framework.
    target_requirement_id: ID,
    /// What the source is to the target.
    relation: RequirementRelation,
    /// How much they have in common, from 1 to 10.
    strength: Option<u8>,
}

/// Something that is wrong with a control.
#[derive(InputObject)]
pub(super) struct SimulatedNonconformity {
    /// The control.
    control_id: ID,
    /// How bad it is.
    grade: NonconformityGrade,
}

/// A while in which nothing happens.
#[derive(InputObject)]
pub(super) struct SimulatedWait {
    /// Until when: not before the instant that the simulation has come to.
    until: Instant,
}

/// A value of a change that does not read.
pub(super) struct Unread {
    /// Its field.
    pub(super) field: &'static str,
    /// What is wrong with it.
    pub(super) message: String,
}

fn id<K: Kind>(field: &'static str, given: &ID) -> Result<Id<K>, Unread> {
    given
        .parse()
        .map_err(|error: studio_kernel::IdError| Unread { field, message: error.to_string() })
}

impl SimulatedException {
    fn read(self) -> Result<ExceptionTerms, Unread> {
        let test = self.test_id.as_ref().map(|test| id("testId", test)).transpose()?;
        let on = excepted(test, self.check, self.resource, self.places)
            .ok_or_else(|| Unread { field: "testId", message: Refused::OneFailure.to_string() })?;
        let compensating = self.compensating_control_id.as_ref();
        let compensating = compensating.map(|it| id("compensatingControlId", it)).transpose()?;
        let expires_at = self
            .expires_at
            .named("expiresAt")
            .map_err(|error| Unread { field: "expiresAt", message: error.message })?;
        Ok(ExceptionTerms { on, compensating, expires_at })
    }
}

impl SimulatedChange {
    /// The name of the field that it was given in.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::UpdateControl(_) => "updateControl",
            Self::RetireControl(_) => "retireControl",
            Self::AddTest(_) => "addTest",
            Self::ChangeTest(_) => "changeTest",
            Self::RemoveTest(_) => "removeTest",
            Self::RecordTestResult(_) => "recordTestResult",
            Self::FixCheck(_) => "fixCheck",
            Self::AddDependency(_) => "addDependency",
            Self::RemoveDependency(_) => "removeDependency",
            Self::MapRequirement(_) => "mapRequirement",
            Self::UnmapRequirement(_) => "unmapRequirement",
            Self::RejectEvidence(_) => "rejectEvidence",
            Self::MarkNotApplicable(_) => "markNotApplicable",
            Self::WithdrawNotApplicable(_) => "withdrawNotApplicable",
            Self::ExceptFailure(_) => "exceptFailure",
            Self::RevokeException(_) => "revokeException",
            Self::AddMapping(_) => "addMapping",
            Self::WithdrawMapping(_) => "withdrawMapping",
            Self::OpenNonconformity(_) => "openNonconformity",
            Self::CloseNonconformity(_) => "closeNonconformity",
            Self::TimePasses(_) => "timePasses",
        }
    }

    /// As the domain takes it.
    pub(super) fn read(self) -> Result<Change, Unread> {
        Ok(match self {
            Self::UpdateControl(update) => {
                Change::Implement(id("id", &update.id)?, update.implementation.into())
            }
            Self::RetireControl(retired) => Change::Retire(id("id", &retired.id)?),
            Self::AddTest(test) => {
                let new = NewTest {
                    control: id("controlId", &test.control_id)?,
                    title: "Simulated".to_owned(),
                    check: test.check,
                    weight: test.weight,
                    key: test.key,
                    validity_days: test.validity_days,
                    assessment: Assessment::default(),
                };
                Change::AddTest(new, test.outcome.map(Into::into))
            }
            Self::ChangeTest(changed) => {
                let SimulatedTestChange { weight, key, validity_days, .. } = changed;
                let change = TestChange { weight, key, validity_days, ..TestChange::default() };
                Change::ChangeTest(id("id", &changed.id)?, change)
            }
            Self::RemoveTest(removed) => Change::RemoveTest(id("testId", &removed.test_id)?),
            Self::RecordTestResult(result) => {
                Change::Result(id("testId", &result.test_id)?, result.outcome.into())
            }
            Self::FixCheck(SimulatedFix { check, account, region }) => {
                Change::Mend { check, account, region }
            }
            Self::AddDependency(added) => Change::Depend(
                id("controlId", &added.control_id)?,
                id("dependsOnId", &added.depends_on_id)?,
                added.strength.into(),
            ),
            Self::RemoveDependency(removed) => Change::Undepend(
                id("controlId", &removed.control_id)?,
                id("dependsOnId", &removed.depends_on_id)?,
            ),
            Self::MapRequirement(mapped) => Change::Map(NewMapping {
                requirement: id("requirementId", &mapped.requirement_id)?,
                control: id("controlId", &mapped.control_id)?,
                share: Fixed::from_f64(mapped.share).ok_or_else(|| Unread {
                    field: "share",
                    message: "the share must be a number above 0 and at most 1000".to_owned(),
                })?,
                group: mapped.any_of,
            }),
            Self::UnmapRequirement(unmapped) => Change::Unmap(
                id("requirementId", &unmapped.requirement_id)?,
                id("controlId", &unmapped.control_id)?,
            ),
            Self::RejectEvidence(rejected) => {
                Change::Reject(id("evidenceId", &rejected.evidence_id)?, rejected.version)
            }
            Self::MarkNotApplicable(marked) => Change::Depart(Departure::NotApplicable(id(
                "requirementId",
                &marked.requirement_id,
            )?)),
            Self::WithdrawNotApplicable(ended) => {
                Change::Depart(Departure::Applicable(id("id", &ended.id)?))
            }
            Self::ExceptFailure(excepted) => Change::Depart(Departure::Except(excepted.read()?)),
            Self::RevokeException(ended) => {
                Change::Depart(Departure::EndException(id("id", &ended.id)?))
            }
            Self::AddMapping(mapped) => {
                let mapping = Mapping {
                    source: id("sourceRequirementId", &mapped.source_requirement_id)?,
                    target: id("targetRequirementId", &mapped.target_requirement_id)?,
                    relation: mapped.relation.into(),
                    strength: mapped.strength,
                };
                Change::Depart(Departure::Map(MappingTerms { mapping, provenance: None }))
            }
            Self::WithdrawMapping(ended) => Change::Depart(Departure::Unmap(id("id", &ended.id)?)),
            Self::OpenNonconformity(opened) => Change::Depart(Departure::Open(
                id("controlId", &opened.control_id)?,
                opened.grade.into(),
            )),
            Self::CloseNonconformity(ended) => {
                Change::Depart(Departure::Close(id("id", &ended.id)?))
            }
            Self::TimePasses(wait) => Change::Pass(
                wait.until
                    .named("until")
                    .map_err(|error| Unread { field: "until", message: error.message })?,
            ),
        })
    }
}
