//! Creating, renaming, archiving and restoring projects.

use async_graphql::{Context, Object, Result, SimpleObject};
use studio_kernel::{Id, kind};
use studio_service::graphql::{UserError, actor, id};

use super::{
    app,
    inputs::{ArchiveProjectInput, CreateProjectInput, RenameProjectInput, RestoreProjectInput},
    mutation_frameworks::project_of,
    project::Project,
    settle,
};
use crate::commands::{self, CommandError};

/// What mutations of a project answer.
#[derive(SimpleObject)]
pub(super) struct ProjectPayload {
    /// The project as it is now; null where there are user errors.
    project: Option<Project>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(crate) struct ProjectMutations;

#[Object]
impl ProjectMutations {
    /// Creates a project. A name that another project in use has is refused (ALREADY_EXISTS).
    async fn create_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] input: CreateProjectInput,
    ) -> Result<ProjectPayload> {
        let made = commands::create_project(app(ctx)?, actor(ctx)?, &input.name).await;
        payload(ctx, made).await
    }

    /// Gives a project another name. A name that another project in use has is refused
    /// (ALREADY_EXISTS).
    async fn rename_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project and its name.")] input: RenameProjectInput,
    ) -> Result<ProjectPayload> {
        let project = id(&input.id)?;
        let version = input.expected_version;
        let renamed =
            commands::rename_project(app(ctx)?, actor(ctx)?, project, version, &input.name).await;
        payload(ctx, renamed.map(|()| project)).await
    }

    /// Archives a project: it leaves the lists, gives its name up and takes no change, no scan and
    /// no document (ARCHIVED). Nothing is removed: its scores and its history stay readable, a scan
    /// that was accepted before is taken in to its end, and restoreProject takes it into use again.
    async fn archive_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] input: ArchiveProjectInput,
    ) -> Result<ProjectPayload> {
        let project = id(&input.id)?;
        let version = input.expected_version;
        let archived = commands::archive_project(app(ctx)?, actor(ctx)?, project, version).await;
        payload(ctx, archived.map(|()| project)).await
    }

    /// Takes an archived project into use again. Where its name was given to another project
    /// meanwhile, this is refused (ALREADY_EXISTS): give it another one with it.
    async fn restore_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] input: RestoreProjectInput,
    ) -> Result<ProjectPayload> {
        let project = id(&input.id)?;
        let (version, name) = (input.expected_version, input.name.as_deref());
        let restored =
            commands::restore_project(app(ctx)?, actor(ctx)?, project, version, name).await;
        payload(ctx, restored.map(|()| project)).await
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: std::result::Result<Id<kind::Project>, CommandError>,
) -> Result<ProjectPayload> {
    Ok(match settle(outcome)? {
        Ok(project) => {
            ProjectPayload { project: project_of(ctx, project).await?, user_errors: Vec::new() }
        }
        Err(user_errors) => ProjectPayload { project: None, user_errors },
    })
}
