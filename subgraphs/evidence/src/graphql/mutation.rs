//! The mutations. Scans themselves come in by `POST /v1/ingest/prowler`.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use studio_kernel::{Id, IdError, kind};
use studio_service::graphql::{UserError, actor, gql};

use super::evidence::Evidence;
use crate::{
    commands::{Core, Rejection},
    domain::RejectionRefused,
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

#[Object]
impl Mutation {
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
        // Read anew, past the loaders: the row has just changed.
        let rows =
            EvidenceItems::of(&core.store, actor.tenant, &[id.to_string()]).await.map_err(gql)?;
        let evidence = rows
            .into_iter()
            .next()
            .map(|row| Evidence { tenant: actor.tenant, row: Arc::new(row) });
        Ok(RejectEvidencePayload { evidence, user_errors: Vec::new() })
    }
}
