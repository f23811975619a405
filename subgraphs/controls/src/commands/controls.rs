//! Controls, memberships, tests and dependencies.

use studio_access::Resource;
use studio_events::Recorded;
use studio_kernel::{Actor, Id, kind};
use studio_service::ApiError;

use super::{CommandError, Said, on_project, reviews::person};
use crate::{
    app::App,
    domain::{
        project::{ControlChange, NewControl, NewMapping, NewTest, Refused, events::ProjectEvent},
        score::Strength,
    },
    projections::read::Read,
};

type ProjectId = Id<kind::Project>;
type ControlId = Id<kind::Control>;

/// A control as the policies see it, and its project; `None` where there is no such control, which
/// only they learn who may act on it.
async fn one_control(
    app: &App,
    actor: &Actor,
    control: ControlId,
) -> Result<(Resource, Option<ProjectId>), CommandError> {
    let resource = Resource::one("Control", control, actor.tenant);
    let rows = Read::new(&app.store, actor.tenant).controls_by_id(&[control.to_string()]).await?;
    let Some(row) = rows.into_iter().next() else { return Ok((resource.nowhere(), None)) };
    let project = row.project.parse().map_err(ApiError::internal)?;
    let resource = owned(resource, row.owner.as_deref())?.of_project(project);
    Ok((resource, Some(project)))
}

/// Lets the actor act on a control that is said to be of a project. One of another project is none for
/// whoever does not see both.
async fn may_within(
    app: &App,
    actor: &Actor,
    action: &str,
    control: ControlId,
    project: ProjectId,
) -> Result<(), CommandError> {
    let (resource, of) = one_control(app, actor, control).await?;
    let resource = if of == Some(project) { resource } else { resource.nowhere() };
    Ok(app.require(actor, action, &resource)?)
}

pub(super) fn owned(resource: Resource, owner: Option<&str>) -> Result<Resource, ApiError> {
    Ok(match owner {
        Some(owner) => resource.owned_by(owner.parse().map_err(ApiError::internal)?),
        None => resource,
    })
}

/// Lets the actor act on a control, and gives its project; or the refusal that there is no such
/// control.
pub(super) async fn project_of(
    app: &App,
    actor: &Actor,
    action: &str,
    (control, field): (ControlId, &'static str),
) -> Result<ProjectId, CommandError> {
    let (resource, project) = one_control(app, actor, control).await?;
    app.require(actor, action, &resource)?;
    Ok(project.ok_or(Refused::UnknownControl { field, id: control })?)
}

/// The event that `pick` picks among what was recorded.
pub(super) fn made<T>(
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
    let resource = Resource::any("Control", actor.tenant).of_project(project);
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
    let project = project_of(app, actor, "controls:control:update", (control, "id")).await?;
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
    let project = project_of(app, actor, "controls:control:update", (control, "id")).await?;
    on_project(app, actor, (project, "id"), |state, _catalogs| {
        state.retire_control(project, control, expected, reason)
    })
    .await?;
    Ok(())
}

/// Takes a retired control into force again.
pub(crate) async fn reinstate_control(
    app: &App,
    actor: &Actor,
    control: ControlId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let project = project_of(app, actor, "controls:control:update", (control, "id")).await?;
    on_project(app, actor, (project, "id"), |state, catalogs| {
        let Said { expected, reason } = said;
        state.reinstate_control(project, control, expected, reason, catalogs, &mut app.ids())
    })
    .await?;
    Ok(())
}

/// Confirms that a control is right as it is stated.
pub(crate) async fn review_control(
    app: &App,
    actor: &Actor,
    control: ControlId,
    expected: u32,
    note: &str,
) -> Result<(), CommandError> {
    let project = project_of(app, actor, "controls:control:update", (control, "id")).await?;
    let by = person(actor, "id")?;
    on_project(app, actor, (project, "id"), |state, _catalogs| {
        state.review_control(project, control, expected, note, by)
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
    may_within(app, actor, "controls:mapping:create", new.control, project).await?;
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
    may_within(app, actor, "controls:mapping:delete", control, project).await?;
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
    let project =
        project_of(app, actor, "controls:test:create", (new.control, "controlId")).await?;
    let executed = on_project(app, actor, (project, "controlId"), |state, _catalogs| {
        state.add_test(project, new, &mut app.ids())
    })
    .await?;
    made(&executed.recorded, |event| match event {
        ProjectEvent::ControlTestAdded(added) => Some(added.test),
        _ => None,
    })
}

/// A dependency that was stated.
pub(crate) struct Depends {
    pub(crate) dependency: Id<kind::ControlDependency>,
    /// The circle that it is in, if it is in one.
    pub(crate) circle: Option<Vec<ControlId>>,
}

/// States that a control rests on another one.
pub(crate) async fn add_dependency(
    app: &App,
    actor: &Actor,
    control: ControlId,
    depends_on: ControlId,
    strength: Strength,
) -> Result<Depends, CommandError> {
    let project =
        project_of(app, actor, "controls:dependency:create", (control, "controlId")).await?;
    let executed = on_project(app, actor, (project, "controlId"), |state, _catalogs| {
        state.depend(project, control, depends_on, strength, app.env.id())
    })
    .await?;
    let dependency = made(&executed.recorded, |event| match event {
        ProjectEvent::DependencyAdded(added) => Some(added.dependency),
        _ => None,
    })?;
    let circle = executed.state.circle_closed_by(control, depends_on);
    Ok(Depends { dependency, circle })
}

/// Ends a dependency.
pub(crate) async fn remove_dependency(
    app: &App,
    actor: &Actor,
    control: ControlId,
    depends_on: ControlId,
) -> Result<(), CommandError> {
    let project =
        project_of(app, actor, "controls:dependency:delete", (control, "controlId")).await?;
    on_project(app, actor, (project, "controlId"), |state, _catalogs| {
        state.undepend(project, control, depends_on)
    })
    .await?;
    Ok(())
}
