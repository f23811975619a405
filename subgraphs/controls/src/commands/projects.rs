//! Creating, renaming, archiving and restoring projects. What gives a project a name claims it in
//! the same append ([`crate::domain::project_name`]).

use aws_lc_rs::digest;
use studio_access::Resource;
use studio_events::{Append, AppendError, Expected, Metadata, StreamAppend};
use studio_kernel::{Actor, Aggregate, Id, Timestamp, kind};
use studio_service::ApiError;

use super::{CommandError, TRIES};
use crate::{
    app::App,
    domain::{
        project::{Project, Refused, events::ProjectEvent},
        project_name::{NameClaimed, NameReleased, ProjectName, ProjectNameEvent, key},
    },
    projections::read::Read,
};

type ProjectId = Id<kind::Project>;

/// Creates a project.
pub(crate) async fn create_project(
    app: &App,
    actor: &Actor,
    name: &str,
) -> Result<ProjectId, CommandError> {
    let resource = Resource::any("Project", actor.tenant);
    app.require(actor, "controls:project:create", &resource)?;
    let project = app.env.id();
    change(app, actor, project, |state| state.create(project, name)).await?;
    Ok(project)
}

/// Gives a project another name.
pub(crate) async fn rename_project(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    expected: u32,
    name: &str,
) -> Result<(), CommandError> {
    let resource = Resource::one("Project", project, actor.tenant).of_project(project);
    app.require(actor, "controls:project:update", &resource)?;
    change(app, actor, project, |state| state.rename(project, expected, name)).await
}

/// Archives a project.
pub(crate) async fn archive_project(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    expected: u32,
) -> Result<(), CommandError> {
    let resource = Resource::one("Project", project, actor.tenant).of_project(project);
    app.require(actor, "controls:project:archive", &resource)?;
    change(app, actor, project, |state| state.archive(project, expected)).await
}

/// Takes an archived project into use again, under another name where one is given.
pub(crate) async fn restore_project(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    expected: u32,
    name: Option<&str>,
) -> Result<(), CommandError> {
    let resource = Resource::one("Project", project, actor.tenant).of_project(project);
    app.require(actor, "controls:project:archive", &resource)?;
    change(app, actor, project, |state| state.restore(project, expected, name)).await
}

/// Decides, and appends what follows for the project and for its name. Conflicts are decided again.
async fn change(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    decide: impl Fn(&Project) -> Result<Vec<ProjectEvent>, Refused>,
) -> Result<(), CommandError> {
    let stream = project.to_string();
    for attempt in 0.. {
        let loaded = app.store.load::<Project>(actor.tenant, &stream).await?;
        let events = decide(&loaded.state)?;
        if events.is_empty() {
            return Ok(());
        }
        let mut after = loaded.state.clone();
        events.iter().for_each(|event| after.apply(event, Timestamp::default()));
        let expected = Expected::Version(loaded.version);
        let mut streams = vec![StreamAppend::of::<Project>(stream.as_str(), expected, events)?];
        streams.extend(names(app, actor, project, &loaded.state, &after).await?);
        let append = Append::new(actor.tenant, Metadata::by(actor), streams);
        match app.store.append(append).await {
            Ok(_recorded) => return Ok(()),
            Err(AppendError::Conflict { .. }) if attempt < TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::internal("the attempts ended without an answer").into())
}

/// What happens to names when a project becomes what it is `after`.
async fn names(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    before: &Project,
    after: &Project,
) -> Result<Vec<StreamAppend>, CommandError> {
    let held = |state: &Project| state.name.clone().filter(|_| !state.archived);
    let (before, after) = (held(before), held(after));
    let mut streams = Vec::new();
    if let Some(name) = &after {
        streams.extend(claim(app, actor, project, name).await?);
    }
    let key_after = after.as_deref().map(key);
    if let Some(left) = before.as_deref().map(key).filter(|left| key_after.as_ref() != Some(left)) {
        let (stream, loaded) = load(app, actor, &left).await?;
        if loaded.state.holder == Some(project) {
            streams.push(name_event(stream, loaded.version, NameReleased { project }.into())?);
        }
    }
    Ok(streams)
}

/// Claims a name, unless the project has it already.
async fn claim(
    app: &App,
    actor: &Actor,
    project: ProjectId,
    name: &str,
) -> Result<Option<StreamAppend>, CommandError> {
    let key = key(name);
    let seen = app.seen_projects(actor)?;
    let taken = |holder: ProjectId| {
        let holder = Some(holder).filter(|holder| seen.holds(&holder.to_string()));
        Err(Refused::NameTaken { name: name.to_owned(), holder }.into())
    };
    let (stream, loaded) = load(app, actor, &key).await?;
    match loaded.state.holder {
        Some(holder) if holder == project => return Ok(None),
        Some(holder) => return taken(holder),
        None => {}
    }
    // One of a log from before there were claims.
    let read = Read::new(&app.store, actor.tenant);
    if let Some(row) = read.in_use_named(&key, &project.to_string()).await? {
        return taken(row.id.parse().map_err(ApiError::internal)?);
    }
    let claimed = NameClaimed { project, key };
    name_event(stream, loaded.version, claimed.into()).map(Some)
}

/// The stream of a name, whose id may be shorter than the name, and who has it.
async fn load(
    app: &App,
    actor: &Actor,
    key: &str,
) -> Result<(String, studio_events::Loaded<ProjectName>), CommandError> {
    let stream = hex::encode(digest::digest(&digest::SHA256, key.as_bytes()));
    let loaded = app.store.load::<ProjectName>(actor.tenant, &stream).await?;
    Ok((stream, loaded))
}

fn name_event(
    stream: String,
    version: u64,
    event: ProjectNameEvent,
) -> Result<StreamAppend, CommandError> {
    Ok(StreamAppend::of::<ProjectName>(stream, Expected::Version(version), vec![event])?)
}
