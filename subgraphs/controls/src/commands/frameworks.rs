//! Importing and adopting frameworks.

use aws_lc_rs::digest;
use studio_access::Resource;
use studio_events::{Append, AppendError, Expected, Metadata, StreamAppend};
use studio_kernel::{Actor, Id, kind};
use studio_service::ApiError;

use super::{CommandError, on_project, user};
use crate::{
    app::App,
    domain::{
        catalog::{self, CatalogError, SHIPPED, shipped},
        framework::{self, Framework},
        project::{Adoption, events::ProjectEvent},
    },
    projections::read::Read,
};

/// A framework, and whether it was imported now or was there already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Imported {
    pub(crate) framework: Id<kind::Framework>,
    pub(crate) now: bool,
}

/// Imports a framework from a document, once: the same bytes give the same framework.
pub(crate) async fn import_framework(
    app: &App,
    actor: &Actor,
    document: String,
) -> Result<Imported, CommandError> {
    let resource = Resource::any("Framework", actor.tenant);
    app.require(actor, "controls:framework:import", &resource)?;
    let sha256 = hex::encode(digest::digest(&digest::SHA256, document.as_bytes()));
    if let Some(known) = imported(app, actor, &sha256).await? {
        return Ok(known);
    }
    let limit = app.catalog_limit;
    // A large document takes a while to read: not on a thread that serves requests.
    let catalog = tokio::task::spawn_blocking(move || catalog::read(&document, limit))
        .await
        .map_err(ApiError::internal)??;
    let framework = app.env.id();
    let events = framework::import(framework, sha256.clone(), catalog, || app.env.id());
    let stream = StreamAppend::of::<Framework>(sha256.as_str(), Expected::NoStream, events)?;
    let append = Append::new(actor.tenant, Metadata::by(actor), vec![stream]);
    match app.store.append(append).await {
        Ok(_recorded) => Ok(Imported { framework, now: true }),
        // Somebody imported the same document at the same time.
        Err(AppendError::Conflict { .. }) => {
            imported(app, actor, &sha256).await?.ok_or_else(|| {
                ApiError::internal("a framework is neither imported nor can it be").into()
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// Imports from where the input says: a document, or a framework that ships with Studio.
pub(crate) async fn import_from(
    app: &App,
    actor: &Actor,
    document: Option<String>,
    builtin: Option<String>,
) -> Result<Imported, CommandError> {
    // Before anything is said about the input.
    app.require(actor, "controls:framework:import", &Resource::any("Framework", actor.tenant))?;
    let document = match (document, builtin) {
        (Some(document), None) => document,
        (None, Some(id)) => shipped_document(&id)?,
        _ => {
            let message = "Give either document or builtin, and not both.";
            return Err(user("INVALID", "document", message));
        }
    };
    import_framework(app, actor, document).await
}

fn shipped_document(id: &str) -> Result<String, CommandError> {
    if let Some(catalog) = shipped(id) {
        return Ok(catalog.document.to_owned());
    }
    let known: Vec<&str> = SHIPPED.iter().map(|catalog| catalog.id).collect();
    let message =
        format!("no framework of that name ships with Studio: write {}", known.join(" or "));
    Err(user("NOT_FOUND", "builtin", &message))
}

async fn imported(
    app: &App,
    actor: &Actor,
    sha256: &str,
) -> Result<Option<Imported>, CommandError> {
    let row = Read::new(&app.store, actor.tenant).framework_by_sha(sha256).await?;
    row.map(|row| {
        let framework = row.id.parse().map_err(ApiError::internal)?;
        Ok(Imported { framework, now: false })
    })
    .transpose()
}

impl From<CatalogError> for CommandError {
    fn from(error: CatalogError) -> Self {
        user("INVALID_DOCUMENT", "document", &error.to_string())
    }
}

/// Adopts a framework for a project. Answers how many controls were made.
pub(crate) async fn adopt_framework(
    app: &App,
    actor: &Actor,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    adoption: Adoption,
) -> Result<usize, CommandError> {
    let resource = Resource::one("Project", project, actor.tenant).of_project(project);
    app.require(actor, "controls:framework:adopt", &resource)?;
    let unknown = || {
        let message = format!(
            "there is no framework {framework} that you can see: import it first, or take an id \
             from frameworks"
        );
        user("NOT_FOUND", "frameworkId", &message)
    };
    let rows =
        Read::new(&app.store, actor.tenant).frameworks_by_id(&[framework.to_string()]).await?;
    let sha256 = rows.into_iter().next().ok_or_else(unknown)?.sha256;
    let loaded = app.store.load::<Framework>(actor.tenant, &sha256).await?.state;
    let index = app.catalogs.keep(actor.tenant, &loaded).ok_or_else(unknown)?;
    let executed = on_project(app, actor, (project, "projectId"), |state, catalogs| {
        let mut catalogs = catalogs.clone();
        catalogs.insert(framework, index.clone());
        state.adopt(project, &loaded, adoption, &catalogs, &mut app.ids())
    })
    .await?;
    let made = executed.recorded.iter().find_map(|recorded| match recorded.decode() {
        Ok(ProjectEvent::FrameworkAdopted(adopted)) => Some(adopted.controls.len()),
        _ => None,
    });
    Ok(made.unwrap_or(0))
}
