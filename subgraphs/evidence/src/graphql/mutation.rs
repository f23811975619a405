//! The mutations. Scans themselves come in by `POST /v1/ingest/prowler`.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use studio_kernel::{Id, IdError, TenantId, kind};
use studio_service::graphql::{DataClass, UserError, actor, gql};

use super::evidence::Evidence;
use crate::{
    commands::{Classified, Core, Rejection},
    domain::{ClassificationRefused, RejectionRefused},
    projections::EvidenceItems,
};

pub(super) struct Mutation;

/// Which version of an evidence item proves nothing, and why.
#[derive(InputObject)]
struct RejectEvidenceInput {
    /// The evidence, `evd_…`.
    evidence_id: ID,
    /// The number of the version, from 1.
    version: i32,
    /// Why, in a sentence of at most 1,000 characters.
    reason: String,
}

/// What became of it.
#[derive(SimpleObject)]
struct RejectEvidencePayload {
    /// The evidence with the version rejected, if the input was right.
    evidence: Option<Evidence>,
    /// What you can mend; empty where it was done.
    user_errors: Vec<UserError>,
}

impl RejectEvidencePayload {
    fn refused(code: &str, field: &str, message: String) -> Self {
        Self { evidence: None, user_errors: vec![UserError::field(code, field, message)] }
    }
}

/// How closely evidence is to be kept.
#[derive(InputObject)]
struct ClassifyEvidenceInput {
    /// The evidence, `evd_…`.
    evidence_id: ID,
    /// The class of the evidence with all its versions and what is found in them.
    data_class: DataClass,
    /// The dataClassVersion that you have seen: of another one, nothing is changed.
    expected_version: u32,
}

/// What became of it.
#[derive(SimpleObject)]
struct ClassifyEvidencePayload {
    /// The evidence with its class, if the input was right.
    evidence: Option<Evidence>,
    /// What you can mend; empty where it was done.
    user_errors: Vec<UserError>,
}

impl ClassifyEvidencePayload {
    fn refused(code: &str, field: &str, message: String) -> Self {
        Self { evidence: None, user_errors: vec![UserError::field(code, field, message)] }
    }
}

/// Evidence read anew, past the loaders: the row has just changed.
async fn anew(core: &Core, tenant: TenantId, id: Id<kind::Evidence>) -> Result<Option<Evidence>> {
    let rows = EvidenceItems::of(&core.store, tenant, &[id.to_string()]).await.map_err(gql)?;
    Ok(rows.into_iter().next().map(|row| Evidence { tenant, row: Arc::new(row) }))
}

#[Object]
impl Mutation {
    /// Gives evidence a data class. Whoever may change evidence may raise it; to lower it is for an owner,
    /// an admin or a compliance manager. The class that it has changes nothing.
    async fn classify_evidence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which evidence, and its class.")] input: ClassifyEvidenceInput,
    ) -> Result<ClassifyEvidencePayload> {
        let core = ctx.data::<Core>()?;
        let actor = actor(ctx)?;
        let parsed: Result<Id<kind::Evidence>, IdError> = input.evidence_id.parse();
        let id = match parsed {
            Ok(id) => id,
            Err(error) => {
                let (code, field) = ("INVALID_ID", "evidenceId");
                return Ok(ClassifyEvidencePayload::refused(code, field, error.to_string()));
            }
        };
        let (class, expected) = (input.data_class.into(), input.expected_version);
        match core.classify(actor, id, class, expected).await.map_err(gql)? {
            Classified::Done => {}
            Classified::Refused(refused) => {
                let (code, field) = match refused {
                    ClassificationRefused::Archived(_) => ("ARCHIVED", "evidenceId"),
                    ClassificationRefused::Stale { .. } => ("CONFLICT", "expectedVersion"),
                };
                return Ok(ClassifyEvidencePayload::refused(code, field, refused.to_string()));
            }
        }
        let evidence = anew(core, actor.tenant, id).await?;
        Ok(ClassifyEvidencePayload { evidence, user_errors: Vec::new() })
    }

    /// Rejects a version of an evidence item for good: whatever rests on it proves nothing any
    /// more, and the scores follow.
    async fn reject_evidence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which version, and why.")] input: RejectEvidenceInput,
    ) -> Result<RejectEvidencePayload> {
        let core = ctx.data::<Core>()?;
        let actor = actor(ctx)?;
        let parsed: Result<Id<kind::Evidence>, IdError> = input.evidence_id.parse();
        let id = match parsed {
            Ok(id) => id,
            Err(error) => {
                let (code, field) = ("INVALID_ID", "evidenceId");
                return Ok(RejectEvidencePayload::refused(code, field, error.to_string()));
            }
        };
        let version = i64::from(input.version);
        match core.reject(actor, id, version, &input.reason).await.map_err(gql)? {
            Rejection::Recorded => {}
            Rejection::Refused(refused) => {
                let (code, field) = match refused {
                    RejectionRefused::NoSuchVersion { .. } => ("NOT_FOUND", "version"),
                    RejectionRefused::AlreadyRejected(_) => ("ALREADY_REJECTED", "version"),
                    RejectionRefused::Archived(_) => ("ARCHIVED", "evidenceId"),
                    RejectionRefused::Reason => ("INVALID_REASON", "reason"),
                };
                return Ok(RejectEvidencePayload::refused(code, field, refused.to_string()));
            }
        }
        let evidence = anew(core, actor.tenant, id).await?;
        Ok(RejectEvidencePayload { evidence, user_errors: Vec::new() })
    }
}
