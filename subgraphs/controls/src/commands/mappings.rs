//! Mappings between requirements of two frameworks.

use studio_access::Resource;
use studio_kernel::{Actor, Id, kind};

use super::{
    CommandError, Said, on_project,
    reviews::{decide, person},
};
use crate::{
    app::App,
    domain::{
        project::{MappingTerms, Refused},
        score::MappingId,
    },
    projections::{ReviewKind, read::Read},
};

/// Proposes a mapping.
pub(crate) async fn propose_mapping(
    app: &App,
    actor: &Actor,
    project: Id<kind::Project>,
    terms: &MappingTerms,
    rationale: &str,
) -> Result<MappingId, CommandError> {
    let resource = Resource::any("ControlMapping", actor.tenant).of_project(project);
    app.require(actor, "controls:crosswalk:propose", &resource)?;
    let by = person(actor, "projectId")?;
    let id = app.env.id();
    // Of which framework a requirement is never changes.
    let ids = [terms.mapping.source, terms.mapping.target].map(|id| id.to_string());
    let rows = Read::new(&app.store, actor.tenant).requirements_by_id(&ids).await?;
    let one_framework = match &rows[..] {
        [one, other] => one.framework == other.framework,
        _ => false,
    };
    on_project(app, actor, (project, "projectId"), |state, _catalogs| {
        let events = state.propose_mapping(project, id, terms, rationale, by)?;
        if one_framework { Err(Refused::OneFramework) } else { Ok(events) }
    })
    .await?;
    Ok(id)
}

/// Approves a mapping that somebody else proposed.
pub(crate) async fn approve_mapping(
    app: &App,
    actor: &Actor,
    id: MappingId,
    expected: u32,
) -> Result<(), CommandError> {
    let of = (ReviewKind::Mapping, id);
    decide(app, actor, "controls:crosswalk:approve", of, |state, project, by| {
        state.approve_mapping(project, id, expected, by)
    })
    .await
}

/// Refuses a mapping that somebody else proposed.
pub(crate) async fn reject_mapping(
    app: &App,
    actor: &Actor,
    id: MappingId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let of = (ReviewKind::Mapping, id);
    decide(app, actor, "controls:crosswalk:approve", of, |state, project, by| {
        state.reject_mapping(project, id, said.expected, said.reason, by)
    })
    .await
}

/// Takes a mapping back.
pub(crate) async fn withdraw_mapping(
    app: &App,
    actor: &Actor,
    id: MappingId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let of = (ReviewKind::Mapping, id);
    decide(app, actor, "controls:crosswalk:withdraw", of, |state, project, by| {
        state.withdraw_mapping(project, id, said.expected, said.reason, by)
    })
    .await
}
