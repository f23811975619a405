//! Changing and retiring tests, recording what comes out of those done by hand, and signing it off.

use async_graphql::{Context, MaybeUndefined, Object, Result, SimpleObject};
use studio_service::graphql::{Instant, UserError, actor, id};

use super::{
    app,
    inputs::RecordTestResultInput,
    inputs_tests::{
        ChangeTestInput, RejectTestResultInput, RetireTestInput, SignOffTestResultInput,
    },
    loaders,
    mutation_controls::{ControlTestPayload, test_payload},
    settle,
    test_result::TestResult,
};
use crate::{
    commands::{self, CommandError, Said},
    domain::project::{self, TestChange, TestResultId},
};

/// What decisions on a test's result answer.
#[derive(SimpleObject)]
pub(super) struct TestResultPayload {
    /// The result as it is now; null where there are user errors.
    test_result: Option<TestResult>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(crate) struct TestMutations;

#[Object]
impl TestMutations {
    /// Changes a test. What is left out of the input stays as it is.
    async fn change_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: ChangeTestInput,
    ) -> Result<ControlTestPayload> {
        let test = id(&input.id)?;
        let change = TestChange {
            title: input.title,
            method: match input.method {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(method) => Some(Some(method.into())),
            },
            procedure: match input.procedure {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(String::new()),
                MaybeUndefined::Value(procedure) => Some(procedure),
            },
            sign_off: input.sign_off.map(Into::into),
            weight: input.weight,
            key: input.key,
            validity_days: input.validity_days,
        };
        let version = input.expected_version;
        let changed = commands::change_test(app(ctx)?, actor(ctx)?, test, version, &change).await;
        test_payload(ctx, changed.map(|()| test)).await
    }

    /// Retires a test: it counts for nothing any more, and its control by the tests that are left.
    async fn retire_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The test.")] input: RetireTestInput,
    ) -> Result<ControlTestPayload> {
        let test = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.reason };
        let retired = commands::retire_test(app(ctx)?, actor(ctx)?, test, said).await;
        test_payload(ctx, retired.map(|()| test)).await
    }

    /// Records the result of a manual test. Where the test asks for it, a pass counts once another
    /// person has signed it off.
    async fn record_test_result(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The result.")] input: RecordTestResultInput,
    ) -> Result<ControlTestPayload> {
        let now = app(ctx)?.env.now();
        let since = Instant::optional(input.effective_from.as_ref(), "input.effectiveFrom")?;
        let until = Instant::optional(input.effective_to.as_ref(), "input.effectiveTo")?;
        let result = project::TestResult {
            test: id(&input.test_id)?,
            outcome: input.outcome.into(),
            effective_from: since.unwrap_or(now),
            effective_to: until,
            collected_at: now,
            note: input.note,
            evidence: input.evidence_ids.iter().flatten().map(id).collect::<Result<_>>()?,
        };
        let recorded = commands::record_test_result(app(ctx)?, actor(ctx)?, &result).await;
        test_payload(ctx, recorded.map(|()| result.test)).await
    }

    /// Signs a pass off that somebody else recorded: it counts from now on, and is as old as it was.
    async fn sign_off_test_result(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The result.")] input: SignOffTestResultInput,
    ) -> Result<TestResultPayload> {
        let key = id(&input.id)?;
        let version = input.expected_version;
        let signed = commands::sign_off_test_result(app(ctx)?, actor(ctx)?, key, version).await;
        payload(ctx, signed.map(|()| key)).await
    }

    /// Refuses a pass that somebody else recorded: it never counts.
    async fn reject_test_result(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is refused.")] input: RejectTestResultInput,
    ) -> Result<TestResultPayload> {
        let key = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.reason };
        let rejected = commands::reject_test_result(app(ctx)?, actor(ctx)?, key, said).await;
        payload(ctx, rejected.map(|()| key)).await
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: std::result::Result<TestResultId, CommandError>,
) -> Result<TestResultPayload> {
    Ok(match settle(outcome)? {
        Ok(id) => {
            let row = loaders(ctx)?.test_results(id.to_string()).await?;
            TestResultPayload { test_result: row.map(TestResult), user_errors: Vec::new() }
        }
        Err(user_errors) => TestResultPayload { test_result: None, user_errors },
    })
}
