//! The verbs that talk to a running server, through the same SDK that a third party would use.

mod ask;
mod projects;
mod score;
mod session;
mod watch;

use std::io::{IsTerminal, Read};

use anyhow::{Context, bail};
use studio_sdk::{Client, Upload};

pub(crate) use ask::ask;
pub(crate) use projects::{all as all_projects, find as project, projects};
pub(crate) use score::score;
pub(crate) use session::write_private;
pub(crate) use watch::watch;

use crate::cli;

/// `studio login`
pub(crate) async fn login(arguments: cli::Login) -> anyhow::Result<()> {
    let client = Client::new(&arguments.server)?;
    client.log_in(&arguments.email, &password()?).await?;
    session::save(&client)?;
    println!("Signed in to {} as {}.", client.url(), arguments.email);
    Ok(())
}

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

/// The password, from the environment or standard input; never an argument, which others could see.
pub(crate) fn password() -> anyhow::Result<String> {
    if let Ok(password) = std::env::var("STUDIO_PASSWORD") {
        return Ok(password);
    }
    let mut input = std::io::stdin();
    if input.is_terminal() {
        // Without a terminal library the typed text would show, so it is asked for in another way.
        bail!("set STUDIO_PASSWORD, or pipe the password in: studio login … < password-file");
    }
    let mut text = String::new();
    input.read_to_string(&mut text).context("the password cannot be read")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
