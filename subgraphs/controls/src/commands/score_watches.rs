//! What scores are watched for: targets and alerts.

use studio_access::Resource;
use studio_events::Metadata;
use studio_kernel::Actor;
use studio_service::ApiError;

use super::{CommandError, attempted, no_answer, reviews::person, stale, user};
use crate::{
    app::App,
    domain::{
        project::Project,
        score_log::ScoreLog,
        score_watch::{
            AlertId, AlertTerms, FrameworkId, ProjectId, Refused, ScoreWatch, ScoreWatchEvent,
            TargetTerms,
        },
    },
    projections::read::Read,
};

impl From<Refused> for CommandError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Stale { .. } => stale(&refused),
            _ => user(refused.code(), refused.field(), &refused.to_string()),
        }
    }
}

/// Sets the target of a framework, or another one in its place.
pub(crate) async fn set_score_target(
    app: &App,
    actor: &Actor,
    (project, framework): (ProjectId, FrameworkId),
    terms: TargetTerms,
    expected: u32,
) -> Result<(), CommandError> {
    allow_target(app, actor, project)?;
    let by = (app.env.now(), actor.user_id());
    on_watch(app, actor, (project, "projectId"), |state, watch| {
        watch.set_target((state, project, framework), terms, expected, by)
    })
    .await
}

/// Removes the target of a framework.
pub(crate) async fn remove_score_target(
    app: &App,
    actor: &Actor,
    (project, framework): (ProjectId, FrameworkId),
    expected: u32,
) -> Result<(), CommandError> {
    allow_target(app, actor, project)?;
    on_watch(app, actor, (project, "projectId"), |_state, watch| {
        watch.remove_target(project, framework, expected, actor.user_id())
    })
    .await
}

fn allow_target(app: &App, actor: &Actor, project: ProjectId) -> Result<(), ApiError> {
    let resource = Resource::any("ScoreTarget", actor.tenant).of_project(project);
    app.require(actor, "controls:target:update", &resource)
}

/// Sets an alert on the score of a framework.
pub(crate) async fn create_score_alert(
    app: &App,
    actor: &Actor,
    (project, framework): (ProjectId, FrameworkId),
    terms: Result<AlertTerms, Refused>,
) -> Result<AlertId, CommandError> {
    let resource = Resource::any("ScoreAlert", actor.tenant).of_project(project);
    app.require(actor, "controls:alert:update", &resource)?;
    let id = app.env.id();
    on_watch(app, actor, (project, "projectId"), |state, watch| {
        watch.create_alert((state, project, framework), id, terms.clone()?, actor.user_id())
    })
    .await?;
    Ok(id)
}

/// Lets an alert watch for something else; what is not given stays.
pub(crate) async fn change_score_alert(
    app: &App,
    actor: &Actor,
    id: AlertId,
    expected: u32,
    change: impl Fn(&AlertTerms) -> Result<AlertTerms, Refused>,
) -> Result<(), CommandError> {
    let project = project_of(app, actor, "controls:alert:update", id).await?;
    on_watch(app, actor, (project, "id"), |_state, watch| {
        let known = watch.alerts.get(&id).ok_or(Refused::NoAlert(id))?;
        watch.change_alert(project, id, expected, change(&known.terms)?, actor.user_id())
    })
    .await
}

/// Removes an alert.
pub(crate) async fn remove_score_alert(
    app: &App,
    actor: &Actor,
    id: AlertId,
    expected: u32,
) -> Result<(), CommandError> {
    let project = project_of(app, actor, "controls:alert:update", id).await?;
    on_watch(app, actor, (project, "id"), |_state, watch| {
        watch.remove_alert(project, id, expected, actor.user_id())
    })
    .await
}

/// Says that a person has seen that an alert was raised.
pub(crate) async fn acknowledge_score_alert(
    app: &App,
    actor: &Actor,
    id: AlertId,
    raising: u32,
) -> Result<(), CommandError> {
    let project = project_of(app, actor, "controls:alert:acknowledge", id).await?;
    let by = person(actor, "id")?;
    let log = app.store.load::<ScoreLog>(actor.tenant, &project.to_string()).await?.state;
    on_watch(app, actor, (project, "id"), |_state, watch| {
        watch.acknowledge_alert(project, id, raising, &log, by)
    })
    .await
}

/// Lets the actor act on an alert, and gives its project.
async fn project_of(
    app: &App,
    actor: &Actor,
    action: &str,
    id: AlertId,
) -> Result<ProjectId, CommandError> {
    let rows = Read::new(&app.store, actor.tenant).alerts_by_id(&[id.to_string()]).await?;
    let resource = Resource::one("ScoreAlert", id, actor.tenant);
    let Some(row) = rows.into_iter().next() else {
        app.require(actor, action, &resource.nowhere())?;
        return Err(Refused::NoAlert(id).into());
    };
    let project = row.project.parse().map_err(ApiError::internal)?;
    app.require(actor, action, &resource.of_project(project))?;
    Ok(project)
}

/// Decides on what the scores of a project are watched for, and appends what follows. An archived
/// project is refused; `field` is the field of the input that leads to the project.
async fn on_watch(
    app: &App,
    actor: &Actor,
    (project, field): (ProjectId, &'static str),
    decide: impl Fn(&Project, &ScoreWatch) -> Result<Vec<ScoreWatchEvent>, Refused>,
) -> Result<(), CommandError> {
    let (stream, metadata) = (project.to_string(), Metadata::by(actor));
    for attempt in 0.. {
        // Nothing in it depends on the project but what never ends: a framework that it has adopted.
        let state = app.store.load::<Project>(actor.tenant, &stream).await?.state;
        state.must_take_changes(project, field)?;
        let executed = app
            .store
            .execute::<ScoreWatch, Refused>(actor.tenant, &stream, &metadata, |watch, _version| {
                decide(&state, watch)
            })
            .await;
        if attempted(attempt, executed)?.is_some() {
            return Ok(());
        }
    }
    Err(no_answer())
}
