//! `studio projects`, and finding a project by its name.

use anyhow::bail;
use studio_sdk::{
    Client,
    operations::{Projects, projects as operation},
};

use super::session;
use crate::cli;

pub(crate) type Project = operation::ProjectsProjectsNodes;

/// `studio projects`
pub(crate) async fn projects(arguments: cli::Projects) -> anyhow::Result<()> {
    let client = session::client(&arguments.server).await?;
    for project in some(&client, arguments.archived).await? {
        match &project.archived_at {
            Some(at) => println!("{}  {}  (archived {at})", project.id, project.name),
            None => println!("{}  {}", project.id, project.name),
        }
        for score in &project.scores {
            println!("    {}: {}", score.framework.name, score.headline);
        }
    }
    Ok(())
}

/// Every project in use that the session sees.
pub(crate) async fn all(client: &Client) -> anyhow::Result<Vec<Project>> {
    some(client, false).await
}

async fn some(client: &Client, include_archived: bool) -> anyhow::Result<Vec<Project>> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = client
            .query::<Projects>(operation::Variables { first: 100, after, include_archived })
            .await?
            .projects;
        found.extend(page.nodes);
        if !page.page_info.has_next_page {
            return Ok(found);
        }
        after = page.page_info.end_cursor;
    }
}

/// The project of that id or name; an archived one by its id alone.
pub(crate) async fn find(client: &Client, wanted: &str) -> anyhow::Result<Project> {
    let mut all = some(client, true).await?;
    if let Some(project) = all.iter().find(|project| project.id == wanted) {
        return Ok(project.clone());
    }
    all.retain(|project| project.archived_at.is_none());
    let mut matching: Vec<_> =
        all.iter().filter(|project| project.name == wanted).cloned().collect();
    match (matching.pop(), matching.len()) {
        (Some(project), 0) => Ok(project),
        (Some(_), _) => bail!("several projects are called \"{wanted}\": give the id"),
        (None, _) => {
            let names: Vec<_> = all.iter().map(|project| project.name.as_str()).collect();
            bail!("there is no project \"{wanted}\"; there are: {}", names.join(", "))
        }
    }
}
