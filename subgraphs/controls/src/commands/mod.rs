//! Commands: load, authorize, decide, append. Each gives what was made, or a [`CommandError`] after
//! which nothing was changed.

mod controls;
mod frameworks;
mod mappings;
mod nonconformities;
mod projects;
mod reviews;
mod rules;
mod score_watches;
mod tests;

use studio_events::{AppendError, EncodeError, ExecuteError, Executed, Metadata, StoreError};
use studio_kernel::{Actor, Code, Id, kind};
use studio_service::{ApiError, graphql::UserError};

pub(crate) use controls::*;
pub(crate) use frameworks::*;
pub(crate) use mappings::*;
pub(crate) use nonconformities::*;
pub(crate) use projects::*;
pub(crate) use reviews::*;
pub(crate) use rules::*;
pub(crate) use score_watches::*;
pub(crate) use tests::*;

use crate::{
    app::App,
    domain::project::{Catalogs, Project, Refused, events::ProjectEvent},
    projections::read::Read,
};

/// Why a command did nothing.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// The person can mend it.
    User(UserError),
    /// The person can mend all of these.
    Users(Vec<UserError>),
    /// Everything else.
    Api(ApiError),
}

impl From<Refused> for CommandError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Stale { .. } => stale(&refused),
            _ => user(refused.code(), refused.field(), &refused.to_string()),
        }
    }
}

/// Somebody else was first.
fn stale(refused: &impl std::fmt::Display) -> CommandError {
    ApiError::new(Code::Conflict, refused.to_string()).into()
}

impl From<ApiError> for CommandError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

impl From<EncodeError> for CommandError {
    fn from(error: EncodeError) -> Self {
        Self::Api(ApiError::internal(error))
    }
}

impl From<sea_orm::DbErr> for CommandError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Api(error.into())
    }
}

impl From<AppendError> for CommandError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict { .. } | AppendError::CheckpointMoved { .. } => {
                Self::Api(ApiError::new(
                    Code::Conflict,
                    "Somebody else changed this at the same time: load it again and try again.",
                ))
            }
            other => Self::Api(other.into()),
        }
    }
}

/// With a capital and a full stop, as messages to people are.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// A user error about one field of the input.
fn user(code: &str, field: &str, message: &str) -> CommandError {
    CommandError::User(UserError::field(code, field, sentence(message)))
}

/// How often a command is decided anew when others were first.
const TRIES: u32 = 4;

/// Decides on a project as it is now and appends what follows. Conflicts are decided again. An
/// archived project is refused; `field` is the field of the input that leads to the project.
async fn on_project(
    app: &App,
    actor: &Actor,
    (project, field): (Id<kind::Project>, &'static str),
    mut decide: impl FnMut(&Project, &Catalogs) -> Result<Vec<ProjectEvent>, Refused>,
) -> Result<Executed<Project>, CommandError> {
    let stream = project.to_string();
    let metadata = Metadata::by(actor);
    for attempt in 0.. {
        let loaded = app.store.load::<Project>(actor.tenant, &stream).await?;
        loaded.state.must_take_changes(project, field)?;
        let catalogs = app.catalogs.of(actor.tenant, &loaded.state).await?;
        let executed = app
            .store
            .execute::<Project, Refused>(actor.tenant, &stream, &metadata, |state, _version| {
                // It may have been archived since it was loaded above.
                state.must_take_changes(project, field)?;
                decide(state, &catalogs)
            })
            .await;
        if let Some(executed) = attempted(attempt, executed)? {
            return Ok(executed);
        }
    }
    Err(no_answer())
}

/// What came of an attempt; `None` where others were first and it is decided again.
fn attempted<A, R: Into<CommandError>>(
    attempt: u32,
    executed: Result<Executed<A>, ExecuteError<R>>,
) -> Result<Option<Executed<A>>, CommandError> {
    match executed {
        Ok(executed) => Ok(Some(executed)),
        Err(ExecuteError::Append(AppendError::Conflict { .. })) if attempt < TRIES => Ok(None),
        Err(ExecuteError::Refused(refused)) => Err(refused.into()),
        Err(ExecuteError::Append(error)) => Err(error.into()),
        Err(ExecuteError::Store(error)) => Err(error.into()),
    }
}

fn no_answer() -> CommandError {
    ApiError::internal("the attempts ended without an answer").into()
}

/// Refuses evidence that no score of the project rests on. `field` is the field of the input that
/// names it.
async fn must_be_of_project(
    app: &App,
    actor: &Actor,
    project: Id<kind::Project>,
    (evidence, field): (Id<kind::Evidence>, &'static str),
) -> Result<(), CommandError> {
    let read = Read::new(&app.store, actor.tenant);
    let projects = read.projects_of_evidence(&evidence.to_string()).await?;
    if projects.contains(&project.to_string()) {
        return Ok(());
    }
    Err(Refused::UnknownEvidence { field, id: evidence }.into())
}
