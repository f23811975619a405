//! Changing and retiring tests, what comes out of those done by hand, and signing it off.

use studio_access::Resource;
use studio_kernel::{Actor, Id, kind};
use studio_service::ApiError;

use super::{
    CommandError, Said, controls::owned, must_be_of_project, on_project, reviews::decide_as_person,
};
use crate::{
    app::App,
    domain::project::{
        Project, Refused, TestChange, TestResult, TestResultId, UserId, events::ProjectEvent,
    },
    projections::read::Read,
};

type ProjectId = Id<kind::Project>;
type TestId = Id<kind::ControlTest>;

const SIGN: &str = "controls:test:sign";

/// A test, or a result of it, as the policies see it: it is whose the control is. Gives its project.
async fn whose(
    read: &Read,
    resource: Resource,
    test: &str,
) -> Result<(Resource, Option<ProjectId>), CommandError> {
    let rows = read.tests_by_id(&[test.to_owned()]).await?;
    let Some(row) = rows.into_iter().next() else { return Ok((resource.nowhere(), None)) };
    let control = read.controls_by_id(std::slice::from_ref(&row.control)).await?;
    let owner = control.first().and_then(|control| control.owner.as_deref());
    let project = row.project.parse().map_err(ApiError::internal)?;
    Ok((owned(resource, owner)?.of_project(project), Some(project)))
}

/// Lets the actor act on a test, and gives its project; or the refusal that there is no such test.
pub(super) async fn project_of_test(
    app: &App,
    actor: &Actor,
    actions: &[&str],
    (test, field): (TestId, &'static str),
) -> Result<ProjectId, CommandError> {
    let read = Read::new(&app.store, actor.tenant);
    let resource = Resource::one("ControlTest", test, actor.tenant);
    let (resource, project) = whose(&read, resource, &test.to_string()).await?;
    for action in actions {
        app.require(actor, action, &resource)?;
    }
    Ok(project.ok_or(Refused::UnknownTest { field, id: test })?)
}

/// Changes a test. That passes need no sign-off any more is for those who may sign them off.
pub(crate) async fn change_test(
    app: &App,
    actor: &Actor,
    test: TestId,
    expected: u32,
    change: &TestChange,
) -> Result<(), CommandError> {
    let actions: &[&str] = match change.sign_off {
        Some(false) => &["controls:test:update", SIGN],
        _ => &["controls:test:update"],
    };
    let project = project_of_test(app, actor, actions, (test, "id")).await?;
    on_project(app, actor, (project, "id"), |state, _catalogs| {
        state.change_test(project, test, expected, change)
    })
    .await?;
    Ok(())
}

/// Retires a test.
pub(crate) async fn retire_test(
    app: &App,
    actor: &Actor,
    test: TestId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let project = project_of_test(app, actor, &["controls:test:update"], (test, "id")).await?;
    on_project(app, actor, (project, "id"), |state, _catalogs| {
        state.retire_test(project, test, said.expected, said.reason)
    })
    .await?;
    Ok(())
}

/// Records the result of a manual test.
pub(crate) async fn record_test_result(
    app: &App,
    actor: &Actor,
    result: &TestResult,
) -> Result<(), CommandError> {
    let action = "controls:test:record";
    let project = project_of_test(app, actor, &[action], (result.test, "testId")).await?;
    for evidence in &result.evidence {
        must_be_of_project(app, actor, project, (*evidence, "evidenceIds")).await?;
    }
    let id = app.env.id();
    on_project(app, actor, (project, "testId"), |state, _catalogs| {
        state.record_result(project, id, result, actor.user_id())
    })
    .await?;
    Ok(())
}

/// Signs a pass off that somebody else recorded.
pub(crate) async fn sign_off_test_result(
    app: &App,
    actor: &Actor,
    id: TestResultId,
    expected: u32,
) -> Result<(), CommandError> {
    decide(app, actor, id, |state, project, by| state.sign_off_result(project, id, expected, by))
        .await
}

/// Refuses a pass that somebody else recorded.
pub(crate) async fn reject_test_result(
    app: &App,
    actor: &Actor,
    id: TestResultId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    decide(app, actor, id, |state, project, by| {
        state.reject_result(project, id, said.expected, said.reason, by)
    })
    .await
}

/// Lets a person decide on a result that waits for it.
async fn decide(
    app: &App,
    actor: &Actor,
    id: TestResultId,
    decision: impl Fn(&Project, ProjectId, UserId) -> Result<Vec<ProjectEvent>, Refused>,
) -> Result<(), CommandError> {
    let read = Read::new(&app.store, actor.tenant);
    let row = read.test_results_by_id(&[id.to_string()]).await?.into_iter().next();
    let resource = Resource::one("TestResult", id, actor.tenant);
    let test = row.as_ref().map_or("", |row| &*row.test);
    let (resource, project) = whose(&read, resource, test).await?;
    app.require(actor, SIGN, &resource)?;
    let project = project.ok_or(Refused::NothingToSign(id))?;
    decide_as_person(app, actor, project, decision).await
}
