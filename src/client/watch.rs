//! `studio watch`: prints each change of a project's scores until it is stopped. A connection that
//! breaks is made again after the last change that was printed, so that nothing is lost or told
//! twice, however often the server restarts.

use std::time::Duration;

use futures::{StreamExt, stream::BoxStream};
use studio_sdk::{
    Error,
    operations::{ScoreChanged, score_changed},
};

use super::{projects, session, to_the_second};
use crate::{cli, told::told};

/// The pause before the first new attempt; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What the server says while it starts, stops or is overloaded: it passes.
const PASSING: [&str; 4] = ["INTERNAL", "SUBGRAPH_UNAVAILABLE", "RATE_LIMITED", "TIMEOUT"];

type Changes = BoxStream<'static, Result<score_changed::ResponseData, Error>>;

/// `studio watch`
pub(crate) async fn watch(arguments: cli::Watch) -> anyhow::Result<()> {
    let client = session::client(&arguments.server).await?;
    let project = projects::find(&client, &arguments.project).await?.id;
    let mut cursor = arguments.after.clone();
    // The first connection is made or not: whoever typed the command is there to mend it.
    let mut changes = subscribe(&arguments.server, &project, &cursor).await?;
    loop {
        let broken = print(&mut changes, &mut cursor).await;
        if !passes(&broken) {
            // A cursor that was given and is none is nothing to go on from.
            return Err(match cursor == arguments.after {
                true => broken,
                false => broken.context(go_on(&project, cursor.as_deref())),
            });
        }
        changes = connect_again(&arguments.server, &project, &cursor, broken).await?;
    }
}

async fn subscribe(
    server: &cli::Server,
    project: &str,
    cursor: &Option<String>,
) -> anyhow::Result<Changes> {
    // The session's tokens may have run out meanwhile: they are exchanged each time.
    let client = session::client(server).await?;
    let variables =
        score_changed::Variables { project_id: project.to_owned(), after: cursor.clone() };
    Ok(client.subscribe::<ScoreChanged>(variables).await?)
}

/// Prints changes and remembers the last one's cursor, until there are no more: answers why.
async fn print(changes: &mut Changes, cursor: &mut Option<String>) -> anyhow::Error {
    while let Some(change) = changes.next().await {
        match change {
            Ok(answer) => {
                let change = answer.score_changed;
                let (at, framework) = (to_the_second(&change.recorded_at), change.framework.name);
                println!("{at}  {framework}: {}", change.headline);
                *cursor = Some(change.cursor);
            }
            Err(error) => return error.into(),
        }
    }
    Error::Broken("the server ended it".to_owned()).into()
}

async fn connect_again(
    server: &cli::Server,
    project: &str,
    cursor: &Option<String>,
    mut broken: anyhow::Error,
) -> anyhow::Result<Changes> {
    let mut pause = FIRST_PAUSE;
    loop {
        eprintln!("{}; trying again in {:.1} s", told(&broken), pause.as_secs_f64());
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        match subscribe(server, project, cursor).await {
            Ok(changes) => {
                eprintln!("connected again");
                return Ok(changes);
            }
            Err(error) if passes(&error) => broken = error,
            Err(error) => return Err(error.context(go_on(project, cursor.as_deref()))),
        }
    }
}

/// Whether the reason may be gone by itself after a while.
fn passes(error: &anyhow::Error) -> bool {
    error.chain().find_map(|cause| cause.downcast_ref::<Error>()).is_some_and(|error| match error {
        Error::Unreachable { .. } | Error::Broken(_) => true,
        // What stands before a server that is down answers in its own way.
        Error::Answer(_) => true,
        other => other.code().is_some_and(|code| PASSING.contains(&code)),
    })
}

/// What to type to go on.
fn go_on(project: &str, cursor: Option<&str>) -> String {
    match cursor {
        Some(cursor) => format!("to go on: studio watch --project {project} --after {cursor}"),
        None => "nothing had arrived yet".to_owned(),
    }
}
