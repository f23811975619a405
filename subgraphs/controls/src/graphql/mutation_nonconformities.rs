//! Opening, correcting, verifying and closing nonconformities.

use async_graphql::{Context, Object, Result, SimpleObject};
use studio_service::graphql::{UserError, actor, id};

use super::{
    app,
    inputs_reviews::{
        CloseNonconformityInput, CorrectNonconformityInput, OpenNonconformityInput,
        RejectCorrectionInput,
    },
    loaders,
    nonconformity::Nonconformity,
    settle,
};
use crate::{
    commands::{self, CommandError, Said},
    domain::project::{NewNonconformity, NonconformityId},
};

/// What mutations of a nonconformity answer.
#[derive(SimpleObject)]
pub(super) struct NonconformityPayload {
    /// The nonconformity as it is now; null where there are user errors.
    nonconformity: Option<Nonconformity>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(crate) struct NonconformityMutations;

#[Object]
impl NonconformityMutations {
    /// Opens a nonconformity: something was found to be wrong with a control, which counts less
    /// until it is closed.
    async fn open_nonconformity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The nonconformity.")] input: OpenNonconformityInput,
    ) -> Result<NonconformityPayload> {
        let new = NewNonconformity {
            control: id(&input.control_id)?,
            grade: input.grade.into(),
            description: input.description,
            observed: input.observed,
            evidence: input.evidence_id.as_ref().map(id).transpose()?,
        };
        let opened = commands::open_nonconformity(app(ctx)?, actor(ctx)?, &new).await;
        payload(ctx, opened).await
    }

    /// Says what was done about a nonconformity. It stays open until somebody else verifies that.
    async fn correct_nonconformity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The correction.")] input: CorrectNonconformityInput,
    ) -> Result<NonconformityPayload> {
        let key = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.correction };
        let done = commands::correct_nonconformity(app(ctx)?, actor(ctx)?, key, said).await;
        payload(ctx, done.map(|()| key)).await
    }

    /// Refuses a correction of somebody else: the nonconformity waits for another one.
    async fn reject_correction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is refused.")] input: RejectCorrectionInput,
    ) -> Result<NonconformityPayload> {
        let key = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.reason };
        let done = commands::reject_correction(app(ctx)?, actor(ctx)?, key, said).await;
        payload(ctx, done.map(|()| key)).await
    }

    /// Closes a nonconformity after its correction, by somebody else, was verified: the control
    /// counts in full again.
    async fn close_nonconformity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The verification.")] input: CloseNonconformityInput,
    ) -> Result<NonconformityPayload> {
        let key = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.verification };
        let done = commands::close_nonconformity(app(ctx)?, actor(ctx)?, key, said).await;
        payload(ctx, done.map(|()| key)).await
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: std::result::Result<NonconformityId, CommandError>,
) -> Result<NonconformityPayload> {
    Ok(match settle(outcome)? {
        Ok(id) => {
            let row = loaders(ctx)?.nonconformities(id.to_string()).await?;
            let nonconformity = row.map(Nonconformity);
            NonconformityPayload { nonconformity, user_errors: Vec::new() }
        }
        Err(user_errors) => NonconformityPayload { nonconformity: None, user_errors },
    })
}
