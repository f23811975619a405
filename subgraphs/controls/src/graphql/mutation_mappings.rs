//! Proposing, approving, refusing and ending mappings between requirements.

use async_graphql::{Context, Object, Result, SimpleObject};
use studio_service::graphql::{UserError, actor, id};

use super::{
    app,
    crosswalk::ControlMapping,
    inputs_reviews::{
        ApproveProposalInput, EndProposalInput, ProposeMappingInput, RejectProposalInput,
    },
    loaders, settle,
};
use crate::{
    commands::{self, CommandError, Said},
    domain::{
        project::MappingTerms,
        score::{Mapping, MappingId},
    },
};

/// What mutations of a mapping answer.
#[derive(SimpleObject)]
pub(super) struct ControlMappingPayload {
    /// The mapping as it is now; null where there are user errors.
    mapping: Option<ControlMapping>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(crate) struct MappingMutations;

#[Object]
impl MappingMutations {
    /// Proposes a mapping between requirements of two frameworks. It counts once another person
    /// approves it.
    async fn propose_mapping(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The mapping.")] input: ProposeMappingInput,
    ) -> Result<ControlMappingPayload> {
        let mapping = Mapping {
            source: id(&input.source_requirement_id)?,
            target: id(&input.target_requirement_id)?,
            relation: input.relation.into(),
            strength: input.strength,
        };
        let terms = MappingTerms { mapping, provenance: input.provenance };
        let (project, app, actor) = (id(&input.project_id)?, app(ctx)?, actor(ctx)?);
        let made = commands::propose_mapping(app, actor, project, &terms, &input.rationale).await;
        payload(ctx, made).await
    }

    /// Approves a mapping that somebody else proposed: what one requirement proves counts for the
    /// other one.
    async fn approve_mapping(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The mapping.")] input: ApproveProposalInput,
    ) -> Result<ControlMappingPayload> {
        let (key, expected) = (id(&input.id)?, input.expected_version);
        let done = commands::approve_mapping(app(ctx)?, actor(ctx)?, key, expected).await;
        payload(ctx, done.map(|()| key)).await
    }

    /// Refuses a mapping that somebody else proposed.
    async fn reject_mapping(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The mapping.")] input: RejectProposalInput,
    ) -> Result<ControlMappingPayload> {
        let key = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.reason };
        let done = commands::reject_mapping(app(ctx)?, actor(ctx)?, key, said).await;
        payload(ctx, done.map(|()| key)).await
    }

    /// Takes a mapping back: it carries nothing any more, if it did.
    async fn withdraw_mapping(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The mapping.")] input: EndProposalInput,
    ) -> Result<ControlMappingPayload> {
        let key = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.reason };
        let done = commands::withdraw_mapping(app(ctx)?, actor(ctx)?, key, said).await;
        payload(ctx, done.map(|()| key)).await
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: std::result::Result<MappingId, CommandError>,
) -> Result<ControlMappingPayload> {
    Ok(match settle(outcome)? {
        Ok(id) => {
            let row = loaders(ctx)?.mappings(id.to_string()).await?;
            let mapping = row.map(ControlMapping);
            ControlMappingPayload { mapping, user_errors: Vec::new() }
        }
        Err(user_errors) => ControlMappingPayload { mapping: None, user_errors },
    })
}
