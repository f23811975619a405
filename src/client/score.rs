//! `studio score`.

use studio_sdk::operations::{ProjectScore, project_score};

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
            as_of: arguments.as_of.map(|instant| instant.to_string()),
            at: arguments.at.map(|instant| instant.to_string()),
        };
        let answer = client.query::<ProjectScore>(variables).await?;
        let score = answer.project.and_then(|project| project.score);
        let headline = score.map_or("not adopted then".to_owned(), |score| score.headline);
        println!("{}: {headline}", framework.name);
    }
    Ok(())
}
