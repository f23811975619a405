//! Mappings between requirements of two frameworks (formula v1, rule 6): somebody proposes one with a
//! rationale, another person approves it, and then what one framework proves counts for the other.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, event, kind};

use super::{
    Project, ProjectId, Refused,
    error::{line, long_reason},
    events::ProjectEvent,
    review::{Review, ReviewState, UserId},
};
use crate::domain::score::{Fact, Mapping, MappingId, Refusal, Statement};

const WHAT: &str = "mapping";
const LONGEST_PROVENANCE: usize = 300;

/// What a mapping says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingTerms {
    /// Which requirements, and what the source is to the target.
    #[serde(flatten)]
    pub mapping: Mapping,
    /// Where it comes from, if not from whoever proposed it: a document, a file, a publisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<String>,
}

/// Somebody proposed a mapping. It counts once it is approved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MappingProposed {
    /// The project.
    pub project: Id<kind::Project>,
    /// The mapping.
    pub mapping: Id<kind::ControlMapping>,
    /// What it says.
    pub terms: MappingTerms,
    /// Why it is so.
    pub rationale: String,
    /// Who proposed it.
    pub proposed_by: Id<kind::User>,
}
event!(MappingProposed, "controls.requirement_mapping.proposed", 1);

/// Another person approved a mapping: what one requirement proves counts for the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MappingApproved {
    /// The project.
    pub project: Id<kind::Project>,
    /// The mapping.
    pub mapping: Id<kind::ControlMapping>,
    /// What it says, as it was proposed.
    pub terms: MappingTerms,
    /// Who approved it.
    pub approved_by: Id<kind::User>,
}
event!(MappingApproved, "controls.requirement_mapping.approved", 1);

/// Another person refused a mapping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MappingRejected {
    /// The project.
    pub project: Id<kind::Project>,
    /// The mapping.
    pub mapping: Id<kind::ControlMapping>,
    /// Why.
    pub reason: String,
    /// Who refused it.
    pub rejected_by: Id<kind::User>,
}
event!(MappingRejected, "controls.requirement_mapping.rejected", 1);

/// A mapping was taken back: it carries nothing any more, if it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MappingWithdrawn {
    /// The project.
    pub project: Id<kind::Project>,
    /// The mapping.
    pub mapping: Id<kind::ControlMapping>,
    /// Why.
    pub reason: String,
    /// Who took it back.
    pub withdrawn_by: Id<kind::User>,
}
event!(MappingWithdrawn, "controls.requirement_mapping.withdrawn", 1);

/// A mapping as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementMapping {
    /// What it says.
    pub terms: MappingTerms,
    /// How it is reviewed.
    pub review: Review,
}

impl Project {
    /// Proposes a mapping between requirements of two frameworks.
    pub fn propose_mapping(
        &self,
        project: ProjectId,
        mapping: MappingId,
        terms: &MappingTerms,
        rationale: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.must_exist(project, "projectId")?;
        let Mapping { source, target, .. } = terms.mapping;
        for (field, requirement) in
            [("sourceRequirementId", source), ("targetRequirementId", target)]
        {
            if !self.requirements.contains_key(&requirement) {
                return Err(Refused::UnknownRequirement { field, requirement });
            }
        }
        let stated = Statement::MappingStated { mapping, stated: terms.mapping };
        Fact::new(stated).map_err(|refusal| {
            let field = match refusal {
                Refusal::Strength(_) => "strength",
                _ => "targetRequirementId",
            };
            Refused::Value { field, refusal }
        })?;
        let between = |known: &Mapping| {
            [(source, target), (target, source)].contains(&(known.source, known.target))
        };
        let open = self
            .mappings
            .iter()
            .find(|(_, known)| known.review.state.is_open() && between(&known.terms.mapping));
        if let Some((id, known)) = open {
            let (id, state) = (id.to_string(), known.review.state.as_str());
            return Err(Refused::MappedAlready { id, state });
        }
        let provenance = terms.provenance.as_deref();
        let provenance =
            provenance.map(|text| line("provenance", text, LONGEST_PROVENANCE)).transpose()?;
        let terms = MappingTerms { provenance, ..terms.clone() };
        let rationale = long_reason("rationale", rationale)?;
        Ok(vec![MappingProposed { project, mapping, terms, rationale, proposed_by: by }.into()])
    }

    /// Approves a mapping that somebody else proposed.
    pub fn approve_mapping(
        &self,
        project: ProjectId,
        mapping: MappingId,
        expected: u32,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.mapping(mapping)?;
        known.review.may_be_decided(WHAT, expected, by)?;
        let terms = known.terms.clone();
        Ok(vec![MappingApproved { project, mapping, terms, approved_by: by }.into()])
    }

    /// Refuses a mapping that somebody else proposed.
    pub fn reject_mapping(
        &self,
        project: ProjectId,
        mapping: MappingId,
        expected: u32,
        reason: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.mapping(mapping)?.review.may_be_decided(WHAT, expected, by)?;
        let reason = long_reason("reason", reason)?;
        Ok(vec![MappingRejected { project, mapping, reason, rejected_by: by }.into()])
    }

    /// Takes a mapping back.
    pub fn withdraw_mapping(
        &self,
        project: ProjectId,
        mapping: MappingId,
        expected: u32,
        reason: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.mapping(mapping)?.review.may_end(WHAT, expected)?;
        let reason = long_reason("reason", reason)?;
        Ok(vec![MappingWithdrawn { project, mapping, reason, withdrawn_by: by }.into()])
    }

    fn mapping(&self, id: MappingId) -> Result<&RequirementMapping, Refused> {
        let missing = || Refused::Missing { what: WHAT, id: id.to_string() };
        self.mappings.get(&id).ok_or_else(missing)
    }

    pub(super) fn mapping_proposed(&mut self, proposed: &MappingProposed) {
        let (terms, review) = (proposed.terms.clone(), Review::proposed(proposed.proposed_by));
        self.mappings.insert(proposed.mapping, RequirementMapping { terms, review });
    }

    pub(super) fn mapping_becomes(&mut self, id: MappingId, state: ReviewState) {
        if let Some(mapping) = self.mappings.get_mut(&id) {
            mapping.review.becomes(state);
        }
    }
}
