//! `studio score` and `studio watch`.

use anyhow::Context;
use futures::StreamExt;
use studio_sdk::operations::{ProjectScore, ScoreChanged, project_score, score_changed};

use super::{projects, session};
use crate::cli;

/// `studio score`
pub(crate) async fn score(arguments: cli::Score) -> anyhow::Result<()> {
    let client = session::client(&arguments.server).await?;
    let project = projects::find(&client, &arguments.project).await?;
    for framework in &project.frameworks {
        let variables = project_score::Variables {
            project_id: project.id.clone(),
            framework_id: framework.id.clone(),
            as_of: arguments.as_of.clone(),
            at: arguments.at.clone(),
        };
        let answer = client.query::<ProjectScore>(variables).await?;
        let score = answer.project.and_then(|project| project.score);
        let headline = score.map_or("not adopted then".to_owned(), |score| score.headline);
        println!("{}: {headline}", framework.name);
    }
    Ok(())
}

/// `studio watch`
pub(crate) async fn watch(arguments: cli::Watch) -> anyhow::Result<()> {
    let client = session::client(&arguments.server).await?;
    let project = projects::find(&client, &arguments.project).await?;
    let variables =
        score_changed::Variables { project_id: project.id.clone(), after: arguments.after };
    let mut changes = client.subscribe::<ScoreChanged>(variables).await?;
    let mut cursor = None;
    while let Some(change) = changes.next().await {
        let change = change
            .with_context(|| match &cursor {
                Some(cursor) => {
                    format!("to go on: studio watch --project {} --after {cursor}", project.id)
                }
                None => "nothing had arrived yet".to_owned(),
            })?
            .score_changed;
        println!("{}  {}: {}", change.recorded_at, change.framework.name, change.headline);
        cursor = Some(change.cursor);
    }
    Ok(())
}
