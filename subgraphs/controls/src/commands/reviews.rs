//! What one person proposes and another one approves: declarations that a requirement does not
//! apply, and exceptions. Mappings stand in [`super::mappings`].

use studio_access::Resource;
use studio_kernel::{Actor, Id, Timestamp, id::Kind, kind};
use studio_service::ApiError;

use super::{CommandError, on_project};
use crate::{
    app::App,
    domain::{
        project::{
            ExceptionTerms, NotApplicableId, Project, Refused, UserId, events::ProjectEvent,
        },
        score::{Excepted, ExceptionId},
    },
    projections::{ReviewKind, read::Read},
};

type ProjectId = Id<kind::Project>;

/// What is said by somebody who has seen a version.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    /// The version that they have seen.
    pub(crate) expected: u32,
    /// Why.
    pub(crate) reason: &'a str,
}

/// What makes up for a failure that is to be excepted, and until when.
pub(crate) struct Ends {
    /// The control that makes up for it.
    pub(crate) compensating: Option<Id<kind::Control>>,
    /// From when on the exception does not hold any more.
    pub(crate) expires_at: Timestamp,
}

/// The person who decides; a program of the organization is none.
pub(super) fn person(actor: &Actor, field: &'static str) -> Result<UserId, CommandError> {
    actor.user_id().ok_or_else(|| Refused::NotAPerson { field }.into())
}

/// Lets the actor act on what was proposed, and gives its project; or the refusal that there is no
/// such thing.
async fn project_of<K: Kind>(
    app: &App,
    actor: &Actor,
    action: &str,
    kind: ReviewKind,
    id: Id<K>,
) -> Result<ProjectId, CommandError> {
    let rows = Read::new(&app.store, actor.tenant).reviews_by_id(&[id.to_string()]).await?;
    let row = rows.into_iter().find(|row| row.kind == kind.as_str());
    let resource = Resource::one(K::NAME, id, actor.tenant);
    let Some(row) = row else {
        app.require(actor, action, &resource.nowhere())?;
        let what = match kind {
            ReviewKind::NotApplicable => "declaration",
            ReviewKind::Exception => "exception",
            ReviewKind::Mapping => "mapping",
        };
        return Err(Refused::Missing { what, id: id.to_string() }.into());
    };
    let project = row.project.parse().map_err(ApiError::internal)?;
    app.require(actor, action, &resource.of_project(project))?;
    Ok(project)
}

/// Lets a person decide on what was proposed, or end it.
pub(super) async fn decide<K: Kind>(
    app: &App,
    actor: &Actor,
    action: &str,
    (kind, id): (ReviewKind, Id<K>),
    decision: impl Fn(&Project, ProjectId, UserId) -> Result<Vec<ProjectEvent>, Refused>,
) -> Result<(), CommandError> {
    let project = project_of(app, actor, action, kind, id).await?;
    decide_as_person(app, actor, project, decision).await
}

/// Lets a person decide on something of a project that the `id` of the input names.
pub(super) async fn decide_as_person(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    decision: impl Fn(&Project, ProjectId, UserId) -> Result<Vec<ProjectEvent>, Refused>,
) -> Result<(), CommandError> {
    let by = person(actor, "id")?;
    on_project(app, actor, (project, "id"), |state, _catalogs| decision(state, project, by))
        .await?;
    Ok(())
}

/// Declares that a requirement does not apply.
pub(crate) async fn mark_not_applicable(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    requirement: Id<kind::Requirement>,
    reason: &str,
) -> Result<NotApplicableId, CommandError> {
    let resource = Resource::any("NotApplicable", actor.tenant).of_project(project);
    app.require(actor, "controls:applicability:propose", &resource)?;
    let by = person(actor, "projectId")?;
    let id = app.env.id();
    on_project(app, actor, (project, "projectId"), |state, _catalogs| {
        state.propose_not_applicable(project, id, requirement, reason, by)
    })
    .await?;
    Ok(id)
}

/// Approves such a declaration of somebody else.
pub(crate) async fn approve_not_applicable(
    app: &App,
    actor: &Actor,
    id: NotApplicableId,
    expected: u32,
) -> Result<(), CommandError> {
    let of = (ReviewKind::NotApplicable, id);
    decide(app, actor, "controls:applicability:approve", of, |state, project, by| {
        state.approve_not_applicable(project, id, expected, by)
    })
    .await
}

/// Refuses such a declaration of somebody else.
pub(crate) async fn reject_not_applicable(
    app: &App,
    actor: &Actor,
    id: NotApplicableId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let of = (ReviewKind::NotApplicable, id);
    decide(app, actor, "controls:applicability:approve", of, |state, project, by| {
        state.reject_not_applicable(project, id, said.expected, said.reason, by)
    })
    .await
}

/// Takes such a declaration back.
pub(crate) async fn withdraw_not_applicable(
    app: &App,
    actor: &Actor,
    id: NotApplicableId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let of = (ReviewKind::NotApplicable, id);
    decide(app, actor, "controls:applicability:withdraw", of, |state, project, by| {
        state.withdraw_not_applicable(project, id, said.expected, said.reason, by)
    })
    .await
}

/// Proposes an exception on a failure that is known.
pub(crate) async fn propose_exception(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    on: Option<Excepted>,
    ends: Ends,
    reason: &str,
) -> Result<ExceptionId, CommandError> {
    let resource = Resource::any("RiskException", actor.tenant).of_project(project);
    app.require(actor, "controls:exception:propose", &resource)?;
    let (by, now) = (person(actor, "projectId")?, app.env.now());
    let on = on.ok_or(Refused::OneFailure)?;
    let Ends { compensating, expires_at } = ends;
    let terms = ExceptionTerms { on, compensating, expires_at };
    let id = app.env.id();
    let propose = |state: &Project| state.propose_exception(project, id, &terms, reason, (by, now));
    // The scores know what fails: they are asked before anything is recorded, and after all else
    // that could be wrong.
    let loaded = app.store.load::<Project>(actor.tenant, &project.to_string()).await?;
    loaded.state.must_take_changes(project, "projectId")?;
    propose(&loaded.state)?;
    let known = app.scores.view(actor.tenant, project, None, None).await?;
    if !known.model.fails(&terms.on) {
        return Err(Refused::not_failing(&terms.on).into());
    }
    on_project(app, actor, (project, "projectId"), |state, _catalogs| propose(state)).await?;
    Ok(id)
}

/// Approves an exception that somebody else proposed.
pub(crate) async fn approve_exception(
    app: &App,
    actor: &Actor,
    id: ExceptionId,
    expected: u32,
) -> Result<(), CommandError> {
    let now = app.env.now();
    let of = (ReviewKind::Exception, id);
    decide(app, actor, "controls:exception:approve", of, |state, project, by| {
        state.approve_exception(project, id, expected, (by, now))
    })
    .await
}

/// Refuses an exception that somebody else proposed.
pub(crate) async fn reject_exception(
    app: &App,
    actor: &Actor,
    id: ExceptionId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let of = (ReviewKind::Exception, id);
    decide(app, actor, "controls:exception:approve", of, |state, project, by| {
        state.reject_exception(project, id, said.expected, said.reason, by)
    })
    .await
}

/// Ends an exception before its time.
pub(crate) async fn revoke_exception(
    app: &App,
    actor: &Actor,
    id: ExceptionId,
    said: Said<'_>,
) -> Result<(), CommandError> {
    let of = (ReviewKind::Exception, id);
    decide(app, actor, "controls:exception:revoke", of, |state, project, by| {
        state.revoke_exception(project, id, said.expected, said.reason, by)
    })
    .await
}
