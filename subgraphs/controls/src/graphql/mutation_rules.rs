//! Tests as code.

use async_graphql::{Context, Object, Result};
use studio_service::graphql::{actor, id};

use super::{
    app,
    mutation_controls::{ControlTestPayload, test_payload},
    test_rule::{AddCodeTestInput, ChangeTestRuleInput, new_rule},
};
use crate::{
    commands,
    domain::project::{Assessment, NewTest},
};

#[derive(Default)]
pub(crate) struct RuleMutations;

#[Object]
impl RuleMutations {
    /// Adds a test to a control that is a rule over evidence, written in Rego. A rule whose own cases do
    /// not hold is refused. From then on it looks at whatever is handed in under the name of its evidence.
    async fn add_code_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The test, with its rule.")] input: AddCodeTestInput,
    ) -> Result<ControlTestPayload> {
        let new = NewTest {
            control: id(&input.control_id)?,
            title: input.title,
            check: None,
            weight: input.weight,
            key: input.key,
            validity_days: input.validity_days,
            assessment: Assessment::default(),
        };
        let rule = new_rule(input.rule, input.cases);
        let (app, actor) = (app(ctx)?, actor(ctx)?);
        let added = commands::add_code_test(app, actor, &new, &input.evidence_name, rule).await;
        test_payload(ctx, added).await
    }

    /// Gives a test another version of its rule. The newest evidence is looked at by it at once, and is no
    /// fresher for it; the versions before stay readable.
    async fn change_test_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rule.")] input: ChangeTestRuleInput,
    ) -> Result<ControlTestPayload> {
        let (test, expected) = (id(&input.test_id)?, input.expected_version);
        let rule = new_rule(input.rule, input.cases);
        let changed = commands::change_rule(app(ctx)?, actor(ctx)?, test, expected, rule).await;
        test_payload(ctx, changed.map(|()| test)).await
    }
}
