//! Importing and adopting frameworks.

use async_graphql::{Context, Object, Result, SimpleObject};
use studio_kernel::{Id, kind};
use studio_service::graphql::{UserError, actor, id};

use super::{
    app,
    enums::AdoptControls,
    framework::Framework,
    inputs::{AdoptFrameworkInput, ImportFrameworkInput},
    loaders,
    project::Project,
    settle,
};
use crate::{
    commands::{self, Imported},
    domain::project::Adoption,
};

/// What importFramework answers.
#[derive(SimpleObject)]
pub(super) struct ImportFrameworkPayload {
    /// The framework; null where there are user errors.
    framework: Option<Framework>,
    /// Whether it was imported now; false where the same document had been imported before.
    imported: bool,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

/// What adoptFramework answers.
#[derive(SimpleObject)]
pub(super) struct AdoptFrameworkPayload {
    /// The project; null where there are user errors.
    project: Option<Project>,
    /// The framework; null where there are user errors.
    framework: Option<Framework>,
    /// How many controls were made.
    controls_created: usize,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(crate) struct FrameworkMutations;

#[Object]
impl FrameworkMutations {
    /// Imports a framework. The same document again gives the framework that is there already.
    async fn import_framework(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The framework.")] input: ImportFrameworkInput,
    ) -> Result<ImportFrameworkPayload> {
        let (app, actor) = (app(ctx)?, actor(ctx)?);
        let imported = commands::import_from(app, actor, input.document, input.builtin).await;
        Ok(match settle(imported)? {
            Ok(Imported { framework, now }) => ImportFrameworkPayload {
                framework: framework_of(ctx, framework).await?,
                imported: now,
                user_errors: Vec::new(),
            },
            Err(user_errors) => {
                ImportFrameworkPayload { framework: None, imported: false, user_errors }
            }
        })
    }

    /// Lets a project adopt a framework: from now on it has a score for it.
    async fn adopt_framework(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project and the framework.")] input: AdoptFrameworkInput,
    ) -> Result<AdoptFrameworkPayload> {
        let project: Id<kind::Project> = id(&input.project_id)?;
        let framework: Id<kind::Framework> = id(&input.framework_id)?;
        let adoption = Adoption {
            one_control_each: input.controls == AdoptControls::OnePerRequirement,
            implementation: input.implementation.into(),
        };
        let adopted =
            commands::adopt_framework(app(ctx)?, actor(ctx)?, project, framework, adoption).await;
        Ok(match settle(adopted)? {
            Ok(controls_created) => AdoptFrameworkPayload {
                project: project_of(ctx, project).await?,
                framework: framework_of(ctx, framework).await?,
                controls_created,
                user_errors: Vec::new(),
            },
            Err(user_errors) => AdoptFrameworkPayload {
                project: None,
                framework: None,
                controls_created: 0,
                user_errors,
            },
        })
    }
}

pub(super) async fn project_of(
    ctx: &Context<'_>,
    id: Id<kind::Project>,
) -> Result<Option<Project>> {
    Ok(loaders(ctx)?.projects(id.to_string()).await?.map(Project))
}

async fn framework_of(ctx: &Context<'_>, id: Id<kind::Framework>) -> Result<Option<Framework>> {
    Ok(loaders(ctx)?.frameworks(id.to_string()).await?.map(Framework))
}
