//! The inputs of mutations of what departs from the rule.

use async_graphql::{ID, InputObject};
use studio_service::graphql::Instant;

use super::enums::{NonconformityGrade, RequirementRelation};

/// A requirement to be declared not applicable.
#[derive(InputObject)]
pub(super) struct MarkNotApplicableInput {
    /// The project.
    pub(super) project_id: ID,
    /// The requirement, of a framework that the project has adopted.
    pub(super) requirement_id: ID,
    /// Why it does not apply, in at most 2000 characters.
    pub(super) reason: String,
}

/// A proposal of somebody else, to be approved.
#[derive(InputObject)]
pub(super) struct ApproveProposalInput {
    /// The id of what was proposed.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
}

/// A proposal of somebody else, to be refused.
#[derive(InputObject)]
pub(super) struct RejectProposalInput {
    /// The id of what was proposed.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// Why, in at most 2000 characters.
    pub(super) reason: String,
}

/// Something proposed or approved, to be taken back or ended.
#[derive(InputObject)]
pub(super) struct EndProposalInput {
    /// The id of what was proposed.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// Why, in at most 2000 characters.
    pub(super) reason: String,
}

/// A failure to be excepted: name a manual test, or a check and a resource that fails it.
#[derive(InputObject)]
pub(super) struct ProposeExceptionInput {
    /// The project.
    pub(super) project_id: ID,
    /// A manual test whose newest result is a failure.
    pub(super) test_id: Option<ID>,
    /// The scanner's id of a check of which some control has a test.
    pub(super) check: Option<String>,
    /// The id, with its provider, of a resource that fails the check: see findings.
    pub(super) resource: Option<String>,
    /// The places in which it is excepted; leave out for all, those of later scans too.
    pub(super) places: Option<Vec<CheckPlaceInput>>,
    /// A control that makes up for the failure, with tests of its own; leave out to accept the risk
    /// alone, which gives no credit.
    pub(super) compensating_control_id: Option<ID>,
    /// Why, in at most 2000 characters.
    pub(super) reason: String,
    /// From when on it does not hold any more: at most 366 days ahead.
    pub(super) expires_at: Instant,
}

/// An account and a region in which a check is run.
#[derive(InputObject)]
pub(super) struct CheckPlaceInput {
    /// The cloud account.
    pub(super) account: String,
    /// The region, or `global`.
    pub(super) region: String,
}

/// A mapping between requirements of two frameworks that the project has adopted.
#[derive(InputObject)]
pub(super) struct ProposeMappingInput {
    /// The project.
    pub(super) project_id: ID,
    /// One requirement.
    pub(super) source_requirement_id: ID,
    /// One of another framework.
    pub(super) target_requirement_id: ID,
    /// What the source is to the target.
    pub(super) relation: RequirementRelation,
    /// How much they have in common, from 1 to 10. Without it, what is part of the other, or only
    /// intersects with it, carries nothing.
    pub(super) strength: Option<u8>,
    /// Why it is so, in at most 2000 characters.
    pub(super) rationale: String,
    /// Where it comes from, if not from you, in a line of at most 300 characters: a document, a
    /// file, a publisher.
    pub(super) provenance: Option<String>,
}

/// A nonconformity to be opened.
#[derive(InputObject)]
pub(super) struct OpenNonconformityInput {
    /// The control.
    pub(super) control_id: ID,
    /// How bad it is.
    pub(super) grade: NonconformityGrade,
    /// What is wrong, in at most 2000 characters.
    pub(super) description: String,
    /// What was observed, in at most 2000 characters.
    pub(super) observed: String,
    /// Evidence of the project that shows it.
    pub(super) evidence_id: Option<ID>,
}

/// A nonconformity that was corrected.
#[derive(InputObject)]
pub(super) struct CorrectNonconformityInput {
    /// The nonconformity.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// What was done, in at most 2000 characters.
    pub(super) correction: String,
}

/// A correction of somebody else, to be refused.
#[derive(InputObject)]
pub(super) struct RejectCorrectionInput {
    /// The nonconformity.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// Why it does not do, in at most 2000 characters.
    pub(super) reason: String,
}

/// A nonconformity to be closed after the correction, by somebody else, was verified.
#[derive(InputObject)]
pub(super) struct CloseNonconformityInput {
    /// The nonconformity.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// How it was verified, in at most 2000 characters.
    pub(super) verification: String,
}
