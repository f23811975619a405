//! `studio ask`.

use anyhow::bail;
use studio_sdk::operations::{Ask, ask as operation};

use super::{projects, session};
use crate::cli;

/// `studio ask`
pub(crate) async fn ask(arguments: cli::Ask) -> anyhow::Result<()> {
    let client = session::client(&arguments.server).await?;
    let project_id = match &arguments.project {
        Some(wanted) => Some(projects::find(&client, wanted).await?.id),
        None => None,
    };
    let input = operation::AskInput { question: arguments.question, project_id };
    let payload = client.query::<Ask>(operation::Variables { input }).await?.ask;
    let Some(answer) = payload.answer else {
        let errors: Vec<_> = payload.user_errors.into_iter().map(|error| error.message).collect();
        bail!("{}", errors.join("; "));
    };
    println!("{}", answer.text);
    for citation in &answer.citations {
        println!(
            "\n{}, version {}, lines {}–{} (SHA-256 {}):",
            citation.document_name,
            citation.version_number,
            citation.place.start_line,
            citation.place.end_line,
            citation.sha256,
        );
        for line in citation.quote.lines() {
            println!("    {line}");
        }
    }
    println!("\n{}", answer.note);
    Ok(())
}
