//! Controls, memberships, tests and dependencies.

use studio_access::Resource;
use studio_events::Recorded;
use studio_kernel::{Actor, Id, kind};
use studio_service::ApiError;

use super::{CommandError, on_project};
use crate::{
    app::App,
    domain::{
        project::{
            ControlChange, NewControl, NewMapping, NewTest, Refused, TestResult,
            events::ProjectEvent,
        },
        score::Strength,
    },
    projections::read::Read,
};

type ProjectId = Id<kind::Project>;
type ControlId = Id<kind::Control>;

/// The project of a control, or the refusal that there is no such control.
async fn project_of(
    app: &App,
    actor: &Actor,
    control: ControlId,
    field: &'static str,
) -> Result<ProjectId, CommandError> {
    let rows = Read::new(&app.store, actor.tenant).controls_by_id(&[control.to_string()]).await?;
    let Some(row) = rows.into_iter().next() else {
        return Err(Refused::UnknownControl { field, id: control }.into());
    };
    Ok(row.project.parse().map_err(ApiError::internal)?)
}

fn one_control(actor: &Actor, control: ControlId) -> Resource {
    Resource::one("Control", control, actor.tenant)
}

/// The event that `pick` picks among what was recorded.
fn made<T>(
    recorded: &[Recorded],
    pick: impl Fn(ProjectEvent) -> Option<T>,
) -> Result<T, CommandError> {
    recorded
        .iter()
        .find_map(|event| event.decode().ok().and_then(&pick))
        .ok_or_else(|| ApiError::internal("what was recorded is not what was decided").into())
}

/// States a control.
pub(crate) async fn create_control(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    new: &NewControl,
) -> Result<ControlId, CommandError> {
    let resource = Resource::any("Control", actor.tenant);
    app.require(actor, "controls:control:create", &resource)?;
    let executed = on_project(app, actor, (project, "projectId"), |state, catalogs| {
        state.create_control(project, new, catalogs, &mut app.ids())
    })
    .await?;
    made(&executed.recorded, |event| match event {
        ProjectEvent::ControlCreated(created) => Some(created.control),
        _ => None,
    })
}

/// Changes a control.
pub(crate) async fn update_control(
    app: &App,
    actor: &Actor,
    control: ControlId,
    expected: u32,
    change: &ControlChange,
) -> Result<(), CommandError> {
    app.require(actor, "controls:control:update", &one_control(actor, control))?;
    let project = project_of(app, actor, control, "id").await?;
    on_project(app, actor, (project, "id"), |state, _catalogs| {
        state.update_control(project, control, expected, change)
    })
    .await?;
    Ok(())
}

/// Retires a control.
pub(crate) async fn retire_control(
    app: &App,
    actor: &Actor,
    control: ControlId,
    expected: u32,
    reason: &str,
) -> Result<(), CommandError> {
    app.require(actor, "controls:control:update", &one_control(actor, control))?;
    let project = project_of(app, actor, control, "id").await?;
    on_project(app, actor, (project, "id"), |state, _catalogs| {
        state.retire_control(project, control, expected, reason)
    })
    .await?;
    Ok(())
}

/// Makes a control a member of a requirement.
pub(crate) async fn map_requirement(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    new: &NewMapping,
) -> Result<(), CommandError> {
    app.require(actor, "controls:mapping:create", &one_control(actor, new.control))?;
    on_project(app, actor, (project, "projectId"), |state, catalogs| {
        state.map(project, new, catalogs, &mut app.ids())
    })
    .await?;
    Ok(())
}

/// Ends the memberships of a control in a requirement.
pub(crate) async fn unmap_requirement(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    requirement: Id<kind::Requirement>,
    control: ControlId,
) -> Result<(), CommandError> {
    app.require(actor, "controls:mapping:delete", &one_control(actor, control))?;
    on_project(app, actor, (project, "projectId"), |state, _catalogs| {
        state.unmap(project, requirement, control)
    })
    .await?;
    Ok(())
}

/// Adds a test to a control.
pub(crate) async fn add_test(
    app: &App,
    actor: &Actor,
    new: &NewTest,
) -> Result<Id<kind::ControlTest>, CommandError> {
    app.require(actor, "controls:test:create", &one_control(actor, new.control))?;
    let project = project_of(app, actor, new.control, "controlId").await?;
    let executed = on_project(app, actor, (project, "controlId"), |state, _catalogs| {
        state.add_test(project, new, &mut app.ids())
    })
    .await?;
    made(&executed.recorded, |event| match event {
        ProjectEvent::ControlTestAdded(added) => Some(added.test),
        _ => None,
    })
}

/// Records the result of a manual test.
pub(crate) async fn record_test_result(
    app: &App,
    actor: &Actor,
    result: &TestResult,
) -> Result<(), CommandError> {
    let resource = Resource::one("ControlTest", result.test, actor.tenant);
    app.require(actor, "controls:test:record", &resource)?;
    let rows = Read::new(&app.store, actor.tenant).tests_by_id(&[result.test.to_string()]).await?;
    let Some(row) = rows.into_iter().next() else {
        return Err(Refused::UnknownTest(result.test).into());
    };
    let project: ProjectId = row.project.parse().map_err(ApiError::internal)?;
    on_project(app, actor, (project, "testId"), |state, _catalogs| {
        state.record_result(project, result)
    })
    .await?;
    Ok(())
}

/// States that a control rests on another one.
pub(crate) async fn add_dependency(
    app: &App,
    actor: &Actor,
    control: ControlId,
    depends_on: ControlId,
    strength: Strength,
) -> Result<Id<kind::ControlDependency>, CommandError> {
    app.require(actor, "controls:dependency:create", &one_control(actor, control))?;
    let project = project_of(app, actor, control, "controlId").await?;
    let executed = on_project(app, actor, (project, "controlId"), |state, _catalogs| {
        state.depend(project, control, depends_on, strength, app.env.id())
    })
    .await?;
    made(&executed.recorded, |event| match event {
        ProjectEvent::DependencyAdded(added) => Some(added.dependency),
        _ => None,
    })
}

/// Ends a dependency.
pub(crate) async fn remove_dependency(
    app: &App,
    actor: &Actor,
    control: ControlId,
    depends_on: ControlId,
) -> Result<(), CommandError> {
    app.require(actor, "controls:dependency:delete", &one_control(actor, control))?;
    let project = project_of(app, actor, control, "controlId").await?;
    on_project(app, actor, (project, "controlId"), |state, _catalogs| {
        state.undepend(project, control, depends_on)
    })
    .await?;
    Ok(())
}
