//! Requirements that do not apply to a project (formula v1, rule 3): one person declares it with a
//! reason, another one approves it, and either may be taken back.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, event, kind};

use super::{
    Project, ProjectId, Refused, RequirementId,
    error::long_reason,
    events::ProjectEvent,
    review::{Review, ReviewState, UserId},
};

/// The id of a declaration.
pub(crate) type NotApplicableId = Id<kind::NotApplicable>;

/// What a declaration is called in messages.
const WHAT: &str = "declaration";

/// Somebody declared that a requirement does not apply. It counts once it is approved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotApplicableProposed {
    /// The project.
    pub project: Id<kind::Project>,
    /// The declaration.
    pub declaration: Id<kind::NotApplicable>,
    /// The requirement.
    pub requirement: Id<kind::Requirement>,
    /// Why it does not apply.
    pub reason: String,
    /// Who says so.
    pub proposed_by: Id<kind::User>,
}
event!(NotApplicableProposed, "controls.not_applicable.proposed", 1);

/// Another person approved a declaration: the requirement leaves the scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotApplicableApproved {
    /// The project.
    pub project: Id<kind::Project>,
    /// The declaration.
    pub declaration: Id<kind::NotApplicable>,
    /// The requirement.
    pub requirement: Id<kind::Requirement>,
    /// Who approved it.
    pub approved_by: Id<kind::User>,
}
event!(NotApplicableApproved, "controls.not_applicable.approved", 1);

/// Another person refused a declaration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotApplicableRejected {
    /// The project.
    pub project: Id<kind::Project>,
    /// The declaration.
    pub declaration: Id<kind::NotApplicable>,
    /// The requirement.
    pub requirement: Id<kind::Requirement>,
    /// Why.
    pub reason: String,
    /// Who refused it.
    pub rejected_by: Id<kind::User>,
}
event!(NotApplicableRejected, "controls.not_applicable.rejected", 1);

/// A declaration was taken back: the requirement counts again, if it did not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotApplicableWithdrawn {
    /// The project.
    pub project: Id<kind::Project>,
    /// The declaration.
    pub declaration: Id<kind::NotApplicable>,
    /// The requirement.
    pub requirement: Id<kind::Requirement>,
    /// Why.
    pub reason: String,
    /// Who took it back.
    pub withdrawn_by: Id<kind::User>,
}
event!(NotApplicableWithdrawn, "controls.not_applicable.withdrawn", 1);

/// A declaration that a requirement does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// The requirement.
    pub requirement: RequirementId,
    /// How it is reviewed.
    pub review: Review,
}

impl Project {
    /// Declares that a requirement does not apply.
    pub fn propose_not_applicable(
        &self,
        project: ProjectId,
        declaration: NotApplicableId,
        requirement: RequirementId,
        reason: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.must_exist(project, "projectId")?;
        if !self.requirements.contains_key(&requirement) {
            return Err(Refused::UnknownRequirement { field: "requirementId", requirement });
        }
        let open = self
            .not_applicable
            .iter()
            .find(|(_, known)| known.requirement == requirement && known.review.state.is_open());
        if let Some((id, known)) = open {
            let (id, state) = (id.to_string(), known.review.state.as_str());
            return Err(Refused::DeclaredAlready { id, state });
        }
        let reason = long_reason("reason", reason)?;
        Ok(vec![
            NotApplicableProposed { project, declaration, requirement, reason, proposed_by: by }
                .into(),
        ])
    }

    /// Approves a declaration of somebody else.
    pub fn approve_not_applicable(
        &self,
        project: ProjectId,
        declaration: NotApplicableId,
        expected: u32,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.declaration(declaration)?;
        known.review.may_be_decided(WHAT, expected, by)?;
        let requirement = known.requirement;
        Ok(vec![
            NotApplicableApproved { project, declaration, requirement, approved_by: by }.into(),
        ])
    }

    /// Refuses a declaration of somebody else.
    pub fn reject_not_applicable(
        &self,
        project: ProjectId,
        declaration: NotApplicableId,
        expected: u32,
        reason: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.declaration(declaration)?;
        known.review.may_be_decided(WHAT, expected, by)?;
        let (requirement, reason) = (known.requirement, long_reason("reason", reason)?);
        Ok(vec![
            NotApplicableRejected { project, declaration, requirement, reason, rejected_by: by }
                .into(),
        ])
    }

    /// Takes a declaration back.
    pub fn withdraw_not_applicable(
        &self,
        project: ProjectId,
        declaration: NotApplicableId,
        expected: u32,
        reason: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.declaration(declaration)?;
        known.review.may_end(WHAT, expected)?;
        let (requirement, reason) = (known.requirement, long_reason("reason", reason)?);
        Ok(vec![
            NotApplicableWithdrawn { project, declaration, requirement, reason, withdrawn_by: by }
                .into(),
        ])
    }

    fn declaration(&self, id: NotApplicableId) -> Result<&Declaration, Refused> {
        let missing = || Refused::Missing { what: WHAT, id: id.to_string() };
        self.not_applicable.get(&id).ok_or_else(missing)
    }

    pub(super) fn declared(&mut self, proposed: &NotApplicableProposed) {
        let (requirement, review) = (proposed.requirement, Review::proposed(proposed.proposed_by));
        self.not_applicable.insert(proposed.declaration, Declaration { requirement, review });
    }

    pub(super) fn declaration_becomes(&mut self, id: NotApplicableId, state: ReviewState) {
        if let Some(declaration) = self.not_applicable.get_mut(&id) {
            declaration.review.becomes(state);
        }
    }
}
