//! Decisions that take two people (formula v1, rules 3, 4 and 6), supposed as made: one proposes, another
//! one decides, both at the instant of the simulation.

use studio_kernel::{Id, kind};

use super::{REASON, Simulation, Unlikely};
use crate::domain::{
    project::{
        ExceptionTerms, MappingTerms, NewNonconformity, NonconformityId, NonconformityState,
        NotApplicableId, Refused, UserId,
    },
    score::{ControlId, Excepted, ExceptionId, Grade, MappingId, RequirementId},
};

/// What two people are supposed to decide.
#[derive(Debug, Clone)]
pub enum Departure {
    /// A requirement does not apply.
    NotApplicable(RequirementId),
    /// Such a declaration is taken back.
    Applicable(NotApplicableId),
    /// A failure is excepted.
    Except(ExceptionTerms),
    /// An exception is ended before its time.
    EndException(ExceptionId),
    /// Two requirements are mapped to each other.
    Map(MappingTerms),
    /// A mapping is taken back.
    Unmap(MappingId),
    /// Something is found to be wrong with a control.
    Open(ControlId, Grade),
    /// What was wrong is corrected, and that is verified.
    Close(NonconformityId),
}

impl Simulation {
    /// Supposes a decision. What is made by it gets an id of the same bits as `fresh`.
    pub(super) fn depart(
        &mut self,
        departure: &Departure,
        fresh: Id<kind::ControlDependency>,
    ) -> Result<(), Unlikely> {
        let (project, now) = (self.id, self.at);
        // Two people who are nobody else.
        let by: UserId = Id::from_uuid(fresh.uuid());
        let other: UserId = Id::from_uuid(project.uuid());
        let decided = match departure {
            Departure::NotApplicable(requirement) => {
                let id = Id::from_uuid(fresh.uuid());
                let proposed =
                    self.project.propose_not_applicable(project, id, *requirement, REASON, by)?;
                self.happen(&proposed)?;
                self.project.approve_not_applicable(project, id, 1, other)?
            }
            Departure::Applicable(id) => {
                let version = self.project.not_applicable.get(id).map_or(0, |it| it.review.version);
                self.project.withdraw_not_applicable(project, *id, version, REASON, by)?
            }
            Departure::Except(terms) => {
                let id = Id::from_uuid(fresh.uuid());
                let proposed =
                    self.project.propose_exception(project, id, terms, REASON, (by, now))?;
                self.must_fail(&terms.on)?;
                self.happen(&proposed)?;
                self.project.approve_exception(project, id, 1, (other, now))?
            }
            Departure::EndException(id) => {
                let version = self.project.exceptions.get(id).map_or(0, |it| it.review.version);
                self.project.revoke_exception(project, *id, version, REASON, by)?
            }
            Departure::Map(terms) => {
                let id = Id::from_uuid(fresh.uuid());
                let proposed = self.project.propose_mapping(project, id, terms, REASON, by)?;
                self.happen(&proposed)?;
                self.project.approve_mapping(project, id, 1, other)?
            }
            Departure::Unmap(id) => {
                let version = self.project.mappings.get(id).map_or(0, |it| it.review.version);
                self.project.withdraw_mapping(project, *id, version, REASON, by)?
            }
            Departure::Open(control, grade) => {
                let (control, grade) = (*control, *grade);
                let (description, observed) = (REASON.to_owned(), REASON.to_owned());
                let new =
                    NewNonconformity { control, grade, description, observed, evidence: None };
                let id = Id::from_uuid(fresh.uuid());
                self.project.open_nonconformity(project, id, &new, Some(by))?
            }
            Departure::Close(id) => {
                let known = self.project.nonconformities.get(id);
                let mut version = known.map_or(0, |it| it.version);
                if known.is_some_and(|it| it.state == NonconformityState::Open) {
                    let corrected =
                        self.project.correct_nonconformity(project, *id, version, REASON, by)?;
                    self.happen(&corrected)?;
                    version += 1;
                }
                self.project.close_nonconformity(project, *id, version, REASON, other)?
            }
        };
        self.happen(&decided)
    }

    /// Refuses an exception on what does not fail.
    fn must_fail(&mut self, on: &Excepted) -> Result<(), Unlikely> {
        self.after.recompute(self.at)?;
        if self.after.fails(on) { Ok(()) } else { Err(Refused::not_failing(on).into()) }
    }
}
