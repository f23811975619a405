//! Tests as code: a rule is held against its cases before anything is decided.

use studio_kernel::{Actor, Id, kind};
use studio_rego::{Case, CaseFault, Expected, Rule, RuleError, check_cases};
use studio_service::{ApiError, graphql::UserError};

use super::{
    CommandError,
    controls::{made, project_of},
    on_project, sentence,
    tests::project_of_test,
    user,
};
use crate::{
    app::App,
    domain::{
        project::{NewRule, NewTest, RuleCase, events::ProjectEvent},
        score::Outcome,
    },
};

/// Adds a test by a rule to a control.
pub(crate) async fn add_code_test(
    app: &App,
    actor: &Actor,
    new: &NewTest,
    evidence_name: &str,
    rule: NewRule,
) -> Result<Id<kind::ControlTest>, CommandError> {
    let project =
        project_of(app, actor, "controls:test:create", (new.control, "controlId")).await?;
    let rule = held(rule).await?;
    let executed = on_project(app, actor, (project, "controlId"), |state, _catalogs| {
        state.add_code_test(project, new, evidence_name, &rule, &mut app.ids())
    })
    .await?;
    made(&executed.recorded, |event| match event {
        ProjectEvent::ControlTestAdded(added) => Some(added.test),
        _ => None,
    })
}

/// Gives a test another version of its rule.
pub(crate) async fn change_rule(
    app: &App,
    actor: &Actor,
    test: Id<kind::ControlTest>,
    expected: u32,
    rule: NewRule,
) -> Result<(), CommandError> {
    let project = project_of_test(app, actor, &["controls:test:update"], (test, "testId")).await?;
    let rule = held(rule).await?;
    on_project(app, actor, (project, "testId"), |state, _catalogs| {
        state.change_rule(project, test, expected, &rule)
    })
    .await?;
    Ok(())
}

/// The rule, if all its cases hold. That takes seconds at the most, of a thread that may block.
async fn held(rule: NewRule) -> Result<NewRule, CommandError> {
    let held = tokio::task::spawn_blocking(move || {
        let broken = |error: RuleError| user("INVALID_RULE", "rule", &error.to_string());
        let compiled = Rule::new(&rule.source).map_err(broken)?;
        let cases: Vec<Case> = rule.cases.iter().map(case).collect();
        let faults = check_cases(&compiled, &cases);
        if faults.is_empty() {
            return Ok(rule);
        }
        Err(CommandError::Users(faults.iter().map(told).collect()))
    });
    held.await.map_err(ApiError::internal)?
}

fn case(case: &RuleCase) -> Case {
    let expected = case.expected.iter().map(|expected| Expected {
        resource: expected.resource.clone(),
        outcome: match expected.outcome {
            Outcome::Passed => studio_rego::Outcome::Passed,
            Outcome::Failed => studio_rego::Outcome::Failed,
            Outcome::Unknown => studio_rego::Outcome::Unknown,
        },
    });
    Case { name: case.name.clone(), input: case.input.clone(), expected: expected.collect() }
}

fn told(fault: &CaseFault) -> UserError {
    let code = match fault {
        CaseFault::Differs { .. } => "CASE_FAILED",
        _ => "INVALID_CASES",
    };
    let mut error = UserError::field(code, "cases", sentence(&fault.to_string()));
    error.path.extend(fault.index().map(|index| index.to_string()));
    error
}
