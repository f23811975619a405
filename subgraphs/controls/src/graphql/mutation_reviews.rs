//! Proposing, approving, refusing and ending what departs from the rule.

use async_graphql::{Context, Object, Result, SimpleObject};
use studio_service::graphql::{UserError, actor, id};

use super::{
    app,
    exception::RiskException,
    inputs_reviews::{
        ApproveProposalInput, CheckPlaceInput, EndProposalInput, MarkNotApplicableInput,
        ProposeExceptionInput, RejectProposalInput,
    },
    loaders,
    not_applicable::NotApplicable,
    settle,
};
use crate::{
    commands::{self, CommandError, Ends, Said},
    domain::{
        project::NotApplicableId,
        score::{Excepted, ExceptionId, Place, TestId},
    },
};

/// What mutations of a declaration answer.
#[derive(SimpleObject)]
pub(super) struct NotApplicablePayload {
    /// The declaration as it is now; null where there are user errors.
    not_applicable: Option<NotApplicable>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

/// What mutations of an exception answer.
#[derive(SimpleObject)]
pub(super) struct RiskExceptionPayload {
    /// The exception as it is now; null where there are user errors.
    exception: Option<RiskException>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

/// The failure that is meant; `None` where it is neither a manual test alone nor a check with a resource.
pub(super) fn excepted(
    test: Option<TestId>,
    check: Option<String>,
    resource: Option<String>,
    places: Option<Vec<CheckPlaceInput>>,
) -> Option<Excepted> {
    let place = |it: CheckPlaceInput| Place { account: it.account, region: it.region };
    let places = places.map(|places| places.into_iter().map(place).collect());
    match (test, check, resource) {
        (Some(test), None, None) if places.is_none() => Some(Excepted::Manual { test }),
        (None, Some(check), Some(resource)) => Some(Excepted::Resource { check, resource, places }),
        _ => None,
    }
}

#[derive(Default)]
pub(crate) struct ReviewMutations;

#[Object]
impl ReviewMutations {
    /// Declares that a requirement does not apply to a project. It counts once another person
    /// approves it.
    async fn mark_not_applicable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The declaration.")] input: MarkNotApplicableInput,
    ) -> Result<NotApplicablePayload> {
        let (project, requirement) = (id(&input.project_id)?, id(&input.requirement_id)?);
        let (app, actor) = (app(ctx)?, actor(ctx)?);
        let made =
            commands::mark_not_applicable(app, actor, project, requirement, &input.reason).await;
        declaration(ctx, made).await
    }

    /// Approves a declaration of somebody else: the requirement leaves the scores.
    async fn approve_not_applicable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The declaration.")] input: ApproveProposalInput,
    ) -> Result<NotApplicablePayload> {
        let (key, expected) = (id(&input.id)?, input.expected_version);
        let done = commands::approve_not_applicable(app(ctx)?, actor(ctx)?, key, expected).await;
        declaration(ctx, done.map(|()| key)).await
    }

    /// Refuses a declaration of somebody else.
    async fn reject_not_applicable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The declaration.")] input: RejectProposalInput,
    ) -> Result<NotApplicablePayload> {
        let key = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.reason };
        let done = commands::reject_not_applicable(app(ctx)?, actor(ctx)?, key, said).await;
        declaration(ctx, done.map(|()| key)).await
    }

    /// Takes a declaration back: the requirement counts again, if it did not.
    async fn withdraw_not_applicable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The declaration.")] input: EndProposalInput,
    ) -> Result<NotApplicablePayload> {
        let key = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.reason };
        let done = commands::withdraw_not_applicable(app(ctx)?, actor(ctx)?, key, said).await;
        declaration(ctx, done.map(|()| key)).await
    }

    /// Proposes that a failure be excepted for a time. It counts once another person approves it.
    async fn propose_exception(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The exception.")] input: ProposeExceptionInput,
    ) -> Result<RiskExceptionPayload> {
        let project = id(&input.project_id)?;
        let ends = Ends {
            compensating: input.compensating_control_id.as_ref().map(id).transpose()?,
            expires_at: input.expires_at.named("input.expiresAt")?,
        };
        let test = input.test_id.as_ref().map(id).transpose()?;
        let on = excepted(test, input.check, input.resource, input.places);
        let (app, actor) = (app(ctx)?, actor(ctx)?);
        let made = commands::propose_exception(app, actor, project, on, ends, &input.reason).await;
        exception(ctx, made).await
    }

    /// Approves an exception that somebody else proposed: it holds from now on until it expires.
    async fn approve_exception(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The exception.")] input: ApproveProposalInput,
    ) -> Result<RiskExceptionPayload> {
        let (key, expected) = (id(&input.id)?, input.expected_version);
        let done = commands::approve_exception(app(ctx)?, actor(ctx)?, key, expected).await;
        exception(ctx, done.map(|()| key)).await
    }

    /// Refuses an exception that somebody else proposed.
    async fn reject_exception(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The exception.")] input: RejectProposalInput,
    ) -> Result<RiskExceptionPayload> {
        let key = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.reason };
        let done = commands::reject_exception(app(ctx)?, actor(ctx)?, key, said).await;
        exception(ctx, done.map(|()| key)).await
    }

    /// Ends an exception before its time, or takes it back before it was decided.
    async fn revoke_exception(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The exception.")] input: EndProposalInput,
    ) -> Result<RiskExceptionPayload> {
        let key = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.reason };
        let done = commands::revoke_exception(app(ctx)?, actor(ctx)?, key, said).await;
        exception(ctx, done.map(|()| key)).await
    }
}

async fn declaration(
    ctx: &Context<'_>,
    outcome: std::result::Result<NotApplicableId, CommandError>,
) -> Result<NotApplicablePayload> {
    Ok(match settle(outcome)? {
        Ok(id) => {
            let row = loaders(ctx)?.declarations(id.to_string()).await?;
            let not_applicable = row.map(NotApplicable);
            NotApplicablePayload { not_applicable, user_errors: Vec::new() }
        }
        Err(user_errors) => NotApplicablePayload { not_applicable: None, user_errors },
    })
}

async fn exception(
    ctx: &Context<'_>,
    outcome: std::result::Result<ExceptionId, CommandError>,
) -> Result<RiskExceptionPayload> {
    Ok(match settle(outcome)? {
        Ok(id) => {
            let row = loaders(ctx)?.exceptions(id.to_string()).await?;
            let exception = row.map(RiskException);
            RiskExceptionPayload { exception, user_errors: Vec::new() }
        }
        Err(user_errors) => RiskExceptionPayload { exception: None, user_errors },
    })
}
