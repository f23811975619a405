//! The verbs that talk to a running server, through the same SDK that a third party would use.

mod access_review;
mod account;
mod ask;
mod asked;
mod audit;
mod browser;
mod projects;
mod score;
mod session;
mod watch;

use studio_kernel::Timestamp;
use studio_sdk::Upload;

pub(crate) use access_review::run as access_review;
pub(crate) use account::{login, logout, whoami};
pub(crate) use ask::ask;
pub(crate) use asked::new_password;
pub(crate) use audit::export as export_audit_log;
pub(crate) use projects::{all as all_projects, find as project, projects};
pub(crate) use score::score;
pub(crate) use session::write_private;
pub(crate) use watch::watch;

use crate::{cli, rules::EvidenceVerb};

/// `studio ingest`
pub(crate) async fn ingest(arguments: cli::Ingest) -> anyhow::Result<()> {
    let client = session::client(&arguments.server).await?;
    let project = projects::find(&client, &arguments.project).await?;
    let answer = client.ingest_prowler(&project.id, Upload::File(&arguments.file)).await?;
    print_run(&answer);
    Ok(())
}

/// `studio evidence`
pub(crate) async fn evidence(verb: EvidenceVerb) -> anyhow::Result<()> {
    let EvidenceVerb::Put(put) = verb;
    let client = session::client(&put.server).await?;
    let project = projects::find(&client, &put.project).await?;
    let collected_at = put.collected_at.map(|at| at.to_string());
    let answer = client
        .hand_in(&project.id, &put.name, collected_at.as_deref(), Upload::File(&put.file))
        .await?;
    let evidence = &answer.run["evidence"];
    println!(
        "{} version {} of {}, SHA-256 {}",
        if answer.created { "Handed in as" } else { "Already handed in as" },
        evidence["version"],
        evidence["id"].as_str().unwrap_or("?"),
        evidence["sha256"].as_str().unwrap_or("?"),
    );
    Ok(())
}

/// An instant of the server's as a person reads it: the second in which it lies.
fn to_the_second(instant: &str) -> String {
    match instant.parse::<Timestamp>() {
        Ok(at) => at.plus_micros(-at.micros().rem_euclid(1_000_000)).to_string(),
        // Of a server that writes it otherwise.
        Err(_) => instant.to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::to_the_second;

    #[test]
    fn an_instant_is_shown_to_the_second_that_it_lies_in() {
        for (given, shown) in [
            ("2026-01-31T12:00:00.999999Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T13:00:00.25+01:00", "2026-01-31T12:00:00Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z"),
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("tomorrow", "tomorrow"),
        ] {
            assert_eq!(to_the_second(given), shown);
        }
    }
}
