//! What was found to be wrong with controls.

use studio_access::Resource;
use studio_kernel::{Actor, Id, kind};
use studio_service::ApiError;

use super::{
    CommandError, Said,
    controls::{owned, project_of},
    must_be_of_project, on_project,
    reviews::person,
};
use crate::{
    app::App,
    domain::project::{NewNonconformity, NonconformityId, Refused},
    projections::read::Read,
};

type ProjectId = Id<kind::Project>;

/// Opens a nonconformity.
pub(crate) async fn open_nonconformity(
    app: &App,
    actor: &Actor,
    new: &NewNonconformity,
) -> Result<NonconformityId, CommandError> {
    let action = "controls:nonconformity:open";
    let project = project_of(app, actor, action, (new.control, "controlId")).await?;
    if let Some(evidence) = new.evidence {
        must_be_of_project(app, actor, project, (evidence, "evidenceId")).await?;
    }
    let id = app.env.id();
    on_project(app, actor, (project, "controlId"), |state, _catalogs| {
        state.open_nonconformity(project, id, new, actor.user_id())
    })
    .await?;
    Ok(id)
}

/// Says what was done about a nonconformity.
pub(crate) async fn correct_nonconformity(
    app: &App,
    actor: &Actor,
    id: NonconformityId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let project = found(app, actor, "controls:nonconformity:correct", id).await?;
    let by = person(actor, "id")?;
    on_project(app, actor, (project, "id"), |state, _catalogs| {
        state.correct_nonconformity(project, id, said.expected, said.reason, by)
    })
    .await?;
    Ok(())
}

/// Refuses a correction of somebody else.
pub(crate) async fn reject_correction(
    app: &App,
    actor: &Actor,
    id: NonconformityId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let project = found(app, actor, "controls:nonconformity:verify", id).await?;
    let by = person(actor, "id")?;
    on_project(app, actor, (project, "id"), |state, _catalogs| {
        state.reject_correction(project, id, said.expected, said.reason, by)
    })
    .await?;
    Ok(())
}

/// Closes a nonconformity after the correction, by somebody else, was verified.
pub(crate) async fn close_nonconformity(
    app: &App,
    actor: &Actor,
    id: NonconformityId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let project = found(app, actor, "controls:nonconformity:verify", id).await?;
    let by = person(actor, "id")?;
    on_project(app, actor, (project, "id"), |state, _catalogs| {
        state.close_nonconformity(project, id, said.expected, said.reason, by)
    })
    .await?;
    Ok(())
}

/// Lets the actor act on a nonconformity, which is whose its control is, and gives its project.
async fn found(
    app: &App,
    actor: &Actor,
    action: &str,
    id: NonconformityId,
) -> Result<ProjectId, CommandError> {
    let read = Read::new(&app.store, actor.tenant);
    let row = read.nonconformities_by_id(&[id.to_string()]).await?.into_iter().next();
    let resource = Resource::one("Nonconformity", id, actor.tenant);
    let Some(row) = row else {
        app.require(actor, action, &resource.nowhere())?;
        return Err(Refused::Missing { what: "nonconformity", id: id.to_string() }.into());
    };
    let control = read.controls_by_id(std::slice::from_ref(&row.control)).await?;
    let owner = control.first().and_then(|control| control.owner.as_deref());
    let project = row.project.parse().map_err(ApiError::internal)?;
    app.require(actor, action, &owned(resource, owner)?.of_project(project))?;
    Ok(project)
}
