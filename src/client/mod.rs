//! The verbs that talk to a running server, through the same SDK that a third party would use.

mod account;
mod ask;
mod asked;
mod projects;
mod score;
mod session;
mod watch;

use studio_sdk::Upload;

pub(crate) use account::{login, logout, whoami};
pub(crate) use ask::ask;
pub(crate) use asked::new_password;
pub(crate) use projects::{all as all_projects, find as project, projects};
pub(crate) use score::score;
pub(crate) use session::write_private;
pub(crate) use watch::watch;

use crate::cli;

/// `studio ingest`
pub(crate) async fn ingest(arguments: cli::Ingest) -> anyhow::Result<()> {
    let client = session::client(&arguments.server).await?;
    let project = projects::find(&client, &arguments.project).await?;
    let answer = client.ingest_prowler(&project.id, Upload::File(&arguments.file)).await?;
    print_run(&answer);
    Ok(())
}

/// Says in a few lines what an ingested scan brought.
pub(crate) fn print_run(answer: &studio_sdk::IngestAnswer) {
    let run = &answer.run;
    let counts = &run["counts"];
    println!(
        "{} {}: {} items, {} new, {} changed, {} unchanged, {} superseded, {} gone, {} refused",
        if answer.created { "Ingested as" } else { "Already ingested as" },
        run["id"].as_str().unwrap_or("?"),
        counts["items"],
        counts["new"],
        counts["changed"],
        counts["unchanged"],
        counts["superseded"],
        counts["gone"],
        counts["refused"],
    );
    for refused in run["refused"].as_array().into_iter().flatten() {
        println!(
            "  refused item {}: {}",
            refused["index"],
            refused["reason"].as_str().unwrap_or("?")
        );
    }
    let unmatched = run["matching"]["unmatched"].as_object();
    for (framework, ids) in unmatched.into_iter().flatten() {
        let ids: Vec<_> =
            ids.as_array().into_iter().flatten().filter_map(|id| id.as_str()).collect();
        println!("  {framework}: nothing matches {}", ids.join(", "));
    }
}
